"""The frames that prepare works on, with the cells found in them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from raysynth.base.errors import InputError
from raysynth.base.seeds import Stage, generator
from raysynth.config import CropConfig, DataConfig
from raysynth.config.generation import RING_PX
from raysynth.data.frames import Frame, Pixels
from raysynth.data.splits import Splits, split_frames
from raysynth.preparation.background import FrameBackground, measure_background
from raysynth.preparation.cells import LabelledCell, find_cells, usual_area, without_misfits
from raysynth.preparation.crops import crop_side


@dataclass(frozen=True)
class FoundFrame:
    """A frame with its cells.

    Attributes
    ----------
    frame
        The frame, not read.
    shape
        Of the whole image: `(z, y, x)` or `(y, x)`.
    cells
        Its labelled cells.
    """

    frame: Frame
    shape: tuple[int, ...]
    cells: list[LabelledCell]

    @property
    def used(self) -> list[LabelledCell]:
        """The cells that are not left out."""
        return [cell for cell in self.cells if cell.left_out is None]


@dataclass(frozen=True)
class JudgedFrames:
    """The frames of the splits that are read, and which of their cells are used.

    Attributes
    ----------
    train, validation
        Frames, with misfits among their cells marked.
    side_px
        Side of the crops.
    """

    train: list[FoundFrame]
    validation: list[FoundFrame]
    side_px: int


def judge_frames(
    splits: Splits, data: DataConfig, crops: CropConfig, finished: Callable[[], None] = lambda: None
) -> JudgedFrames:
    """Find all cells, choose the side of the crops, and mark the cells that cannot be used.

    Parameters
    ----------
    splits
        All frames.
    data
        Settings of the data: its folder is named when it is of no use.
    crops
        Settings of the crops.
    finished
        Called when a frame has been read.

    Returns
    -------
    JudgedFrames
        The frames of training and of validation.

    Raises
    ------
    InputError
        For data that cannot be read, and when no whole cell is labelled in the training frames.
    """
    train, validation = _find(splits.train, finished), _find(splits.validation, finished)
    usable = [cell for found in train for cell in found.used]
    if not usable:
        raise InputError(f"{data.root} has no whole labelled cell in its training frames: check the labels.")
    # From training cells alone: validation must not set what networks are trained on.
    side, area = crop_side(usable, crops), usual_area(usable)
    return JudgedFrames(_judge(train, area, side), _judge(validation, area, side), side)


def labelled_cells(data: DataConfig, crops: CropConfig) -> tuple[list[LabelledCell], list[LabelledCell]]:
    """Find every labelled cell of the training and of the validation frames.

    Parameters
    ----------
    data
        Settings of the data.
    crops
        Settings of the crops.

    Returns
    -------
    tuple of list
        Cells that train and cells that validate, each with the reason where it is not used.

    Raises
    ------
    InputError
        For unusable data.
    """
    frames = judge_frames(split_frames(data), data, crops)
    return _all_cells(frames.train), _all_cells(frames.validation)


def _all_cells(frames: Sequence[FoundFrame]) -> list[LabelledCell]:
    return [cell for found in frames for cell in found.cells]


def _find(frames: Sequence[Frame], finished: Callable[[], None]) -> list[FoundFrame]:
    found = []
    for frame in frames:
        pixels = frame.read()
        found.append(FoundFrame(frame, pixels.image.shape, find_cells(pixels)))
        finished()
    return found


def _judge(frames: Sequence[FoundFrame], area_px: float, side: int) -> list[FoundFrame]:
    # A cell fits when its ring of surroundings does too.
    return [replace(f, cells=without_misfits(f.cells, area_px, side - 2 * RING_PX)) for f in frames]


def with_backgrounds(frames: Sequence[FoundFrame], side: int) -> Iterator[tuple[FoundFrame, Pixels, FrameBackground]]:
    """Read the frames once more, one at a time, so that a data set need not fit into memory.

    Parameters
    ----------
    frames
        Frames of one split.
    side
        Side of the crops in pixels.

    Yields
    ------
    tuple
        The frame, its pixels and its background. Random draws depend on its position in the split alone.
    """
    for index, found in enumerate(frames):
        pixels = found.frame.read()
        # A fixed seed: preparing the same data again gives the same crops, whatever data set is made of them.
        yield found, pixels, measure_background(pixels, side, generator(0, 0, Stage.TRAINING, index))


def left_out_reasons(frames: Sequence[FoundFrame]) -> dict[str, int]:
    """Count the cells that are not used.

    Parameters
    ----------
    frames
        Frames of one split.

    Returns
    -------
    dict
        Reason → number of cells, in alphabetical order.
    """
    reasons = Counter(cell.left_out for found in frames for cell in found.cells if cell.left_out is not None)
    return dict(sorted(reasons.items()))
