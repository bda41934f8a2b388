"""Shapes to measure geometry on, seen by no training step. Imported by the other files of this folder."""

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

SEED, HELD_OUT = 2, 1

Family = Callable[[list[Generator], int], Tensor]
"""From one generator a shape and the voxels along a side to fields `(b, z, y, x)`, positive inside."""


def measured(rngs: list[Generator], side: int) -> Tensor:
    """Star-shaped, with the spectrum of the shipped bundle's nuclei."""
    spectrum = open_bundle("embryo-3d").info.statistics.shapes
    assert spectrum is not None
    return stars.draw(rngs, spectrum).fields(side)


def plain(rngs: list[Generator], side: int) -> Tensor:
    """Star-shaped, smooth harmonics, height over width from 0.5 to 2."""
    return stars.draw(rngs, Spectrum.plain(ShapesConfig()), aspect=(0.5, 2.0)).fields(side)


def clumps(rngs: list[Generator], side: int) -> Tensor:
    """Metaballs: two to five balls grown together."""
    return metaballs.draw(rngs, bent=False).fields(side)


def rods(rngs: list[Generator], side: int) -> Tensor:
    """Bent rods."""
    return metaballs.draw(rngs, bent=True).fields(side)


def cups(rngs: list[Generator], side: int) -> Tensor:
    """A ball less a smaller one that lies half in it: no silhouette shows the hollow."""
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


FAMILIES: dict[str, Family] = {"measured": measured, "plain": plain, "clumps": clumps, "rods": rods, "cups": cups}


def held_out(count: int, stream: int = HELD_OUT) -> list[Generator]:
    """Generators of held-out shapes; validation during training looks at stream 0."""
    return [generator(SEED, stream, Stage.EVALUATION, item) for item in range(count)]
