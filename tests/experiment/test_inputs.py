"""What a table is made from is judged before any work."""

from pathlib import Path

import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.config import Config, DataConfig, EvaluateConfig, GenerateConfig, PopulationConfig, SplitConfig
from raysynth.experiment.inputs import TableInputs, read_inputs
from raysynth.experiment.networks import build_network
from tests.fixtures.scenes import WriteDataset, WritePairs


@pytest.fixture
def config(pairs: WritePairs, tmp_path: Path) -> Config:
    """Five frames of round cells: three train, one validates, one tests."""
    split = SplitConfig(by="group", train=("f00", "f01", "f02"), validation=("f03",), test=("f04",))
    data = DataConfig(root=str(pairs("real", 5)), layout="pairs", dimensions=2, group_pattern="(f[0-9]+)", split=split)
    return Config(
        name="discs",
        workspace=str(tmp_path / "workspace"),
        data=data,
        population=PopulationConfig(frame_px=(72, 80)),
        generate=GenerateConfig(out=str(tmp_path / "none.zarr")),
        evaluate=EvaluateConfig(tile_px=32),
    )


def inputs(config: Config, synthetic: dict[str, str], counts: tuple[int, ...] = ()) -> TableInputs:
    return read_inputs(config, synthetic, None, False, counts, "test", "cpu")


def test_frames_sets_and_rows_are_listed(
    config: Config, dataset: WriteDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset("main.zarr")
    monkeypatch.chdir(tmp_path)
    found = inputs(config.with_(data={"root": "real"}), {"main": "main.zarr"}, (2,))
    assert found.frames == {"real": 3, "main": 4}
    assert [frame.group for frame in found.scored] == ["f04"]
    assert (found.folder, found.workspace) == (tmp_path / "workspace/discs/table", tmp_path / "workspace/discs")
    assert found.data.root == str(tmp_path / "real")
    assert found.synthetic["main"].address == str(tmp_path / "main.zarr")
    assert [row.key for row in found.rows] == [
        "none", "real", "synthetic.main", "both.main", "synthetic.main.synthetic2", "both.main.synthetic2",
    ]  # fmt: skip


def test_sets_that_no_row_trains_on_are_not_opened(config: Config) -> None:
    assert inputs(config.with_(evaluate={"arms": ("real",)}), {}).synthetic == {}


def test_two_sets_have_two_digests(config: Config, dataset: WriteDataset) -> None:
    sets = {"a": dataset("a.zarr"), "b": dataset("b.zarr", shards=(0,)), "again": dataset("again.zarr")}
    digests = {name: each.digest for name, each in inputs(config, sets).synthetic.items()}
    assert digests["a"] == digests["again"] != digests["b"]


def test_what_is_no_set_or_has_other_dimensions_is_refused(config: Config, dataset: WriteDataset) -> None:
    with pytest.raises(InputError, match=r"none\.zarr is no raysynth data set"):
        inputs(config, {})
    with pytest.raises(InputError, match="has 3 axes"):
        inputs(config, {"volumes": dataset("volumes.zarr", shape=(6, 72, 80))})


def test_a_curve_needs_more_frames_than_its_numbers(config: Config, dataset: WriteDataset) -> None:
    sets = {"main": dataset()}
    with pytest.raises(InputError, match=r"--synthetic-curve 4: .* train on 4 frames"):
        inputs(config, sets, (2, 4))
    with pytest.raises(InputError, match=r"--synthetic-curve 3: .* train on 3 frames"):
        inputs(config.with_(evaluate={"synthetic_frames": 3}), sets, (3,))


def test_weights_must_be_there_and_fit(config: Config, tmp_path: Path) -> None:
    real = config.with_(evaluate={"arms": ("real",), "weights": str(tmp_path / "w.pt")})
    with pytest.raises(InputError, match=r"w\.pt is missing"):
        inputs(real, {})
    torch.save(build_network(real.evaluate, 0).state_dict(), tmp_path / "w.pt")
    assert inputs(real, {}).start == tmp_path / "w.pt"
    with pytest.raises(InputError, match=r"holds no weights of evaluate.network 'full'"):
        inputs(real.with_(evaluate={"network": "full"}), {})
