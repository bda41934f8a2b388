"""What a Cellpose network trains on: images and their flows, made once, and tiles drawn from them by name.

A frame gives one training image, a volume one for each labelled slice; images without a cell are left out (Cellpose's
`min_train_masks = 1`). All images of a table are resized by one factor, the one that gives the real training cells the
network's own diameter, so that a synthetic set with cells of another size is not corrected for it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.base.staging import whole_file
from raysynth.data.frames import Pixels, as_volume

CHANNELS = 4
"""Of a record: normalised image, mask, flow along y, flow along x."""

SCALE_RANGE = 0.5
"""Tiles are scaled by 0.75 to 1.25, as Cellpose does."""

_DRAWS, _AUGMENTATION, _SUBSETS = 0, 1, 2
_KEY = "{:05d}.npy"

Floats = NDArray[np.float32]
Record = NDArray[np.float16]


def normalise(image: NDArray[Any]) -> Floats:
    """Grey values with the 1st percentile at 0 and the 99th at 1, of a whole frame or volume; a flat one is 0."""
    from cellpose.transforms import normalize99

    return np.asarray(normalize99(image.astype(np.float32), copy=False), np.float32)


def resized(image: Floats, scale: float) -> Floats:
    """An image `(y, x)` by linear interpolation, smoothed before it shrinks."""
    side = [max(1, round(n * scale)) for n in image.shape]
    return np.asarray(resize(image, side, order=1, anti_aliasing=scale < 1, preserve_range=True), np.float32)


def own_part(pixels: Pixels) -> Pixels:
    """A frame cut to the columns of its split: no pixel beyond them trains."""
    first, last = pixels.columns
    return Pixels(pixels.image[..., first:last], pixels.labels[..., first:last], pixels.slices, (0, last - first))


def records(pixels: Pixels, scale: float) -> Record:
    """The training images of one frame with their flows, `(images, CHANNELS, y, x)`, resized by `scale`.

    Of a sparsely labelled volume only the annotated slices count.
    """
    import torch
    from cellpose.dynamics import labels_to_flows

    part = own_part(pixels)
    images, labels = as_volume(normalise(part.image)), as_volume(part.labels)
    found = []
    for z in part.slices or range(len(labels)):
        small = resized(images[z], scale)
        cells = _nearest(labels[z], small.shape)
        if cells.any():
            _, mask, *flows = labels_to_flows([cells.astype(np.int32)], device=torch.device("cpu"))[0]
            found.append(np.stack([small, mask, *flows]).astype(np.float16))
    return np.stack(found) if found else np.zeros((0, CHANNELS, 1, 1), np.float16)


def _nearest(labels: NDArray[np.uint32], shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Labels `(y, x)` at another size, each pixel from the one its middle lies in."""
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]


def keep(folder: Path, index: int, record: Record) -> None:
    """Write the records of frame `index` of a set, whole or not at all."""
    with whole_file(folder / _KEY.format(index)) as staged:
        np.save(staged, record)


def kept(folder: Path) -> set[int]:
    """Frames whose records are in `folder`."""
    return {int(path.stem) for path in folder.glob("[0-9]*.npy")}


def subset(seed: int, source: int, frames: int, count: int | None) -> list[int]:
    """Which of `frames` frames a seed trains on, at most `count`; those of a smaller count are among them.

    source: 0 for the real set, 1 for a synthetic one.
    """
    order = generator(seed, source, Stage.EVALUATION, _SUBSETS).permutation(frames)
    return sorted(int(frame) for frame in order[:count])


@dataclass(frozen=True)
class Source:
    """The frames of one set that train, with the share of all tiles that come from it."""

    folder: Path
    frames: Sequence[int]
    share: float = 1.0


class TrainingSet:
    """Tiles from one or two sets. Which, and how they are turned and scaled, depends on the seed and the step only."""

    def __init__(self, sources: Sequence[Source], seed: int, tile_px: int, batch: int) -> None:
        """Raises InputError for a source none of whose frames holds a cell."""
        self._seed, self._tile_px, self._batch = seed, tile_px, batch
        self._shares = [source.share for source in sources]
        self._places = [_places(source) for source in sources]
        for source, places in zip(sources, self._places, strict=True):
            if not places:
                raise InputError(f"no training frame of the {source.folder.name} set holds a cell: give it more frames")

    @property
    def images(self) -> list[int]:
        """Training images of each source."""
        return [len(places) for places in self._places]

    def batch(self, step: int) -> tuple[Floats, Floats]:
        """Images `(n, 2, y, x)`, the second channel empty, and targets `(n, 3, y, x)`: mask, flow along y and x."""
        from cellpose.transforms import random_rotate_and_resize

        rng = generator(self._seed, step, Stage.EVALUATION, _DRAWS)
        picked = [self._read(*self._pick(rng)) for _ in range(self._batch)]
        images = [np.stack([record[0], np.zeros_like(record[0])]) for record in picked]
        turn = generator(self._seed, step, Stage.EVALUATION, _AUGMENTATION)
        with _global_random(int(turn.integers(2**32))):
            tiles, targets, _ = random_rotate_and_resize(
                images, [record[1:] for record in picked], scale_range=SCALE_RANGE, xy=(self._tile_px, self._tile_px)
            )
        return tiles, targets

    def _pick(self, rng: np.random.Generator) -> tuple[Path, int]:
        places = self._places[rng.choice(len(self._places), p=self._shares)]
        return places[rng.integers(len(places))]

    def _read(self, path: Path, image: int) -> Floats:
        return np.asarray(np.load(path, mmap_mode="r")[image], np.float32)


def _places(source: Source) -> list[tuple[Path, int]]:
    """File and position of every training image."""
    files = [source.folder / _KEY.format(frame) for frame in source.frames]
    return [(path, image) for path in files for image in range(len(np.load(path, mmap_mode="r")))]


@contextmanager
def _global_random(seed: int) -> Iterator[None]:
    """Numpy's global generator, which Cellpose's augmentation draws from, seeded; left as it was."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
