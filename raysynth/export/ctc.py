"""Export a data set to the layout of the Cell Tracking Challenge."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.export.staging import LARGEST_ID, ExportReport, staged_export, write_tiff
from raysynth.store.reader import Dataset


def write_ctc(dataset: Dataset, folder: str | Path) -> ExportReport:
    """Write `01/tTTT.tif`, `01_GT/SEG/man_segTTT.tif`, `01_GT/TRA/man_trackTTT.tif` and `man_track.txt`, 3D as stacks.

    Frames are independent images, so each cell is a track of one frame. Track ids are of 16 bits: where they run out,
    sequence `02` begins, and so on. Missing frames are left out, the rest numbered from 0.

    Parameters
    ----------
    dataset
        The data set.
    folder
        The folder that the export becomes, whole or not at all. It does not exist yet, or is empty.

    Returns
    -------
    ExportReport
        With the number of frames.

    Raises
    ------
    InputError
        When the folder is in use or cannot be written, when no frame is present, and when a frame has labels beyond
        16 bits.
    """
    with staged_export(dataset, folder) as staged:
        for number, sequence in enumerate(_sequences(dataset), start=1):
            _write_sequence(dataset, sequence, staged, f"{number:02d}")
    return ExportReport(str(folder), frames=len(dataset))


@dataclass
class _Sequence:
    """Frames of the data set whose cells fit 16-bit track ids together, with each frame's own ids."""

    frames: list[int] = field(default_factory=list)
    ids: list[NDArray[np.integer[Any]]] = field(default_factory=list)
    cells: int = 0


def _sequences(dataset: Dataset) -> Iterator[_Sequence]:
    # From the table, which is ordered by frame: no label image has to be read twice.
    cells = dataset.cells().select(["frame", "label"])
    frames, labels = cells["frame"].to_numpy(), cells["label"].to_numpy()
    sequence = _Sequence()
    for frame in dataset.present:
        ids = labels[np.searchsorted(frames, frame) : np.searchsorted(frames, frame, side="right")]
        # A frame may be without cells.
        if ids.max(initial=0) > LARGEST_ID:
            raise InputError(f"{dataset.uri} has label {ids.max()} in frame {frame}: CTC label files hold {LARGEST_ID}")
        if sequence.cells + len(ids) > LARGEST_ID:
            yield sequence
            sequence = _Sequence()
        sequence.frames.append(frame)
        sequence.ids.append(ids)
        sequence.cells += len(ids)
    yield sequence


def _write_sequence(dataset: Dataset, sequence: _Sequence, folder: Path, name: str) -> None:
    images, seg, tra = folder / name, folder / f"{name}_GT" / "SEG", folder / f"{name}_GT" / "TRA"
    for path in (images, seg, tra):
        path.mkdir(parents=True)
    digits = max(3, len(str(len(sequence.frames) - 1)))
    tracks: list[str] = []
    for number, (frame, ids) in enumerate(zip(sequence.frames, sequence.ids, strict=True)):
        labels = dataset.labels(frame).astype(np.uint16)
        # A table over all 16-bit labels: one look-up per pixel, and background stays 0.
        track_of = np.zeros(LARGEST_ID + 1, np.uint16)
        track_of[ids] = np.arange(len(tracks) + 1, len(tracks) + 1 + len(ids))
        # Track, first and last frame, and its parent: 0 for none.
        tracks += [f"{track} {number} {number} 0" for track in track_of[ids]]
        write_tiff(images / f"t{number:0{digits}d}.tif", dataset.image(frame))
        write_tiff(seg / f"man_seg{number:0{digits}d}.tif", labels)
        write_tiff(tra / f"man_track{number:0{digits}d}.tif", track_of[labels])
    (tra / "man_track.txt").write_text("\n".join(tracks) + "\n" * bool(tracks))
