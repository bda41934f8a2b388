from types import SimpleNamespace

import numpy as np
import pytest
import torch

from raysynth.train import board
from raysynth.train.board import Window, picture_grid


def test_a_window_counts_its_own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(board, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    window = Window()
    window.add(16, 0.5)
    window.add(16, 1.5)
    now[0] += 8
    assert window.rates() == {"images_per_second": 4.0, "data_wait": 0.25}
    assert Window().images == 0


@pytest.mark.parametrize("columns", [1, 2, 8])
def test_images_stand_in_reading_order(columns: int) -> None:
    images = torch.arange(8 * 6.0).reshape(8, 2, 3) / 48
    rows = [torch.cat(list(images[i : i + columns]), dim=1) for i in range(0, 8, columns)]
    grid = picture_grid(images, columns)
    np.testing.assert_array_equal(grid, torch.cat(rows))
    assert grid.dtype == torch.float32
