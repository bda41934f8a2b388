import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.preparation.cell_table import CellTable

COLUMNS = tuple(CellTable.model_fields)


def table(count: int = 200) -> CellTable:
    """Cells whose brightness falls with their area; the other columns are independent."""
    rng = np.random.default_rng(0)
    area = np.exp(rng.normal(6, 0.4, count))
    rows = [
        {"area_px": a, "eccentricity": e, "solidity": s, "brightness": 1 / a}
        for a, e, s in zip(area, rng.beta(5, 2, count), rng.beta(9, 1, count), strict=True)
    ]
    return CellTable.of(rows)


def test_scores_are_ranks_as_normal_values() -> None:
    cells = table()
    scores = cells.scores("area_px", cells.area_px)
    assert np.argsort(scores).tolist() == np.argsort(cells.area_px).tolist()
    assert scores.mean() == pytest.approx(0, abs=0.01)
    assert scores.std() == pytest.approx(1, abs=0.05)
    outside = cells.scores("area_px", [0.0, 1e9])
    assert outside[0] < scores.min() + 1e-6
    assert outside[1] > scores.max() - 1e-6
    assert np.isfinite(outside).all()


def test_ties_share_the_middle_of_their_ranks() -> None:
    cells = CellTable(area_px=(1, 2, 2, 3), eccentricity=(0.5,) * 4, solidity=(1,) * 4, brightness=(0.1,) * 4)
    assert cells.scores("area_px", 2.0) == pytest.approx(0, abs=1e-6)
    assert cells.scores("brightness", [0.1]) == pytest.approx([0], abs=1e-6)


def test_drawn_cells_keep_spread_and_correlation() -> None:
    cells, rng = table(), np.random.default_rng(1)
    drawn = np.array([list(cells.draw(rng).values()) for _ in range(2000)])
    assert np.abs(drawn.mean(axis=0)).max() < 0.1
    assert np.abs(drawn.std(axis=0) - 1).max() < 0.1
    correlation = np.corrcoef(drawn.T)
    assert correlation[0, 3] == pytest.approx(-1, abs=0.05)
    assert abs(correlation[0, 1]) < 0.2


@given(st.integers(1, 3000), st.integers(1, 1500))
def test_large_populations_are_thinned_evenly(count: int, most: int) -> None:
    rows = [dict.fromkeys(COLUMNS, float(i)) for i in range(count)]
    kept = CellTable.of(rows, most).area_px
    assert len(kept) == min(count, most)
    assert kept[0] == 0
    assert len(kept) == 1 or kept[-1] == float(f"{count - 1:.6g}")
    assert len(set(kept)) == len(kept)
