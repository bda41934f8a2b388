"""A contact sheet of a data set: what a user looks at first.

2D: each frame plain, and with the outlines of its labels. 3D: maximum projections, orthogonal sections, and the same
sections with outlines; z is stretched to the scale of y and x.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from raysynth.base.errors import InputError
from raysynth.base.staging import whole_file
from raysynth.export.pictures import PAPER, Picture, Screen, richest
from raysynth.store.reader import Dataset

PANEL_PX = 720  # aimed at for the longest side of a panel
ZOOM = (2, 6)
MARGIN_PX, CAPTION_PX = 32, 34
INK, QUIET = (236, 238, 242), (150, 157, 170)
PERCENTILES = (0.5, 99.9)
BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
TITLES = {2: ("image", "labels"), 3: ("maximum projections", "sections", "sections with labels")}


def preview(dataset: Dataset, png: Path, frames: int = 3) -> list[int]:
    """Write a contact sheet of up to `frames` frames, spread over the data set; returns which.

    Raises InputError when no frame is finished or the picture cannot be written.
    """
    if not dataset.present:
        raise InputError(f"{dataset.uri} holds no finished frame to show: generate it first")
    places = np.linspace(0, len(dataset) - 1, min(frames, len(dataset))).round().astype(int)
    chosen = [dataset.present[i] for i in places]
    level = _level(dataset)
    images = [dataset.image(frame, level) for frame in chosen]
    labels = [dataset.labels(frame, level) for frame in chosen]
    zoom = _zoom(dataset, level)
    rows = [_panels(zoom, *pair) for pair in zip(images, labels, strict=True)]
    cells = [np.count_nonzero(np.unique(of)) for of in labels]
    captions = [f"frame {frame} · {number} cells" for frame, number in zip(chosen, cells, strict=True)]
    sheet = _sheet(_heading(dataset), TITLES[len(dataset.spec.frame_shape)], captions, rows)
    _scale_bar(sheet, dataset, level, zoom)
    _write(sheet, png)
    return chosen


def _level(dataset: Dataset) -> int:
    """The finest level that fits the screen at the least zoom, else the coarsest."""
    spec = dataset.spec
    fitting = [level for level in range(spec.levels) if max(spec.level_shape(level)[-2:]) <= PANEL_PX * 1.5]
    return fitting[0] if fitting else spec.levels - 1


def _zoom(dataset: Dataset, level: int) -> tuple[float, ...]:
    """Screen pixels a pixel along each frame axis: a whole number along x, the others in proportion to the voxel."""
    spec = dataset.spec
    voxel = spec.voxel_um or (1.0,) * len(spec.frame_shape)
    spacing = [v * f for v, f in zip(voxel, spec.factors(level), strict=True)]
    *depth, height, width = (n * s / spacing[-1] for n, s in zip(spec.level_shape(level), spacing, strict=True))
    whole = float(np.clip(PANEL_PX // (max(height, width) + sum(depth)), *ZOOM))
    return tuple(whole * s / spacing[-1] for s in spacing)


def _panels(zoom: tuple[float, ...], image: NDArray[Any], labels: NDArray[np.uint32]) -> list[Picture]:
    low, high = np.percentile(image, PERCENTILES)
    screen = Screen(float(low), float(high), zoom)
    if image.ndim == 2:
        return [screen.frame(image), screen.frame(image, labels)]
    at = richest(labels)
    return [screen.volume(image), screen.volume(image, at=at), screen.volume(image, labels, at)]


def _heading(dataset: Dataset) -> tuple[str, str]:
    """Name and one line of facts, in the letters that Pillow's own font has."""
    spec = dataset.spec
    size = " x ".join(map(str, spec.frame_shape))
    voxel = "pixel size unknown" if spec.voxel_um is None else " x ".join(f"{v:g}" for v in spec.voxel_um) + " um"
    return Path(dataset.uri).name, f"{len(dataset)} frames of {size} pixels · {voxel}"


def _sheet(
    heading: tuple[str, str], titles: tuple[str, ...], captions: list[str], rows: list[list[Picture]]
) -> Image.Image:
    """The panels in rows, a caption over each panel."""
    height, width = rows[0][0].shape[:2]
    top = MARGIN_PX + 2 * CAPTION_PX
    step = height + CAPTION_PX + MARGIN_PX // 2
    size = (MARGIN_PX + len(titles) * (width + MARGIN_PX), top + len(rows) * step + MARGIN_PX // 2)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN_PX, MARGIN_PX - 8), heading[0], INK, ImageFont.load_default(28))
    draw.text((MARGIN_PX, MARGIN_PX + 28), heading[1], QUIET, ImageFont.load_default(18))
    font = ImageFont.load_default(18)
    for row, (caption, panels) in enumerate(zip(captions, rows, strict=True)):
        for column, (title, panel) in enumerate(zip(titles, panels, strict=True)):
            x, y = MARGIN_PX + column * (width + MARGIN_PX), top + row * step
            draw.text((x, y + 8), f"{caption} · {title}" if column == 0 else title, QUIET, font)
            sheet.paste(Image.fromarray(panel), (x, y + CAPTION_PX))
    return sheet


def _scale_bar(sheet: Image.Image, dataset: Dataset, level: int, zoom: tuple[float, ...]) -> None:
    """A bar of a round number of µm at the top right, when the voxel size is known."""
    spec = dataset.spec
    if spec.voxel_um is None:
        return
    per_um = zoom[-1] / (spec.voxel_um[-1] * spec.factors(level)[-1])
    width = spec.level_shape(level)[-1] * zoom[-1]
    length = max((um for um in BARS_UM if um * per_um <= width / 4), default=BARS_UM[0])
    right, y = sheet.width - MARGIN_PX, MARGIN_PX + 40
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((right - length * per_um, y, right, y + 5), INK)
    draw.text((right, y - 6), f"{length} um", INK, ImageFont.load_default(18), anchor="rb")


def _write(sheet: Image.Image, png: Path) -> None:
    data = io.BytesIO()
    sheet.save(data, "PNG", compress_level=4)
    with whole_file(png) as staged:
        staged.write_bytes(data.getvalue())
