"""The interval of a difference."""

import numpy as np
import pytest

from raysynth.experiment.gains import Scores, difference, gains, group_interval
from raysynth.experiment.rows import TableRow


def scores(*segs: list[float], groups: str = "") -> Scores:
    """Frames of four cells with the given mean, for each seed; groups: a letter a frame, none for a single group."""
    return Scores(4 * np.array(segs, np.float64), np.full(len(segs[0]), 4), tuple(groups or "a" * len(segs[0])))


def test_the_interval_is_paired_over_frames_and_seeds() -> None:
    hard_and_easy = [0.1, 0.9, 0.2, 0.8, 0.5]
    a = scores(*[[s + 0.05 for s in hard_and_easy]] * 3)
    gain = difference(a, scores(*[hard_and_easy] * 3))
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.05, 0.05, 0.05))
    uneven = difference(scores([0.6, 0.4], [0.4, 0.2], [0.5, 0.3]), scores(*[[0.4, 0.4]] * 3))
    assert uneven.mean == pytest.approx(0.0, abs=1e-9)
    assert uneven.low < -0.05 < 0.05 < uneven.high
    with pytest.raises(ValueError, match="paired"):
        difference(a, scores(hard_and_easy))
    with pytest.raises(ValueError, match="paired"):
        difference(a, scores(*[hard_and_easy] * 3, groups="aabbb"))


def test_frames_of_one_group_are_taken_together() -> None:
    """Two embryos of many frames, one of which gains and the other does not."""
    groups, flat = "e" * 20 + "f" * 20, [0.5] * 40
    better = [0.6] * 20 + [0.5] * 20
    a, b = (scores(*[segs] * 3, groups=groups) for segs in (better, flat))
    frames, embryos = difference(a, b), group_interval(a, b)
    assert embryos is not None
    assert embryos.groups == 2
    assert (embryos.groups_low, embryos.groups_high) == pytest.approx((0.0, 0.1))
    assert frames.mean == pytest.approx(0.05)
    assert 0.03 < frames.low < 0.05 < frames.high < 0.07


def test_groups_weigh_by_their_cells_whatever_the_order_of_frames() -> None:
    uneven = Scores(np.array([[3.0, 1.0, 2.0]]), np.array([4, 1, 2]), ("b", "a", "b"))
    merged = uneven.by_group()
    assert merged.groups == ("a", "b")
    assert merged.sums.tolist() == [[1.0, 5.0]]
    assert merged.cells.tolist() == [1, 6]
    assert merged.seg() == pytest.approx(uneven.seg())


def test_one_group_and_groups_of_one_frame_have_no_interval_of_their_own() -> None:
    for groups in ("aaa", "abc"):
        one = scores(*[[0.1, 0.2, 0.3]] * 3, groups=groups)
        assert group_interval(one, one) is None
        assert set(gains({TableRow("real"): one, TableRow("both", "s"): one})["both (s) - real"].to_json()) == {
            "mean",
            "low",
            "high",
        }
    two = scores(*[[0.1, 0.2, 0.3]] * 3, groups="aab")
    found = gains({TableRow("real"): two, TableRow("both", "s"): two})["both (s) - real"].to_json()
    assert (found["groups"], found["groups_low"], found["groups_high"]) == (2, 0.0, 0.0)


def test_gains_compare_with_real_data_of_as_many_frames() -> None:
    table = {
        TableRow("real"): scores([0.8], [0.8], [0.8]),
        TableRow("synthetic", "s"): scores([0.7], [0.7], [0.7]),
        TableRow("both", "s"): scores([0.9], [0.9], [0.9]),
        TableRow("real", None, 1): scores([0.4], [0.4], [0.4]),
        TableRow("both", "s", 1): scores([0.6], [0.6], [0.6]),
        TableRow("synthetic", "s", None, 10): scores([0.5], [0.5], [0.5]),
        TableRow("both", "s", None, 10): scores([0.85], [0.85], [0.85]),
    }
    means = {title: gain.difference.mean for title, gain in gains(table).items()}
    assert means == pytest.approx(
        {
            "synthetic (s) - real": -0.1,
            "both (s) - real": 0.1,
            "both (s), real frames: 1 - real, real frames: 1": 0.2,
            "synthetic (s), synthetic frames: 10 - real": -0.3,
            "both (s), synthetic frames: 10 - real": 0.05,
        }
    )


def test_scores_of_records() -> None:
    cells = {"Emb10/a_1": [1.0, 0.5], "Emb10/a_2": [], "Emb11/a_1": [0.0]}
    frames = [{"name": name, "jaccard": jaccard} for name, jaccard in cells.items()]
    found = Scores.of([{"frames": frames}] * 2)
    assert found.seg() == pytest.approx([0.5, 0.5])
    assert found.cells.tolist() == [2, 0, 1]
    assert found.groups == ("Emb10", "Emb10", "Emb11")
