"""The contracts of placement, checked on the painted result by independent means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from raysynth.base.arrays import Mask
from raysynth.population.frame_composer import paint_labels
from raysynth.population.occupancy import Footprint, Occupancy, outline_of
from raysynth.population.placement import Placement, Rules, place
from raysynth.preparation.statistics import Region

PAD = 24  # more than the largest cell


def blob(rng: np.random.Generator, dimensions: int, radius: float = 5.0) -> Mask:
    """A lumpy ball or disc, trimmed to its box."""
    n = int(radius * 3) + 3
    axes = np.ix_(*[(np.arange(n) - n / 2) / rng.uniform(0.7, 1.2) for _ in range(dimensions)])
    mask: Mask = np.asarray(sum(a**2 for a in axes) < radius**2)
    if rng.random() < 0.3:  # a bite makes it concave
        mask &= sum((a - radius * 0.8) ** 2 for a in axes) > (radius * 0.6) ** 2
    filled = [np.flatnonzero(mask.any(axis=tuple(j for j in range(dimensions) if j != i))) for i in range(dimensions)]
    return mask[tuple(slice(f[0], f[-1] + 1) for f in filled)]


def painted(masks: list[Mask], placement: Placement, frame: tuple[int, ...], pad: int = PAD) -> NDArray[np.int64]:
    """How often each voxel is covered by, and (second array) which cell, on a frame grown by `pad`."""
    count = np.zeros([n + 2 * pad for n in frame], np.int64)
    labels = np.zeros_like(count)
    for i in np.flatnonzero(placement.placed):
        box = tuple(slice(o + pad, o + pad + n) for o, n in zip(placement.offsets[i], masks[i].shape, strict=True))
        count[box] += masks[i]
        labels[box][masks[i]] = i + 1
    return np.stack([count, labels])


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    dimensions=st.sampled_from([2, 3]),
    clustering=st.sampled_from([0.0, 0.5, 1.0]),
    gap=st.sampled_from([0, 1, 3]),
    region=st.booleans(),
    border_cut=st.booleans(),
)
def test_contracts(seed: int, dimensions: int, clustering: float, gap: int, region: bool, border_cut: bool) -> None:
    rng = np.random.default_rng(seed)
    frame = (24, 50, 60)[-dimensions:]
    z_scale = 1.5
    support = Region(centre_px=(12, 24, 30)[-dimensions:], semi_axes_px=(11, 20, 27)[-dimensions:]) if region else None
    masks = [blob(rng, dimensions, rng.uniform(2, 6)) for _ in range(14)]
    rules = Rules(clustering, gap, support, border_cut=border_cut, z_scale=z_scale)
    placement = place(masks, frame, rules, rng)
    count, labels = painted(masks, placement, frame)
    assert count.max() <= 1, "two cells overlap"
    assert len(placement.placed) == len(placement.clustered) == len(placement.offsets) == len(masks)
    assert not (placement.clustered & ~placement.placed).any()
    inside = tuple(slice(PAD, PAD + n) for n in frame)
    seen = np.unique(labels[inside][labels[inside] > 0])
    assert seen.tolist() == (np.flatnonzero(placement.placed) + 1).tolist(), "a placed cell is out of sight"
    if not border_cut:
        assert count.sum() == count[inside].sum(), "a cell leaves the frame"
    if dimensions == 3:
        assert count.sum() == count[PAD:-PAD].sum(), "a cell leaves the stack"
    if support is not None:
        shifted = Region(centre_px=tuple(c + PAD for c in support.centre_px), semi_axes_px=support.semi_axes_px)
        assert not (count.astype(bool) & ~shifted.inside(count.shape)).any()
    if gap:
        scale = np.array([z_scale, 1, 1])[-dimensions:]
        for i in np.flatnonzero(placement.placed)[:3] + 1:
            others = (labels > 0) & (labels != i)
            if others.any():
                assert distance_transform_edt(~others, sampling=scale)[labels == i].min() > gap


@given(seed=st.integers(0, 10**6))
def test_equal_draws_give_equal_places(seed: int) -> None:
    masks = [blob(np.random.default_rng(i), 2) for i in range(8)]
    first, second = (place(masks, (60, 60), Rules(), np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first.offsets, second.offsets)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_clustered_cells_touch_and_free_ones_spread(dimensions: int) -> None:
    rng = np.random.default_rng(3)
    masks = [blob(rng, dimensions, 4) for _ in range(12)]
    frame = (30, 80, 80)[-dimensions:]
    together = place(masks, frame, Rules(clustering=1.0), rng)
    assert together.placed.all()
    assert together.clustered.sum() == 11, "all but the first are next to another cell"
    labels = painted(masks, together, frame, pad=0)[1]
    for i in range(1, 13):
        assert distance_transform_edt((labels == 0) | (labels == i))[labels == i].min() <= 2.5
    assert not place(masks, frame, Rules(clustering=0.0), rng).clustered.any()


def test_plane_mode_stands_all_cells_on_one_slice() -> None:
    rng = np.random.default_rng(5)
    masks = [blob(rng, 3, rng.uniform(2, 5)) for _ in range(20)]
    for clustering in (0.0, 1.0):
        placement = place(masks, (16, 80, 80), Rules(clustering=clustering, plane=True, gap_px=1), rng)
        assert placement.placed.sum() > 10
        assert len(set(placement.offsets[placement.placed, 0].tolist())) == 1
        assert painted(masks, placement, (16, 80, 80))[0].max() == 1


def test_cells_without_room_are_left_out() -> None:
    masks = [np.ones((10, 10), bool)] * 9 + [np.ones((40, 4), bool)]
    placement = place(masks, (21, 21), Rules(clustering=0.5), np.random.default_rng(0))
    assert 1 <= placement.placed.sum() <= 4
    assert not placement.placed[-1], "a cell larger than the frame has no place"
    too_tall = place([np.ones((9, 4, 4), bool)], (8, 20, 20), Rules(), np.random.default_rng(0))
    assert not too_tall.placed.any()


def test_in_a_plane_the_stack_cuts_what_is_taller() -> None:
    masks, frame = [np.ones((9, 4, 4), bool), np.ones((3, 4, 4), bool)], (8, 20, 20)
    placement = place(masks, frame, Rules(plane=True), np.random.default_rng(0))
    assert placement.placed.all()
    assert placement.offsets[:, 0].tolist() == [0, 0]
    assert np.bincount(paint_labels(masks, placement, frame).ravel())[1:].tolist() == [8 * 16, 3 * 16]


def test_an_empty_list_is_an_empty_frame() -> None:
    assert place([], (8, 20, 20), Rules(plane=True, border_cut=True), np.random.default_rng(0)).offsets.shape == (0, 3)


def test_the_exact_test_sees_what_the_outline_misses() -> None:
    occupancy = Occupancy((30, 30))
    occupancy.add(np.array([14, 14]), np.ones((2, 2), bool))
    ring = Footprint.of(np.ones((20, 20), bool))
    offset = np.array([5, 5])
    assert occupancy.may_fit(offset[None], ring).all(), "the small cell lies wholly inside"
    assert not occupancy.fits(offset, ring.mask)


def test_the_outline_of_a_ring_has_both_rims() -> None:
    mask = np.ones((7, 7), bool)
    mask[3, 3] = False
    outline = outline_of(mask)
    assert outline.sum() == 24 + 4
    assert outline[2, 3]
    assert not outline[2, 2]
