import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from raysynth.base.arrays import Doubles, Mask
from raysynth.measures.morphology import compare_edges, compare_samples, crop_metrics, edge_difference, edges
from raysynth.preparation.edges import edge_profile

SIDE = 48


def crops(n: int, noise: float, blur: float = 0.0, seed: int = 0) -> tuple[Doubles, Mask]:
    """Discs of radius 10 to 12, 400 above a background of 100."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    masks = np.stack([y**2 + x**2 <= r**2 for r in rng.uniform(10, 12, n)])
    images = 100 + 400 * (gaussian_filter(masks.astype(float), (0, blur, blur)) if blur else masks)
    return images + noise * rng.standard_normal(images.shape), masks


def test_metrics_of_discs_are_those_they_were_made_with() -> None:
    images, masks = crops(20, 20.0)
    found = crop_metrics(images, masks)
    np.testing.assert_array_equal(found["area_px"], masks.sum(axis=(1, 2)))
    assert found["eccentricity"].max() < 0.2
    assert found["solidity"].min() > 0.9
    assert found["brightness"].mean() == pytest.approx(400, abs=3)
    assert found["background"].mean() == pytest.approx(100, abs=2)
    # White noise keeps 1 - 1 / (4 pi sigma^2) of its variance on average: nearly all of it.
    assert found["granularity"].mean() == pytest.approx(20 / 400, rel=0.06)


def test_smooth_cells_have_no_granularity_whatever_their_edge() -> None:
    assert crop_metrics(*crops(5, 0.0))["granularity"].max() < 1e-6


def test_distances_tell_a_shifted_sample_from_a_like_one() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(5, 2, 400)
    like, shifted = (compare_samples(real, rng.normal(mean, 2, 400), rng) for mean in (5, 7))
    assert like.ks < 1.5 * like.ks_halves
    assert shifted.ks == pytest.approx(0.383, abs=0.05)  # 2 Phi(1/2) - 1
    assert shifted.wasserstein == pytest.approx(1, abs=0.15)
    assert [shifted.real, shifted.synthetic] == pytest.approx([5, 7], abs=0.3)


def test_a_blurred_edge_is_noticed() -> None:
    rng = np.random.default_rng(0)
    sharp, again, soft = (edges(*crops(30, 10.0, blur, seed)) for seed, blur in ((1, 0.0), (2, 0.0), (3, 2.0)))
    assert compare_edges(sharp, soft, rng).difference > 0.05
    near = compare_edges(sharp, again, rng)
    assert near.difference < 3 * near.halves < 0.05
    assert edge_difference(edge_profile(sharp), edge_profile(sharp)) == 0
