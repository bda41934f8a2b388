"""The size and shape of a cell's outline, and how far a mask that a network drew may lie from the real ones.

No network is needed for either, so nothing here imports torch: a bundle's description is read in no time.
"""

from typing import Literal

import numpy as np
from pydantic import BaseModel

from raysynth.base.arrays import Mask
from raysynth.config.generation import RING_PX

OUTLINE_METRICS = ("area_px", "eccentricity", "solidity")
"""Names of what `outline_metrics` measures, in its order."""

LIMITS_FROM = 2000
"""Training masks that the limits are measured on, about. Convex hulls of many more would take minutes."""

LEEWAY = 1.1
"""Factor by which the limits lie outside the quantiles of the training masks."""

Rejection = Literal["empty", "touches the border", "area", "solidity"]
"""Why a mask is refused."""


class MaskLimits(BaseModel):
    """How far a drawn mask may lie from the training masks.

    Attributes
    ----------
    area_px
        Smallest and largest area, pixels.
    min_solidity
        Smallest solidity: area over the area of the convex hull, in [0, 1].
    """

    area_px: tuple[float, float]
    min_solidity: float

    @classmethod
    def measure(cls, masks: Mask, tail: float) -> "MaskLimits":
        """Take the limits from training masks: their quantiles, with a tenth of leeway.

        Parameters
        ----------
        masks
            Outlines of training cells, `(n, y, x)`.
        tail
            Fraction of the training masks beyond each limit, without the leeway; in [0, 0.5).

        Returns
        -------
        MaskLimits
            The limits.
        """
        # A stride, not the first ones: crops lie in the order of frames, which differ.
        every = max(1, len(masks) // LIMITS_FROM)
        area, _, solidity = np.array([outline_metrics(mask) for mask in masks[::every]]).T
        low, high = np.quantile(area, [tail, 1 - tail])
        return cls(area_px=(low / LEEWAY, high * LEEWAY), min_solidity=float(np.quantile(solidity, tail)) / LEEWAY)

    def reject(self, mask: Mask) -> Rejection | None:
        """Judge a drawn mask.

        Parameters
        ----------
        mask
            One component without holes, `(y, x)`.

        Returns
        -------
        Rejection or None
            Why the mask is refused; None when it is accepted.
        """
        if not mask.any():
            return "empty"
        # The texture shows a ring of the cell's surroundings, which must lie in the crop as a whole.
        inner = slice(RING_PX, -RING_PX)
        if mask.sum() != mask[inner, inner].sum():
            return "touches the border"
        area, _, solidity = outline_metrics(mask)
        if not self.area_px[0] <= area <= self.area_px[1]:
            return "area"
        return "solidity" if solidity < self.min_solidity else None


def outline_metrics(mask: Mask) -> tuple[float, float, float]:
    """Measure the size and shape of an outline.

    Parameters
    ----------
    mask
        A mask that is not empty, `(y, x)`.

    Returns
    -------
    tuple of float
        Area in pixels; eccentricity in [0, 1) of the ellipse with the same second moments; solidity in (0, 1], of the
        convex hull of the pixels' centres.
    """
    from skimage.measure import regionprops  # slow, and reading limits needs none of it

    region = regionprops(mask.astype(np.uint8))[0]
    return float(region.area), float(region.eccentricity), float(region.solidity)
