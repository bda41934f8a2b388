"""The verbs of `raysynth evaluate`: how good are labels, how real do images look, how alike are cells?"""

from pathlib import Path
from typing import Annotated

import typer

from raysynth.cli.terminal import progress, show
from raysynth.cli.options import Address, ConfigFile, Json, Overrides
from raysynth.config.reading import load

evaluate = typer.Typer(help="Measure labels and images.", no_args_is_help=True)

LABELS = "A data set, or a folder of maskTTT.tif, man_segTTT.tif or man_seg_TTT_ZZZ.tif."
FRAMES = "A data set, a folder with images and masks, or a CTC sequence (or the folder of sequences)."

SetA = Annotated[str, typer.Argument(metavar="A", help=f"The real set. {FRAMES}")]
SetB = Annotated[str, typer.Argument(metavar="B", help=f"What is compared with it. {FRAMES}")]


@evaluate.command()
def seg(
    predicted: Annotated[str, typer.Argument(metavar="PREDICTED", help=LABELS)],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help=LABELS)],
    common: Annotated[
        bool, typer.Option("--common", help="Leave out reference frames without a prediction; else they score 0.")
    ] = False,
    json: Json = None,
) -> None:
    """SEG of the Cell Tracking Challenge; average precision, for references that label every cell."""
    from raysynth.measures.seg import compare_labels

    with progress("label images compared") as update:
        found = compare_labels(predicted, reference, common, progress=update)
    show(found.to_json(), json)


@evaluate.command()
def fidelity(
    a: SetA,
    b: SetB,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Inception weights. [default: the canonical ones, downloaded once]"),
    ] = None,
    tiles: Annotated[int, typer.Option(min=40, help="Random tiles of each half of A, and of B.")] = 500,
    whole: Annotated[bool, typer.Option("--whole", help="Compare whole frames, from 500 on, and not tiles.")] = False,
    cellpose: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also a distance in the features of this Cellpose network.")
    ] = None,
    json: Json = None,
) -> None:
    """FID, KID, precision and recall of B against half of A, beside the other half of A against it."""
    from raysynth.measures.similarity import compare_images

    with progress("sets seen by the network") as update:
        found = compare_images(a, b, weights, tiles, whole, cellpose, progress=update)
    show(found.to_json(), json)


@evaluate.command()
def morphology(
    a: SetA,
    b: SetB,
    voxel: Annotated[
        str | None, typer.Option("--voxel-um", metavar="[Z,]Y,X", help="Voxel size of sets that do not store one.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw the distributions into FOLDER/morphology.png.")
    ] = None,
    json: Json = None,
) -> None:
    """Shape, brightness, texture, edges and neighbours of cells: B against A, beside half of A against half."""
    from raysynth.measures.cell_metrics import compare_cells, voxel_size

    given = voxel_size(voxel) if voxel else None
    with progress("frames measured") as update:
        found = compare_cells(a, b, given, plots, progress=update)
    show(found.to_json(), json)


@evaluate.command()
def table(
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
    figures: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE", help="What fidelity or morphology of that set wrote with --json; repeatable."
        ),
    ] = None,
    address: Address = None,
    overrides: Overrides = None,
    json: Json = None,
) -> None:
    """Train Cellpose on none, real, synthetic and both; SEG of each on the test split. A rerun goes on."""
    from raysynth.actors.cluster import cluster
    from raysynth.experiment.protocol import frame_counts, named_sets
    from raysynth.experiment.report import summary, write
    from raysynth.experiment.run import table
    from raysynth.experiment.set_metrics import read_figures

    settings, sets = load(config, overrides or ()), named_sets(synthetic or ())
    counts = frame_counts(synthetic_curve) if synthetic_curve is not None else ()
    about = read_figures(figures or (), list(sets) or ["synthetic"])
    with cluster(address), progress("tasks") as update:
        found = table(settings, sets, out, curve, counts, "validation" if validation else "test", update)
    found["figures"] = about
    show(summary(found) | {"report": str(write(found))}, json)
