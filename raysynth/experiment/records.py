"""Training images of frames, with their flows: made once per table and kept as files.

A frame gives one training image, a volume one for each labelled slice. Images without a cell are left out (Cellpose's
`min_train_masks = 1`). All images of a table are resized by one factor. It gives the real training cells the network's
own diameter, and a synthetic set with cells of another size is not corrected for it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from raysynth.base.arrays import Floats, Labels
from raysynth.base.staging import whole_file
from raysynth.data.frames import Pixels, as_volume

RECORD_CHANNELS = 4
"""Of a record: normalised image, mask, flow along y, flow along x."""

FrameRecords = NDArray[np.float16]
"""Training images of one frame with their flows, `(images, RECORD_CHANNELS, y, x)`."""

_FILE = "{:05d}.npy"


def normalise(image: NDArray[Any]) -> Floats:
    """Scale grey values so that their 1st percentile is 0 and their 99th is 1.

    Parameters
    ----------
    image
        A whole frame or volume, in any unit.

    Returns
    -------
    Floats
        Of the same shape; 0 where the image is flat.
    """
    from cellpose.transforms import normalize99

    return np.asarray(normalize99(image.astype(np.float32), copy=False), np.float32)


def scaled_image(image: Floats, scale: float) -> Floats:
    """Resize an image by linear interpolation, smoothed before it shrinks.

    Parameters
    ----------
    image
        `(y, x)`.
    scale
        New side over old side.

    Returns
    -------
    Floats
        Sides are at least 1 px.
    """
    side = [max(1, round(n * scale)) for n in image.shape]
    return np.asarray(resize(image, side, order=1, anti_aliasing=scale < 1, preserve_range=True), np.float32)


def own_columns(pixels: Pixels) -> Pixels:
    """Cut a frame to the columns of its split: no pixel beyond them trains.

    Parameters
    ----------
    pixels
        The frame.

    Returns
    -------
    Pixels
        Those columns alone.
    """
    first, last = pixels.columns
    return Pixels(pixels.image[..., first:last], pixels.labels[..., first:last], pixels.slices, (0, last - first))


def make_records(pixels: Pixels, scale: float) -> FrameRecords:
    """Make the training images of one frame with Cellpose's flows.

    Parameters
    ----------
    pixels
        The frame. Of a sparsely labelled volume only the annotated slices count.
    scale
        New side over old side.

    Returns
    -------
    FrameRecords
        One for each slice with a cell.
    """
    import torch
    from cellpose.dynamics import labels_to_flows

    part = own_columns(pixels)
    images, labels = as_volume(normalise(part.image)), as_volume(part.labels)
    found = []
    for z in part.slices or range(len(labels)):
        small = scaled_image(images[z], scale)
        cells = _nearest(labels[z], small.shape)
        if cells.any():
            # Flows are those of the resized cells, not resized flows: their lengths and middles are exact.
            _, mask, *flows = labels_to_flows([cells.astype(np.int32)], device=torch.device("cpu"))[0]
            # Half precision: flows lie in [-1, 1] and grey values about [0, 1], and the files are half as large.
            found.append(np.stack([small, mask, *flows]).astype(np.float16))
    # Empty, but kept as a file: the frame counts as done and is not read again.
    return np.stack(found) if found else np.zeros((0, RECORD_CHANNELS, 1, 1), np.float16)


def _nearest(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Resize labels `(y, x)`: each pixel is that in which its middle lies."""
    # Interpolated labels would be of cells that are not there: each new pixel takes one old pixel's label.
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]


def record_file(folder: Path, frame: int) -> Path:
    """Name the file of a frame's records.

    Parameters
    ----------
    folder
        Folder of the set.
    frame
        Position of the frame in the set.

    Returns
    -------
    Path
        The file, whether it is there or not.
    """
    return folder / _FILE.format(frame)


def keep_records(folder: Path, frame: int, records: FrameRecords) -> None:
    """Write the records of one frame, whole or not at all.

    Parameters
    ----------
    folder
        Folder of the set.
    frame
        Position of the frame in the set.
    records
        Its training images.
    """
    with whole_file(record_file(folder, frame)) as staged:
        np.save(staged, records)


def kept_frames(folder: Path) -> set[int]:
    """List the frames whose records have been written.

    Parameters
    ----------
    folder
        Folder of the set.

    Returns
    -------
    set of int
        Positions of the frames in the set.
    """
    # Files still being written begin with a dot.
    return {int(path.stem) for path in folder.glob("[0-9]*.npy")}
