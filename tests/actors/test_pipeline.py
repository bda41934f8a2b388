"""The streaming pipeline on a real Ray cluster, with shards that fail and shards that kill their process."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from raysynth.actors import pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.pipeline import Synthesis, Synthesiser
from raysynth.actors.pool import Pool
from raysynth.actors.shard_outcome import ShardOutcome, outcome_row, read_outcome
from raysynth.base.objects import Objects
from raysynth.population.cell import Cell
from tests.fixtures.ellipses import Ellipses, Made

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


GOOD, RAISES, KILLS, KILLS_ONCE, COMPOSER_RAISES, COMPOSER_KILLS = [3, 4], 5, 6, 7, 8, 9
SHARDS = [*GOOD, RAISES, KILLS, KILLS_ONCE, COMPOSER_RAISES, COMPOSER_KILLS]
LIMIT = 2


@dataclass(frozen=True)
class Rogue:
    """Makes ellipses, but raises on one shard, always dies on another, and dies once on a third."""

    folder: Path

    def __call__(self, shard: int) -> Made:
        """The cells of a shard, or none."""
        flag = self.folder / "died"
        if shard == RAISES:
            raise ValueError("no cell passed the gate")
        if shard == KILLS or (shard == KILLS_ONCE and not flag.exists()):
            if shard == KILLS_ONCE:
                flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Ellipses()(shard)


@dataclass(frozen=True)
class Writer:
    """Writes the sum of a shard's textures, but raises on one shard and always dies on another."""

    folder: Path

    def __call__(self, shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Write one file."""
        if shard == COMPOSER_RAISES:
            raise RuntimeError("disk is full")
        if shard == COMPOSER_KILLS:
            os._exit(1)
        (self.folder / f"{shard}.txt").write_text(repr(_sum(cells)))
        return dict(counts) | {"composed": len(cells)}


@dataclass(frozen=True)
class Importing:
    """Tells, through its counts, which processes of the pipeline have imported torch."""

    def __call__(self, shard: int) -> Made:
        """No cells."""
        return Made([], {"actor": int("torch" in sys.modules)})


def _import_work(shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
    """Composes nothing, with all that composing a real shard imports."""
    import raysynth.actors.work  # noqa: F401

    return dict(counts) | {"composer": int("torch" in sys.modules)}


def _sum(cells: Sequence[Cell]) -> float:
    return sum(float(cell.texture.sum(dtype="f8")) for cell in cells)


def _run(
    folder: Path, shards: Sequence[int], factory: Callable[[], Synthesiser], actors: int
) -> dict[int, ShardOutcome]:
    attempts = Attempts(Objects(str(folder), create=True), "run", LIMIT)
    synthesis = Synthesis(factory, Pool(actors, actors, cpus=0.5, gpus=0))
    return {one.shard: one for one in pipeline.run(shards, Writer(folder), attempts, 1, synthesis)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run of `reports` wrote."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def reports(cluster: None, folder: Path) -> dict[int, ShardOutcome]:
    """One run over good and bad shards: starting processes is what these tests take time for."""
    return _run(folder, SHARDS, lambda: Rogue(folder), actors=2)


def test_every_shard_is_reported(reports: dict[int, ShardOutcome]) -> None:
    assert sorted(reports) == SHARDS


@pytest.mark.parametrize("shard", GOOD)
def test_good_shards_are_made_from_their_own_cells(reports: dict[int, ShardOutcome], folder: Path, shard: int) -> None:
    report = reports[shard]
    assert report.reason is None
    assert report.counts == {"made": 4, "rejected": shard % 2, "composed": 4}
    assert report.attempts["compose"] == 1
    assert set(report.seconds) == {"masks", "compose"}
    assert (folder / f"{shard}.txt").read_text() == repr(_sum(Ellipses()(shard).cells))


@pytest.mark.parametrize(
    ("shard", "reason", "kind"),
    [
        (RAISES, "synthesise: no cell passed the gate", "ValueError"),
        (COMPOSER_RAISES, "compose: disk is full", "RuntimeError"),
    ],
)
def test_an_error_fails_its_shard_alone(reports: dict[int, ShardOutcome], shard: int, reason: str, kind: str) -> None:
    assert reports[shard].reason == reason
    assert kind in (reports[shard].trace or "")


@pytest.mark.parametrize(("shard", "stage"), [(KILLS, "synthesise"), (COMPOSER_KILLS, "compose")])
def test_a_shard_that_kills_its_process_is_given_up(
    reports: dict[int, ShardOutcome], folder: Path, shard: int, stage: str
) -> None:
    assert reports[shard].reason == f"{stage}: its process died in each of 2 attempts (runtime.max_attempts)"
    assert len(Objects(str(folder)).keys(f"runs/attempts/run/{stage}/{shard:06d}")) == LIMIT


def test_a_process_that_dies_once_costs_one_attempt(reports: dict[int, ShardOutcome]) -> None:
    assert reports[KILLS_ONCE].reason is None
    assert reports[KILLS_ONCE].attempts["synthesise"] == 2


def test_only_the_cascade_imports_torch(cluster: None, tmp_path: Path) -> None:
    attempts = Attempts(Objects(str(tmp_path)), "run", LIMIT)
    synthesis = Synthesis(Importing, Pool(1, 1, cpus=0.5, gpus=0))
    (report,) = pipeline.run([0], _import_work, attempts, 1, synthesis)
    assert report.counts == {"actor": 0, "composer": 0}


def test_models_that_cannot_be_read_are_the_shards_reason(tmp_path: Path) -> None:
    def factory() -> Synthesiser:
        raise OSError("weights are gone")

    actor = pipeline._Synthesise(factory, Attempts(Objects(str(tmp_path)), "run", LIMIT))
    assert read_outcome(actor(outcome_row(ShardOutcome(0)))).reason == "synthesise: weights are gone"
