"""The verbs of `raysynth evaluate`: how good are labels, how real do images look, how alike are cells?"""

from typing import Annotated

import typer

from raysynth.cli_options import Json
from raysynth.progress import progress, show

evaluate = typer.Typer(help="Measure labels and images.", no_args_is_help=True)

LABELS = "A data set, or a folder of maskTTT.tif, man_segTTT.tif or man_seg_TTT_ZZZ.tif."


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
    from raysynth.evaluate.seg import compare

    with progress("label images compared") as update:
        scores = compare(predicted, reference, common, lambda done, total: update(done, total, ""))
    show(scores.figures(), json)
