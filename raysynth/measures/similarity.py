"""How real does one set of frames look beside another?

Set A, the real one, is cut into two halves of frames. The images of B, and those of A's second half, are compared with
those of A's first half: the second comparison says how far apart real images are, and what the first is measured by.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.data.frames import Pixels, as_volume
from raysynth.measures import fidelity
from raysynth.measures.frame_sets import FrameSet, median_diameter
from raysynth.measures.inception import CANONICAL
from raysynth.measures.tiles import fixed_map, random_tiles, tile_side, to_bytes

FRAMES = 100
"""Frames of each set, at most, that give tiles."""

WHOLE_FRAMES = 500
"""Whole frames are compared from so many on: with fewer, FID says more of their number than of their looks."""

SEED = 1

Pictures = Sequence[NDArray[np.uint8]]
Update = Callable[[int, int], None]


class Space(Protocol):
    """Where images are compared: a network's features `(n, d)`, float64, of grey images `(n, y, x)`."""

    name: str

    def features(self, images: NDArray[np.uint8]) -> Tensor: ...


@dataclass(frozen=True)
class Sample:
    """Images of A's first half, of its second, and of B, by the same map of grey values, and what they are."""

    half: Pictures
    other_half: Pictures
    other: Pictures
    diameter_px: float
    about: dict[str, Any]


def sample_tiles(a: FrameSet, b: FrameSet, count: int) -> Sample:
    """`count` random tiles of each, of `TILE_DIAMETERS` median diameters of A or the smallest frame's side."""
    first, second = a.some(2 * FRAMES).halves()
    sets = [part.read() for part in (first, second, b.some(FRAMES))]
    _same_dimensions(a, b, sets)
    real = sets[0] + sets[1]
    fixed, diameter = fixed_map([pixels.image for pixels in real]), median_diameter(real, a.name)
    frames = [[(pixels.image, pixels.labels) for pixels in part] for part in sets]
    side = tile_side(diameter, [frame for part in frames for frame in part])
    rng = generator(SEED, 0, Stage.EVALUATION, 0)
    half, other_half, other = (list(to_bytes(random_tiles(part, side, count, rng), fixed)) for part in frames)
    about: dict[str, Any] = {
        "images": f"{count} tiles of {side} px each",
        "frames": "/".join(str(len(part)) for part in sets),
    }
    about["grey_values"] = [fixed.low, fixed.high]
    return Sample(half, other_half, other, diameter, about)


def sample_whole(a: FrameSet, b: FrameSet) -> Sample:
    """Whole frames, of volumes one random slice with cells; InputError for fewer than `WHOLE_FRAMES` in any part."""
    parts = [*a.halves(), b]
    fewest = min(len(part.frames) for part in parts)
    if fewest < WHOLE_FRAMES:
        raise InputError(
            f"--whole needs {WHOLE_FRAMES} frames in each half of {a.name} and in {b.name}, but the least is {fewest}: "
            "compare tiles instead."
        )
    seen = a.some(FRAMES).read()
    _same_dimensions(a, b, [seen, b.some(1).read()])
    fixed, diameter = fixed_map([pixels.image for pixels in seen]), median_diameter(seen, a.name)
    rng = generator(SEED, 1, Stage.EVALUATION, 0)
    half, other_half, other = (
        [to_bytes(_slice(read(), rng), fixed) for read in part.some(fewest).frames] for part in parts
    )
    about = {"images": f"{fewest} whole frames each", "grey_values": [fixed.low, fixed.high]}
    return Sample(half, other_half, other, diameter, about)


def _slice(pixels: Pixels, rng: np.random.Generator) -> NDArray[Any]:
    image, labels = as_volume(pixels.image), as_volume(pixels.labels)
    filled = np.flatnonzero(labels.any(axis=(1, 2)))
    return image[rng.choice(filled) if len(filled) else rng.integers(len(image))]


def _same_dimensions(a: FrameSet, b: FrameSet, sets: Sequence[Sequence[Pixels]]) -> None:
    axes = [part[0].image.ndim for part in (sets[0], sets[-1])]
    if axes[0] != axes[1]:
        raise InputError(f"{a.name} is {axes[0]}D and {b.name} is {axes[1]}D: compare sets of the same kind.")


def distances(sample: Sample, space: Space, update: Update = lambda done, total: None) -> dict[str, Any]:
    """FID, KID, precision and recall in one network's features: real to real, and A to B."""
    sets = (sample.half, sample.other_half, sample.other)
    found = []
    for done, pictures in enumerate(sets, start=1):
        found.append(_features(space, pictures))
        update(done, len(sets))
    half, other_half, other = found
    figures = asdict(fidelity.compare(half, other_half, other))
    real, precision = fidelity.precision_recall(half, other_half), fidelity.precision_recall(half, other)
    return {
        "n": figures["n"],
        "real_to_real": _row(figures["fid_real"], figures["kid_real"], *real),
        "a_to_b": _row(figures["fid"], figures["kid"], *precision),
        "fid_ratio": figures["ratio"],
        "kid_excess": figures["excess"],
        "kid_excess_error": figures["error"],
    }


def report(
    a: FrameSet, b: FrameSet, sample: Sample, space: Space, update: Update = lambda done, total: None
) -> dict[str, Any]:
    """`distances` with what they were measured on and with: the network's weights stand in every table."""
    about = {"a": f"{a.name} ({a.labels})", "b": f"{b.name} ({b.labels})", **sample.about, "weights": space.name}
    if space.name != CANONICAL:
        about["comparable"] = "only with figures of the same weights"
    return about | distances(sample, space, update)


def frechet(sample: Sample, space: Space) -> dict[str, Any]:
    """The Fréchet distance in one network's features: real to real, and A to B."""
    half, other_half, other = (_features(space, part) for part in (sample.half, sample.other_half, sample.other))
    real, synthetic = fidelity.fid(half, other_half), fidelity.fid(half, other)
    return {"weights": space.name, "real_to_real": real, "a_to_b": synthetic, "ratio": synthetic / real}


def _row(fid: float, kid: float, precision: float, recall: float) -> dict[str, float]:
    return {"fid": fid, "kid": kid, "precision": precision, "recall": recall}


def _features(space: Space, pictures: Pictures) -> Tensor:
    """Frames of several sizes go one by one."""
    if len({picture.shape for picture in pictures}) == 1:
        return space.features(np.stack(pictures))
    return torch.cat([space.features(picture[None]) for picture in pictures])
