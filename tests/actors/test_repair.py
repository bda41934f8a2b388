"""Damaged data sets that are made whole again, by the settings in their run's record alone."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray

from raysynth.actors.generate import generate
from raysynth.actors.pipeline import Synthesiser
from raysynth.actors.repair import repair
from raysynth.actors.sent_bundle import SentBundle
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.store.verify import verify
from tests.fixtures.ellipses import Ellipses, ellipse_config

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


def ellipses(bundle: SentBundle, config: Config, device: str) -> Callable[[], Synthesiser]:
    """A factory of ellipses."""
    return lambda: Ellipses(config.generate.seed)


def _bytes(target: Objects) -> dict[str, bytes]:
    return {key: target.get(key) for key in target.keys("") if not key.startswith("runs/")}


@pytest.fixture(scope="module")
def made(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A data set of ten frames in four shards, and the bank of its cells."""
    folder = tmp_path_factory.mktemp("repair")
    settings = ellipse_config(folder)
    return generate(settings, seed=5, keep_cells=str(folder / "bank"), factory=ellipses)


def test_exactly_the_bad_shards_are_made_again(made: dict[str, Any]) -> None:
    target = Objects(made["dataset"])
    before = _bytes(target)
    target.put("cells.parquet/part-00001.parquet", b"damaged")
    target.delete("done/00003.json")
    found = verify(target.uri)
    assert sorted(found.bad) == [1, 3]
    summary = repair(target.uri, found.bad, factory=ellipses)
    assert (summary["made"], summary["failed"]) == (2, {})
    assert _bytes(target) == before
    assert verify(target.uri, only=found.bad).ok


def test_a_data_set_from_a_bank_is_repaired_from_it(made: dict[str, Any], tmp_path: Path) -> None:
    settings = ellipse_config(tmp_path)
    composed = generate(settings, cells=made["bank"]["place"])
    target = Objects(composed["dataset"])
    before = _bytes(target)
    target.delete("0/c/2/0/0")
    assert repair(target.uri, verify(target.uri).bad)["made"] == 1
    assert _bytes(target) == before


def test_documents_alone_are_written_again(made: dict[str, Any]) -> None:
    target = Objects(made["dataset"])
    before = _bytes(target)
    target.delete("zarr.json")
    assert not verify(target.uri).bad
    assert repair(target.uri, []) == {"made": 0}
    assert _bytes(target) == before


def test_without_its_bundle_nothing_is_touched(cluster: None, tmp_path: Path) -> None:
    settings = ellipse_config(tmp_path)
    target = Objects(generate(settings, frames=3, factory=ellipses)["dataset"])
    target.put("cells.parquet/part-00000.parquet", b"damaged")
    before = _bytes(target)
    (tmp_path / "bundle").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="was not found"):
        repair(target.uri, [0], factory=ellipses)
    assert _bytes(target) == before
