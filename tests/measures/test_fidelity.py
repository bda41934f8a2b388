import numpy as np
import pytest
import torch

from raysynth.measures.fidelity import compare_features, fid, kid, kid_excess, precision_recall


def features(seed: int, n: int = 400, d: int = 16, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (n, d)))


def test_a_set_is_at_no_distance_from_itself() -> None:
    a = features(0)
    assert fid(a, a) == pytest.approx(0, abs=1e-6)
    # Unbiased: the diagonal that counts twice in the cross term makes it slightly negative.
    assert -0.1 < kid(a, a) < 0


def test_a_shift_and_a_stretch_have_the_frechet_distance_of_theory() -> None:
    a = features(0)
    assert fid(a, a + 0.5) == pytest.approx(16 * 0.25, rel=1e-6)
    assert fid(a, 3 * (a - a.mean(0)) + a.mean(0)) == pytest.approx(4 * float(a.var(0).sum()), rel=1e-6)


def test_kid_of_equal_distributions_is_zero_on_average_and_grows_with_a_shift() -> None:
    same = [kid(features(2 * i, 100), features(2 * i + 1, 100)) for i in range(20)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(20)
    assert kid(features(0), features(1, shift=1.0)) > 10 * np.std(same)


def test_the_error_of_the_excess_is_its_spread_over_repetitions() -> None:
    excesses, errors = zip(
        *(
            kid_excess(features(3 * i, 120), features(3 * i + 1, 120), features(3 * i + 2, 120, shift=0.5))
            for i in range(30)
        ),
        strict=True,
    )
    assert np.mean(errors) == pytest.approx(np.std(excesses), rel=0.4)


def test_images_of_one_frame_that_are_alike_widen_the_error() -> None:
    def in_frames(seed: int) -> torch.Tensor:
        return features(seed, 20, shift=0.5).repeat_interleave(20, dim=0) + 0.1 * features(seed + 100)

    ordered = [in_frames(seed) for seed in range(3)]
    mixed = [x[torch.randperm(400, generator=torch.Generator().manual_seed(i))] for i, x in enumerate(ordered)]
    assert kid_excess(*ordered)[1] > 2 * kid_excess(*mixed)[1]


def test_sets_are_compared_at_the_smallest_n() -> None:
    found = compare_features(features(0), features(1, 300), features(2, 200, shift=0.5))
    assert found.n == 200
    assert found.excess == pytest.approx(found.kid - found.kid_real)
    assert found.ratio == pytest.approx(found.fid / found.fid_real)
    assert found.excess > 3 * found.error
    assert found.ratio > 2


def test_precision_and_recall_tell_strange_images_from_missing_ones() -> None:
    real = features(0, d=2)
    assert precision_recall(real, real) == (1, 1)
    narrow = features(1, d=2) * 0.2
    precision, recall = precision_recall(real, narrow)
    assert precision > 0.95
    assert recall < 0.5
    assert precision_recall(narrow, real)[1] > 0.95
