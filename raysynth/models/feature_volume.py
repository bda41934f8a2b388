"""Between N views and the volume that they share: back-projection, resampling along rays (SyncDreamer, Liu 2024).

The cameras never change, so both are constant linear maps. They are kept as sparse matrices, whose products run several
times faster on a CPU than resampling on a grid and whose gradients need no atomic additions on a GPU.
"""

import itertools
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.silhouettes import rays

# torch says so once per process of every compressed sparse matrix. Products of one with a dense matrix are all we use.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")


class _Product(torch.autograd.Function):
    """The product A X of a constant matrix with rows X. Its gradient is Aᵀ G, with the transpose made beforehand."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradients[0], None, None


class SparseMap(nn.Module):
    """A constant sparse linear map over rows. Its parts are plain buffers, which any device or worker can be sent.

    Parameters
    ----------
    matrix
        Sparse COO matrix, `(rows, columns)`.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.shape = tuple(matrix.shape)
        # Not saved with the weights: the buffers follow from the cameras, and are larger than the network itself.
        for name, part in (("matrix", matrix), ("transposed", matrix.t())):
            csr = part.coalesce().to_sparse_csr()
            self.register_buffer(f"{name}_rows", csr.crow_indices(), persistent=False)
            self.register_buffer(f"{name}_columns", csr.col_indices(), persistent=False)
            self.register_buffer(f"{name}_values", csr.values(), persistent=False)

    def _csr(self, name: str, shape: tuple[int, ...]) -> Tensor:
        rows, columns, values = (self.get_buffer(f"{name}_{part}") for part in ("rows", "columns", "values"))
        return torch.sparse_csr_tensor(rows, columns, values, shape, check_invariants=False)

    def forward(self, dense: Tensor) -> Tensor:
        """Apply the map.

        Parameters
        ----------
        dense
            `(columns of the matrix, c)`.

        Returns
        -------
        Tensor
            `(rows of the matrix, c)`, float32.
        """
        # The spread in `BackProjection` is a small difference of two large means: half precision would round it away.
        with torch.autocast(dense.device.type, enabled=False):
            matrix, transposed = self._csr("matrix", self.shape), self._csr("transposed", self.shape[::-1])
            product: Tensor = _Product.apply(dense.float(), matrix, transposed)
        return product


def interpolation(points: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Find the grid values, and their weights, that interpolate at points.

    Parameters
    ----------
    points
        `(p, d)` in [-1, 1].
    side
        Values of the grid along each of d axes; the first coordinate runs fastest.

    Returns
    -------
    tuple of Tensor
        Flat indices and weights of the 2^d corners round each point, both `(p, 2^d)`. Points past the outermost values
        take these.
    """
    # Value i lies at the centre of its cell, (2 i + 1) / side - 1: solved for i, this is a point's position.
    position = ((points + 1) * (side / 2) - 0.5).clamp(0, side - 1)
    # A corner's weight is the product over the axes of how near the point is to it: 1 - part below, part above.
    # A point on the outermost value counts to the cell before it, with part 1: so both of its corners exist.
    low = position.floor().clamp(max=side - 2)
    part = position - low
    strides = side ** torch.arange(points.shape[1], device=points.device)
    indices, weights = [], []
    for corner in itertools.product((0, 1), repeat=points.shape[1]):
        offset = torch.tensor(corner, device=points.device)
        indices.append(((low.long() + offset) * strides).sum(dim=1))
        weights.append(torch.where(offset == 1, part, 1 - part).prod(dim=1))
    return torch.stack(indices, dim=1), torch.stack(weights, dim=1)


def _matrix(indices: Tensor, weights: Tensor, columns: int) -> Tensor:
    """Make the sparse COO matrix whose row i holds `weights[i]` at `indices[i]`."""
    rows = torch.arange(len(indices)).repeat_interleave(indices.shape[1])
    entries = torch.stack([rows, indices.flatten()])
    return torch.sparse_coo_tensor(entries, weights.flatten(), (len(indices), columns), check_invariants=False)


class BackProjection(nn.Module):
    """Mean over the views, and spread between them, of what each voxel is seen as.

    The spread is small where the views agree, which tells the network of the volume where the surface is.

    Parameters
    ----------
    cameras
        `(n, 3, 3)`; the rows of each are its right, down and forward axes.
    side
        Pixels of the views' features along each axis.
    volume
        Voxels along a side.
    """

    def __init__(self, cameras: Tensor, side: int, volume: int) -> None:
        super().__init__()
        self.volume = volume
        c = pixel_centres(volume)
        z, y, x = torch.meshgrid(c, c, c, indexing="ij")
        points = torch.stack([x, y, z], dim=-1).reshape(-1, 3)
        seen = [interpolation(points @ camera[:2].T, side) for camera in cameras]
        # One row per voxel over the pixels of all views: the mean over the views is part of the same product.
        indices = torch.cat([index + i * side**2 for i, (index, _) in enumerate(seen)], dim=1)
        weights = torch.cat([weight for _, weight in seen], dim=1) / len(cameras)
        self.mean = SparseMap(_matrix(indices, weights, len(cameras) * side**2))

    def forward(self, views: Tensor) -> Tensor:
        """Project features into the volume.

        Parameters
        ----------
        views
            `(b, n, c, h, w)`.

        Returns
        -------
        Tensor
            `(b, 2c, z, y, x)`: means, then standard deviations.
        """
        b, _, c, _, _ = views.shape
        # f and f² side by side, so that one sparse product gives both of their means.
        moments = torch.cat([views, views.square()], dim=2)
        rows = self.mean(moments.permute(1, 3, 4, 0, 2).reshape(-1, b * 2 * c))
        volume = rows.reshape(*[self.volume] * 3, b, 2 * c).permute(3, 4, 0, 1, 2)
        mean, square = volume.chunk(2, dim=1)
        # Var f = E f² - (E f)², never below what rounding leaves: the root's gradient is infinite at 0.
        return torch.cat([mean, (square - mean.square()).clamp(min=1e-6).sqrt()], dim=1)


class Frustums(nn.Module):
    """The volume resampled along every view's rays. Cameras are orthographic, so a frustum is a box.

    Parameters
    ----------
    cameras
        `(n, 3, 3)`; the rows of each are its right, down and forward axes.
    side
        Pixels of the views' features along each axis.
    volume
        Voxels along a side.
    depth
        Samples along a ray.
    """

    def __init__(self, cameras: Tensor, side: int, volume: int, depth: int) -> None:
        super().__init__()
        self.shape = (len(cameras), depth, side, side)
        # Points in the order (view, depth, y, x), which `forward` relies on to give the rows their shape back.
        points = rays(cameras, side, depth).reshape(-1, 3)
        self.sample = SparseMap(_matrix(*interpolation(points, volume), volume**3))

    def forward(self, volume: Tensor) -> Tensor:
        """Resample a volume.

        Parameters
        ----------
        volume
            `(b, c, z, y, x)`.

        Returns
        -------
        Tensor
            Every view's frustum `(b, n, c, depth, h, w)`.
        """
        b, c = volume.shape[:2]
        rows = self.sample(volume.permute(2, 3, 4, 0, 1).reshape(-1, b * c))
        return rows.reshape(*self.shape, b, c).permute(4, 0, 5, 1, 2, 3)
