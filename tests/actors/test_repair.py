"""Damaged data sets that are made whole again, by the settings in their run's record alone."""

import json
from pathlib import Path

import pytest

from raysynth.actors.generate import generate
from raysynth.actors.repair import repair
from raysynth.actors.summary import RunSummary
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify_dataset
from tests.fixtures.ellipses import ellipse_config, ellipse_factory

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)


def _bytes(target: Objects) -> dict[str, bytes]:
    return {key: target.get(key) for key in target.keys("") if not key.startswith("runs/")}


@pytest.fixture(scope="module")
def made(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    """A data set of ten frames in four shards, and the bank of its cells."""
    folder = tmp_path_factory.mktemp("repair")
    settings = ellipse_config(folder)
    return generate(settings, seed=5, keep_cells=str(folder / "bank"), factory=ellipse_factory)


def test_exactly_the_bad_shards_are_made_again(made: RunSummary) -> None:
    target = Objects(made.dataset)
    before = _bytes(target)
    target.put("cells.parquet/part-00001.parquet", b"damaged")
    target.delete("done/00003.json")
    found = verify_dataset(Dataset(target.uri))
    assert sorted(found.bad) == [1, 3]
    report = repair(target.uri, factory=ellipse_factory)
    assert (report.ok, report.repaired, report.run and report.run.failed) == (True, 2, {})
    assert report.to_json()["repaired"] == 2
    assert report.state.cells == Dataset(target.uri).cells().num_rows
    assert _bytes(target) == before


def test_a_data_set_from_a_bank_is_repaired_from_it(made: RunSummary, tmp_path: Path) -> None:
    settings = ellipse_config(tmp_path)
    assert made.bank is not None
    composed = generate(settings, cells=made.bank.uri)
    target = Objects(composed.dataset)
    before = _bytes(target)
    target.delete("0/c/2/0/0")
    assert repair(target.uri).repaired == 1
    assert _bytes(target) == before


def test_documents_alone_are_written_again(made: RunSummary) -> None:
    target = Objects(made.dataset)
    before = _bytes(target)
    target.delete("zarr.json")
    assert not verify_dataset(Dataset(target.uri)).bad
    assert (repair(target.uri).repaired, repair(target.uri).repaired) == (0, None)
    assert _bytes(target) == before


def test_without_its_bundle_nothing_is_touched(cluster: None, tmp_path: Path) -> None:
    settings = ellipse_config(tmp_path)
    target = Objects(generate(settings, frames=3, factory=ellipse_factory).dataset)
    target.put("cells.parquet/part-00000.parquet", b"damaged")
    before = _bytes(target)
    (tmp_path / "bundle").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="was not found"):
        repair(target.uri, factory=ellipse_factory)
    assert _bytes(target) == before


def test_the_type_of_the_images_is_that_of_the_data_set(made: RunSummary) -> None:
    """Early records name a type that was never obeyed."""
    target = Objects(made.dataset)
    before = _bytes(target)
    for key in target.keys("runs"):
        record = json.loads(target.get(key))
        record["settings"]["config"]["generate"]["dtype"] = "uint8"
        target.put(key, json.dumps(record).encode())
    target.delete("0/c/2/0/0")
    assert repair(target.uri, factory=ellipse_factory).ok
    assert _bytes(target) == before
