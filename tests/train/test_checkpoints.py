from pathlib import Path

import torch

from raysynth.train.checkpoints import Checkpoints


def test_the_newest_are_kept_and_the_latest_is_read(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "new", keep=2)
    assert checkpoints.latest() is None
    for step in (5, 50, 500):
        checkpoints.save(step, {"weights": torch.full((2,), float(step))})
    found = checkpoints.latest()
    assert found is not None
    assert found[0] == 500
    assert torch.equal(found[1]["weights"], torch.full((2,), 500.0))
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["step-00000050.pt", "step-00000500.pt"]


def test_an_unfinished_write_is_not_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / ".step-00000009.1").write_bytes(b"half")
    assert Checkpoints(tmp_path, keep=1).latest() is None
