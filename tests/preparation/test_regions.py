import numpy as np
import pytest

from raysynth.base.arrays import Labels
from raysynth.data.frames import Pixels
from raysynth.preparation.cells import LabelledCell, find_cells
from raysynth.preparation.regions import fit_regions
from tests.fixtures.frames import balls


def cells_of(labels: Labels) -> list[LabelledCell]:
    return find_cells(Pixels(labels, labels, None, (0, labels.shape[-1])))


def test_region_of_an_embryo() -> None:
    rng = np.random.default_rng(0)
    inside = rng.normal(size=(300, 3))
    inside *= (rng.random((300, 1)) ** (1 / 3)) / np.linalg.norm(inside, axis=1, keepdims=True)
    labels = balls((40, 80, 90), inside * (9, 20, 16) + (18, 44, 40), 2)
    (region,) = fit_regions([cells_of(labels)], [labels.shape])
    assert region is not None
    assert region.centre_px == pytest.approx((18, 44, 40), abs=2)
    assert region.semi_axes_px == pytest.approx((11, 22, 18), rel=0.15)
    assert region.inside(labels.shape)[labels > 0].mean() == pytest.approx(0.98, abs=0.02)


def test_a_full_frame_has_none() -> None:
    labels = balls((90, 90), np.random.default_rng(0).uniform(5, 85, (40, 2)), 3)
    assert fit_regions([cells_of(labels)], [labels.shape]) == [None]


def test_a_frame_of_few_cells_has_the_usual_region() -> None:
    many = balls((90, 90), np.random.default_rng(0).uniform(30, 60, (30, 2)), 3)
    few = balls((90, 90), np.array([[45.0, 45.0]]), 3)
    frames = [many, many, few]
    usual, _, small = fit_regions([cells_of(labels) for labels in frames], [labels.shape for labels in frames])
    assert usual is not None
    assert small is not None
    assert small.semi_axes_px == pytest.approx(usual.semi_axes_px)
    assert small.centre_px == (45, 45)
