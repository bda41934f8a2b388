"""Pictures of what a network makes, to look at in TensorBoard."""

import torch
from skimage.util import montage
from torch import Tensor


def picture_grid(images: Tensor, columns: int = 8) -> Tensor:
    """Put images side by side.

    Parameters
    ----------
    images
        `(n, y, x)`, on any device; n is a multiple of `columns`.
    columns
        Images in a row.

    Returns
    -------
    Tensor
        `(n / columns * y, columns * x)` in reading order, on the CPU.
    """
    grid = montage(images.cpu().numpy(), fill=0, grid_shape=(len(images) // columns, columns))
    return torch.from_numpy(grid)
