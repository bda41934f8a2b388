"""What a manifest says of the cells and settings that determine the bytes, and what a run leaves for its repair."""

import json
from pathlib import Path

import pytest

from raysynth.actors.finding import FoundBank, FoundBundle, find_source
from raysynth.actors.pool import Pool
from raysynth.actors.provenance import manifest_of, newest_settings, run_settings
from raysynth.actors.sources import BundleCells
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.config import Config
from raysynth.population.bank import BankIndex
from raysynth.population.bank_writer import BankWriter
from raysynth.store.manifest import BYTES_SINCE
from tests.fixtures.ellipses import Ellipses, ellipse_config, statistics


def cells(config: Config, dtype: str = "uint16") -> BundleCells:
    """Cells of the config's bundle, whose data are of that type."""
    found = find_source(config, None)
    assert isinstance(found, FoundBundle)
    learned = statistics().model_copy(update={"dtype": dtype})
    pool = Pool(1, 1, cpus=0.5, gpus=0)
    return BundleCells(found.config, learned, found.bundle.digest, pool, Ellipses, lambda config: Ellipses)


def test_a_manifest_leaves_out_what_leaves_the_bytes_alone(tmp_path: Path) -> None:
    config = ellipse_config(tmp_path)
    other = config.with_(
        name="other",
        workspace="elsewhere",
        generate={"out": "elsewhere.zarr"},
        runtime={"actors": 3, "max_failures": 9},
        masks={"train": {"steps": 7}},
        evaluate={"seeds": 5},
    )
    manifest = manifest_of(cells(config))
    assert manifest == manifest_of(cells(other))
    assert manifest != manifest_of(cells(config.with_(texture={"rho": 0.7})))
    assert manifest != manifest_of(cells(config.with_(runtime={"threads": 2})))
    assert manifest.versions["raysynth"] == BYTES_SINCE


@pytest.mark.parametrize(
    ("asked", "data", "stored"),
    [
        (None, "uint16", "uint16"),
        (None, "float64", "float32"),
        ("uint8", "uint16", "uint8"),
        ("uint16", "int32", "uint16"),
    ],
)
def test_images_have_the_type_that_is_asked_for_or_that_of_the_data(
    tmp_path: Path, asked: str | None, data: str, stored: str
) -> None:
    manifest = manifest_of(cells(ellipse_config(tmp_path).with_(generate={"dtype": asked}), data))
    assert manifest.dataset.dtype == stored
    assert "dtype" not in manifest.config["generate"]


def test_a_type_that_is_not_stored_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the data are int32, which no data set stores: set generate\.dtype to uint8"):
        manifest_of(cells(ellipse_config(tmp_path), "int32"))


def test_an_early_bank_is_named_by_its_own_bytes(tmp_path: Path) -> None:
    """Its document may hold what is read no more: data sets composed from it are still extended."""
    writer = BankWriter(Objects(str(tmp_path / "bank"), create=True))
    index = BankIndex(config={}, bundle="b", versions={}, device="cpu", seed=0, statistics=statistics())
    writer.begin(index)
    writer.write(0, Ellipses()(0).cells)
    writer.seal([0])
    stored = json.loads(writer.objects.get("bank.json"))
    for frame in stored["statistics"]["frames"]:
        frame |= {"neighbour_px": [1.0] * 5, "touching": 0.5}
    early = json.dumps(stored).encode()
    writer.objects.put("bank.json", early)
    found = find_source(ellipse_config(tmp_path), str(tmp_path / "bank"))
    assert isinstance(found, FoundBank)
    digest = found.cells.digest
    writer.seal([0])
    assert writer.objects.get("bank.json") == early
    again = find_source(ellipse_config(tmp_path / "again"), str(tmp_path / "bank"))
    assert isinstance(again, FoundBank)
    assert manifest_of(again.cells).bundle == digest


def test_repair_finds_the_settings_of_the_newest_run(tmp_path: Path) -> None:
    target, config = Objects(str(tmp_path / "set.zarr"), create=True), ellipse_config(tmp_path)
    with pytest.raises(InputError, match="holds no record of the run that made it"):
        newest_settings(target)
    for run, frames in (("20250101T000000Z-a", 3), ("20250102T000000Z-a", 6)):
        settings = run_settings(config.with_(generate={"frames": frames}), None)
        target.put(f"runs/{run}.json", json.dumps({"settings": settings}).encode())
    target.put("runs/20250103T000000Z-a.json", b"{}")
    target.put("runs/attempts/x/compose/000000/001.json", b"{}")
    found = newest_settings(target)
    assert found["config"]["generate"]["frames"] == 6
    assert Path(found["config"]["bundle"]).is_absolute()
    assert found["cells"] is None
