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

_CLEARANCE_PX = 2
_OUTLIER = 5.0
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

    def within(self, columns: slice) -> "Background":
        """The same, cut to some columns."""
        mask, level, spread, residual = self.mask, self.level, self.spread, self.residual
        return Background(mask[..., columns], level[..., columns], spread[..., columns], residual[..., columns])


def measure_background(pixels: Pixels, side: int, rng: Generator) -> Background:
    """Separate the background of a frame, in the frame's own columns, into level, spread and residual.

    side: of the crops in pixels; an eighth of it is the Gaussian width that separates the slow level from the noise.
    """
    values = as_volume(pixels.image).astype(np.float32)
    labels = as_volume(pixels.labels) > 0
    trusted = ~ndimage.maximum_filter(labels, size=(3, 1, 1))
    trusted[..., : pixels.columns[0]] = trusted[..., pixels.columns[1] :] = False
    if pixels.slices is not None:  # most cells of such volumes have no label: everything bright counts as cell
        trusted &= ndimage.gaussian_filter(values, (0, 1, 1)) < threshold_otsu(values)
    weight = _confidence(labels, halo_reach(side)) * trusted
    level = _smooth(values, weight, halo_reach(side))
    difference = np.abs(values - level)
    mask = weight >= min(1.0, weight.max())
    weight = weight * (difference < _OUTLIER * np.median(difference[mask]) / 0.6745)  # debris and cells without a label
    spread = np.sqrt(_smooth(difference**2, weight, halo_reach(side)))
    residual = np.divide(values - level, spread, out=np.zeros_like(values), where=spread > 0)
    mask = mask & (np.abs(residual) < _OUTLIER)
    return Background(mask, level, spread, _complete(residual, mask, rng))


def halo_reach(side: int) -> int:
    """Distance in pixels at which a cell's glow has faded: an eighth of the crop."""
    return side // 8


def _confidence(cells: Mask, reach: int) -> Floats:
    """How well a pixel shows the background: 1 out of the cells' reach, little close by, 0 in a cell.

    Between densely packed cells only the close ones exist; the small weight then still counts, against nothing else.
    """
    distance = np.stack([ndimage.distance_transform_edt(~plane) if plane.any() else np.inf * ~plane for plane in cells])
    return np.clip((distance - _CLEARANCE_PX) / (reach - _CLEARANCE_PX), 0, 1).astype(np.float32) ** 3


def _smooth(values: Floats, weight: Floats, sigma_px: float) -> Floats:
    """Gaussian mean of the weighted values, everywhere; far from them it falls back to a coarser mean.

    It is computed on blocks of a quarter of the width, so that wide Gaussians cost nothing.
    """
    if not weight.any():
        return np.full_like(values, values.min())
    block = max(1, round(sigma_px / 4))
    total, weights = _block_sums(values * weight, block), _block_sums(weight, block)
    mean = np.full_like(total, total.sum() / weights.sum())
    for scale in (4.0, 1.0):
        sigma = (scale, scale * sigma_px / block, scale * sigma_px / block)
        near = ndimage.gaussian_filter(weights, sigma, mode="nearest")
        mean = (ndimage.gaussian_filter(total, sigma, mode="nearest") + 0.01 * mean) / (near + 0.01)
    fine = ndimage.zoom(mean, (1, block, block), order=1, mode="nearest", grid_mode=True)
    return fine[:, : values.shape[1], : values.shape[2]]


def _block_sums(values: Floats, block: int) -> Floats:
    z, y, x = values.shape
    padded = np.pad(values, ((0, 0), (0, -y % block), (0, -x % block)))
    return padded.reshape(z, -(-y // block), block, -(-x // block), block).sum(axis=(2, 4))


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
