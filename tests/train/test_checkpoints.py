import io
from pathlib import Path

import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.train.checkpoints import Checkpoints, best_step


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(str(tmp_path), create=True)


def fill(objects: Objects, keep: int, *steps: int, best: int | None = None) -> Checkpoints:
    checkpoints = Checkpoints(objects, keep)
    for step in steps:
        checkpoints.save(step, {"weights": torch.full((2,), float(step))}, best)
    return checkpoints


def test_the_newest_are_kept_and_the_latest_is_read(objects: Objects) -> None:
    assert Checkpoints(objects, keep=2).latest() is None
    checkpoints = fill(objects, 2, 5, 50, 500)
    found = checkpoints.latest()
    assert found is not None
    assert found[0] == 500
    assert torch.equal(found[1]["weights"], torch.full((2,), 500.0))
    assert checkpoints.steps() == [50, 500]


def test_the_best_is_kept_beside_the_newest(objects: Objects) -> None:
    assert fill(objects, 2, 1, 2, 3, 4, 5, best=2).steps() == [2, 4, 5]
    assert fill(objects, 2, 6, best=4).steps() == [4, 5, 6]


def test_the_best_is_the_first_with_the_lowest_loss() -> None:
    assert best_step([]) is None
    assert best_step([(10, 0.5), (20, 0.2), (30, 0.2), (40, 0.4)]) == 20


@pytest.mark.parametrize("left", [0, 100, 600])
def test_a_cut_checkpoint_is_said_and_passed_over(objects: Objects, tmp_path: Path, left: int) -> None:
    fill(objects, 3, 1, 2, 3)
    newest = tmp_path / "checkpoints" / "step-00000003.pt"
    newest.write_bytes(newest.read_bytes()[:left])
    lines: list[str] = []
    checkpoints = Checkpoints(objects, 3, lines.append)
    found = checkpoints.latest()
    assert found is not None
    assert found[0] == 2
    assert [line.count("\n") for line in lines] == [0]
    assert "step-00000003.pt is damaged" in lines[0]
    assert checkpoints.steps() == [1, 2], "it would count among the newest"


def test_an_unfinished_write_is_not_a_checkpoint(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in (".step-00000009.1", "step-00000009.pt#1"):
        (tmp_path / "checkpoints" / name).write_bytes(b"half")
    assert Checkpoints(objects, keep=1).latest() is None


def test_what_earlier_versions_wrote_is_read_under_todays_names(objects: Objects, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"model": {"first_stage.vae.a": torch.ones(1), "unet.first_stage.b": torch.zeros(1)}}, buffer)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "step-00000200.pt").write_bytes(buffer.getvalue())
    found = Checkpoints(objects, keep=1).latest()
    assert found is not None
    assert found[0] == 200
    assert list(found[1]["model"]) == ["codec.vae.a", "unet.first_stage.b"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    checkpoints = Checkpoints(Objects(str(tmp_path / "run"), create=True), keep=1)
    (tmp_path / "run" / "checkpoints").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        checkpoints.save(1, {})
