"""Fitting NeuS surfaces to the views of many cells, and reading them out on any grid.

The random numbers of a step are the same for every cell and depend on the step alone; each cell maps them to rays
through its own masks. A cell's surface therefore does not depend on which other cells share its batch.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from raysynth.base.errors import InputError
from raysynth.base.sampling import equal_batches
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.relief import Relief
from raysynth.surfaces.losses import gradient_loss, log_transmittance, mask_loss
from raysynth.surfaces.neus import SdfNetworks
from raysynth.surfaces.rays import COARSE, Rays, Silhouettes, deepest, ellipsoids

# Squared gradients are averaged over about 1 / (1 - 0.97) = 33 steps. Adam's default, 1000, outlasts the whole fit.
_BETAS = (0.9, 0.97)
# Steps of rising rate: Adam's first steps are of full length however small the gradients are.
_WARMUP = 5
_REFRESH = 10
"""Steps for which rays and their deepest points are kept: only the few points are learned from, not all samples."""

_ROUND_OFF = 0.01
"""Distance in units of the cube below which an error counts by its square."""

# Weight of the cross-entropy with the masks. Where no mask shows a ray's distance, it alone says whether the ray hits.
_MASK = 0.0025
# Points of all cells together that a grid is read out in: what bounds the memory of the hidden layers.
_CHUNK = 1 << 15
_MASK_BYTES = 48
"""Of one pixel: mask, slopes and their volume as float32, density and its sum as float64, and what makes them."""


@dataclass(frozen=True)
class Surfaces:
    """Fitted surfaces of a batch of cells.

    Attributes
    ----------
    networks
        Their signed distances.
    """

    networks: SdfNetworks

    def __len__(self) -> int:
        return self.networks.count

    def on_grid(self, cell: int, z: Tensor, y: Tensor, x: Tensor, relief: Relief | None = None) -> Tensor:
        """Evaluate one cell on a grid. The network is asked at each voxel, so nothing is interpolated.

        Parameters
        ----------
        cell
            Its position in the batch.
        z, y, x
            Voxel centres along each axis, in cube coordinates.
        relief
            Roughens the surface; None: the surface as it was fitted.

        Returns
        -------
        Tensor
            Field `(z, y, x)`, positive inside.
        """
        return _on_grid(self.networks.select(cell), z, y, x, relief)[0]

    def fields(self, side: int) -> Tensor:
        """Evaluate all cells over the cube.

        Parameters
        ----------
        side
            Voxels along each axis.

        Returns
        -------
        Tensor
            Fields `(b, side, side, side)` in the order z, y, x, positive inside.
        """
        centres = pixel_centres(side)
        return _on_grid(self.networks, centres, centres, centres)


@torch.no_grad()
def _on_grid(networks: SdfNetworks, z: Tensor, y: Tensor, x: Tensor, relief: Relief | None = None) -> Tensor:
    device = networks.centre.device
    grid = torch.meshgrid(z.to(device), y.to(device), x.to(device), indexing="ij")
    # Arrays are ordered (z, y, x), points (x, y, z).
    points = torch.stack(grid[::-1], dim=-1).reshape(1, -1, 3)
    if relief is not None:
        points = relief.unwarp(points[0])[None]
    chunks = points.split(max(1, _CHUNK // networks.count), dim=1)
    # Negated: NeuS' distances are negative inside, all fields of this package are positive there.
    field = torch.cat([-networks(some.expand(networks.count, -1, -1)) for some in chunks], dim=1)
    return field.reshape(-1, *grid[0].shape)


def fit_surfaces(views: Tensor, cameras: Tensor, config: SurfaceConfig) -> Surfaces:
    """Fit surfaces to the views of cells, so that their projections match.

    Parameters
    ----------
    views
        Truncated signed distances `(b, n, s, s)`, positive inside. What counts is their zero lines, found to a fraction
        of a pixel.
    cameras
        Rotations of the views `(n, 3, 3)`.
    config
        Settings of the surfaces. Any number of cells is fitted in equal batches of at most `config.batch`; results
        depend on that size.

    Returns
    -------
    Surfaces
        One surface per cell.

    Raises
    ------
    InputError
        Where a batch needs more than `config.memory_mb`.
    """
    check_memory(config, *views.shape[1:3])
    batches = equal_batches(range(len(views)), config.batch)
    states = [_fit_batch(views[batch], cameras, config).state_dict() for batch, _ in batches]
    # Batches are filled up at the end of the last one, so what is too many stands at the end of all.
    joined = {name: torch.cat([state[name] for state in states])[: len(views)] for name in states[0]}
    return Surfaces(SdfNetworks.of(joined))


def check_memory(config: SurfaceConfig, views: int, side: int) -> None:
    """Refuse a batch that would not fit the memory it may take.

    Parameters
    ----------
    config
        Settings of the surfaces: `batch` and `memory_mb`.
    views
        Number of views.
    side
        Side of a view in pixels.

    Raises
    ------
    InputError
        With the largest batch that fits.
    """
    need = bytes_per_cell(config, views, side)
    most = int(config.memory_mb * 2**20 / need)
    if config.batch > most:
        raise InputError(
            f"surface.batch {config.batch} needs {math.ceil(config.batch * need / 2**20)} MiB with {views} views of "
            f"{side} px, more than surface.memory_mb {config.memory_mb}: use a batch of at most {most} or more memory."
        )


def bytes_per_cell(config: SurfaceConfig, views: int, side: int) -> int:
    """Estimate the most bytes that one cell of a batch takes while it is fitted.

    The masks with their slopes and densities stay; on top come, one after the other, the visual hull, the search along
    the rays and the training step. Measured peaks are 69 to 93 % of it (docs/geometry.md).

    Parameters
    ----------
    config
        Settings of the surfaces: rays, samples, and the network's size.
    views
        Number of views.
    side
        Side of a view in pixels.

    Returns
    -------
    int
        Bytes.
    """
    masks = views * side**2 * _MASK_BYTES
    hull = views * COARSE**3 * 4
    search = config.rays * config.samples * (3 * config.hidden + 24) * 4
    training = config.rays * (10 * config.hidden * config.layers + 64) * 4
    return masks + max(hull, search, training)


def _fit_batch(masks: Tensor, cameras: Tensor, config: SurfaceConfig) -> SdfNetworks:
    silhouettes = Silhouettes(masks, cameras, config, math.ceil(config.steps / _REFRESH))
    # The same seed for every batch: a cell starts from the same weights wherever it stands.
    generator = torch.Generator().manual_seed(0)
    networks = SdfNetworks(*ellipsoids(masks, cameras.to(masks)), config.hidden, config.layers, generator)
    optimiser = torch.optim.Adam(networks.parameters(), lr=config.learning_rate, betas=_BETAS, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, config.steps))
    for step in range(config.steps):
        if step % _REFRESH == 0:
            rays = silhouettes.draw(step // _REFRESH)
            points = networks.linearise(deepest(networks, rays, config.samples))
        optimiser.zero_grad(set_to_none=True)
        # Cells share no weights, so the sum of their losses is as good as a loop over cells.
        _loss(networks, points, rays, config).sum().backward()
        optimiser.step()
        schedule.step()
    return networks


def _rate(step: int, steps: int) -> float:
    """Fraction of the learning rate: linear warm-up, cosine decay to a tenth."""
    return min(1.0, (step + 1) / _WARMUP) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))


def _loss(networks: SdfNetworks, points: tuple[Tensor, Tensor, Tensor], rays: Rays, config: SurfaceConfig) -> Tensor:
    """Distance, gradient and mask terms `(b,)` at the rays' deepest points, prepared by `linearise`."""
    sdf, gradient = networks.with_gradient(*points)
    error = F.smooth_l1_loss(sdf, rays.distance, beta=_ROUND_OFF, reduction="none")
    # Over all rays, not the known ones: else few known rays would weigh as much as many.
    distance = (error * rays.known).mean(dim=1)
    mask = mask_loss(log_transmittance(sdf, networks.sharpness), rays.inside)
    return distance + config.eikonal * gradient_loss(gradient, rays.normal, rays.known, rays.inside) + _MASK * mask
