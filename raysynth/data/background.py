"""The background of a real frame: its slow level, its spread, and its noise continued under the cells.

The noise under the cells is taken from elsewhere in the same frame by whole shifted copies, so its spectrum and its
marginal are the real ones and what is filled with it shows no patches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from raysynth.data.frames import Pixels, as_volume

CLEARANCE_PX = 3
_SHIFTS = 64

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Background:
    """All fields `(z, y, x)`.

    mask: pixels that were measured. level: grey values without noise, everywhere. spread: local standard deviation of
    the noise. residual: noise of variance 1, measured where `mask` and taken from elsewhere in the frame where not.
    """

    mask: Mask
    level: Floats
    spread: Floats
    residual: Floats

    @property
    def filled(self) -> Floats:
        """Grey values of the frame as if it had no cells."""
        return self.level + self.spread * self.residual


def measure_background(pixels: Pixels, sigma_px: float, rng: Generator) -> Background:
    """Separate the background of a frame, in the frame's own columns, into level, spread and residual.

    sigma_px: in-plane Gaussian width that separates the slow level from the noise.
    """
    values = as_volume(pixels.image).astype(np.float32)
    mask = _away_from_cells(as_volume(pixels.labels))
    mask[..., : pixels.columns[0]] = mask[..., pixels.columns[1] :] = False
    if pixels.slices is not None:  # most cells of such volumes have no label: everything bright counts as cell
        mask &= ndimage.gaussian_filter(values, (0, 1, 1)) < threshold_otsu(values)
    level = _smooth(values, mask, sigma_px)
    spread = np.sqrt(_smooth((values - level) ** 2, mask, sigma_px))
    residual = np.divide(values - level, spread, out=np.zeros_like(values), where=spread > 0)
    return Background(mask, level, spread, _complete(residual, mask, rng))


def _away_from_cells(labels: NDArray[np.uint32]) -> Mask:
    """Pixels out of reach of the cells' blur; all unlabelled pixels where cells leave hardly any of those."""
    in_plane = ndimage.generate_binary_structure(2, 1)[None]
    cells = ndimage.binary_dilation(labels > 0, in_plane, iterations=CLEARANCE_PX)
    cells = ndimage.maximum_filter(cells, size=(3, 1, 1))
    return ~cells if (~cells).mean() > 0.02 else labels == 0


def _smooth(values: Floats, mask: Mask, sigma_px: float) -> Floats:
    """Gaussian mean of the masked values, everywhere; far from them it falls back to a coarser mean."""
    if not mask.any():
        return np.full_like(values, values.min())
    result = np.full_like(values, values[mask].mean())
    weights, masked = mask.astype(np.float32), np.where(mask, values, 0).astype(np.float32)
    for scale in (4.0, 1.0):
        sigma = (scale, scale * sigma_px, scale * sigma_px)
        weight = ndimage.gaussian_filter(weights, sigma, mode="nearest", truncate=3)
        total = ndimage.gaussian_filter(masked, sigma, mode="nearest", truncate=3)
        result = (total + 0.01 * result) / (weight + 0.01)
    return result


def _complete(residual: Floats, mask: Mask, rng: Generator) -> Floats:
    """Fill what is not masked from randomly shifted copies of the masked residual."""
    out, missing = np.where(mask, residual, 0).astype(np.float32), ~mask
    for _ in range(_SHIFTS):
        if not missing.any():
            return out
        shift = tuple(int(rng.integers(n)) for n in residual.shape)
        use = np.roll(mask, shift, axis=(0, 1, 2)) & missing
        out[use] = np.roll(residual, shift, axis=(0, 1, 2))[use]
        missing &= ~use
    out[missing] = rng.standard_normal(int(missing.sum()), dtype=np.float32)
    return out
