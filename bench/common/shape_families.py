"""Shapes to measure geometry on, which no training step has seen."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import open_bundle
from raysynth.config import ShapesConfig
from raysynth.geometry import metaballs, stars
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import FILL

_SEED, _HELD_OUT = 2, 1

Family = Callable[[list[Generator], int], Tensor]
"""Draws one shape per generator, with so many voxels along a side: fields `(b, z, y, x)`, positive inside."""


def measured(rngs: list[Generator], side: int) -> Tensor:
    """Draw star shapes with the spectrum of the shipped bundle's nuclei.

    Parameters
    ----------
    rngs
        A generator for each shape.
    side
        Voxels along a side.

    Returns
    -------
    Tensor
        Fields `(b, z, y, x)`, positive inside.
    """
    spectrum = open_bundle("embryo-3d").info.statistics.shapes
    assert spectrum is not None
    return stars.draw_stars(rngs, spectrum).fields(side)


def _plain(rngs: list[Generator], side: int) -> Tensor:
    """Draw star shapes of smooth harmonics, height over width from 0.5 to 2."""
    return stars.draw_stars(rngs, Spectrum.plain(ShapesConfig()), aspect=(0.5, 2.0)).fields(side)


def _clumps(rngs: list[Generator], side: int) -> Tensor:
    """Draw metaballs: two to five balls grown together."""
    return metaballs.draw_metaballs(rngs, bent=False).fields(side)


def _rods(rngs: list[Generator], side: int) -> Tensor:
    """Draw bent rods."""
    return metaballs.draw_metaballs(rngs, bent=True).fields(side)


def _cups(rngs: list[Generator], side: int) -> Tensor:
    """Draw balls without a smaller ball that lies half inside: no silhouette shows the hollow."""
    c = pixel_centres(side)
    z, y, x = torch.meshgrid(c, c, c, indexing="ij")
    points = torch.stack([x, y, z], dim=-1)
    fields = []
    for rng in rngs:
        direction = rng.standard_normal(3)
        hollow = torch.from_numpy(direction / np.linalg.norm(direction) * rng.uniform(0.45, 0.65)).float()
        radius = rng.uniform(0.4, 0.5)
        fields.append(torch.minimum(FILL - points.norm(dim=-1), (points - hollow).norm(dim=-1) - radius))
    return torch.stack(fields)


FAMILIES: dict[str, Family] = {"measured": measured, "plain": _plain, "clumps": _clumps, "rods": _rods, "cups": _cups}


def held_out(count: int, stream: int = _HELD_OUT) -> list[Generator]:
    """Make the generators of held-out shapes.

    Parameters
    ----------
    count
        Number of shapes.
    stream
        Number of a set of shapes; validation during training uses 0.

    Returns
    -------
    list[Generator]
        One for each shape.
    """
    return [generator(_SEED, stream, Stage.EVALUATION, item) for item in range(count)]
