"""How real one set of frames looks beside another.

Set A, the real one, is cut into two halves of frames. The images of B, and those of A's second half, are compared with
those of A's first half. The second comparison says how far apart real images are: what the first is measured by.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysynth.base.progress import Progress, no_progress
from raysynth.measures.cellpose_features import CellposeFeatures
from raysynth.measures.fidelity import compare_features, fid, precision_recall
from raysynth.measures.fidelity_report import FidelityReport, FrechetDistances, ImageDistances
from raysynth.measures.frame_sets import FrameSet, frame_set
from raysynth.measures.image_samples import GreyImages, ImageSample, sample_tiles, sample_whole
from raysynth.measures.inception import Inception


class FeatureSpace(Protocol):
    """Where images are compared: the features of a network.

    Attributes
    ----------
    name
        Name of the network's weights.
    """

    name: str

    def features(self, images: NDArray[np.uint8]) -> Tensor:
        """Compute the features of images.

        Parameters
        ----------
        images
            Grey images `(n, y, x)`.

        Returns
        -------
        Tensor
            `(n, d)`, float64.
        """
        ...


def compare_images(
    a: str,
    b: str,
    weights: Path | None = None,
    tiles: int = 500,
    whole: bool = False,
    cellpose: Path | None = None,
    *,
    progress: Progress = no_progress,
) -> FidelityReport:
    """Compare the images of two sets of frames, in the features of Inception and, where asked for, of Cellpose.

    Parameters
    ----------
    a
        Address of the real set, as `frame_set` takes it.
    b
        Address of the other set.
    weights
        File of Inception weights; None: the canonical ones, downloaded once.
    tiles
        Random tiles of each half of A, and of B; at least 40.
    whole
        Compare whole frames and not tiles.
    cellpose
        File of a Cellpose network for one more distance; None: no such distance.
    progress
        Called after each set that the network has seen.

    Returns
    -------
    FidelityReport
        All distances.

    Raises
    ------
    InputError
        For weights that are not what they should be, addresses that hold no such set, sets of different dimensions,
        and too few whole frames.
    """
    # Opened first: missing weights or packages show before any frame is read.
    inception, (real, other) = Inception(weights), (frame_set(a), frame_set(b))
    sample = sample_whole(real, other) if whole else sample_tiles(real, other, tiles)
    seen = CellposeFeatures(cellpose, sample.diameter_px) if cellpose else None
    return compare_in(inception, real, other, sample, seen, progress=progress)


def compare_in(
    space: FeatureSpace,
    a: FrameSet,
    b: FrameSet,
    sample: ImageSample,
    cellpose: FeatureSpace | None = None,
    *,
    progress: Progress = no_progress,
) -> FidelityReport:
    """Compare the images of a sample in the features of a network.

    Parameters
    ----------
    space
        The network.
    a
        The real set of the sample.
    b
        The other set of the sample.
    sample
        The images.
    cellpose
        Another network for one more Fréchet distance; None: no such distance.
    progress
        Called after each set that the first network has seen.

    Returns
    -------
    FidelityReport
        All distances.
    """
    found = []
    for done, images in enumerate(sample.parts, start=1):
        found.append(_features(space, images))
        progress(done, len(sample.parts))
    # Both comparisons are with the same images, those of A's first half.
    half, other_half, other = found
    fidelity = compare_features(half, other_half, other)
    real_to_real = ImageDistances(fidelity.fid_real, fidelity.kid_real, *precision_recall(half, other_half))
    a_to_b = ImageDistances(fidelity.fid, fidelity.kid, *precision_recall(half, other))
    return FidelityReport(
        f"{a.name} ({a.labels})",
        f"{b.name} ({b.labels})",
        sample.about,
        space.name,
        fidelity.n,
        real_to_real,
        a_to_b,
        fidelity.ratio,
        fidelity.excess,
        fidelity.error,
        None if cellpose is None else frechet(sample, cellpose),
    )


def frechet(sample: ImageSample, space: FeatureSpace) -> FrechetDistances:
    """Compute the Fréchet distances of a sample in one network's features.

    Parameters
    ----------
    sample
        The images.
    space
        The network.

    Returns
    -------
    FrechetDistances
        Real to real, and B to A.
    """
    half, other_half, other = (_features(space, part) for part in sample.parts)
    real, synthetic = fid(half, other_half), fid(half, other)
    return FrechetDistances(space.name, real, synthetic, synthetic / real)


def _features(space: FeatureSpace, images: GreyImages) -> Tensor:
    """Compute features of images; those of several sizes go one by one."""
    if len({image.shape for image in images}) == 1:
        return space.features(np.stack(images))
    # One by one: cutting or padding them to one size would change what the network sees.
    return torch.cat([space.features(image[None]) for image in images])
