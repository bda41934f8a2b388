"""Whole data sets on a real Ray cluster, from ellipses instead of a cascade."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from raysynth.actors.finding import Factory
from raysynth.actors.generate import generate
from raysynth.actors.pipeline import Synthesiser
from raysynth.actors.sent_bundle import SentBundle
from raysynth.actors.summary import KeptCells, RunSummary
from raysynth.actors.work import ShardComposer
from raysynth.base.errors import InputError, RunError
from raysynth.base.lease import LEASE_KEY, Lease, read_lease
from raysynth.base.objects import Objects
from raysynth.config import Config, DataConfig, PopulationConfig
from raysynth.population.settings import CompositionSettings
from raysynth.store.dataset import create_dataset
from raysynth.store.marks import done_shards, failures
from raysynth.store.reader import Dataset
from raysynth.store.spec import DatasetSpec
from raysynth.store.verify import verify_dataset
from tests.conftest import Disk
from tests.fixtures.datasets import make_manifest
from tests.fixtures.ellipses import Ellipses, Made, ellipse_config, ellipse_factory, statistics

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


def refusing(*shards: int) -> Factory:
    """A factory of synthesisers that fail at `shards`."""

    def factory(bundle: SentBundle, config: Config, device: str) -> Callable[[], Synthesiser]:
        return lambda: Refusing(shards)

    return factory


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
def whole(cluster: None, settings: Config) -> RunSummary:
    """Summary of a run without failures."""
    return generate(settings, factory=ellipse_factory)


def test_a_run_without_failures_makes_everything(whole: RunSummary) -> None:
    assert (whole.made, whole.failed) == (4, {})
    assert not verify_dataset(Dataset(whole.dataset)).bad
    counts = whole.counts
    assert (counts["frames"], counts["cells"], counts["made"]) == (10, 16, 16)
    assert counts["uses_placed"] == Dataset(whole.dataset).cells().num_rows
    assert whole.reuse == pytest.approx(counts["uses_placed"] / 16, abs=1e-3)
    assert set(whole.seconds) == {"masks", "compose"}


def test_the_runs_record_is_kept_and_its_traces_removed(whole: RunSummary) -> None:
    target = Objects(whole.dataset)
    assert all(key.count("/") == 1 and key != LEASE_KEY for key in target.keys("runs")), (
        "traces of attempts, or a lease"
    )
    record = json.loads(target.get(f"runs/{whole.run}.json"))
    assert sorted(shard["shard"] for shard in record["shards"]) == [0, 1, 2, 3]
    assert record["shards"][0]["attempts"] == {"synthesise": 1, "compose": 1}
    assert record["summary"]["made"] == whole.made
    assert record["summary"]["counts"] == whole.counts


def test_a_rerun_after_a_failure_and_with_more_frames_gives_the_same_bytes(
    whole: RunSummary, settings: Config, folder: Path
) -> None:
    cut = str(folder / "cut.zarr")
    first = generate(settings, out=cut, frames=8, factory=refusing(1))
    assert first.failed == {1: "synthesise: bad luck"}
    assert (done_shards(Objects(cut)), failures(Objects(cut))) == ({0, 2}, {1: "synthesise: bad luck"})
    assert sorted(Dataset(cut).missing) == [3, 4, 5]

    # The rerun makes the failed shard, the last one that was not full, and the new one.
    second = generate(settings, out=cut, factory=ellipse_factory)
    assert (second.made, second.failed) == (3, {})
    assert failures(Objects(cut)) == {}
    assert _bytes(cut) == _bytes(whole.dataset)


def test_a_full_disk_ends_the_run_and_a_rerun_finishes_it(whole: RunSummary, settings: Config, disk: Disk) -> None:
    """The set takes about 700 kB; a composer whose disk is full is the last one."""
    disk.resize(1)
    (disk.folder / "other").write_bytes(bytes(800 * 1024))
    uri = str(disk.folder / "set.zarr")
    with pytest.raises(RunError, match=r"set.zarr has no room left: make some, then give the same command again"):
        generate(settings, out=uri, factory=ellipse_factory)
    assert len(done_shards(Objects(uri))) < 4
    disk.resize(8)
    assert generate(settings, out=uri, factory=ellipse_factory).failed == {}
    assert _bytes(uri) == _bytes(whole.dataset)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_interrupted_leaves_no_lease_and_its_record(
    cluster: None, settings: Config, tmp_path: Path, stopped: type[BaseException]
) -> None:
    """Ctrl-C raises the first in the main thread, SIGTERM the second."""

    def stop(done: int, total: int, message: str = "") -> None:
        if done:
            assert read_lease(target) is not None
            raise stopped

    target = Objects(str(tmp_path / "set.zarr"), create=True)
    with pytest.raises(stopped):
        generate(settings, target.uri, factory=ellipse_factory, progress=stop)
    assert read_lease(target) is None
    (key,) = [key for key in target.keys("runs") if key.count("/") == 1 and key != LEASE_KEY]
    record = json.loads(target.get(key))
    assert [shard["reason"] for shard in record["shards"]] == [None]
    assert record["ended"] >= record["started"]
    assert record["settings"]["config"]["name"] == "ellipses"


def test_progress_has_its_total_and_size_before_ray_starts(whole: RunSummary, settings: Config) -> None:
    lines: list[tuple[int, int, str]] = []
    generate(
        settings,
        factory=ellipse_factory,
        again=[2],
        progress=lambda done, total, message="": lines.append((done, total, message)),
    )
    assert lines[0] == (0, 4, "10 frames in shards of 3; starting Ray")
    assert lines[1] == (0, 1, "1 shard to make, 1 actor on cpu")
    (done, total, message) = lines[2]
    assert (done, total) == (1, 1)
    assert message.startswith("shard 2: 4 cells in 3 frames, ")
    assert len(lines) == 3


def test_a_data_set_whose_manifest_names_a_type_that_was_not_obeyed_is_extended(
    cluster: None, settings: Config, tmp_path: Path
) -> None:
    target = Objects(str(tmp_path / "set.zarr"), create=True)
    generate(settings, target.uri, frames=3, factory=ellipse_factory)
    manifest = json.loads(target.get("manifest.json"))
    assert "dtype" not in manifest["config"]["generate"]
    manifest["config"]["generate"]["dtype"] = "uint8"
    target.put("manifest.json", json.dumps(manifest).encode())
    summary = generate(settings, target.uri, frames=6, factory=ellipse_factory)
    assert (summary.made, Dataset(target.uri).spec.dtype) == (1, "uint16")


def test_a_finished_data_set_is_left_as_it_is(whole: RunSummary, settings: Config) -> None:
    before = _bytes(whole.dataset)
    summary = generate(settings, factory=refusing(0))
    assert (summary.made, summary.failed) == (0, {})
    assert _bytes(whole.dataset) == before


def test_another_seed_is_refused_and_nothing_changes(whole: RunSummary, settings: Config) -> None:
    before = _bytes(whole.dataset)
    with pytest.raises(InputError, match="seed"):
        generate(settings, seed=1, factory=ellipse_factory)
    assert _bytes(whole.dataset) == before


def test_a_data_set_that_is_being_written_is_refused(whole: RunSummary, settings: Config) -> None:
    with Lease(Objects(whole.dataset), "other"), pytest.raises(InputError, match="still writing"):
        generate(settings, factory=ellipse_factory)


def test_a_folder_of_something_else_is_refused_untouched(cluster: None, settings: Config, tmp_path: Path) -> None:
    (tmp_path / "chapter.tex").write_text("precious")
    with pytest.raises(InputError, match="not a raysynth data set"):
        generate(settings, out=str(tmp_path), factory=ellipse_factory)
    assert [path.name for path in tmp_path.rglob("*")] == ["chapter.tex"]


def test_a_composer_without_the_lease_writes_nothing(settings: Config, target: Objects) -> None:
    spec = DatasetSpec(frames=3, frame_shape=(96, 96), dtype="uint16", voxel_um=None, frames_per_shard=3)
    create_dataset(target, make_manifest(spec))
    composer = ShardComposer(target, "mine", CompositionSettings.of(settings), statistics(), 0, spec)
    before = _bytes(target.uri)
    with Lease(target, "other"), pytest.raises(InputError, match="held by run other"):
        composer(0, Ellipses()(0).cells, {})
    assert _bytes(target.uri) == before


@pytest.fixture(scope="module")
def bank(cluster: None, settings: Config, folder: Path) -> RunSummary:
    """A run that kept its cells, cut off once by a shard that fails."""
    out, place = str(folder / "kept.zarr"), str(folder / "bank")
    first = generate(settings, out, factory=refusing(2), keep_cells=place)
    assert first.bank == KeptCells(place, parts=3, cells=12)
    return generate(settings, out, factory=ellipse_factory, keep_cells=place)


def test_kept_cells_are_those_of_the_data_set(bank: RunSummary, whole: RunSummary) -> None:
    assert bank.bank is not None
    assert (bank.bank.parts, bank.bank.cells) == (4, 16)
    assert _bytes(bank.dataset) == _bytes(whole.dataset)


def test_a_bank_is_composed_at_another_density_without_a_model(
    bank: RunSummary, settings: Config, folder: Path
) -> None:
    assert bank.bank is not None
    dense = settings.with_(
        bundle="nowhere", population={"cells": (9, 9)}, generate={"parts_per_shard": 3, "frames_per_shard": 2}
    )
    summary = generate(dense, out=str(folder / "dense.zarr"), frames=8, cells=bank.bank.uri)
    assert (summary.made, summary.failed) == (4, {})
    assert verify_dataset(Dataset(summary.dataset)).ok
    table = Dataset(summary.dataset).cells()
    assert summary.counts["cells"] == 4 * 12  # three parts a shard
    assert summary.reuse == pytest.approx(table.num_rows / 16, abs=1e-3)
    again = generate(dense, out=str(folder / "dense-again.zarr"), frames=8, cells=bank.bank.uri)
    assert _bytes(again.dataset) == _bytes(summary.dataset)


def test_a_bank_of_the_other_dimension_is_refused(bank: RunSummary, folder: Path) -> None:
    assert bank.bank is not None
    with pytest.raises(InputError, match="holds 2D cells"):
        generate(ellipse_config_3d(), out=str(folder / "flat.zarr"), cells=bank.bank.uri)


def test_cells_of_shards_that_are_done_cannot_be_kept_any_more(
    whole: RunSummary, settings: Config, folder: Path
) -> None:
    with pytest.raises(InputError, match="made before without keeping"):
        generate(settings, keep_cells=str(folder / "late"), factory=ellipse_factory)


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
        generate(settings, out=str(tmp_path / "set.zarr"), keep_cells=str(tmp_path / "bank"), factory=ellipse_factory)
    assert not [path for path in (tmp_path / "set.zarr").rglob("*") if path.is_file()]
