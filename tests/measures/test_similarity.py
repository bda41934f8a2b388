from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.similarity import Sample, distances, frechet, report, sample_tiles, sample_whole

Pairs = Callable[..., Path]


class Blocks:
    """A space without a network: mean grey values of an image's 16 blocks."""

    name = "blocks"

    def features(self, images: np.ndarray) -> torch.Tensor:
        pooled = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(images).double()[:, None], 4)
        return pooled.flatten(1)


def tiles(a: Path, b: Path, count: int = 40) -> Sample:
    return sample_tiles(frame_set(str(a)), frame_set(str(b)), count)


def test_tiles_are_cut_alike_and_by_the_real_map(pairs: Pairs) -> None:
    sample = tiles(pairs("real"), pairs("synthetic", seed=50))
    assert sample.diameter_px == pytest.approx(14, rel=0.1)
    assert sample.about["images"] == "40 tiles of 56 px each"
    assert sample.about["frames"] == "2/2/4"
    assert sample.about["grey_values"] == [pytest.approx(70, abs=10), pytest.approx(530, abs=20)]
    for part in (sample.half, sample.other_half, sample.other):
        assert np.shape(part) == (40, 56, 56)
        assert part[0].dtype == np.uint8


def test_like_frames_are_as_near_as_real_ones_and_others_are_not(pairs: Pairs) -> None:
    real = pairs("real", count=6)
    seen: list[tuple[int, int]] = []
    like = distances(tiles(real, pairs("like", seed=50), 60), Blocks(), lambda *state: seen.append(state))
    other = distances(tiles(real, pairs("other", seed=50, radius=3), 60), Blocks())
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert like["n"] == 60
    assert like["real_to_real"] == other["real_to_real"]
    assert like["a_to_b"]["fid"] < 0.2 * other["a_to_b"]["fid"]
    assert abs(like["kid_excess"]) < 0.2 * other["kid_excess"]
    assert like["a_to_b"]["precision"] > 0.5 > other["a_to_b"]["precision"]
    assert other["fid_ratio"] == pytest.approx(other["a_to_b"]["fid"] / other["real_to_real"]["fid"])


def test_the_weights_stand_in_the_table(pairs: Pairs) -> None:
    real, other = (frame_set(str(pairs(name, seed=seed))) for name, seed in (("real", 0), ("other", 50)))
    table = report(real, other, sample_tiles(real, other, 40), Blocks())
    assert table["a"].endswith("real (masks)")
    assert table["weights"] == "blocks"
    assert "same weights" in table["comparable"]
    assert set(table["a_to_b"]) == set(table["real_to_real"]) == {"fid", "kid", "precision", "recall"}


def test_the_frechet_distance_of_another_network_stands_beside(pairs: Pairs) -> None:
    figures = frechet(tiles(pairs("real"), pairs("other", seed=50, radius=3)), Blocks())
    assert figures["a_to_b"] > figures["real_to_real"] > 0
    assert figures["ratio"] == pytest.approx(figures["a_to_b"] / figures["real_to_real"])


def test_whole_frames_need_many(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = (frame_set(str(pairs(name, shape=(5, 72, 80)))) for name in ("real", "other"))
    with pytest.raises(InputError, match=r"--whole needs 500 frames .* but the least is 2"):
        sample_whole(real, other)
    monkeypatch.setattr("raysynth.measures.similarity.WHOLE_FRAMES", 2)
    sample = sample_whole(real, other)
    assert sample.about["images"] == "2 whole frames each"
    assert [np.shape(part) for part in (sample.half, sample.other_half, sample.other)] == [(2, 72, 80)] * 3


def test_frames_of_several_sizes_are_seen_one_by_one() -> None:
    rng = np.random.default_rng(0)
    several = [rng.integers(0, 256, (20 + i % 2, 24), dtype=np.uint8) for i in range(10)]
    sample = Sample(several, several, several, 10.0, {})
    assert frechet(sample, Blocks())["a_to_b"] == pytest.approx(0, abs=1e-3)


def test_sets_of_several_kinds_are_refused(pairs: Pairs) -> None:
    with pytest.raises(InputError, match=r"is 2D and .* is 3D"):
        tiles(pairs("real"), pairs("volumes", count=1, shape=(5, 72, 80)))
