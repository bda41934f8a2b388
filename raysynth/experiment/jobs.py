"""One training of one row of a table, with the files that are kept of it.

records/SET/      training images with flows, one file per frame (`raysynth.experiment.records`)
runs/KEY.pt       weights of one row and seed; beside them KEY.json: validation curve, images, seconds
test/KEY.json     Jaccard index of every reference cell; KEY.npz: one frame to be shown; validation/ likewise
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from raysynth.config import DataConfig, EvaluateConfig
from raysynth.experiment.networks import NetworkWeights, read_weights
from raysynth.experiment.rows import TableRow
from raysynth.experiment.scoring import Split
from raysynth.experiment.training_set import TileSource, drawn_frames

REAL = "real"
"""Name of the set of real frames."""


@dataclass(frozen=True)
class Job:
    """One row and seed of a table.

    Attributes
    ----------
    data
        The real data, with an absolute folder.
    settings
        How networks are trained and scored.
    folder
        Folder of the table.
    row
        What the network trains on.
    seed
        Random seed of the training.
    scale
        New side of all images over old side.
    frames
        Number of frames of each set in `records`, by its name.
    device
        Torch's name of the device.
    start
        File of the weights to start from; None: from scratch.
    split
        The split that scores it.
    """

    data: DataConfig
    settings: EvaluateConfig
    folder: Path
    row: TableRow
    seed: int
    scale: float
    frames: Mapping[str, int]
    device: str = "cpu"
    start: Path | None = None
    split: Split = "test"

    @property
    def key(self) -> str:
        """Name of the files of this row and seed."""
        return f"{self.row.key}.seed{self.seed}"

    @property
    def run(self) -> Path:
        """File that describes the training."""
        return self.folder / "runs" / f"{self.key}.json"

    @property
    def weights(self) -> Path:
        """File of the trained weights."""
        return self.run.with_suffix(".pt")

    @property
    def scores(self) -> Path:
        """File of the scores."""
        return self.folder / self.split / f"{self.key}.json"

    @property
    def picture(self) -> Path:
        """File of one scored frame with the cells that were found; only the first seed has one."""
        return self.scores.with_suffix(".npz")

    def start_weights(self) -> NetworkWeights | None:
        """Read the weights to start from.

        Returns
        -------
        NetworkWeights or None
            None: from scratch.
        """
        return None if self.start is None else read_weights(self.start, self.settings)

    def sources(self) -> list[TileSource]:
        """List the sets that this row trains on; the seed draws the frames where not all of them train.

        Returns
        -------
        list of TileSource
            Real frames first.
        """
        records, fraction = self.folder / "records", self.settings.real_fraction
        found = []
        if self.row.arm in ("real", "both"):
            frames = drawn_frames(self.seed, 0, self.frames[REAL], self.row.real_frames)
            found.append(TileSource(records / REAL, frames, fraction if self.row.arm == "both" else 1.0))
        if self.row.synthetic is not None:
            most = self.row.synthetic_frames or self.settings.synthetic_frames
            frames = drawn_frames(self.seed, 1, self.frames[self.row.synthetic], most)
            found.append(TileSource(records / self.row.synthetic, frames, 1 - fraction if found else 1.0))
        return found
