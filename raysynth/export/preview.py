"""A contact sheet of a data set: what a user looks at first.

2D: each frame plain, and with the outlines of its labels. 3D: maximum projections, orthogonal sections, and the same
sections with outlines; z is stretched to the scale of y and x.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.base.reports import Report
from raysynth.base.sampling import evenly_spaced
from raysynth.base.staging import whole_file
from raysynth.export.pictures import SHEET_COLOUR, Picture, Screen, richest
from raysynth.store.reader import Dataset

_PANEL_PX = 720  # aimed at for the longest side of a panel
# At least 2, so that an outline of one screen pixel covers half a pixel; above 6 small frames only show their pixels.
_ZOOM = (2, 6)
_MARGIN_PX, _CAPTION_PX = 32, 34
_INK, _QUIET = (236, 238, 242), (150, 157, 170)
_PERCENTILES = (0.5, 99.9)
_BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_TITLES = {2: ("image", "labels"), 3: ("maximum projections", "sections", "sections with labels")}


@dataclass(frozen=True)
class PreviewReport(Report):
    """What a preview shows.

    Attributes
    ----------
    picture
        The file of the picture.
    frames
        Numbers of the frames in it.
    """

    picture: str
    frames: list[int]


def write_preview(dataset: Dataset, png: str | Path, frames: int = 3) -> PreviewReport:
    """Write a contact sheet of frames that are spread over the data set.

    Parameters
    ----------
    dataset
        The data set.
    png
        File of the picture.
    frames
        How many frames at most.

    Raises
    ------
    InputError
        When no frame is finished or the picture cannot be written.
    """
    if frames < 1:
        raise InputError(f"a preview of {frames} frames shows nothing: ask for at least one")
    if not dataset.present:
        raise InputError(f"{dataset.uri} holds no finished frame to show: generate it first")
    chosen = [dataset.present[i] for i in evenly_spaced(len(dataset), frames)]
    level = _level(dataset)
    images = [dataset.image(frame, level) for frame in chosen]
    labels = [dataset.labels(frame, level) for frame in chosen]
    zoom = _zoom(dataset, level)
    rows = [_panels(zoom, *pair) for pair in zip(images, labels, strict=True)]
    cells = [np.count_nonzero(np.unique(of)) for of in labels]
    captions = [f"frame {frame} · {number} cells" for frame, number in zip(chosen, cells, strict=True)]
    sheet = _sheet(_heading(dataset), _TITLES[len(dataset.spec.frame_shape)], captions, rows)
    _scale_bar(sheet, dataset, level, zoom)
    _write(sheet, Path(png))
    return PreviewReport(str(png), chosen)


def _level(dataset: Dataset) -> int:
    """Choose the finest level that fits the screen at the least zoom, else the coarsest."""
    spec = dataset.spec
    fitting = [level for level in range(spec.levels) if max(spec.level_shape(level)[-2:]) <= _PANEL_PX * 1.5]
    return fitting[0] if fitting else spec.levels - 1


def _zoom(dataset: Dataset, level: int) -> tuple[float, ...]:
    """Choose the screen pixels per pixel along each axis: a whole number along x, the others by the voxel's shape."""
    spec = dataset.spec
    voxel = spec.voxel_um or (1.0,) * len(spec.frame_shape)
    spacing = [v * f for v, f in zip(voxel, spec.factors(level), strict=True)]
    *depth, height, width = (n * s / spacing[-1] for n, s in zip(spec.level_shape(level), spacing, strict=True))
    # A volume's panel holds (y, x) and, beside and below it, its depth once more.
    whole = float(np.clip(_PANEL_PX // (max(height, width) + sum(depth)), *_ZOOM))
    return tuple(whole * s / spacing[-1] for s in spacing)


def _panels(zoom: tuple[float, ...], image: NDArray[Any], labels: Labels) -> list[Picture]:
    # Of this frame and not of the data set: frames may differ in brightness, and each shall be seen well.
    low, high = np.percentile(image, _PERCENTILES)
    screen = Screen(float(low), float(high), zoom)
    if image.ndim == 2:
        return [screen.frame(image), screen.frame(image, labels)]
    at = richest(labels)
    return [screen.volume(image), screen.volume(image, at=at), screen.volume(image, labels, at)]


def _heading(dataset: Dataset) -> tuple[str, str]:
    """Make the name and one line of facts, in the letters that Pillow's own font has."""
    spec = dataset.spec
    size = " x ".join(map(str, spec.frame_shape))
    voxel = "pixel size unknown" if spec.voxel_um is None else " x ".join(f"{v:g}" for v in spec.voxel_um) + " um"
    return Path(dataset.uri).name, f"{len(dataset)} frames of {size} pixels · {voxel}"


def _sheet(
    heading: tuple[str, str], titles: tuple[str, ...], captions: list[str], rows: list[list[Picture]]
) -> Image.Image:
    """Lay the panels out in rows, a caption over each panel."""
    height, width = rows[0][0].shape[:2]
    top = _MARGIN_PX + 2 * _CAPTION_PX
    step = height + _CAPTION_PX + _MARGIN_PX // 2
    size = (_MARGIN_PX + len(titles) * (width + _MARGIN_PX), top + len(rows) * step + _MARGIN_PX // 2)
    sheet = Image.new("RGB", size, SHEET_COLOUR)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN_PX, _MARGIN_PX - 8), heading[0], _INK, ImageFont.load_default(28))
    draw.text((_MARGIN_PX, _MARGIN_PX + 28), heading[1], _QUIET, ImageFont.load_default(18))
    font = ImageFont.load_default(18)
    for row, (caption, panels) in enumerate(zip(captions, rows, strict=True)):
        for column, (title, panel) in enumerate(zip(titles, panels, strict=True)):
            x, y = _MARGIN_PX + column * (width + _MARGIN_PX), top + row * step
            draw.text((x, y + 8), f"{caption} · {title}" if column == 0 else title, _QUIET, font)
            sheet.paste(Image.fromarray(panel), (x, y + _CAPTION_PX))
    return sheet


def _scale_bar(sheet: Image.Image, dataset: Dataset, level: int, zoom: tuple[float, ...]) -> None:
    """Draw a bar of a round number of µm at the top right, when the voxel size is known."""
    spec = dataset.spec
    if spec.voxel_um is None:
        return
    per_um = zoom[-1] / (spec.voxel_um[-1] * spec.factors(level)[-1])
    width = spec.level_shape(level)[-1] * zoom[-1]
    length = max((um for um in _BARS_UM if um * per_um <= width / 4), default=_BARS_UM[0])
    right, y = sheet.width - _MARGIN_PX, _MARGIN_PX + 40
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((right - length * per_um, y, right, y + 5), _INK)
    draw.text((right, y - 6), f"{length} um", _INK, ImageFont.load_default(18), anchor="rb")


def _write(sheet: Image.Image, png: Path) -> None:
    data = io.BytesIO()
    sheet.save(data, "PNG", compress_level=4)
    with whole_file(png) as staged:
        staged.write_bytes(data.getvalue())
