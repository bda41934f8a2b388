from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from raysynth.base.arrays import Labels
from raysynth.base.errors import InputError
from raysynth.measures.seg import compare_labels

Folders = tuple[Path, Path]
Ints = NDArray[np.int32]
IntPair = tuple[Ints, Ints]


def place(folder: Path, name: str, labels: NDArray[Any]) -> None:
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / name, np.asarray(labels, np.int32), photometric="minisblack")


def bars(*lengths: int, width: int = 40) -> Labels:
    """Cells 1, 2, ... side by side in one row of `width` pixels."""
    row = np.repeat(np.arange(1, len(lengths) + 1), lengths)
    return np.pad(row, (0, width - len(row)))[None].astype(np.uint32)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Where predictions and references go."""
    return tmp_path / "predicted", tmp_path / "reference"


def test_seg_is_the_mean_over_cells_and_not_over_frames(folders: Folders) -> None:
    predicted, reference = folders
    for time, (found, wanted) in enumerate([(bars(10), bars(10)), (bars(6), bars(10, 5, 5))]):
        place(predicted, f"mask{time:03d}.tif", found)
        place(reference, f"man_seg{time:03d}.tif", wanted)
    result = compare_labels(str(predicted), str(reference))
    assert result.seg == pytest.approx((1 + 0.6) / 4)
    assert result.to_json()["matched"] == 2
    # At 0.6 two pairs, no false positive and two false negatives; above it one pair and one false positive.
    assert result.average_precision[0.6] == pytest.approx(2 / 4)
    assert result.average_precision[0.7] == pytest.approx(1 / 5)


def test_a_frame_without_prediction_counts_unless_only_common_ones_are_asked_for(folders: Folders) -> None:
    predicted, reference = folders
    place(predicted, "mask000.tif", bars(10))
    place(reference, "man_seg000.tif", bars(10))
    place(reference, "man_seg001.tif", bars(10, 10, 10))
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        seen.append((done, total))

    result = compare_labels(str(predicted), str(reference), progress=progress)
    assert (result.seg, result.missing) == (0.25, ("man_seg001.tif",))
    assert result.average_precision[0.5] == 0.25
    assert seen == [(1, 2), (2, 2)]
    result = compare_labels(str(predicted), str(reference), common=True)
    assert (result.seg, result.missing) == (1, ("man_seg001.tif",))


def test_an_annotated_slice_is_compared_with_that_slice(folders: Folders) -> None:
    predicted, reference = folders
    place(predicted, "mask004.tif", np.stack([bars(30), bars(10), bars(6)]))
    place(reference, "man_seg_004_001.tif", bars(10))
    place(reference, "man_seg_004_002.tif", bars(10))
    result = compare_labels(str(predicted), str(reference))
    assert result.jaccard == pytest.approx([1, 0.6])
    place(reference, "man_seg_004_003.tif", bars(10))
    with pytest.raises(InputError, match=r"man_seg_004_003\.tif annotates slice 3"):
        compare_labels(str(predicted), str(reference))


def test_what_cannot_be_compared_is_named(folders: Folders) -> None:
    predicted, reference = folders
    place(predicted, "mask000.tif", bars(10))
    place(reference, "man_seg000.tif", bars(10, width=41))
    with pytest.raises(InputError, match=r"man_seg000\.tif has shape \(1, 41\)"):
        compare_labels(str(predicted), str(reference))
    place(reference, "man_seg000.tif", bars())
    with pytest.raises(InputError, match="labels no cell"):
        compare_labels(str(predicted), str(reference))
    (reference / "man_seg000.tif").rename(reference / "man_seg009.tif")
    with pytest.raises(InputError, match="no whole frame of those"):
        compare_labels(str(predicted), str(reference))


def label_pairs(depth: int | None) -> st.SearchStrategy[IntPair]:
    """A reference of blocks and a prediction with blocks merged, lost, moved and frayed; both with some background."""
    coarse = (3, 4) if depth is None else (depth, 3, 4)
    fine = tuple(n * (3 if axis >= len(coarse) - 2 else 1) for axis, n in enumerate(coarse))

    def pair(blocks: Ints, names: Ints, noise: Ints, shift: int) -> IntPair:
        reference = blocks.repeat(3, axis=-1).repeat(3, axis=-2)
        predicted = np.where(noise < 4, noise, np.roll(names[reference], shift, axis=-1))
        return np.pad(reference, 1).astype(np.int32), np.pad(predicted, 1).astype(np.int32)

    return st.builds(
        pair,
        arrays(np.int32, coarse, elements=st.integers(0, 4), fill=st.nothing()),
        arrays(np.int32, 5, elements=st.integers(0, 4), fill=st.nothing()),
        arrays(np.int32, fine, elements=st.integers(0, 12), fill=st.nothing()),
        st.integers(0, 2),
    )


@pytest.mark.parametrize("depth", [None, 3], ids=["2D", "3D"])
def test_seg_is_that_of_py_ctcmetrics(folders: Folders, depth: int | None) -> None:
    representations = pytest.importorskip("ctc_metrics.utils.representations")
    from ctc_metrics.metrics import seg as oracle

    predicted, reference = folders

    @given(pair=label_pairs(depth), slices=st.booleans())
    def check(pair: IntPair, slices: bool) -> None:
        for file in [*reference.glob("*")]:
            file.unlink()
        sparse = slices and depth is not None
        place(predicted, "mask000.tif", pair[1])
        place(reference, "man_seg_000_001.tif" if sparse else "man_seg000.tif", pair[0][1] if sparse else pair[0])
        asked = reference / ("man_seg_000.tif" if sparse else "man_seg000.tif")
        names, _, _, _, ious = representations.match(str(asked), str(predicted / "mask000.tif"))
        if names:
            assert compare_labels(str(predicted), str(reference)).seg == pytest.approx(
                oracle([names], [ious]), abs=1e-12
            )

    check()


@pytest.mark.parametrize(
    ("sequence", "seg"),
    [
        ("Fluo-N2DH-GOWT1/01", 0.9404),
        ("Fluo-N2DH-GOWT1/02", 0.9760),
        ("Fluo-N2DL-HeLa/01", 0.8970),
        ("Fluo-N2DL-HeLa/02", 0.9171),
    ],
)
def test_silver_against_gold_labels(real_data: Path, sequence: str, seg: float) -> None:
    silver, gold = (str(real_data / f"{sequence}_{kind}" / "SEG") for kind in ("ST", "GT"))
    assert compare_labels(silver, gold, common=True).seg == pytest.approx(seg, abs=5e-5)
