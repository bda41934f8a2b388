from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.population.bank import BankIndex, BankPart, open_bank
from raysynth.population.bank_writer import BankWriter
from tests.fixtures.populations import CellsOf, StatisticsOf


@pytest.fixture
def index(statistics_of: StatisticsOf) -> BankIndex:
    return BankIndex(
        config={"gate": {"min_iou": 0.9}}, bundle="b", versions={}, device="cpu", seed=3, statistics=statistics_of(2)
    )


@pytest.fixture
def bank(tmp_path: Path, index: BankIndex, cells_of: CellsOf) -> BankWriter:
    """Two parts of three and two cells, not sealed yet."""
    writer = BankWriter(Objects(str(tmp_path / "bank"), create=True))
    writer.begin(index)
    writer.write(0, cells_of(2, 3))
    writer.write(4, cells_of(2, 2, seed=1))
    return writer


def test_cells_come_back_as_they_were_kept(bank: BankWriter, cells_of: CellsOf) -> None:
    assert bank.kept() == {0, 4}
    sealed = bank.seal([0, 4])
    opened = open_bank(bank.objects.uri)
    assert opened.index == sealed
    assert (sealed.cells, [part.cells for part in sealed.parts]) == (5, [3, 2])
    kept = opened.read(sealed.parts)
    for cell, again in zip([*cells_of(2, 3), *cells_of(2, 2, seed=1)], kept, strict=True):
        np.testing.assert_array_equal(cell.mask, again.mask)
        np.testing.assert_array_equal(cell.texture, again.texture)
        assert cell.provenance == again.provenance


def test_only_the_shards_of_the_data_set_are_sealed(bank: BankWriter) -> None:
    assert [part.shard for part in bank.seal([4, 7]).parts] == [4]


def test_the_digest_names_the_cells(bank: BankWriter, index: BankIndex, cells_of: CellsOf, tmp_path: Path) -> None:
    again = BankWriter(Objects(str(tmp_path / "again"), create=True))
    again.begin(index)
    for shard, cells in ((4, cells_of(2, 2, seed=1)), (0, cells_of(2, 3)), (0, cells_of(2, 3))):
        again.write(shard, cells)
    for writer in (bank, again):
        writer.seal([0, 4])
    digest = open_bank(bank.objects.uri).digest
    assert open_bank(again.objects.uri).digest == digest
    again.write(0, cells_of(2, 3, seed=7))
    again.seal([0, 4])
    assert open_bank(again.objects.uri).digest != digest


def test_a_bank_resumes_only_with_the_same_settings(bank: BankWriter, index: BankIndex) -> None:
    bank.seal([0, 4])
    bank.begin(index)  # the same: more parts may come
    with pytest.raises(InputError, match="other settings"):
        bank.begin(index.model_copy(update={"seed": 4}))


def test_a_folder_of_something_else_is_refused_untouched(index: BankIndex, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("precious")
    with pytest.raises(InputError, match="other files"):
        BankWriter(Objects(str(tmp_path))).begin(index)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_is_no_bank_or_has_no_cells_is_refused(tmp_path: Path, bank: BankWriter) -> None:
    with pytest.raises(InputError, match="not a cell bank"):
        open_bank(str(tmp_path))
    with pytest.raises(InputError, match="without cells"):
        open_bank(bank.objects.uri)
    bank.objects.put("bank.json", b"{}")
    with pytest.raises(InputError, match="damaged at config"):
        open_bank(bank.objects.uri)


def test_a_damaged_or_missing_part_is_said(bank: BankWriter) -> None:
    part = bank.seal([0, 4]).parts[0]
    opened = open_bank(bank.objects.uri)
    whole = bank.objects.get(part.key)
    bank.objects.put(part.key, whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match="damaged"):
        opened.read([part])
    bank.objects.delete(part.key)
    with pytest.raises(InputError, match="missing"):
        opened.read([part])


@given(parts=st.integers(1, 9), count=st.integers(1, 4), seed=st.integers(0, 5))
def test_every_part_is_read_equally_often(index: BankIndex, parts: int, count: int, seed: int) -> None:
    kept = tuple(BankPart(shard=i, cells=1, sha256="") for i in range(parts))
    whole = index.model_copy(update={"parts": kept})
    read = [part.shard for shard in range(2 * parts) for part in whole.chosen(seed, shard, count)]
    assert np.bincount(read, minlength=parts).tolist() == [2 * count] * parts
    assert whole.chosen(seed, 1, count) == whole.chosen(seed, 1, count)
