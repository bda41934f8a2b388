"""Whole data sets on a real Ray cluster, from ellipses instead of a cascade."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray

from raysynth.actors.generate import describe, generate
from raysynth.actors.pipeline import Synthesiser
from raysynth.actors.sent_bundle import SentBundle
from raysynth.actors.sources import Source
from raysynth.actors.work import ShardComposer
from raysynth.base.errors import InputError, RunError
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config, DataConfig, PopulationConfig
from raysynth.store.dataset import create_dataset
from raysynth.store.marks import done_shards, failures
from raysynth.store.reader import Dataset
from raysynth.store.verify import verify
from tests.fixtures.ellipses import Ellipses, Made, ellipse_config, statistics

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Refusing:
    """Ellipses, but some shards raise."""

    shards: tuple[int, ...]

    def __call__(self, shard: int) -> Made:
        """The cells of a shard."""
        if shard in self.shards:
            raise ValueError("bad luck")
        return Ellipses()(shard)


def ellipses(bundle: SentBundle, config: Config, device: str) -> Callable[[], Synthesiser]:
    """A factory of ellipses."""
    return lambda: Ellipses(config.generate.seed)


def refusing(*shards: int) -> Any:
    """A factory of synthesisers that fail at `shards`."""
    return lambda bundle, config, device: lambda: Refusing(shards)


def _bytes(uri: str) -> dict[str, bytes]:
    """All objects of a data set but the records of its runs."""
    target = Objects(uri)
    return {key: target.get(key) for key in target.keys("") if not key.startswith("runs/")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all runs of this module write: starting actors is what its tests take time for."""
    return tmp_path_factory.mktemp("generate")


@pytest.fixture(scope="module")
def settings(folder: Path) -> Config:
    """Ten frames in four shards."""
    return ellipse_config(folder)


@pytest.fixture(scope="module")
def whole(cluster: None, settings: Config) -> dict[str, Any]:
    """Summary of a run without failures."""
    return generate(settings, factory=ellipses)


def test_a_run_without_failures_makes_everything(whole: dict[str, Any]) -> None:
    assert (whole["made"], whole["failed"]) == (4, {})
    assert not verify(whole["dataset"]).bad
    counts = whole["counts"]
    assert (counts["frames"], counts["cells"], counts["made"]) == (10, 16, 16)
    assert counts["uses_placed"] == Dataset(whole["dataset"]).cells().num_rows
    assert whole["reuse"] == pytest.approx(counts["uses_placed"] / 16, abs=1e-3)
    assert set(whole["seconds"]) == {"masks", "compose"}


def test_the_runs_record_is_kept_and_its_traces_removed(whole: dict[str, Any]) -> None:
    target = Objects(whole["dataset"])
    assert target.keys("runs") == [f"runs/{whole['run']}.json"]
    record = json.loads(target.get(f"runs/{whole['run']}.json"))
    assert sorted(shard["shard"] for shard in record["shards"]) == [0, 1, 2, 3]
    assert record["shards"][0]["attempts"] == {"synthesise": 1, "compose": 1}


def test_a_rerun_after_a_failure_and_with_more_frames_gives_the_same_bytes(
    whole: dict[str, Any], settings: Config, folder: Path
) -> None:
    cut = str(folder / "cut.zarr")
    first = generate(settings, out=cut, frames=8, factory=refusing(1))
    assert first["failed"] == {1: "synthesise: bad luck"}
    assert (done_shards(cut), failures(cut)) == ({0, 2}, {1: "synthesise: bad luck"})
    assert sorted(Dataset(cut).missing) == [3, 4, 5]

    # The rerun makes the failed shard, the last one that was not full, and the new one.
    second = generate(settings, out=cut, factory=ellipses)
    assert (second["made"], second["failed"]) == (3, {})
    assert failures(cut) == {}
    assert _bytes(cut) == _bytes(whole["dataset"])


def test_a_full_disk_ends_the_run_and_a_rerun_finishes_it(whole: dict[str, Any], settings: Config, disk: Any) -> None:
    """The set takes about 700 kB; a composer whose disk is full is the last one."""
    disk.resize(1)
    (disk.folder / "other").write_bytes(bytes(800 * 1024))
    uri = str(disk.folder / "set.zarr")
    with pytest.raises(RunError, match=r"set.zarr has no room left: make some, then give the same command again"):
        generate(settings, out=uri, factory=ellipses)
    assert len(done_shards(uri)) < 4
    disk.resize(8)
    assert generate(settings, out=uri, factory=ellipses)["failed"] == {}
    assert _bytes(uri) == _bytes(whole["dataset"])


def test_a_finished_data_set_is_left_as_it_is(whole: dict[str, Any], settings: Config) -> None:
    before = _bytes(whole["dataset"])
    summary = generate(settings, factory=refusing(0))
    assert (summary["made"], summary["failed"]) == (0, {})
    assert _bytes(whole["dataset"]) == before


