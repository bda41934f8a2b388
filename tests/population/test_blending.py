"""Cells keep their insides, and their surroundings pass into the frame's without a seam."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from raysynth.population.appearance import Appearance, distance_in_plane, halo_at, photon_noise
from raysynth.population.background import Background, fine_noise
from raysynth.population.blending import Painter, clip_box
from raysynth.population.cell import Cell
from raysynth.preparation.statistics import EdgeProfile
from tests.fixtures.populations import CellsOf, StatisticsOf


def flat(shape: tuple[int, ...], noise: float = 0.0, level: float = 200.0) -> Background:
    rng = np.random.default_rng(0)
    field = (noise * rng.standard_normal(shape)).astype(np.float32)
    return Background(np.full(shape, level, np.float32), field, noise)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_inside_is_the_texture_under_one_gain(
    cells_of: CellsOf, statistics_of: StatisticsOf, dimensions: int
) -> None:
    statistics = statistics_of(dimensions)
    cell = cells_of(dimensions, 1)[0]
    appearance = Appearance.of(cell, statistics.intensity, statistics.edge, 2.0)
    shape = tuple(n + 20 for n in cell.mask.shape)
    labels = np.zeros(shape, np.uint32)
    box = tuple(slice(8, 8 + n) for n in cell.mask.shape)
    labels[box][cell.mask] = 1
    painter = Painter(labels)
    painter.add(appearance, 1.5, 1, np.full(dimensions, 8))
    frame = painter.frame(flat(shape, noise=min(50.0, appearance.noise)))
    grey = statistics.intensity.from_unit(cell.texture)[..., 3:-3, 3:-3][cell.mask]
    level = grey.mean() - appearance.contrast
    np.testing.assert_allclose(frame[box][cell.mask], 200 + 1.5 * (grey - level), rtol=1e-4)


def test_the_level_of_the_surroundings_is_found_below_the_halo(cells_of: CellsOf, statistics_of: StatisticsOf) -> None:
    statistics = statistics_of(2)
    for cell in cells_of(2, 5):
        appearance = Appearance.of(cell, statistics.intensity, statistics.edge, 1.0)
        grey = statistics.intensity.from_unit(cell.texture)[3:-3, 3:-3][cell.mask]
        assert grey.mean() - appearance.contrast == pytest.approx(180, abs=15)


@pytest.mark.parametrize(("noise", "gain"), [(0.0, 1.0), (5.0, 1.0), (20.0, 0.25), (20.0, 1.0), (40.0, 1.0)])
def test_no_cell_is_quieter_than_its_background(noise: float, gain: float) -> None:
    mask = np.pad(np.ones((80, 80), bool), 4)
    rng = np.random.default_rng(3)
    light = (noise * rng.standard_normal(mask.shape)).astype(np.float32)
    appearance = Appearance(light, mask.astype(np.float32), np.zeros_like(light), 1.0, np.array([4, 4]), noise)
    labels = mask.astype(np.uint32)
    painter = Painter(labels)
    painter.add(appearance, gain, 1, np.array([4, 4]))
    field = (20 * rng.standard_normal(labels.shape)).astype(np.float32)
    frame = painter.frame(Background(np.full(labels.shape, 200, np.float32), field, 20.0))
    assert frame[mask].std() == pytest.approx(max(20.0, gain * noise), rel=0.03)


def test_a_dim_use_of_a_cell_has_the_photon_noise_of_its_light() -> None:
    """Light scaled by a gain keeps its noise in proportion; a camera's goes with the root of the light."""
    mask = np.pad(np.ones((80, 80), bool), 4)
    rng = np.random.default_rng(3)
    contrast, photons, gain = 200.0, 2.0, 0.1
    noise = (photons * contrast) ** 0.5
    light = (contrast + noise * rng.standard_normal(mask.shape)).astype(np.float32) * mask
    appearance = Appearance(light, mask.astype(np.float32), np.zeros_like(light), contrast, np.array([4, 4]), noise)
    assert photon_noise([appearance] * 3) == pytest.approx(photons)
    painter = Painter(mask.astype(np.uint32), photons)
    painter.add(appearance, gain, 1, np.array([4, 4]))
    field = (3 * rng.standard_normal(mask.shape)).astype(np.float32)
    frame = painter.frame(Background(np.zeros(mask.shape, np.float32), field, 3.0))
    assert frame[mask].mean() == pytest.approx(gain * contrast, abs=0.2)
    assert frame[mask].std() == pytest.approx((photons * gain * contrast + 3**2) ** 0.5, rel=0.03)


