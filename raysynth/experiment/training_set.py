"""Tiles that train a Cellpose network, drawn from the records of frames by seed and step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raysynth.base.arrays import Floats
from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.experiment.records import record_file

SCALE_RANGE = 0.5
"""Tiles are scaled by 0.75 to 1.25, as Cellpose does."""

_DRAWS, _AUGMENTATION, _SUBSETS = 0, 1, 2


def drawn_frames(seed: int, source: int, frames: int, count: int | None) -> list[int]:
    """Draw the frames of a set that one seed trains on.

    Parameters
    ----------
    seed
        Random seed of the training.
    source
        0 for the real set, 1 for a synthetic one.
    frames
        Number of frames in the set.
    count
        How many train at most; None: all.

    Returns
    -------
    list of int
        Ascending. Those of a smaller count are among those of a larger one.
    """
    order = generator(seed, source, Stage.EVALUATION, _SUBSETS).permutation(frames)
    # The first of one order: fewer frames are always part of more, and steps of a curve differ by what is added.
    return sorted(int(frame) for frame in order[:count])


@dataclass(frozen=True)
class TileSource:
    """The frames of one set that train.

    Attributes
    ----------
    folder
        Where their records are.
    frames
        Positions of the frames in the set.
    fraction
        Fraction of all tiles that comes from this set.
    """

    folder: Path
    frames: Sequence[int]
    fraction: float = 1.0


class TrainingSet:
    """Tiles from one or two sets. Which they are, and how turned and scaled, depends on seed and step alone.

    Parameters
    ----------
    sources
        The sets.
    seed
        Random seed of the training.
    tile_px
        Side of a tile.
    batch
        Tiles per step.

    Raises
    ------
    InputError
        For a set none of whose frames holds a cell.
    """

    def __init__(self, sources: Sequence[TileSource], seed: int, tile_px: int, batch: int) -> None:
        self._seed, self._tile_px, self._batch = seed, tile_px, batch
        self._fractions = [source.fraction for source in sources]
        self._images = [_images(source) for source in sources]
        for source, images in zip(sources, self._images, strict=True):
            if not images:
                raise InputError(f"no training frame of the {source.folder.name} set holds a cell: give it more frames")

    @property
    def images(self) -> list[int]:
        """Training images of each set."""
        return [len(images) for images in self._images]

    def batch(self, step: int) -> tuple[Floats, Floats]:
        """Draw the tiles of one step, turned and scaled at random as Cellpose does.

        Parameters
        ----------
        step
            Number of the step.

        Returns
        -------
        tuple of Floats and Floats
            Images `(n, 2, y, x)`, the second channel empty. Targets `(n, 3, y, x)`: mask, flow along y and x.
        """
        from cellpose.transforms import random_rotate_and_resize

        # A generator of its own for each step: its tiles depend on nothing that was drawn before.
        rng = generator(self._seed, step, Stage.EVALUATION, _DRAWS)
        picked = [self._read(*self._pick(rng)) for _ in range(self._batch)]
        images = [np.stack([record[0], np.zeros_like(record[0])]) for record in picked]
        turn = generator(self._seed, step, Stage.EVALUATION, _AUGMENTATION)
        # Seeds of numpy's global generator have 32 bits.
        with _global_random(int(turn.integers(2**32))):
            tiles, targets, _ = random_rotate_and_resize(
                images, [record[1:] for record in picked], scale_range=SCALE_RANGE, xy=(self._tile_px, self._tile_px)
            )
        return tiles, targets

    def _pick(self, rng: np.random.Generator) -> tuple[Path, int]:
        # First the set, by its fraction, then one of its images: all images of a set are equally likely.
        images = self._images[rng.choice(len(self._images), p=self._fractions)]
        return images[rng.integers(len(images))]

    def _read(self, path: Path, image: int) -> Floats:
        # Mapped: of a large file only the one image is read.
        return np.asarray(np.load(path, mmap_mode="r")[image], np.float32)


def _images(source: TileSource) -> list[tuple[Path, int]]:
    """List file and position of every training image."""
    files = [record_file(source.folder, frame) for frame in source.frames]
    return [(path, image) for path in files for image in range(len(np.load(path, mmap_mode="r")))]


@contextmanager
def _global_random(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, which Cellpose's augmentation draws from, and leave it as it was."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
