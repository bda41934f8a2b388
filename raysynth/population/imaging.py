"""From light to stored values: optional optics and camera noise over whole frames, then the type of the images."""

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from raysynth.base.arrays import Floats
from raysynth.config import ImagingConfig


def expose(
    frame: Floats, imaging: ImagingConfig, voxel_um: tuple[float, ...] | None, offset: float, rng: Generator
) -> Floats:
    """Pass a frame through the optics and the camera, before it is rounded.

    PSF and Poisson-Gaussian noise are off by default: textures carry both already, unless they were denoised.

    Parameters
    ----------
    frame
        Light in grey values, `([z,] y, x)`.
    imaging
        Settings of optics and camera.
    voxel_um
        Size of a voxel in µm, `([z,] y, x)`; None: unknown, then there is no PSF.
    offset
        Grey value of no light, from which photons are counted.
    rng
        Generator of this frame's image.

    Returns
    -------
    Floats
        Grey values.
    """
    if imaging.psf_sigma_um is not None and voxel_um is not None:
        frame = gaussian_filter(frame, [s / v for s, v in zip(imaging.psf_sigma_um, voxel_um, strict=True)])
    if imaging.poisson_gain is not None:
        photons = np.maximum(frame - offset, 0) * imaging.poisson_gain
        # Read noise before photons: the order of the draws is part of the data format.
        read = imaging.read_noise * rng.standard_normal(frame.shape, dtype=np.float32)
        frame = (offset + rng.poisson(photons) / imaging.poisson_gain + read).astype(np.float32)
    return frame


def to_stored(frame: Floats, dtype: str) -> NDArray[Any]:
    """Give grey values the type that they are stored in.

    Parameters
    ----------
    frame
        Grey values, any shape.
    dtype
        numpy name of the type. Integers are rounded and clipped to its range; floats are stored as they are.

    Returns
    -------
    numpy.ndarray
        The frame in that type.
    """
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return frame.astype(kind)
    # A bare cast would round down, half a grey value darker on average, and wrap values beyond the range.
    return np.clip(np.rint(frame), 0, np.iinfo(kind).max).astype(kind)


def lost_pixels(frame: Floats, data_dtype: str, dtype: str) -> int:
    """Count the pixels that the stored type cuts off although the type of the real data would hold them.

    Parameters
    ----------
    frame
        Grey values, any shape.
    data_dtype
        numpy name of the real data's type. What that cuts off, a camera would too.
    dtype
        numpy name of the stored type.

    Returns
    -------
    int
        Number of pixels.
    """
    stored, own = np.dtype(dtype), np.dtype(data_dtype)
    if stored == own or stored.kind == "f":
        return 0
    # Values that the real type cuts are no loss of the stored one, so they are cut first and counted after.
    rounded = np.rint(frame if own.kind == "f" else np.clip(frame, 0, np.iinfo(own).max))
    return int(np.count_nonzero((rounded < 0) | (rounded > np.iinfo(stored).max)))
