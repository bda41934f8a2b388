"""Solids without views and NeuS: their size is the mask's, their form a random one of the measured spectrum."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from raysynth.base.seeds import Stage
from raysynth.cascade.account import ShardAccount
from raysynth.cascade.bundle_info import read_info
from raysynth.cascade.cascade import open_cascade
from raysynth.cascade.framing import frame_mask
from raysynth.cascade.harmonic_solids import HarmonicSolids
from raysynth.config import Config
from raysynth.population.cell import Cell
from raysynth.preparation.statistics import PopulationStatistics

SIDE = 48


def config(**changes: Any) -> Config:
    settings = {
        "name": "quick",
        "data": {"root": "none", "dimensions": 3, "voxel_um": [1.75, 0.8, 0.8]},
        "population": {"frame_px": [64, 64, 64]},
        "masks": {"sampler_steps": 2, "batch": 3},
        "gate": {"min_kept": 0.3},
        "texture": {"sampler_steps": 2, "batch": 8},
        "generate": {"cells_per_shard": 3},
        "surface": {"source": "harmonics"},
    }
    return Config.model_validate(settings | changes)


@pytest.fixture(scope="module")
def statistics() -> PopulationStatistics:
    return read_info("embryo-3d").statistics


def ellipse(height: float, width: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return (2 * y / height) ** 2 + (2 * x / width) ** 2 <= 1


def test_a_solid_has_the_mask_s_width_and_the_height_drawn_for_it(statistics: PopulationStatistics) -> None:
    settings, run = config(), ShardAccount(3, 1)
    masks = {i: ellipse(12 + i, 18 + i) for i in range(8)}
    solids = HarmonicSolids(settings.shapes, statistics).make(run, masks, 2)
    assert list(solids) == list(masks)
    assert run.counts == {"surfaces_drawn": 8}
    for item, mask in masks.items():
        cube = frame_mask(run.rng(Stage.HEIGHT, item, 2), mask, 0.8, statistics.cells, settings.shapes)
        depth, *plane = solids[item].mask.shape
        assert max(plane) == pytest.approx(18 + item, abs=2)
        assert depth * 1.75 == pytest.approx(cube.half_um[0] * 2 * 0.85, abs=1.75 + 0.05 * cube.half_um[0])
        assert (solids[item].item, solids[item].attempt) == (item, 2)
    forms = {solid.mask.any(axis=0).tobytes() for solid in solids.values()}
    assert len(forms) == len(masks)


def test_a_solid_depends_on_its_own_seed_and_mask_alone(statistics: PopulationStatistics) -> None:
    maker, mask = HarmonicSolids(config().shapes, statistics), ellipse(16, 20)
    alone = maker.make(ShardAccount(0, 5), {7: mask}, 1)[7].mask
    together = maker.make(ShardAccount(0, 5), {2: ellipse(20, 10), 7: mask, 9: mask}, 1)
    np.testing.assert_array_equal(alone, together[7].mask)
    others = [
        together[9],
        maker.make(ShardAccount(0, 5), {7: mask}, 0)[7],
        maker.make(ShardAccount(0, 6), {7: mask}, 1)[7],
    ]
    assert all(alone.tobytes() != other.mask.tobytes() for other in others)


def test_solids_that_do_not_fit_their_crop_are_left_out_and_counted(statistics: PopulationStatistics) -> None:
    run = ShardAccount(0, 0)
    solids = HarmonicSolids(config().shapes, statistics).make(run, {0: ellipse(SIDE, SIDE), 1: ellipse(14, 14)}, 0)
    assert list(solids) == [1]
    assert run.counts == {"surfaces_drawn": 2, "surfaces_rejected_size": 1}


def test_plain_shapes_are_those_of_the_settings(statistics: PopulationStatistics) -> None:
    smooth = {"source": "plain", "power": 1e-6}
    mask = (
        HarmonicSolids(config(shapes=smooth).shapes, statistics)
        .make(ShardAccount(0, 0), {0: ellipse(20, 20)}, 0)[0]
        .mask
    )
    outline = mask.any(axis=0)
    assert outline.shape == (20, 20)
    np.testing.assert_array_equal(outline, outline[::-1, ::-1])


def test_a_cascade_makes_whole_cells_of_them_whatever_the_gate() -> None:
    cascade = open_cascade("embryo-3d", config(gate={"min_iou": 1.0, "min_kept": 0.3}), "cpu")
    assert isinstance(cascade.solids, HarmonicSolids)

    def cells() -> list[Cell]:
        return cascade.synthesise(2, 7).cells

    first, again = cells(), cells()
    for cell, same in zip(first, again, strict=True):
        assert cell.mask.any(axis=(1, 2)).all()
        assert cell.texture.shape[0] == len(cell.mask)
        np.testing.assert_array_equal(cell.mask, same.mask)
        np.testing.assert_array_equal(cell.texture, same.texture)
    assert set(first[0].provenance) == {"seed_key"}
