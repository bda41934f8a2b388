"""From a mask in the crop's pixels to the cube that views and surfaces live in.

The cube is scaled along z and in the plane by itself, so that a cell's height and its width both span `FILL` of it, as
the training shapes do: flat and tall cells use all of the views' pixels and the surface's precision. A top view says
nothing of height, so the height is drawn from the real cells of about the same width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.stars import FILL
from raysynth.preparation.statistics import CellSizes

NEIGHBOURS = 50


@dataclass(frozen=True)
class Framed:
    """A mask and the cube around it.

    mask: `(y, x)`; half_um: half of the cube's side along z, y and x; centre_px: the cube's centre in the mask's
    pixels (y, x).
    """

    mask: NDArray[np.bool_]
    half_um: tuple[float, float, float]
    centre_px: tuple[float, float]


def draw_height_um(rng: Generator, width_um: float, sizes: CellSizes, shapes: ShapesConfig) -> float:
    """A height for a cell of this equivalent diameter: the ratio of one of the real cells nearest in width.

    Where the data give no heights (sparse or cut cells), the ratio is log-uniform in `shapes.axial_ratio`.
    """
    if sizes.heights_um:
        widths = np.asarray(sizes.widths_um)
        near = np.argsort(np.abs(np.log(widths / width_um)), kind="stable")[:NEIGHBOURS]
        chosen = rng.choice(near)
        ratio = float(sizes.heights_um[chosen] / widths[chosen])
    else:
        ratio = float(np.exp(rng.uniform(*np.log(shapes.axial_ratio))))
    return width_um * ratio


def frame(rng: Generator, mask: NDArray[np.bool_], pixel_um: float, sizes: CellSizes, shapes: ShapesConfig) -> Framed:
    """The cube around a non-empty `mask` `(y, x)` with square pixels of `pixel_um`."""
    equivalent_um = 2 * float(np.sqrt(mask.sum() / np.pi)) * pixel_um
    height_um = draw_height_um(rng, equivalent_um, sizes, shapes)
    spans = [
        (int(line.argmax()), len(line) - int(line[::-1].argmax())) for line in (mask.any(axis=1), mask.any(axis=0))
    ]
    width_um = max(last - first for first, last in spans) * pixel_um
    half_um = (height_um / (2 * FILL), width_um / (2 * FILL), width_um / (2 * FILL))
    centre = tuple((first + last - 1) / 2 for first, last in spans)
    return Framed(mask, half_um, (centre[0], centre[1]))


def view_along_z(framed: Framed, pixel_um: float, side: int, truncation_px: float) -> Tensor:
    """The cell's mask as the conditioning camera sees it: a soft mask `(side, side)` of the cube, in view pixels."""
    mask = framed.mask
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    distance -= np.where(mask, 0.5, -0.5)
    per_unit = framed.half_um[-1] / pixel_um  # crop pixels in one cube unit
    around = [c + pixel_centres(side).numpy() * per_unit for c in framed.centre_px]
    seen = ndimage.map_coordinates(distance, np.meshgrid(*around, indexing="ij"), order=1, mode="nearest")
    view_pixels = seen / (per_unit * 2 / side)
    return torch.from_numpy((view_pixels / truncation_px).clip(-1, 1).astype(np.float32))
