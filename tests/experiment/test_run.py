"""The whole protocol on the session's Ray cluster: tiny frames, a few steps."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.base.lease import Lease
from raysynth.base.objects import Objects
from raysynth.config import Config, DataConfig, EvaluateConfig, GenerateConfig, PopulationConfig, SplitConfig
from raysynth.experiment.networks import build_network
from raysynth.experiment.result import ScoredOn
from raysynth.experiment.run import make_table
from tests.fixtures.scenes import WriteDataset, WritePairs

TINY = EvaluateConfig(steps=4, validate_every=1, batch=2, tile_px=32, validation_frames=1)


@pytest.fixture
def config(pairs: WritePairs, tmp_path: Path) -> Config:
    """Five frames of round cells: three train, one validates, one tests; weights to start from."""
    root = pairs("real", 5)
    split = SplitConfig(by="group", train=("f00", "f01", "f02"), validation=("f03",), test=("f04",))
    data = DataConfig(root=str(root), layout="pairs", dimensions=2, group_pattern="(f[0-9]+)", split=split)
    torch.save(build_network(TINY, 0).state_dict(), tmp_path / "weights.pt")
    return Config(
        name="discs",
        workspace=str(tmp_path / "workspace"),
        data=data,
        population=PopulationConfig(frame_px=(72, 80)),
        generate=GenerateConfig(out=str(tmp_path / "none.zarr")),
        evaluate=TINY.with_(weights=str(tmp_path / "weights.pt")),
    )


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("cluster")
def test_a_table_is_made_resumes_and_is_reported(config: Config, dataset: WriteDataset, tmp_path: Path) -> None:
    sets, out, heard = {"main": dataset()}, tmp_path / "table", list[str]()

    def progress(done: int, total: int, message: str = "") -> None:
        heard.append(message)

    tuned = make_table(config, sets, out, split="validation")
    assert tuned.scored == ScoredOn("validation", "the labels of data", 1)
    assert tuned.test_reads == ()
    assert tuned.rows["real"].seg == pytest.approx(tuned.rows["real"].validation)
    assert tuned.report == out / "validation.html"
    (out / "runs" / "real.seed0.json").unlink()

    found = make_table(config, sets, out, progress=progress)
    assert list(found.rows) == ["none", "real", "synthetic (main)", "both (main)"]
    assert [len(row.seeds) for row in found.rows.values()] == [1, 3, 3, 3]
    assert found.rows["both (main)"].images == [[3, 4]] * 3
    assert set(found.gains) == {"synthetic (main) - real", "both (main) - real"}
    assert [message for message in heard if "trained" in message] == ["real.seed0 trained"]
    assert [(read.frames, len(read.networks)) for read in found.test_reads] == [(1, 10)]

    weights = [torch.load(out / "runs" / f"real.seed{seed}.pt", weights_only=True) for seed in range(2)]
    assert any(not torch.equal(value, weights[1][name]) for name, value in weights[0].items())

    (out / "test" / "real.seed1.json").unlink()
    (out / "runs" / "both.main.seed2.json").unlink()
    heard.clear()
    again = make_table(config, sets, out, progress=progress)
    assert heard == ["both.main.seed2 trained", "real.seed1 scored"]
    assert {title: row.seeds for title, row in again.rows.items()} == {
        title: row.seeds for title, row in found.rows.items()
    }
    assert [read.networks for read in again.test_reads][1:] == [("real.seed1",)]

    assert again.report == out / "table.html"
    assert "<td>both (main)</td>" in again.report.read_text()
    assert f"| both (main) | {again.rows['both (main)'].seg:.4f} |" in (out / "table.md").read_text()

    other = config.with_(evaluate={"steps": 8})
    with pytest.raises(InputError, match="another evaluate"):
        make_table(other, sets, out)


@pytest.mark.usefixtures("cluster")
def test_bad_input_is_refused_before_a_folder_is_made(config: Config, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.zarr is no raysynth data set"):
        make_table(config, {}, tmp_path / "table")
    with pytest.raises(InputError, match=r"lower evaluate\.threads from 64"):
        make_table(config.with_(evaluate={"threads": 64}), {}, tmp_path / "table")
    assert not (tmp_path / "table").exists()


@pytest.mark.usefixtures("cluster")
def test_two_runs_on_one_folder_do_not_train_everything_twice(config: Config, tmp_path: Path) -> None:
    only_real = config.with_(evaluate={"arms": ("real",)})
    folder = tmp_path / "table"
    with Lease(Objects(str(folder), create=True), "first"), pytest.raises(InputError, match="held by run first"):
        make_table(only_real, {}, folder)
    assert not (folder / "plan.json").exists()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("cluster")
def test_a_generalist_is_trained_first_and_every_arm_starts_from_it(config: Config, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(config.with_(evaluate={"weights": None}).model_dump(mode="json")))
    evaluate = TINY.with_(arms=("none", "real"), generalist=str(other))
    heard: list[str] = []

    def progress(done: int, total: int, message: str = "") -> None:
        heard.append(message)

    found = make_table(config.with_(evaluate=evaluate), {}, tmp_path / "table", split="validation", progress=progress)
    assert next(message for message in heard if "trained" in message) == "real.seed0 trained"
    weights = tmp_path / "table" / "generalist" / "runs" / "real.seed0.pt"
    assert found.plan.start == sha256(weights.read_bytes()).hexdigest()
    run = json.loads((tmp_path / "table" / "generalist" / "runs" / "real.seed0.json").read_text())
    assert found.rows["none"].validation == pytest.approx(run["validation"])
