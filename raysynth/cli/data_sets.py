"""The commands that work on a finished data set: check, repair, show and export it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import raysynth
from raysynth.cli.interrupts import interruptible
from raysynth.cli.options import Address, DatasetUri, Json
from raysynth.cli.terminal import show_report, shown_progress

if TYPE_CHECKING:
    from raysynth.actors.repair import RepairReport
    from raysynth.store.verify import VerifyReport

data_sets = typer.Typer()
export = typer.Typer(help="Write a data set in the form another tool reads.", no_args_is_help=True)
data_sets.add_typer(export, name="export")


@data_sets.command("verify")
def _verify(
    dataset: DatasetUri,
    repair: Annotated[bool, typer.Option("--repair", help="Make the bad shards again, with their settings.")] = False,
    address: Address = None,
    json: Json = None,
) -> None:
    """Check that every shard is there and intact, and that labels and cell table agree."""
    # Python never evaluates a local annotation, so these types need no import at run time.
    report: VerifyReport | RepairReport
    if repair:
        with (
            interruptible("shards that were made again are kept, and the same command makes the rest"),
            shown_progress("shards") as progress,
        ):
            report = raysynth.repair(dataset, address=address, progress=progress)
    else:
        with shown_progress("shards checked") as progress:
            report = raysynth.verify(dataset, progress=progress)
    show_report(report, json)
    if not report.ok:
        raise typer.Exit(1)


@data_sets.command("preview")
def _preview(
    dataset: DatasetUri,
    png: Annotated[Path, typer.Argument(metavar="PNG", help="The picture to write.")],
    frames: Annotated[int, typer.Option(min=1, help="Frames shown, spread over the data set.")] = 3,
    json: Json = None,
) -> None:
    """Draw frames with their cells' outlines; volumes as projections and sections."""
    show_report(raysynth.preview(dataset, png, frames=frames), json)


@export.command("ctc")
def _ctc(dataset: DatasetUri, folder: Path, json: Json = None) -> None:
    """Write the Cell Tracking Challenge's layout: 01, 01_GT/SEG and 01_GT/TRA."""
    show_report(raysynth.export_ctc(dataset, folder), json)


@export.command("cellpose")
def _cellpose(dataset: DatasetUri, folder: Path, json: Json = None) -> None:
    """Write pairs of NAME.tif and NAME_masks.tif; volumes as their slices."""
    show_report(raysynth.export_cellpose(dataset, folder), json)
