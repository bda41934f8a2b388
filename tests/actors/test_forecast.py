"""The plan of a run beside the run itself."""

from pathlib import Path

import pytest

from raysynth.actors.forecast import Forecast, forecast
from raysynth.actors.generate import generate
from raysynth.actors.summary import RunSummary
from raysynth.config import Config
from tests.fixtures.ellipses import ellipse_config, ellipse_factory

# Starting processes takes long beside other jobs.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Ten frames in four shards of twelve cells."""
    return ellipse_config(tmp_path_factory.mktemp("forecast")).with_(generate={"cells_per_shard": 12})


@pytest.fixture(scope="module")
def made(cluster: None, settings: Config) -> RunSummary:
    """The run that is planned."""
    bank = str(Path(settings.generate.out).parent / "bank")
    return generate(settings, keep_cells=bank, factory=ellipse_factory)


def _check(plan: Forecast, made: RunSummary) -> None:
    """What is fixed is told exactly, what is drawn nearly."""
    objects = [path for path in Path(made.dataset).rglob("*") if path.is_file()]
    data = [path for path in objects if "/c/" in str(path)]
    marks = [path for path in objects if path.parent.name in ("done", "cells.parquet")]
    assert (plan.shards, plan.files) == (made.shards, len(data) + len(marks))
    assert plan.bytes == pytest.approx(sum(path.stat().st_size for path in data), rel=0.3)
    assert made.reuse is not None
    assert plan.reuse == pytest.approx(made.reuse, rel=0.5)
    assert plan.seconds_per_frame > 0
    assert plan.hours > 0


def test_a_plan_tells_what_the_run_then_makes(made: RunSummary, settings: Config) -> None:
    plan = forecast(settings, factory=ellipse_factory)
    assert plan.cells == made.counts["cells"]
    _check(plan, made)


def test_a_plan_from_a_bank_needs_no_model(made: RunSummary, settings: Config, tmp_path: Path) -> None:
    assert made.bank is not None
    config = settings.with_(bundle="nowhere")
    plan = forecast(config, cells=made.bank.uri)
    assert (plan.cells, plan.actors, plan.seconds_per_cell) == (48, 0, 0)
    _check(plan, generate(config, out=str(tmp_path / "again.zarr"), cells=made.bank.uri))


def test_more_frames_take_longer(cluster: None, settings: Config) -> None:
    few, many = (forecast(settings, frames, factory=ellipse_factory, seconds=0.0) for frames in (10, 1000))
    assert many.shards == 334
    assert many.bytes == pytest.approx(100 * few.bytes, rel=0, abs=51)  # each is rounded to a whole byte
