"""The commands of `raysynth evaluate`: how good labels are, how real images look, how alike cells are."""

from pathlib import Path
from typing import Annotated

import typer

import raysynth
from raysynth.cli.interrupts import interruptible
from raysynth.cli.options import Address, ConfigFile, Json, Overrides
from raysynth.cli.terminal import show_report, shown_progress

evaluate = typer.Typer(help="Measure labels and images.", no_args_is_help=True)

_LABELS = "A data set, or a folder of maskTTT.tif, man_segTTT.tif or man_seg_TTT_ZZZ.tif."
_FRAMES = "A data set, a folder with images and masks, or a CTC sequence (or the folder of sequences)."
_SetA = Annotated[str, typer.Argument(metavar="A", help=f"The real set. {_FRAMES}")]
_SetB = Annotated[str, typer.Argument(metavar="B", help=f"What is compared with it. {_FRAMES}")]


@evaluate.command("seg")
def _seg(
    predicted: Annotated[str, typer.Argument(metavar="PREDICTED", help=_LABELS)],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help=_LABELS)],
    common: Annotated[
        bool, typer.Option("--common", help="Leave out reference frames without a prediction; else they score 0.")
    ] = False,
    json: Json = None,
) -> None:
    """SEG of the Cell Tracking Challenge; average precision, for references that label every cell."""
    with shown_progress("label images compared") as progress:
        report = raysynth.evaluate_seg(predicted, reference, common=common, progress=progress)
    show_report(report, json)


@evaluate.command("fidelity")
def _fidelity(
    a: _SetA,
    b: _SetB,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Inception weights. [default: the canonical ones, downloaded once]"),
    ] = None,
    tiles: Annotated[int, typer.Option(min=40, help="Random tiles of each half of A, and of B.")] = 500,
    whole: Annotated[bool, typer.Option("--whole", help="Compare whole frames, 500 or more, and not tiles.")] = False,
    cellpose: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also a distance in the features of this Cellpose network.")
    ] = None,
    json: Json = None,
) -> None:
    """FID, KID, precision and recall of B against half of A, beside the other half of A against it."""
    with shown_progress("sets seen by the network") as progress:
        report = raysynth.evaluate_fidelity(
            a, b, weights=weights, tiles=tiles, whole=whole, cellpose=cellpose, progress=progress
        )
    show_report(report, json)


@evaluate.command("morphology")
def _morphology(
    a: _SetA,
    b: _SetB,
    voxel: Annotated[
        str | None, typer.Option("--voxel-um", metavar="[Z,]Y,X", help="Voxel size of sets that do not store one.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw the distributions into FOLDER/morphology.png.")
    ] = None,
    json: Json = None,
) -> None:
    """Shape, brightness, texture, edges and neighbours of cells: B against A, beside half of A against half."""
    from raysynth.measures.cell_metrics import voxel_size

    voxel_um = None if voxel is None else voxel_size(voxel)
    with shown_progress("frames measured") as progress:
        report = raysynth.evaluate_morphology(a, b, voxel_um=voxel_um, plots=plots, progress=progress)
    show_report(report, json)


@evaluate.command("table")
def _table(
    config: ConfigFile,
    synthetic: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]DATASET", help="A synthetic set; may be repeated. [default: generate.out]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keeps every training. [default: table in the workspace]")
    ] = None,
    curve: Annotated[bool, typer.Option("--curve", help="Also real and both with 1, 2 and 5 real frames.")] = False,
    synthetic_curve: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Also synthetic and both with so many frames of the first set."),
    ] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Score on the validation split; the test split stays unread.")
    ] = False,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metrics",
            "--figures",  # its name in earlier versions
            metavar="NAME=FILE",
            help="What fidelity or morphology of that set wrote with --json; repeatable.",
        ),
    ] = None,
    address: Address = None,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Train Cellpose on none, real, synthetic and both; SEG of each on the test split. Resumes a rerun."""
    from raysynth.experiment.rows import frame_counts, named_sets
    from raysynth.experiment.set_metrics import named_files

    settings = raysynth.load(config, overrides or ())
    with (
        interruptible("finished trainings and scores are kept, and the same command makes the rest"),
        shown_progress("tasks") as progress,
    ):
        result = raysynth.evaluate_table(
            settings,
            named_sets(synthetic or ()),
            out=out,
            curve=curve,
            synthetic_curve=frame_counts(synthetic_curve) if synthetic_curve is not None else (),
            validation=validation,
            metrics=named_files(metrics or ()),
            address=address,
            progress=progress,
        )
    show_report(result, json)
