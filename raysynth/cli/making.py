"""The commands that make something: crops, models and data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import raysynth
from raysynth.cli.interrupts import interruptible
from raysynth.cli.options import Address, ConfigFile, Json, Overrides
from raysynth.cli.terminal import show_report, shown_progress

if TYPE_CHECKING:
    from raysynth.api import TrainTarget

making = typer.Typer()


@making.command("fetch")
def _fetch(
    name: Annotated[str, typer.Argument(help="hela, gowt1, cho, ce, bbbc039, bbbc050 or samples.")],
    folder: Annotated[Path, typer.Argument(help="Where the data set's own folder is made.")],
    base: Annotated[
        str | None, typer.Option(metavar="URL", help="Another server that holds the same archives.")
    ] = None,
    json: Json = None,
) -> None:
    """Download a public data set and lay it out as `prepare` reads it."""
    with shown_progress("bytes") as progress:
        report = raysynth.fetch(name, folder, base=base, progress=progress)
    show_report(report, json)


@making.command("prepare")
def _prepare(config: ConfigFile, overrides: Overrides = None, json: Json = None) -> None:
    """Cut single cells out of real frames, and measure the population."""
    settings = raysynth.load(config, overrides or ())
    with shown_progress("frames read") as progress:
        report = raysynth.prepare(settings, progress=progress)
    show_report(report, json)


@making.command("train")
def _train(
    what: Annotated[str, typer.Argument(metavar="MODEL", help="masks, views or texture; or all that are needed.")],
    config: ConfigFile,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes under Ray Train. [default: this one, without Ray]")
    ] = None,
    address: Address = None,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Train models on what `prepare` made (or make it first); resumes from the last checkpoint."""
    settings = raysynth.load(config, overrides or ())
    with interruptible("the last checkpoint is kept, and the same command resumes from it"):
        # `fit` itself refuses what is no model's name, in the words of its other messages.
        report = raysynth.fit(settings, cast("TrainTarget", what), workers=workers, address=address)
    show_report(report, json)
    if not report.ok:
        raise typer.Exit(1)


@making.command("generate")
def _generate(
    config: ConfigFile,
    out: Annotated[str | None, typer.Option(metavar="URI", help="The data set. [default: generate.out]")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames in all. [default: generate.frames]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed. [default: generate.seed]")] = None,
    cells: Annotated[
        str | None, typer.Option(metavar="URI", help="Compose from a bank of kept cells; no model is loaded.")
    ] = None,
    keep_cells: Annotated[str | None, typer.Option(metavar="URI", help="Keep the cells as such a bank.")] = None,
    address: Address = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Write nothing: estimate cells, reuse, bytes and hours from a probe.")
    ] = False,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Make a data set, resume one that was cut off, or extend one to more frames."""
    settings = raysynth.load(config, overrides or ())
    if plan:
        show_report(raysynth.forecast(settings, frames=frames, cells=cells, address=address), json)
        return
    with (
        interruptible("finished shards are kept, and the same command makes the rest"),
        shown_progress("shards") as progress,
    ):
        summary = raysynth.generate(
            settings,
            out,
            frames=frames,
            seed=seed,
            cells=cells,
            keep_cells=keep_cells,
            address=address,
            progress=progress,
        )
    show_report(summary, json)
    if summary.failed:
        raise typer.Exit(1)
