"""Fine relief of a surface: the roughness of real cells that views of a few dozen pixels do not carry.

The degrees of the measured spectrum above `FORM` move the surface along the rays from a cell's middle, r to
r exp(delta). Around the rim that the camera along z sees, the mask itself says how rough the cell is. There the relief
fades out, so that the surface keeps to its mask.
"""

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from raysynth.geometry.harmonics import index
from raysynth.geometry.moments import FORM
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import GLOBE, globe, on_globe

_RIM = 0.15
"""Height over the rim, as the sine of the latitude, at which the relief has risen to 1 - 1/e."""


class Relief:
    """The relief of one cell, tabulated over directions, and the warp of space that it means.

    Parameters
    ----------
    rng
        Draws the relief.
    spectrum
        Spectrum of the population's shapes.
    amplitude
        Fraction of the measured amplitude; 1: all of it.
    centre
        The cell's middle `(3,)`, (x, y, z) in the cube.
    """

    def __init__(self, rng: Generator, spectrum: Spectrum, amplitude: float, centre: Tensor) -> None:
        coefficients = spectrum.draw(rng)
        # The form is left to the views, which show it; drawing it as well would change it twice.
        coefficients[: index(FORM + 1, -FORM - 1)] = 0
        directions, basis = globe(len(coefficients), "cpu")
        # Directions are taken from the middle of the cell, so the rim that the camera sees is about the equator.
        rising = 1 - (-(directions[:, 2] / _RIM).square()).exp()
        delta = (basis @ torch.from_numpy(coefficients).float()) * rising * amplitude
        self.table = delta.reshape(GLOBE).to(centre)
        self.centre = centre

    def unwarp(self, points: Tensor) -> Tensor:
        """Find where points of the rough cell lie on the smooth one.

        A point of the rough surface is c + r d exp(delta(d)) in direction d; taking exp(-delta(d)) off its distance
        gives the point of the smooth one. The direction stays, so no equation is to be solved.

        Parameters
        ----------
        points
            Points `(p, 3)`, (x, y, z).

        Returns
        -------
        Tensor
            Points `(p, 3)`.
        """
        offset = points - self.centre
        at = on_globe(offset)[None, :, None]
        delta = F.grid_sample(self.table[None, None], at, align_corners=True).reshape(-1, 1)
        return self.centre + offset * (-delta).exp()
