from types import SimpleNamespace

import pytest

from raysynth.train import board
from raysynth.train.board import Window


def test_a_window_counts_its_own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(board, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    window = Window()
    window.add(16, 0.5)
    window.add(16, 1.5)
    now[0] += 8
    assert window.rates() == {"images_per_second": 4.0, "data_wait": 0.25}
    assert Window().images == 0
