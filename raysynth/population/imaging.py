"""From light to a camera's whole numbers: optional optics and camera noise over whole frames, then rounding."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from raysynth.config import ImagingConfig
from raysynth.population.background import Field


def image(
    frame: Field,
    imaging: ImagingConfig,
    voxel_um: tuple[float, ...] | None,
    offset: float,
    dtype: np.dtype[np.unsignedinteger],
    rng: Generator,
) -> NDArray[np.unsignedinteger]:
    """A frame in grey values as the camera stores it, clipped to the range of `dtype`.

    PSF and Poisson-Gaussian noise are off by default: textures carry both already, unless they were denoised.
    offset: the grey value of no light, from which photons are counted.
    """
    if imaging.psf_sigma_um is not None and voxel_um is not None:
        frame = gaussian_filter(frame, [s / v for s, v in zip(imaging.psf_sigma_um, voxel_um, strict=True)])
    if imaging.poisson_gain is not None:
        photons = np.maximum(frame - offset, 0) * imaging.poisson_gain
        read = imaging.read_noise * rng.standard_normal(frame.shape, dtype=np.float32)
        frame = (offset + rng.poisson(photons) / imaging.poisson_gain + read).astype(np.float32)
    return np.clip(np.rint(frame), 0, np.iinfo(dtype).max).astype(dtype)
