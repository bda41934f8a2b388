from pathlib import Path

import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.measures import similarity
from raysynth.measures.fidelity_report import FidelityReport
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.image_samples import ImageSample, SampleDescription, sample_tiles
from raysynth.measures.similarity import compare_images, compare_in, frechet
from tests.fixtures.scenes import WritePairs
from tests.fixtures.spaces import Blocks


def tiles(a: Path, b: Path, count: int = 40) -> ImageSample:
    return sample_tiles(frame_set(str(a)), frame_set(str(b)), count)


def compared(a: Path, b: Path, count: int = 60) -> FidelityReport:
    return compare_in(Blocks(), frame_set(str(a)), frame_set(str(b)), tiles(a, b, count))


def test_like_frames_are_as_near_as_real_ones_and_others_are_not(pairs: WritePairs) -> None:
    real = pairs("real", count=6)
    like, other = compared(real, pairs("like", seed=50)), compared(real, pairs("other", seed=50, radius=3))
    assert like.n == 60
    assert like.real_to_real == other.real_to_real
    assert like.a_to_b.fid < 0.2 * other.a_to_b.fid
    assert abs(like.kid_excess) < 0.2 * other.kid_excess
    assert like.a_to_b.precision > 0.5 > other.a_to_b.precision
    assert other.fid_ratio == pytest.approx(other.a_to_b.fid / other.real_to_real.fid)


@pytest.fixture
def _no_inception(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks in the place of Inception, whose weights are not at hand."""
    monkeypatch.setattr(similarity, "Inception", lambda weights: Blocks())


@pytest.mark.usefixtures("_no_inception")
def test_addresses_are_compared_by_tiles_or_by_whole_frames(pairs: WritePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = pairs("real", count=90, shape=(40, 40)), pairs("other", count=45, seed=50, shape=(40, 40))
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        seen.append((done, total))

    found = compare_images(str(real), str(other), tiles=40, progress=progress)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert found.a == f"{real} (masks)"
    assert (found.weights, found.n, found.about.images) == ("blocks", 40, "40 tiles of 40 px each")
    monkeypatch.setattr("raysynth.measures.image_samples.WHOLE_FRAMES", 40)
    whole = compare_images(str(real), str(other), whole=True)
    assert (whole.n, whole.about.images) == (45, "45 whole frames each")


@pytest.mark.usefixtures("_no_inception")
def test_a_bad_cellpose_file_is_named_before_any_work(pairs: WritePairs, tmp_path: Path) -> None:
    pytest.importorskip("cellpose")
    with pytest.raises(InputError, match="none is missing"):
        compare_images(str(pairs("real")), str(pairs("other", seed=50)), tiles=40, cellpose=tmp_path / "none")


def test_the_frechet_distance_of_another_network_stands_beside(pairs: WritePairs) -> None:
    a, b = pairs("real"), pairs("other", seed=50, radius=3)
    sample = tiles(a, b)
    found = frechet(sample, Blocks())
    assert found.a_to_b > found.real_to_real > 0
    assert found.ratio == pytest.approx(found.a_to_b / found.real_to_real)
    beside = compare_in(Blocks(), frame_set(str(a)), frame_set(str(b)), sample, Blocks())
    assert beside.cellpose_frechet == found


def test_frames_of_several_sizes_are_seen_one_by_one() -> None:
    rng = np.random.default_rng(0)
    several = [rng.integers(0, 256, (20 + i % 2, 24), dtype=np.uint8) for i in range(10)]
    sample = ImageSample(several, several, several, 10.0, SampleDescription("", None, (0, 1)))
    assert frechet(sample, Blocks()).a_to_b == pytest.approx(0, abs=1e-3)
