"""What the package computes stays the same, byte for byte: digests that an earlier commit recorded.

`python -m bench digests` records them all, through the command line. Here prepare, ten training steps of each model and
a data set of each shipped bundle are made again. Other processors round otherwise, so bytes are compared where the
processor and the libraries are those of the record; elsewhere the same run is only made twice.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

import raysynth
from bench.tools.digests import (
    TRAINED,
    checkpoint_digests,
    data_set_digests,
    draw_frames,
    drawn_settings,
    prepared_digests,
)

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded" / "digests.json").read_text())


def here() -> dict[str, Any]:
    """What the bytes depend on besides the code."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cpu": next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), ""),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "versions": {name: version(name) for name in RECORDED["environment"]["versions"]},
    }


@pytest.fixture
def config(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A configuration of small drawn frames, in as many dimensions as the test asks for."""
    dimensions: int = request.param
    draw_frames(tmp_path / f"drawn-{dimensions}d", dimensions)
    path = tmp_path / f"drawn-{dimensions}d.yaml"
    path.write_text(json.dumps(drawn_settings(tmp_path, dimensions)))
    return path


def compare(found: dict[str, str]) -> None:
    """Every digest is the recorded one."""
    assert found
    changed = {name for name, digest in found.items() if RECORDED["digests"][name] != digest}
    assert not changed


@pytest.mark.skipif(here() != RECORDED["environment"], reason="bytes were recorded on another machine")
@pytest.mark.parametrize("config", [2, 3], indirect=True)
def test_prepare_and_ten_training_steps_give_the_recorded_bytes(config: Path) -> None:
    name = config.stem
    raysynth.prepare(config)
    raysynth.fit(config)
    workspace = config.parent / "workspace" / name
    found = prepared_digests(name, workspace / "prepared")
    for model in TRAINED[int(name[-2])]:
        found |= checkpoint_digests(f"{name} {model}", workspace / "training" / model)
    compare(found)


@pytest.mark.skipif(here() != RECORDED["environment"], reason="bytes were recorded on another machine")
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("bundle", "frame_px", "cells"), [("nuclei-2d", "[160, 160]", 8), ("embryo-3d", "[30, 80, 80]", 4)]
)
def test_the_shipped_bundles_give_the_recorded_bytes(bundle: str, frame_px: str, cells: int, tmp_path: Path) -> None:
    overrides = [
        f"bundle={bundle}",
        f"population.frame_px={frame_px}",
        "population.cells=[2, 5]",
        f"generate.cells_per_shard={cells}",
        "generate.frames_per_shard=1",
        "masks.batch=8",
        "generate.dtype=uint16",
    ]
    bank = tmp_path / "bank"
    first = raysynth.load(bundle, overrides)
    raysynth.generate(first, out=tmp_path / "made.zarr", frames=2, keep_cells=bank)
    found = data_set_digests(f"{bundle} shipped", tmp_path / "made.zarr")
    raysynth.generate(first, out=tmp_path / "again.zarr", frames=2, seed=1, cells=bank)
    compare(found | data_set_digests(f"{bundle} from its bank", tmp_path / "again.zarr"))


@pytest.mark.parametrize("config", [2], indirect=True)
def test_two_trainings_give_the_same_bytes(config: Path) -> None:
    raysynth.prepare(config)
    found = []
    for folder in ("one", "two"):
        settings = raysynth.load(config, [f"storage={config.parent / folder}", "masks.train.sample_every=20"])
        raysynth.fit(settings, "masks")
        found.append(checkpoint_digests("masks", config.parent / folder / config.stem / "masks"))
    assert found[0] == found[1]
