"""The background of a real frame: its slow level, its spread, and its noise continued under the cells.

The noise under the cells is taken from elsewhere in the same frame by whole shifted copies. So its spectrum and its
distribution are the real ones, and what is filled with it shows no patches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import ndimage
from skimage.filters import threshold_otsu

from raysynth.base.arrays import Floats, Mask
from raysynth.data.frames import Pixels, as_volume

_CLEARANCE_PX = 2
"""Pixels round a label that always count as cell: labels are drawn a little too tight."""

_OUTLIER = 5.0
"""Standard deviations from the level beyond which a pixel is debris or a cell without a label."""

_NORMAL_MEDIAN = 0.6745
"""Median of |x| for a standard normal x: the median deviation over this estimates the standard deviation."""

# If a tenth of the frame is measured, all but 0.9^64, a thousandth, of the rest is filled.
_SHIFTS = 64
_PRIOR = 0.01
"""Weight of the coarser mean in a finer one: it counts only where almost no measured pixel is near."""


@dataclass(frozen=True)
class FrameBackground:
    """The background of one frame, split into level, spread and noise.

    Attributes
    ----------
    mask
        Pixels that were measured, `(z, y, x)` as all fields.
    level
        Grey values without noise, everywhere.
    spread
        Local standard deviation of the noise, in grey values.
    residual
        Noise of variance 1: measured where `mask`, taken from elsewhere in the frame where not.
    """

    mask: Mask
    level: Floats
    spread: Floats
    residual: Floats

    @property
    def filled(self) -> Floats:
        """Grey values of the frame as if it had no cells."""
        return self.level + self.spread * self.residual

    def within(self, columns: slice) -> "FrameBackground":
        """Cut all fields to some columns.

        Parameters
        ----------
        columns
            The columns that stay.

        Returns
        -------
        FrameBackground
            Views of the same arrays.
        """
        mask, level, spread, residual = self.mask, self.level, self.spread, self.residual
        return FrameBackground(mask[..., columns], level[..., columns], spread[..., columns], residual[..., columns])


def measure_background(pixels: Pixels, side: int, rng: Generator) -> FrameBackground:
    """Separate the background of a frame, in the frame's own columns, into level, spread and residual.

    Parameters
    ----------
    pixels
        Image and labels of the frame.
    side
        Side of the crops in pixels. An eighth of it is the Gaussian width that separates the slow level from the noise.
    rng
        Draws from where the noise under the cells is copied.

    Returns
    -------
    FrameBackground
        Fields of the whole frame.
    """
    values = as_volume(pixels.image).astype(np.float32)
    reach = halo_reach(side)
    labels = as_volume(pixels.labels) > 0
    weight = _confidence(labels, reach) * _trusted(values, labels, pixels)
    level = _smooth(values, weight, reach)
    difference = np.abs(values - level)
    # In crowded frames no pixel is out of all cells' reach. Those farthest from them then stand for the background.
    mask = weight >= min(1.0, weight.max())
    # The median deviation hardly moves for debris, where a standard deviation would grow and let it pass.
    weight = weight * (difference < _OUTLIER * np.median(difference[mask]) / _NORMAL_MEDIAN)
    spread = np.sqrt(_smooth(difference**2, weight, reach))
    # Spread is 0 in constant images, such as rendered ones: their noise is 0 then, not NaN.
    residual = np.divide(values - level, spread, out=np.zeros_like(values), where=spread > 0)
    mask = mask & (np.abs(residual) < _OUTLIER)
    return FrameBackground(mask, level, spread, _complete(residual, mask, rng))


def halo_reach(side: int) -> int:
    """Give the distance at which a cell's glow has faded: an eighth of the crop.

    Parameters
    ----------
    side
        Side of the crops in pixels.

    Returns
    -------
    int
        Pixels from the outline.
    """
    return side // 8


def _trusted(values: Floats, labels: Mask, pixels: Pixels) -> Mask:
    """Find the pixels that may be background: in the frame's columns, with no label in this slice or the next ones."""
    # A cell's light blurs into the slices above and below it, where it has no label.
    trusted: Mask = ~ndimage.maximum_filter(labels, size=(3, 1, 1))
    trusted[..., : pixels.columns[0]] = trusted[..., pixels.columns[1] :] = False
    if pixels.slices is not None:  # most cells of such volumes have no label: everything bright counts as cell
        trusted &= ndimage.gaussian_filter(values, (0, 1, 1)) < threshold_otsu(values)
    return trusted


