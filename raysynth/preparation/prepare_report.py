"""What `prepare` tells of the frames: the numbers of cells, and why some are not used."""

from collections.abc import Sequence
from dataclasses import dataclass

from raysynth.base.reports import Report
from raysynth.preparation.found_frames import FoundFrame, left_out_reasons
from raysynth.preparation.split_crops import SplitCrops


@dataclass(frozen=True)
class SplitCounts(Report):
    """What one split gave.

    Attributes
    ----------
    frames
        Frames that were read.
    cells_labelled
        Cells with a label in them.
    cells_kept
        Cells that are used.
    cells_cut_in_z
        Those of them that reach the first or last slice.
    crops_kept
        Crops: one per slice of a cell that is used.
    left_out
        Reason → number of cells that are not used for it.
    """

    frames: int
    cells_labelled: int
    cells_kept: int
    cells_cut_in_z: int
    crops_kept: int
    left_out: dict[str, int]

    @classmethod
    def of(cls, frames: Sequence[FoundFrame], crops: SplitCrops) -> "SplitCounts":
        """Count.

        Parameters
        ----------
        frames
            The frames of the split.
        crops
            What was cut out of them.

        Returns
        -------
        SplitCounts
            Their numbers.
        """
        return cls(
            frames=len(frames),
            cells_labelled=sum(len(found.cells) for found in frames),
            cells_kept=len(crops.outlines),
            cells_cut_in_z=sum(row["cut_z"] for row in crops.outline_rows),
            crops_kept=len(crops.images),
            left_out=left_out_reasons(frames),
        )


@dataclass(frozen=True)
class UnreadCounts(Report):
    """What is known of a split that is not read.

    Attributes
    ----------
    frames
        Its frames.
    """

    frames: int


@dataclass(frozen=True)
class PrepareReport(Report):
    """What `prepare` found, as `report.json` holds it.

    Attributes
    ----------
    crop_side_px
        Side of every crop in pixels.
    train, validation
        What the two splits gave.
    test
        The split that is never read here.
    """

    crop_side_px: int
    train: SplitCounts
    validation: SplitCounts
    test: UnreadCounts
