"""Features of images in a Cellpose network: what a network that segments nuclei sees of them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from raysynth.base.errors import InputError, first_line

_BATCH = 16
_MULTIPLE = 16
_FIRST = "downsample.down.res_down_{}.proj.1.weight"


class CellposeFeatures:
    """The deepest feature map of a Cellpose network, averaged over the image.

    Parameters
    ----------
    weights
        File of a network that Cellpose 2 or 3 saved, of any width.
    diameter_px
        Median diameter of the cells in the images to come.

    Attributes
    ----------
    name
        Name of the weights' file. It is written beside every distance.

    Raises
    ------
    InputError
        Without Cellpose, and for a file that is missing or holds no such network.

    Notes
    -----
    Cellpose's own style vector (Stringer et al., Nature Methods 2021) is this average, scaled to length 1.
    """

    def __init__(self, weights: Path, diameter_px: float) -> None:
        try:
            from cellpose.resnet_torch import CPnet
        except ImportError:
            raise InputError("--cellpose needs Cellpose 3: pip install 'raysynth[eval]'") from None
        self.name = weights.name
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            widths = _widths(state)
            self._network = CPnet(widths, len(state["output.2.bias"]), 3)
            self._network.load_state_dict(state)
        except FileNotFoundError:
            raise InputError(f"{weights} is missing: give a file of a Cellpose network") from None
        # Unpickling reports a foreign file with whatever type the failing step has; every one means the same here.
        except Exception as error:
            raise InputError(f"{weights} does not hold a network of Cellpose 2 or 3 ({first_line(error)})") from None
        self._network.eval()
        # The weights' file itself says which diameter they were trained for.
        self._channels, self._scale = widths[0], float(state["diam_mean"]) / diameter_px

    @torch.no_grad()
    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Compute the features of images, scaled to the cell diameter that the network was trained for.

        Parameters
        ----------
        images
            Grey images `(n, y, x)`.

        Returns
        -------
        Tensor
            `(n, d)`, float64.
        """
        # Multiples of 16 can be halved at every level of the network.
        side = [max(1, round(n * self._scale / _MULTIPLE)) * _MULTIPLE for n in images.shape[1:]]
        found = []
        for batch in torch.from_numpy(np.ascontiguousarray(images)).split(_BATCH):
            scaled = interpolate(batch[:, None].float() / 255, side, mode="bilinear", antialias=True)
            # Cellpose's further input channels are for a second stain, and empty where there is none.
            padded = torch.cat([scaled, scaled.new_zeros(len(scaled), self._channels - 1, *side)], dim=1)
            found.append(self._network.downsample(padded)[-1].mean(dim=(2, 3)))
        # float64 for the covariances and matrix roots of Fréchet distances.
        return torch.cat(found).double()


def _widths(state: dict[str, Any]) -> list[int]:
    """List the channels of the input and of each level."""
    levels = [state[key] for i in range(len(state)) if (key := _FIRST.format(i)) in state]
    return [int(levels[0].shape[1]), *(int(level.shape[0]) for level in levels)]
