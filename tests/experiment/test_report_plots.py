"""The pictures of a report."""

from pathlib import Path

import numpy as np
import pytest

from raysynth.experiment.report_plots import (
    draw_curves,
    draw_few_frames,
    draw_scored_frames,
    few_frames,
    marked_frame,
)
from tests.fixtures.tables import row_result


def test_curves_of_trained_rows_are_drawn() -> None:
    (axes,) = draw_curves({"none": row_result("none", 0.4), "real": row_result("real", 0.8)}).axes
    (line,) = axes.get_lines()
    assert line.get_label() == "real"
    assert np.array(line.get_data()) == pytest.approx(np.array([[50, 100], [0.5, 0.8]]))


def test_few_frames_are_those_of_one_set_and_of_as_many_others() -> None:
    rows = {
        "real": row_result("real", 0.8),
        "both (main)": row_result("both", 0.85, "main"),
        "both (rho-0)": row_result("both", 0.83, "rho-0"),
        "real 1": row_result("real", 0.6, real=1),
        "both 1": row_result("both", 0.7, "main", real=1),
        "both 10": row_result("both", 0.82, "main", few=10),
    }
    assert few_frames(rows, "real") == {"real": {"all": 0.8, "1": 0.6}, "both": {"all": 0.85, "1": 0.7}}
    assert few_frames(rows, "synthetic") == {"synthetic": {}, "both": {"all": 0.85, "10": 0.82}}
    figure = draw_few_frames(rows, "real")
    assert figure is not None
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["1", "all"]
    assert draw_few_frames({"real": rows["real"]}, "real") is None


def test_outlines_are_green_where_cells_are_and_red_where_they_were_found() -> None:
    reference, predicted = np.zeros((9, 9), np.uint32), np.zeros((9, 9), np.uint32)
    reference[1:6, 1:6], predicted[3:8, 3:8] = 1, 2
    picture = marked_frame({"image": reference * 50, "reference": reference, "predicted": predicted})
    assert picture[1, 1].tolist() == [0, 1, 0]
    assert picture[5, 5].tolist() == [0, 1, 0]
    assert picture[3, 3].tolist() == picture[7, 7].tolist() == [1, 0, 0]
    assert picture[2, 2].tolist() == [1, 1, 1]
    assert picture[8, 8].tolist() == [0, 0, 0]


def test_kept_frames_are_drawn_under_their_rows(tmp_path: Path) -> None:
    labels = np.eye(6, dtype=np.uint32)
    np.savez_compressed(tmp_path / "p.npz", image=labels, reference=labels, predicted=labels)
    rows = {
        "real": row_result("real", 0.8, picture=tmp_path / "p.npz"),
        "none": row_result("none", 0.4, picture=tmp_path / "absent.npz"),
    }
    figure = draw_scored_frames(rows)
    assert figure is not None
    assert [axes.get_title() for axes in figure.axes if axes.get_images()] == ["real"]
    assert draw_scored_frames({"none": rows["none"]}) is None
