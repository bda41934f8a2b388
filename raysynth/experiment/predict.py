"""Cells that a Cellpose network finds in a frame.

The image is resized to the network's cell diameter and cut into overlapping tiles. The outputs, blended and resized to
the frame's own pixels, are made into masks there by Cellpose's own dynamics. Volumes go slice by slice, and slices are
joined by `stitch3D`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from raysynth.base.arrays import Floats, Labels
from raysynth.config.evaluation import Precision
from raysynth.experiment.networks import run_network
from raysynth.experiment.records import normalise, scaled_image

OVERLAP = 0.1
"""Fraction of a tile that its neighbour shows too."""

ITERATIONS = 200
"""Of the dynamics for cells of the network's own diameter; larger cells take more, as in Cellpose."""

# Cellpose's own default: smaller masks are left out.
_MIN_PX = 15
# Tiles at once, so that memory does not grow with the frame.
_BATCH = 8


@dataclass(frozen=True)
class Prediction:
    """How a network is used.

    Attributes
    ----------
    scale
        New side of images over old side, as for training.
    tile_px
        Side of a tile.
    stitch
        Least intersection over union at which cells of neighbouring slices are joined.
    device
        Torch's name of the device.
    precision
        Mixed precision of the computation.
    """

    scale: float
    tile_px: int
    stitch: float
    device: str = "cpu"
    precision: Precision = "no"


def segment(network: nn.Module, image: NDArray[Any], how: Prediction) -> Labels:
    """Find the cells of an image.

    Parameters
    ----------
    network
        The network.
    image
        Grey values `([z,] y, x)`.
    how
        How the network is used.

    Returns
    -------
    Labels
        Of the image's shape.
    """
    grey = normalise(image)
    if image.ndim == 2:
        return _slice(network, grey, how)
    from cellpose.utils import fill_holes_and_remove_small_masks, stitch3D

    slices = np.stack([_slice(network, plane, how) for plane in grey])
    joined = stitch3D(slices, stitch_threshold=how.stitch) if len(slices) > 1 else slices
    return np.asarray(fill_holes_and_remove_small_masks(joined, min_size=_MIN_PX), np.uint32)


def _slice(network: nn.Module, grey: Floats, how: Prediction) -> Labels:
    from cellpose.dynamics import resize_and_compute_masks
    from cellpose.transforms import resize_image

    output = blended_outputs(network, scaled_image(grey, how.scale), how)
    if output.shape[1:] != grey.shape:
        # Cellpose resizes (y, x, channels).
        output = resize_image(output.transpose(1, 2, 0), *grey.shape).transpose(2, 0, 1)
    # Masks are found at the frame's own size, where cells are 1 / scale as large and paths as long.
    steps, device = round(ITERATIONS * max(1.0, 1 / how.scale)), torch.device(how.device)
    masks = resize_and_compute_masks(output[:2], output[2], niter=steps, min_size=_MIN_PX, device=device)
    return np.asarray(masks, np.uint32)


@torch.no_grad()
def blended_outputs(network: nn.Module, image: Floats, how: Prediction) -> Floats:
    """Compute a network's outputs on overlapping tiles of an image, and blend them.

    Parameters
    ----------
    network
        The network.
    image
        A resized image `(y, x)`.
    how
        How the network is used.

    Returns
    -------
    Floats
        Flows along y and x and the mask's logit, `(3, y, x)`.
    """
    from cellpose.transforms import average_tiles, get_pad_yx, make_tiles

    network.eval()
    top, bottom, left, right = get_pad_yx(*image.shape)
    # The second channel is Cellpose's second stain, which there is none of.
    padded = np.pad(np.stack([image, np.zeros_like(image)]), ((0, 0), (top, bottom), (left, right)))
    tiles, rows, columns, height, width = make_tiles(padded, bsize=how.tile_px, tile_overlap=OVERLAP)
    batches = torch.from_numpy(tiles.reshape(-1, *tiles.shape[-3:])).split(_BATCH)
    found = np.concatenate(
        [run_network(network, batch.to(how.device), how.precision).cpu().numpy() for batch in batches]
    )
    # Tiles fade towards their borders, so that no seam shows.
    whole = average_tiles(found, rows, columns, height, width)
    return np.asarray(whole[:, top : top + image.shape[0], left : left + image.shape[1]], np.float32)