def test_another_seed_is_refused_and_nothing_changes(whole: dict[str, Any], settings: Config) -> None:
    before = _bytes(whole["dataset"])
    with pytest.raises(InputError, match="seed"):
        generate(settings, seed=1, factory=ellipses)
    assert _bytes(whole["dataset"]) == before


def test_a_data_set_that_is_being_written_is_refused(whole: dict[str, Any], settings: Config) -> None:
    with Lease(Objects(whole["dataset"]), "other"), pytest.raises(InputError, match="still writing"):
        generate(settings, factory=ellipses)


def test_a_folder_of_something_else_is_refused_untouched(cluster: None, settings: Config, tmp_path: Path) -> None:
    (tmp_path / "chapter.tex").write_text("precious")
    with pytest.raises(InputError, match="not a raysynth data set"):
        generate(settings, out=str(tmp_path), factory=ellipses)
    assert [path.name for path in tmp_path.rglob("*")] == ["chapter.tex"]


def test_a_composer_without_the_lease_writes_nothing(settings: Config, target: Objects) -> None:
    manifest = describe(Source(settings, statistics(), open_bundle(settings.bundle or "").digest, "cpu"))
    create_dataset(target.uri, manifest)
    composer = ShardComposer(target, "mine", settings, statistics(), manifest.dataset)
    before = _bytes(target.uri)
    with Lease(target, "other"), pytest.raises(InputError, match="held by run other"):
        composer(0, Ellipses()(0).cells, {})
    assert _bytes(target.uri) == before


@pytest.fixture(scope="module")
def bank(cluster: None, settings: Config, folder: Path) -> dict[str, Any]:
    """A run that kept its cells, cut off once by a shard that fails."""
    places = {"out": str(folder / "kept.zarr"), "keep_cells": str(folder / "bank")}
    first = generate(settings, factory=refusing(2), **places)
    assert (first["bank"]["parts"], first["bank"]["cells"]) == (3, 12)
    return generate(settings, factory=ellipses, **places)


def test_kept_cells_are_those_of_the_data_set(bank: dict[str, Any], whole: dict[str, Any]) -> None:
    assert (bank["bank"]["parts"], bank["bank"]["cells"]) == (4, 16)
    assert _bytes(bank["dataset"]) == _bytes(whole["dataset"])


def test_a_bank_is_composed_at_another_density_without_a_model(
    bank: dict[str, Any], settings: Config, folder: Path
) -> None:
    dense = settings.model_copy(
        update={
            "bundle": "nowhere",
            "population": settings.population.model_copy(update={"cells": (9, 9)}),
            "generate": settings.generate.model_copy(update={"parts_per_shard": 3, "frames_per_shard": 2}),
        }
    )
    summary = generate(dense, out=str(folder / "dense.zarr"), frames=8, cells=bank["bank"]["place"])
    assert (summary["made"], summary["failed"]) == (4, {})
    assert verify(summary["dataset"]).ok
    table = Dataset(summary["dataset"]).cells()
    assert summary["counts"]["cells"] == 4 * 12  # three parts a shard
    assert summary["reuse"] == pytest.approx(table.num_rows / 16, abs=1e-3)
    again = generate(dense, out=str(folder / "dense-again.zarr"), frames=8, cells=bank["bank"]["place"])
    assert _bytes(again["dataset"]) == _bytes(summary["dataset"])


def test_a_bank_of_the_other_dimension_is_refused(bank: dict[str, Any], folder: Path) -> None:
    flat = ellipse_config_3d()
    with pytest.raises(InputError, match="holds 2D cells"):
        generate(flat, out=str(folder / "flat.zarr"), cells=bank["bank"]["place"])


def test_cells_of_shards_that_are_done_cannot_be_kept_any_more(
    whole: dict[str, Any], settings: Config, folder: Path
) -> None:
    with pytest.raises(InputError, match="made before without keeping"):
        generate(settings, keep_cells=str(folder / "late"), factory=ellipses)


def ellipse_config_3d() -> Config:
    """Settings of volumes."""
    return Config(
        name="volumes",
        data=DataConfig(root="none", dimensions=3, voxel_um=(1.0, 1.0, 1.0)),
        population=PopulationConfig(frame_px=(8, 64, 64)),
    )


def test_a_place_that_cannot_keep_cells_is_refused_before_anything_is_written(
    cluster: None, settings: Config, tmp_path: Path
) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "letter.txt").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        generate(settings, out=str(tmp_path / "set.zarr"), keep_cells=str(tmp_path / "bank"), factory=ellipses)
    assert not [path for path in (tmp_path / "set.zarr").rglob("*") if path.is_file()]
