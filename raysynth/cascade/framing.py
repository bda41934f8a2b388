"""From a mask in the crop's pixels to the cube that views and surfaces live in.

The cube is scaled along z and in the plane by itself, so that a cell's height and its width both span `FILL` of it, as
the training shapes do. Flat and tall cells then use all of the views' pixels and the surface's precision. A top view
shows nothing of the height, so the height is drawn from the real cells of about the same width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from scipy import ndimage
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.stars import FILL
from raysynth.preparation.statistics import CellSizes

WIDTH_NEIGHBOURS = 50
"""Real cells, nearest in width, of which one gives the ratio of height to width."""


@dataclass(frozen=True)
class FramedMask:
    """A mask and the cube around it.

    Attributes
    ----------
    mask
        `(y, x)`.
    half_um
        Half of the cube's side along z, y and x, in µm.
    centre_px
        The cube's centre (y, x), in pixels of the mask.
    """

    mask: Mask
    half_um: tuple[float, float, float]
    centre_px: tuple[float, float]


def draw_height_um(rng: Generator, width_um: float, sizes: CellSizes, shapes: ShapesConfig) -> float:
    """Draw the height of a cell.

    Parameters
    ----------
    rng
        Generator of this cell's height.
    width_um
        Diameter of the disc with the area of the cell's mask, in µm.
    sizes
        Heights and widths of the real cells. Where it has none (labels are sparse, or the stack cuts the cells), the
        ratio of height to width is log-uniform.
    shapes
        Settings: `axial_ratio` is the range of that ratio.

    Returns
    -------
    float
        The width times the ratio of one of the real cells nearest in width, in µm.
    """
    if sizes.heights_um:
        widths = np.asarray(sizes.widths_um)
        # Near by ratio, since sizes spread over factors. Stable: equal widths keep one order on every machine.
        near = np.argsort(np.abs(np.log(widths / width_um)), kind="stable")[:WIDTH_NEIGHBOURS]
        chosen = rng.choice(near)
        # A ratio and not the height itself, which would belong to a slightly narrower or wider cell.
        ratio = float(sizes.heights_um[chosen] / widths[chosen])
    else:
        ratio = float(np.exp(rng.uniform(*np.log(shapes.axial_ratio))))
    return width_um * ratio


def frame_mask(rng: Generator, mask: Mask, pixel_um: float, sizes: CellSizes, shapes: ShapesConfig) -> FramedMask:
    """Lay the cube around a mask.

    Parameters
    ----------
    rng
        Generator of this cell's height.
    mask
        A mask that is not empty, `(y, x)`.
    pixel_um
        Side of its square pixels, in µm.
    sizes, shapes
        What the height is drawn from, as `draw_height_um` takes it.

    Returns
    -------
    FramedMask
        The mask with its cube.
    """
    # The diameter of a circle of the same area, d = 2 √(A / π): the width that real cells were measured by.
    equivalent_um = 2 * float(np.sqrt(mask.sum() / np.pi)) * pixel_um
    height_um = draw_height_um(rng, equivalent_um, sizes, shapes)
    spans = [
        (int(line.argmax()), len(line) - int(line[::-1].argmax())) for line in (mask.any(axis=1), mask.any(axis=0))
    ]
    width_um = max(last - first for first, last in spans) * pixel_um
    half_um = (height_um / (2 * FILL), width_um / (2 * FILL), width_um / (2 * FILL))
    # `last` is one past the end, and pixel i has its centre at i.
    centre = tuple((first + last - 1) / 2 for first, last in spans)
    return FramedMask(mask, half_um, (centre[0], centre[1]))


def view_along_z(framed: FramedMask, pixel_um: float, side: int, truncation_px: float) -> Tensor:
    """Give a cell's mask as the conditioning camera sees it.

    Parameters
    ----------
    framed
        The mask with its cube.
    pixel_um
        Side of the mask's pixels, in µm.
    side
        Side of the view in pixels; it spans the cube.
    truncation_px
        Distance to the outline, in pixels of the view, at which the signed distance saturates.

    Returns
    -------
    Tensor
        Signed distance `(side, side)` in [-1, 1], positive inside.
    """
    mask = framed.mask
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    distance -= np.where(mask, 0.5, -0.5)  # from pixel centres; the outline runs between two of them
    per_unit = framed.half_um[-1] / pixel_um  # crop pixels in one cube unit
    around = [c + pixel_centres(side).numpy() * per_unit for c in framed.centre_px]
    # The distance is resampled, not the mask: it is linear across the outline, so its zero stays in place.
    seen = ndimage.map_coordinates(distance, np.meshgrid(*around, indexing="ij"), order=1, mode="nearest")
    view_pixels = seen / (per_unit * 2 / side)
    return torch.from_numpy((view_pixels / truncation_px).clip(-1, 1).astype(np.float32))
