"""Tiles that a seed and a step determine."""

from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.data.frames import Pixels
from raysynth.experiment.records import keep_records, kept_frames, make_records
from raysynth.experiment.training_set import TileSource, TrainingSet, drawn_frames
from tests.fixtures.scenes import square_cells


def test_a_smaller_subset_lies_in_a_larger_one_and_seeds_draw_others() -> None:
    assert set(drawn_frames(0, 1, 100, 5)) < set(drawn_frames(0, 1, 100, 20))
    assert drawn_frames(0, 1, 100, 20) != drawn_frames(1, 1, 100, 20)
    assert drawn_frames(0, 0, 4, None) == [0, 1, 2, 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The records of two frames."""
    for frame in range(2):
        keep_records(tmp_path / "real", frame, make_records(square_cells(), 1.0 + frame))
    assert kept_frames(tmp_path / "real") == {0, 1}
    return tmp_path / "real"


def test_seed_and_step_determine_the_tiles(folder: Path) -> None:
    def tiles(seed: int, step: int) -> list[float]:
        np.random.seed(step)  # noqa: NPY002 (the global generator must not matter)
        data = TrainingSet([TileSource(folder, [0, 1])], seed, 32, 2)
        images, targets = data.batch(step)
        assert images.shape == (2, 2, 32, 32)
        assert targets.shape == (2, 3, 32, 32)
        return [*images.ravel(), *targets.ravel()]

    assert tiles(0, 1) == tiles(0, 1)
    assert tiles(0, 1) != tiles(1, 1)
    assert tiles(0, 1) != tiles(0, 2)


def test_drawing_tiles_leaves_the_global_generator_alone(folder: Path) -> None:
    data = TrainingSet([TileSource(folder, [0])], 0, 32, 2)
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    data.batch(0)
    assert np.random.rand() == expected  # noqa: NPY002


def test_a_set_without_cells_is_refused(tmp_path: Path) -> None:
    empty = square_cells()
    keep_records(
        tmp_path / "bare", 0, make_records(Pixels(empty.image, np.zeros_like(empty.labels), None, (0, 50)), 1.0)
    )
    with pytest.raises(InputError, match="bare set holds a cell"):
        TrainingSet([TileSource(tmp_path / "bare", [0])], 0, 32, 2)