def _confidence(cells: Mask, reach: int) -> Floats:
    """Weigh how well a pixel shows the background: 1 out of the cells' reach, little close by, 0 in a cell.

    Between densely packed cells only the close ones exist. Their small weights then still count, against nothing else:
    the third power keeps them small enough not to matter where free background is in sight.
    """
    # In a plane without cells scipy's transform has nothing to measure to, and gives no infinity.
    distance = np.stack([ndimage.distance_transform_edt(~plane) if plane.any() else np.inf * ~plane for plane in cells])
    return np.clip((distance - _CLEARANCE_PX) / (reach - _CLEARANCE_PX), 0, 1).astype(np.float32) ** 3


def _smooth(values: Floats, weight: Floats, sigma_px: float) -> Floats:
    """Take the Gaussian mean of the weighted values, everywhere; far from them it falls back to a coarser mean.

    With a Gaussian G of width sigma, this is normalised convolution (Knutsson and Westin, CVPR 1993) with a prior:

        mean(x) = ((G * weight values)(x) + p coarse(x)) / ((G * weight)(x) + p)

    where `coarse` is the same with four times the width, and its own prior the weighted mean of the frame. Near
    weighted pixels G * weight outdoes p; far from all of them the fraction tends to `coarse(x)`. Everything is computed
    on blocks of a quarter of the width, so that wide Gaussians cost nothing, and interpolated.
    """
    # No background at all: the darkest pixel is the nearest guess, and stays below every cell.
    if not weight.any():
        return np.full_like(values, values.min())
    block = max(1, round(sigma_px / 4))
    total, weights = _block_sums(values * weight, block), _block_sums(weight, block)
    mean = np.full_like(total, total.sum() / weights.sum())
    # Sums and weights are smoothed alike, so their quotient needs no correction at the border.
    for scale in (4.0, 1.0):
        sigma = (scale, scale * sigma_px / block, scale * sigma_px / block)
        near = ndimage.gaussian_filter(weights, sigma, mode="nearest")
        mean = (ndimage.gaussian_filter(total, sigma, mode="nearest") + _PRIOR * mean) / (near + _PRIOR)
    # `grid_mode` takes values as areas, not points: block means stay at the middle of their blocks.
    fine: Floats = ndimage.zoom(mean, (1, block, block), order=1, mode="nearest", grid_mode=True)
    return fine[:, : values.shape[1], : values.shape[2]]


def _block_sums(values: Floats, block: int) -> Floats:
    """Sum square blocks of every slice; zeros fill up the last ones."""
    z, y, x = values.shape
    padded = np.pad(values, ((0, 0), (0, -y % block), (0, -x % block)))
    return padded.reshape(z, -(-y // block), block, -(-x // block), block).sum(axis=(2, 4))


def _complete(residual: Floats, mask: Mask, rng: Generator) -> Floats:
    """Fill what is not masked from randomly shifted copies of the masked residual.

    A copy keeps the residual's correlations; single pixels drawn anew would show as patches of white noise. Only what
    all the shifts leave open, in frames full of cells, is drawn so.
    """
    out, missing = np.where(mask, residual, 0).astype(np.float32), ~mask
    for _ in range(_SHIFTS):
        if not missing.any():
            return out
        # Along z too: a slice that cells fill has nothing of its own to copy.
        shift = tuple(int(rng.integers(n)) for n in residual.shape)
        use = np.roll(mask, shift, axis=(0, 1, 2)) & missing
        out[use] = np.roll(residual, shift, axis=(0, 1, 2))[use]
        missing &= ~use
    out[missing] = rng.standard_normal(int(missing.sum()), dtype=np.float32)
    return out
