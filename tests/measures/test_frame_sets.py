from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.measures.frame_sets import frame_set, median_diameter, whole_cells
from tests.fixtures.scenes import WriteDataset, WritePairs


def ctc(root: Path, sequence: str, labels: str, times: tuple[int, ...]) -> None:
    image = np.zeros((20, 20), np.uint16)
    for folder, name in ((sequence, "t"), (f"{sequence}_{labels}", "man_seg")):
        (root / folder).mkdir(parents=True)
        for time in times:
            tifffile.imwrite(root / folder / f"{name}{time:03d}.tif", image + time)


def test_folders_of_images_and_masks_are_read(pairs: WritePairs) -> None:
    found = frame_set(str(pairs("real", count=3)))
    assert (found.labels, found.voxel_um, len(found.frames)) == ("masks", None, 3)
    pixels = found.read()[0]
    assert pixels.image.shape == pixels.labels.shape == (72, 80)
    assert median_diameter([pixels], "real") == pytest.approx(14, rel=0.1)


def test_volumes_are_recognised(pairs: WritePairs) -> None:
    found = frame_set(str(pairs("real", count=1, shape=(16, 72, 80))))
    assert found.read()[0].image.ndim == 3
    assert len(whole_cells(found.read()[0])) == 12


def test_a_sequence_takes_the_labels_that_name_every_cell(tmp_path: Path) -> None:
    ctc(tmp_path, "01", "ST/SEG", (0, 4))
    (tmp_path / "01_GT" / "SEG").mkdir(parents=True)
    ctc(tmp_path, "02", "ST/SEG", (1,))
    one = frame_set(str(tmp_path / "01"))
    assert (one.labels, len(one.frames)) == ("NN_ST/SEG", 2)
    assert one.read()[1].image[0, 0] == 4
    assert len(frame_set(str(tmp_path)).frames) == 3


def test_a_data_set_gives_the_frames_it_has(dataset: WriteDataset) -> None:
    found = frame_set(dataset(shards=(1,)))
    assert (found.voxel_um, len(found.frames)) == ((1.0, 1.0), 2)
    assert found.read()[0].labels.max() == 12


def test_halves_keep_neighbours_together_and_some_are_spread(tmp_path: Path) -> None:
    ctc(tmp_path, "01", "ST/SEG", tuple(range(7)))
    found = frame_set(str(tmp_path / "01"))
    halves = [[pixels.image[0, 0] for pixels in half.read()] for half in found.halves()]
    assert halves == [[0, 1, 2], [3, 4, 5, 6]]
    assert [pixels.image[0, 0] for pixels in found.some(3).read()] == [0, 3, 6]
    assert found.some(9) is found
    with pytest.raises(InputError, match="at least 2"):
        found.some(1).halves()


def test_what_is_no_set_is_named(tmp_path: Path, pairs: WritePairs) -> None:
    with pytest.raises(InputError, match="absent is no set of labelled frames"):
        frame_set(str(tmp_path / "absent"))
    (tmp_path / "01").mkdir()
    with pytest.raises(InputError, match="no set of labelled frames"):
        frame_set(str(tmp_path / "01"))
    folder = pairs("real", count=1)
    tifffile.imwrite(folder / "images" / "f00.tif", np.zeros((2, 3, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(InputError, match=r"f00\.tif has 4 axes"):
        frame_set(str(folder))
    (folder / "images" / "f00.tif").unlink()
    with pytest.raises(InputError, match="holds no TIFF files"):
        frame_set(str(folder))


def test_a_set_without_whole_cells_has_no_diameter(tmp_path: Path) -> None:
    ctc(tmp_path, "01", "ST/SEG", (0,))
    with pytest.raises(InputError, match="real has no labelled cell"):
        median_diameter(frame_set(str(tmp_path / "01")).read(), "real")
