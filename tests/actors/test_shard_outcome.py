"""An outcome crosses Ray as a typed row, and comes back as it was."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from raysynth.actors.shard_outcome import OUTCOME_SCHEMA, ShardOutcome, outcome_row, read_cells, read_outcome
from raysynth.population.cell import Cell
from raysynth.population.packing import pack_cells, unpack_cells

NAMES = st.text(max_size=5)
SECONDS = st.floats(0, 1e10)


@st.composite
def outcomes(draw: st.DrawFn) -> ShardOutcome:
    return ShardOutcome(
        draw(st.integers(0, 2**40)),
        draw(st.none() | st.text()),
        draw(st.none() | st.text()),
        draw(st.none() | st.text()),
        draw(st.dictionaries(NAMES, st.integers(0, 2**40), max_size=3)),
        draw(st.dictionaries(NAMES, SECONDS, max_size=3)),
        draw(st.dictionaries(NAMES, st.tuples(SECONDS, SECONDS), max_size=3)),
        draw(st.dictionaries(NAMES, st.text(), max_size=3)),
        draw(st.dictionaries(NAMES, st.integers(0, 9), max_size=3)),
    )


@given(outcomes())
def test_an_outcome_comes_back_with_its_types(outcome: ShardOutcome) -> None:
    row = outcome_row(outcome)
    assert row.schema == OUTCOME_SCHEMA
    assert read_outcome(row) == outcome
    assert read_cells(row) is None


def test_cells_come_with_it_without_a_copy() -> None:
    cells = [Cell(np.ones((3, n), bool), np.full((9, n + 6), 0.5, np.float16), 3, {"seed_key": [0, n]}) for n in (4, 5)]
    row = outcome_row(ShardOutcome(7), pack_cells(cells))
    assert read_outcome(row) == ShardOutcome(7)
    packed = read_cells(row)
    assert packed is not None
    column = row["cells_textures"].chunk(0).buffers()[2]
    assert packed["textures"].ctypes.data == column.address
    for cell, again in zip(cells, unpack_cells(packed), strict=True):
        assert np.array_equal(cell.mask, again.mask)
        assert np.array_equal(cell.texture, again.texture)
        assert (cell.ring, cell.provenance) == (again.ring, again.provenance)


def test_no_cells_are_cells_too() -> None:
    packed = read_cells(outcome_row(ShardOutcome(0), pack_cells([])))
    assert packed is not None
    assert unpack_cells(packed) == []


def test_a_row_may_hold_nothing_but_the_shard() -> None:
    row = pa.table({"shard": [4]})
    assert read_outcome(row) == ShardOutcome(4)
    assert read_cells(row) is None


def test_its_line_says_what_became_of_it() -> None:
    counts = {"cells": 12, "frames": 3}
    assert ShardOutcome(2, counts=counts, seconds={"masks": 1.0, "compose": 0.25}).line() == (
        "shard 2: 12 cells in 3 frames, 1.2 s"
    )
    assert ShardOutcome(2, "compose: disk is full").line() == "shard 2 failed: compose: disk is full"
