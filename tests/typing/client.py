"""A client of the package, as a user would write it. A test has mypy read it; nothing here runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

import raysynth
from raysynth import Config, Dataset


def shown(done: int, total: int, message: str = "") -> None:
    """A user's own progress."""
    print(done, total, message)


def make(folder: Path) -> None:
    """Everything that makes something."""
    config = raysynth.load("nuclei-2d", ["generate.frames=4"])
    assert_type(config, Config)
    changed = config.with_(name="mine", generate={"frames": 3})
    assert_type(changed, Config)
    assert_type(changed.generate.frames, int)
    assert_type(changed.masks.with_(batch=4).batch, int)

    fetched = raysynth.fetch("samples", "data")
    assert_type(fetched.folders, tuple[Path, ...])
    raysynth.fetch("hela", folder, base="https://example.org", progress=shown)

    prepared = raysynth.prepare(config, progress=shown)
    assert_type(prepared, raysynth.PrepareReport)
    assert_type(prepared.crop_side_px, int)
    assert_type(prepared.train.cells_kept, int)

    trained = raysynth.fit("hela", "masks", workers=2, address=None)
    assert_type(trained, raysynth.TrainReport)
    assert_type(trained.ok, bool)
    for name, model in trained.models.items():
        assert_type(model, raysynth.ModelReport)
        print(name, model.metrics, model.failed)

    summary = raysynth.generate(changed, folder / "set.zarr", frames=1000, seed=1, keep_cells="bank", progress=shown)
    assert_type(summary, raysynth.RunSummary)
    assert_type(summary.failed, Mapping[int, str])
    assert_type(summary.made, int)
    raysynth.generate(Path("mine.yaml"), cells="s3://bucket/bank", out="s3://bucket/set.zarr")

    plan = raysynth.forecast("demo-2d", frames=10, cells=None)
    assert_type(plan, raysynth.Forecast)
    assert_type(plan.hours, float)


def read(place: str | Path) -> None:
    """Everything that reads a data set."""
    dataset = raysynth.open(place)
    assert_type(dataset, Dataset)
    for frame, image, labels in dataset:
        print(frame, image.mean(), labels.max())
    checked = raysynth.verify(dataset, progress=shown)
    assert_type(checked, raysynth.VerifyReport)
    assert_type(checked.ok, bool)
    repaired = raysynth.repair(place)
    assert_type(repaired, raysynth.RepairReport)
    assert_type(repaired.ok, bool)
    assert_type(raysynth.read_torch(dataset, None, 1), raysynth.TorchDataset)
    print(raysynth.read_ray(dataset).count())
    picture = raysynth.preview(place, "x.png", frames=2)
    assert_type(picture, raysynth.PreviewReport)
    assert_type(raysynth.export_ctc(dataset, "ctc"), raysynth.ExportReport)
    assert_type(raysynth.export_cellpose("x.zarr", Path("pairs")), raysynth.ExportReport)


def measure(real: Path, made: Dataset) -> None:
    """Everything that measures."""
    seg = raysynth.evaluate_seg(made, real, common=True)
    assert_type(seg, raysynth.SegReport)
    assert_type(seg.seg, float)
    fidelity = raysynth.evaluate_fidelity(real, made, tiles=100, weights="inception.pth")
    assert_type(fidelity, raysynth.FidelityReport)
    morphology = raysynth.evaluate_morphology(real, made, voxel_um=(1.0, 0.2, 0.2), plots="plots")
    assert_type(morphology, raysynth.MorphologyReport)
    table = raysynth.evaluate_table("hela", {"main": made, "other": "b.zarr"}, synthetic_curve=[9, 30], validation=True)
    assert_type(table, raysynth.TableResult)
    assert_type(table.report, Path)
    raysynth.evaluate_table("hela", made, metrics={"synthetic": ["fidelity.json"]})


def guarded() -> str:
    """Errors have one base class."""
    try:
        report: raysynth.Report = raysynth.verify("absent.zarr")
    except raysynth.InputError as error:
        return str(error)
    except (raysynth.RunError, raysynth.TrainingFailed, raysynth.ShardFailure, raysynth.Exhausted):
        return "ended"
    except raysynth.RaysynthError as error:
        return type(error).__name__
    values: dict[str, object] = report.to_json()
    return f"{report} {values} {raysynth.__version__}"
