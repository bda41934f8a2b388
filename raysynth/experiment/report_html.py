"""The report of a table as one page that needs no other file: its pictures are inside."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader

from raysynth.experiment.report_plots import draw_curves, draw_few_frames, draw_scored_frames
from raysynth.experiment.result import TableResult
from raysynth.experiment.sections import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEMPLATES = Environment(
    loader=PackageLoader("raysynth.experiment"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def report_page(result: TableResult, sections: Sequence[Section]) -> str:
    """Write the whole page.

    Parameters
    ----------
    result
        The finished table.
    sections
        The parts of its report. Pictures stand after the first.

    Returns
    -------
    str
        HTML.
    """
    drawn = {
        "Validation SEG against steps": draw_curves(result.rows),
        "SEG against real frames": draw_few_frames(result.rows, "real"),
        "SEG against synthetic frames": draw_few_frames(result.rows, "synthetic"),
        "One scored frame: reference green, found red": draw_scored_frames(result.rows),
    }
    pictures = {title: _address(figure) for title, figure in drawn.items() if figure is not None}
    template = _TEMPLATES.get_template("table.html")
    return template.render(title=f"Segmentation of {result.name}", sections=sections, pictures=pictures)


def _address(figure: "Figure") -> str:
    """Give a figure as an address that holds the whole picture."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
