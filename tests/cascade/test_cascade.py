from typing import Any

import numpy as np
import pytest

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.cascade import ShardFailure, centred, open_cascade
from raysynth.config import Config
from raysynth.population.cell import Cell

QUICK = {
    "masks": {"sampler_steps": 6, "batch": 3},
    "views": {"sampler_steps": 4, "batch": 2},
    "surface": {"steps": 60, "rays": 64, "batch": 2},
    "gate": {"min_iou": 0.5, "min_kept": 0.3},
    "texture": {"sampler_steps": 2, "batch": 8},
}


def config(dimensions: int, **changes: Any) -> Config:
    """The shipped bundles' cells, few and with few steps."""
    settings = {
        "name": "quick",
        "data": {"root": "none", "dimensions": dimensions, "voxel_um": [1.75, 0.8, 0.8][-dimensions:]},
        "population": {"frame_px": [64] * dimensions},
        "generate": {"cells_per_shard": 3},
    }
    return Config.model_validate(settings | QUICK | changes)


def make(dimensions: int, shard: int = 0, seed: int = 0, **changes: Any) -> list[Cell]:
    bundle = {2: "nuclei-2d", 3: "embryo-3d"}[dimensions]
    return open_cascade(bundle, config(dimensions, **changes), "cpu").synthesise(shard, seed).cells


@pytest.mark.parametrize("dimensions", [2, 3])
def test_cells_are_trimmed_and_keep_a_ring_of_their_surroundings(dimensions: int) -> None:
    for cell in make(dimensions):
        assert cell.mask.ndim == dimensions
        assert cell.mask.dtype == bool
        for axis in range(dimensions):
            ends = np.take(cell.mask, [0, -1], axis=axis)
            assert ends.any(axis=tuple(a for a in range(dimensions) if a != axis)).all()
        grown = [n + 2 * cell.ring for n in cell.mask.shape[-2:]]
        assert cell.texture.shape == (*cell.mask.shape[:-2], *grown)
        assert cell.texture.dtype == np.float16
        assert cell.texture.min() >= 0
        assert cell.texture.max() <= 1


def test_a_shard_is_a_pure_function_of_seed_and_number() -> None:
    cascade = open_cascade("embryo-3d", config(3), "cpu")
    first, other, again = (cascade.synthesise(shard, 7).cells for shard in (2, 3, 2))
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.mask, same.mask)
        np.testing.assert_array_equal(one.texture, same.texture)
        assert one.provenance == same.provenance
    assert any(a.texture.tobytes() != b.texture.tobytes() for a, b in zip(first, other, strict=False))


def test_rejected_cells_are_drawn_again_counted_and_at_last_fail_the_shard() -> None:
    strict = {"min_iou": 1.0, "max_attempts": 2}
    with pytest.raises(ShardFailure, match=r"only 0 of 3 cells passed the gate.*'surfaces_rejected_iou': 6"):
        make(3, gate=strict)


def test_redrawn_cells_are_kept_with_the_attempt_that_made_them() -> None:
    cascade = open_cascade("embryo-3d", config(3, gate={"min_iou": 0.8, "min_kept": 0.0, "max_attempts": 3}), "cpu")
    made = cascade.synthesise(0, 0)
    assert made.counts["surfaces_fitted"] == made.counts.get("surfaces_rejected_iou", 0) + len(made.cells)
    assert made.counts["cells_dropped"] == 3 - len(made.cells)
    for cell in made.cells:
        iou = cell.provenance["mask_iou"]
        assert isinstance(iou, float)
        assert 0.8 <= iou <= 1


def test_every_slice_is_painted_over_the_whole_height() -> None:
    voxel_um = open_bundle("embryo-3d").info.statistics.voxel_um
    assert voxel_um is not None
    for cell in make(3):
        assert cell.mask.any(axis=(1, 2)).all()
        ratio = len(cell.mask) * voxel_um[0] / (max(cell.mask.shape[1:]) * voxel_um[1])
        assert 0.2 < ratio < 3.5


def test_centred_puts_a_plane_in_the_middle() -> None:
    square = centred(np.ones((2, 4), bool), 8)
    assert square[3:5, 2:6].all()
    assert square.sum() == 8