def test_fine_noise_is_the_deviation_of_white_noise_and_blind_to_slopes() -> None:
    rng = np.random.default_rng(4)
    slope = np.arange(200, dtype=np.float32) * 30
    field = (slope + 7 * rng.standard_normal((3, 150, 200))).astype(np.float32)
    where = np.ones(field.shape, bool)
    assert fine_noise(field, where) == pytest.approx(7, rel=0.02)
    assert fine_noise(field, ~where) == 0
    where[:, :, 100:] = False
    field[:, :, 100:] = 0
    assert fine_noise(field, where) == pytest.approx(7, rel=0.03)


def test_a_neighbours_inside_is_never_touched(cells_of: CellsOf, statistics_of: StatisticsOf) -> None:
    statistics = statistics_of(2)
    cells = cells_of(2, 2)
    appearances = [Appearance.of(cell, statistics.intensity, statistics.edge, 1.0) for cell in cells]
    corners = [np.array([10, 10]), np.array([10, 10 + cells[0].mask.shape[1]])]
    labels = np.zeros((50, 70), np.uint32)
    for label, (cell, corner) in enumerate(zip(cells, corners, strict=True), start=1):
        here, there = clip_box(corner, cell.mask.shape, labels.shape)
        labels[here][cell.mask[there]] = label
    alone, both = Painter(labels), Painter(labels)
    alone.add(appearances[0], 1.0, 1, corners[0])
    both.add(appearances[0], 1.0, 1, corners[0])
    both.add(appearances[1], 1.0, 2, corners[1])
    background = flat(labels.shape)
    np.testing.assert_array_equal(alone.frame(background)[labels == 1], both.frame(background)[labels == 1])


def test_noise_keeps_its_variance_across_the_ring(cells_of: CellsOf) -> None:
    """A cell with no light of its own, on noise like the frame's, leaves no trace."""
    mask = cells_of(2, 1)[0].mask
    rng = np.random.default_rng(1)
    rings = []
    for _ in range(200):
        light = (20 * rng.standard_normal([n + 12 for n in mask.shape])).astype(np.float32)
        weight = np.cos(np.minimum(distance_in_plane(np.pad(mask, 6)) / 4, 1) * np.pi / 2).astype(np.float32)
        appearance = Appearance(light, weight, np.zeros_like(light), 1.0, np.array([6, 6]), 20.0)
        labels = np.pad(mask, 10).astype(np.uint32)
        painter = Painter(labels)
        painter.add(appearance, 1.0, 1, np.array([10, 10]))
        noise = (20 * rng.standard_normal(labels.shape)).astype(np.float32)
        rings.append(painter.frame(Background(np.full(labels.shape, 200, np.float32), noise, 20.0)))
    spread = np.std(rings, axis=0)
    np.testing.assert_allclose(spread, 20, rtol=0.25)
    distance = distance_in_plane(np.pad(mask, 10))
    for d in (1, 2, 3, 5):
        assert spread[np.rint(distance) == d].mean() == pytest.approx(20, rel=0.03)


