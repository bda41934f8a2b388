"""Training images, their flows, and tiles that a seed and a step determine."""

from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.data.frames import Pixels
from raysynth.experiment.training_set import Source, TrainingSet, keep, kept, normalise, own_part, records, subset


def pixels(slices: tuple[int, ...] | None = None, shape: tuple[int, ...] = (40, 50)) -> Pixels:
    """Two square cells, in every slice of a volume but the first."""
    labels = np.zeros(shape, np.uint32)
    labels[..., 5:17, 6:18], labels[..., 20:32, 30:42] = 3, 9
    if labels.ndim == 3:
        labels[0] = 0
    image = 100 + 50 * (labels > 0) + np.random.default_rng(0).normal(size=shape)
    return Pixels(image.astype(np.float32), labels, slices, (0, shape[-1]))


def test_records_hold_the_resized_image_and_flows_towards_each_cell_s_middle() -> None:
    (image, mask, down, right) = records(pixels(), 2.0)[0].astype(float)
    assert image.shape == (80, 100)
    assert image[mask > 0].mean() > image[mask == 0].mean() + 0.5
    assert mask.sum() == pytest.approx(4 * 2 * 144, rel=0.01)
    assert down[12, 24] > 0.5
    assert down[31, 24] < -0.5
    assert right[22, 14] > 0.5
    assert not down[mask == 0].any()


def test_volumes_give_their_labelled_slices() -> None:
    assert len(records(pixels(shape=(4, 40, 50)), 1.0)) == 3
    assert len(records(pixels((2,), (4, 40, 50)), 1.0)) == 1


def test_no_pixel_beyond_a_split_s_columns_trains() -> None:
    whole = pixels()
    part = own_part(Pixels(whole.image, whole.labels, None, (0, 25)))
    assert part.image.shape == (40, 25)
    assert set(np.unique(part.labels)) == {0, 3}


def test_normalised_percentiles() -> None:
    image = normalise(np.arange(1000, dtype=np.uint16).reshape(20, 50))
    assert np.percentile(image, (1, 99)) == pytest.approx((0, 1), abs=1e-5)
    assert not normalise(np.full((4, 4), 7, np.uint8)).any()


def test_a_smaller_subset_lies_in_a_larger_one_and_seeds_draw_others() -> None:
    assert set(subset(0, 1, 100, 5)) < set(subset(0, 1, 100, 20))
    assert subset(0, 1, 100, 20) != subset(1, 1, 100, 20)
    assert subset(0, 0, 4, None) == [0, 1, 2, 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The records of two frames."""
    for frame in range(2):
        keep(tmp_path / "real", frame, records(pixels(), 1.0 + frame))
    assert kept(tmp_path / "real") == {0, 1}
    return tmp_path / "real"


def test_seed_and_step_determine_the_tiles(folder: Path) -> None:
    def tiles(seed: int, step: int) -> list[float]:
        np.random.seed(step)  # noqa: NPY002 (the global generator must not matter)
        data = TrainingSet([Source(folder, [0, 1])], seed, 32, 2)
        images, targets = data.batch(step)
        assert images.shape == (2, 2, 32, 32)
        assert targets.shape == (2, 3, 32, 32)
        return [*images.ravel(), *targets.ravel()]

    assert tiles(0, 1) == tiles(0, 1)
    assert tiles(0, 1) != tiles(1, 1)
    assert tiles(0, 1) != tiles(0, 2)


def test_drawing_tiles_leaves_the_global_generator_alone(folder: Path) -> None:
    data = TrainingSet([Source(folder, [0])], 0, 32, 2)
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    data.batch(0)
    assert np.random.rand() == expected  # noqa: NPY002


def test_a_set_without_cells_is_refused(tmp_path: Path) -> None:
    empty = pixels()
    keep(tmp_path / "bare", 0, records(Pixels(empty.image, np.zeros_like(empty.labels), None, (0, 50)), 1.0))
    with pytest.raises(InputError, match="bare set holds a cell"):
        TrainingSet([Source(tmp_path / "bare", [0])], 0, 32, 2)
