import pytest

from raysynth.data.ctc_names import LabelFileName, image_time, label_file_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("man_seg012.tif", LabelFileName(12, None, False)),
        ("mask0003.tiff", LabelFileName(3, None, False)),
        ("man_track007.tif", LabelFileName(7, None, True)),
        ("man_seg_010_004.tif", LabelFileName(10, 4, False)),
        ("man_track.txt", None),
        ("t000.tif", None),
        ("man_seg012.png", None),
        ("old_mask001.tif", None),
    ],
)
def test_label_files_are_told_by_their_names(name: str, expected: LabelFileName | None) -> None:
    assert label_file_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("t000.tif", 0), ("t1234.tiff", 1234), ("mask000.tif", None), ("t.tif", None)]
)
def test_images_are_told_by_their_names(name: str, expected: int | None) -> None:
    assert image_time(name) == expected