def test_a_cut_away_neighbour_leaves_no_dark_rim(cells_of: CellsOf, statistics_of: StatisticsOf) -> None:
    statistics = statistics_of(2)
    cell = cells_of(2, 1)[0]
    texture = cell.texture.copy()
    texture[:, :3] = statistics.intensity.to_unit(np.float32(100.0))
    cut = type(cell)(cell.mask, texture, cell.ring, {})
    whole = Appearance.of(cell, statistics.intensity, statistics.edge, 1.0)
    appearance = Appearance.of(cut, statistics.intensity, statistics.edge, 1.0)
    rim = appearance.light[cell.ring + 3 : -cell.ring - 3, cell.ring - 2]
    own = whole.light[cell.ring + 3 : -cell.ring - 3, cell.ring - 2]
    assert (statistics.intensity.from_unit(texture)[3:-3, 1] < 110).all()
    assert rim.mean() > 0.25 * own.mean() > 0


@pytest.mark.parametrize("corner", [(-9, 2), (2, -30), (20, 0), (3, 40)])
def test_a_box_outside_the_frame_has_no_part_in_it(corner: tuple[int, int]) -> None:
    frame, box = np.zeros((12, 16)), np.zeros((6, 5))
    here, there = clip_box(np.array(corner), box.shape, frame.shape)
    assert frame[here].size == box[there].size == 0
    assert frame[here].shape == box[there].shape


def test_the_halo_falls_to_nothing(statistics_of: StatisticsOf) -> None:
    halo = halo_at(statistics_of(2).edge, np.array([0.0, 1.5, 3.5, 6.5, 50.0]))
    np.testing.assert_allclose(halo, [0, 0.19, 0.01 * 3 / 3.5, 0, 0], atol=1e-6)


@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.4, 0.9])
def test_a_halo_goes_on_from_its_own_texture(statistics_of: StatisticsOf, shift: float) -> None:
    """The closer an outline is drawn, the more of the cell's light lies outside of it."""
    ring, distances = 4, np.arange(-9.5, 10)
    edge = EdgeProfile(distance_px=tuple(distances), relative=tuple(np.minimum(0.5 * np.exp(distances / 2), 1)))
    y, x = np.mgrid[-12:13, -12:13]
    mask = np.hypot(y, x) < 12.3
    outside = np.pad(~mask, ring, constant_values=True)
    distance = distance_transform_edt(outside) - distance_transform_edt(~outside)
    inside = 0.5 - distance + shift
    intensity = statistics_of(2).intensity
    texture = intensity.to_unit((180 + 100 * np.interp(inside, distances, edge.relative)).astype(np.float32))
    appearance = Appearance.of(Cell(mask, texture.astype(np.float16), ring), intensity, edge, 1.0)
    expected = halo_at(edge, distance_transform_edt(~np.pad(mask, appearance.margin)), shift)
    apart = np.abs(appearance.halo - expected)
    assert apart.max() < 0.15 * expected.max()
    if shift:
        unmoved = np.abs(appearance.halo - halo_at(edge, distance_transform_edt(~np.pad(mask, appearance.margin))))
        assert unmoved.max() > 2 * apart.max()


def test_an_empty_cell_has_the_mean_halo(statistics_of: StatisticsOf) -> None:
    statistics = statistics_of(2)
    texture = np.full((18, 18), statistics.intensity.to_unit(np.float32(180)), np.float16)
    appearance = Appearance.of(Cell(np.ones((12, 12), bool), texture, 3), statistics.intensity, statistics.edge, 1.0)
    assert appearance.contrast == pytest.approx(0, abs=1)
    distance = distance_transform_edt(~np.pad(np.ones((12, 12), bool), appearance.margin))
    np.testing.assert_array_equal(appearance.halo, halo_at(statistics.edge, distance))


def test_distance_in_plane_does_not_cross_slices() -> None:
    mask = np.zeros((2, 4, 4), bool)
    mask[0, 0, 0] = True
    distance = distance_in_plane(mask)
    assert distance[0, 0, 3] == 3
    assert np.isinf(distance[1]).all()
