"""Inception features of images, by torch-fidelity's InceptionV3 and the weights of a given file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysynth.base.errors import InputError, first_line

CANONICAL = "weights-inception-2015-12-05"
"""The weights of the FID literature, under the name that torch-fidelity gives their file."""

_LAYER = "2048"
_BATCH = 16


class Inception:
    """InceptionV3 up to its last pooling (Szegedy et al. 2016, as Heusel et al. 2017 use it).

    Parameters
    ----------
    weights
        State dictionary with torch-fidelity's keys; half precision is widened. None: the canonical weights, which
        torch-fidelity downloads once.

    Attributes
    ----------
    name
        Name of the weights, to be written beside every distance. Distances of different weights do not compare, and
        only those of the canonical weights compare with the literature.

    Raises
    ------
    InputError
        Without torch-fidelity, for a file that is missing or has other keys, and where the download fails.
    """

    def __init__(self, weights: Path | None) -> None:
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError:
            raise InputError("FID and KID need torch-fidelity: pip install 'raysynth[eval]'") from None
        self.name = CANONICAL if weights is None else weights.stem.removesuffix("_fp16")
        try:
            if weights is not None:
                # torch-fidelity reads any pickle; nothing but tensors may reach it.
                torch.load(weights, map_location="cpu", weights_only=True)
            path = None if weights is None else str(weights)
            self._network = FeatureExtractorInceptionV3(self.name, [_LAYER], feature_extractor_weights_path=path)
        except FileNotFoundError:
            raise InputError(f"{weights} is missing: give a file of Inception weights") from None
        # Unpickling and downloading report failure with whatever type the failing step has; every one means the same.
        except Exception as error:
            reason = first_line(error)
            if weights is None:
                raise InputError(
                    f"the canonical Inception weights cannot be downloaded ({reason}): give a file with --weights"
                ) from None
            raise InputError(f"{weights} does not hold Inception weights of torch-fidelity ({reason})") from None

    @torch.no_grad()
    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Compute the features of grey images; each is enlarged to 299 px first.

        Parameters
        ----------
        images
            `(n, y, x)`, of any size.

        Returns
        -------
        Tensor
            `(n, 2048)`, float64.
        """
        batches = torch.from_numpy(np.ascontiguousarray(images)).split(_BATCH)
        found = [self._network(batch[:, None].expand(-1, 3, -1, -1))[0] for batch in batches]
        # float64: FID takes the root of a product of covariances, which float32 spoils where eigenvalues are near 0.
        return torch.cat(found).double()
