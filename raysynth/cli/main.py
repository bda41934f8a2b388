"""The `raysynth` command: its verbs, and what they print. How anything is computed stands elsewhere.

Exit codes: 0 done; 1 some shards or models failed or a data set is not sound; 2 bad input, said in one sentence.
The verbs' modules are read when a verb runs, so that help is quick.
"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysynth.base.errors import InputError, RunError
from raysynth.cli.terminal import progress, show, track_shards
from raysynth.cli.evaluate import evaluate
from raysynth.cli.options import Address, ConfigFile, Json, Overrides
from raysynth.config.reading import load

if TYPE_CHECKING:
    from raysynth.store.verify import Report

DatasetUri = Annotated[str, typer.Argument(metavar="DATASET", help="A data set: a folder, or s3://bucket/prefix.")]

app = typer.Typer(
    help="Densely annotated synthetic fluorescence microscopy, 2D and 3D.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
export = typer.Typer(help="Write a data set in the form another tool reads.", no_args_is_help=True)
app.add_typer(export, name="export")
app.add_typer(evaluate, name="evaluate")


class What(StrEnum):
    """What `train` trains."""

    masks = "masks"
    views = "views"
    texture = "texture"
    all = "all"


@app.command()
def prepare(config: ConfigFile, overrides: Overrides = None, json: Json = None) -> None:
    """Real frames in; single-cell crops and population statistics out."""
    from raysynth.preparation.prepare import prepare

    show(prepare(load(config, overrides or ())), json)


@app.command()
def train(
    what: What,
    config: ConfigFile,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes under Ray Train. [default: this one, without Ray]")
    ] = None,
    address: Address = None,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Fit the models to what `prepare` made (or makes it first); goes on from the last checkpoint."""
    from raysynth.actors.train import train

    figures = train(load(config, overrides or ()), what.value, workers, address)
    show(figures, json)
    if any("failed" in of_model for of_model in figures.values()):
        raise typer.Exit(1)


@app.command()
def generate(
    config: ConfigFile,
    out: Annotated[str | None, typer.Option(metavar="URI", help="The data set. [default: generate.out]")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames in all. [default: generate.frames]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed. [default: generate.seed]")] = None,
    cells: Annotated[
        str | None, typer.Option(metavar="URI", help="Compose from a bank of kept cells; no model is loaded.")
    ] = None,
    keep_cells: Annotated[str | None, typer.Option(metavar="URI", help="Keep the cells as such a bank.")] = None,
    address: Address = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Write nothing: a probe tells cells, reuse, bytes and hours.")
    ] = False,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Make a data set, go on with a broken-off one, or extend one to more frames."""
    from raysynth.actors.generate import generate

    settings = load(config, overrides or ())
    if plan:
        from raysynth.actors.forecast import forecast

        show(forecast(settings, frames, address, cells=cells), json)
        return
    summary = generate(settings, out, frames, seed, address, cells=cells, keep_cells=keep_cells, track=track_shards)
    show(summary, json)
    if summary["failed"]:
        raise typer.Exit(1)


@app.command()
def verify(
    dataset: DatasetUri,
    repair: Annotated[bool, typer.Option("--repair", help="Make the bad shards again, with their settings.")] = False,
    address: Address = None,
    json: Json = None,
) -> None:
    """Check that every shard is there and sound, and that labels and cell table agree."""
    from raysynth.store.verify import verify

    with progress("shards checked") as update:
        report = verify(dataset, lambda done, total: update(done, total, ""))
    made = None
    if repair and not report.ok:
        made, report = _repair(dataset, report, address)
    figures: dict[str, Any] = {"dataset": report.uri, "shards": report.shards, "cells": report.cells, "ok": report.ok}
    figures["bad"] = {shard: "; ".join(reasons) for shard, reasons in report.bad.items()}
    figures["altered"] = dict(enumerate(report.documents))
    if made is not None:
        figures["repaired"] = made
    show(figures, json)
    if not report.ok:
        raise typer.Exit(1)


def _repair(dataset: str, found: "Report", address: str | None) -> tuple[int, "Report"]:
    """Have the bad shards made again; how many were, and what is wrong afterwards."""
    from raysynth.actors.repair import repair
    from raysynth.store.verify import verify

    made = repair(dataset, found.bad, address, track=track_shards)["made"]
    after = verify(dataset, only=None if found.documents else found.bad)
    after.cells += found.cells
    return made, after


@export.command()
def ctc(dataset: DatasetUri, folder: Path, json: Json = None) -> None:
    """The Cell Tracking Challenge's layout: 01, 01_GT/SEG and 01_GT/TRA."""
    from raysynth.export.ctc import export_ctc
    from raysynth.store.reader import Dataset

    show({"folder": str(folder), "frames": export_ctc(Dataset(dataset), folder)}, json)


@export.command()
def cellpose(dataset: DatasetUri, folder: Path, json: Json = None) -> None:
    """Pairs of NAME.tif and NAME_masks.tif; volumes as their slices."""
    from raysynth.export.cellpose import export_cellpose
    from raysynth.store.reader import Dataset

    show({"folder": str(folder), "images": export_cellpose(Dataset(dataset), folder)}, json)


@app.command()
def preview(
    dataset: DatasetUri,
    png: Annotated[Path, typer.Argument(metavar="PNG", help="The picture to write.")],
    frames: Annotated[int, typer.Option(min=1, help="Frames shown, spread over the data set.")] = 3,
    json: Json = None,
) -> None:
    """Draw frames with their cells' outlines; volumes as projections and sections."""
    from raysynth.export.preview import preview
    from raysynth.store.reader import Dataset

    show({"picture": str(png), "frames": preview(Dataset(dataset), png, frames)}, json)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="hela, gowt1, cho, ce, bbbc039, bbbc050 or samples.")],
    folder: Annotated[Path, typer.Argument(help="Where the data set's own folder is made.")],
    base: Annotated[str | None, typer.Option(metavar="URL", help="Another place that holds the same archives.")] = None,
    json: Json = None,
) -> None:
    """Download a public data set and lay it out as `prepare` reads it."""
    from raysynth.data.fetch import fetch
    from raysynth.data.samples import samples

    if name == "samples":
        folders = samples(folder)
    else:
        with progress("bytes") as update:
            folders = [fetch(name, folder, lambda url, done, total: update(done, total or done, ""), base)]
    show({"folders": [str(path) for path in folders]}, json)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends it with one sentence and exit code 2."""
    try:
        app(args=arguments)
    except InputError as error:
        print(f"raysynth: {error}", file=sys.stderr)
        sys.exit(2)
    except RunError as error:
        print(f"raysynth: {error}", file=sys.stderr)
        sys.exit(1)
