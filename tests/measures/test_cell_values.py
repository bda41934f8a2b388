from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from raysynth.measures.cell_values import CELLS_PER_FRAME, MeasuredCells, measure_cells
from raysynth.measures.frame_sets import frame_set


def write(folder: Path, images: list[NDArray[np.uint16]], labels: NDArray[np.uint16]) -> Path:
    """Frames with the same labels, as `images` and `masks`."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, image in enumerate(images):
        tifffile.imwrite(folder / "images" / f"f{number}.tif", image)
        tifffile.imwrite(folder / "masks" / f"f{number}.tif", labels)
    return folder


def measured(folder: Path) -> MeasuredCells:
    return measure_cells(frame_set(str(folder)), None, lambda done: None)


def test_a_bright_neighbour_changes_no_metric_of_a_cell(tmp_path: Path) -> None:
    def pair(name: str, beside: int) -> MeasuredCells:
        labels = np.zeros((60, 90), np.uint16)
        labels[20:40, 20:40], labels[20:40, 43:63] = 1, 2
        image = (100 + 400 * (labels == 1) + beside * (labels == 2)).astype(np.uint16)
        return measured(write(tmp_path / name, [image, image], labels))

    dim, bright = pair("dim", 400), pair("bright", 4000)
    assert dim.values["brightness"].tolist() == [400, 400] * 2
    assert bright.values["brightness"].tolist() == [400, 4000] * 2
    np.testing.assert_array_equal(dim.edges[0].excess, bright.edges[0].excess)


def test_of_a_crowded_frame_some_cells_are_measured_and_all_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((80, 100), np.uint16)
    for number in range(30):
        row, column = divmod(number, 6)
        labels[5 + 15 * row : 12 + 15 * row, 5 + 15 * column : 12 + 15 * column] = number + 1
    image = (100 + 10 * labels).astype(np.uint16)
    found = measured(write(tmp_path / "crowded", [image, image], labels))
    assert len(found.edges) == len(found.values["area"]) == 2 * CELLS_PER_FRAME
    assert found.values["area"].tolist() == [49.0] * 2 * CELLS_PER_FRAME
    assert found.values["cells_per_frame"].tolist() == [30, 30]
    assert found.values["neighbour_distance"].tolist() == [15.0] * 60
