from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from raysynth.base.errors import InputError
from raysynth.measures.cell_metrics import MorphologyReport, compare_cells, compare_sets, voxel_size
from raysynth.measures.frame_sets import frame_set
from tests.fixtures.scenes import WriteDataset, WritePairs


def compare(a: Path | str, b: Path | str, voxel_um: tuple[float, ...] | None = None) -> MorphologyReport:
    return compare_sets(frame_set(str(a)), frame_set(str(b)), voxel_um)


def test_like_sets_are_near_and_what_was_changed_is_found(pairs: WritePairs) -> None:
    real, seen = frame_set(str(pairs("real"))), list[tuple[int, int]]()

    def progress(done: int, total: int, message: str = "") -> None:
        seen.append((done, total))

    like = compare_sets(real, frame_set(str(pairs("like", seed=50))), progress=progress)
    assert seen == [(n, 8) for n in range(1, 9)]
    assert like.unit == "px"
    assert set(like.distances) == {
        "area", "eccentricity", "solidity", "brightness", "granularity", "neighbour_distance", "cells_per_frame",
    }  # fmt: skip
    assert like.distances["area"].real == pytest.approx(3.14159 * 7**2, rel=0.1)
    assert like.distances["brightness"].real == pytest.approx(400, rel=0.05)
    assert like.distances["neighbour_distance"].real == pytest.approx(20, abs=1.5)
    assert like.distances["area"].ks < 0.35
    assert like.edge.difference < 0.1
    changed = compare_sets(real, frame_set(str(pairs("changed", seed=50, radius=5, noise=40)))).distances
    assert changed["area"].ks == 1
    assert changed["granularity"].ks == 1
    assert changed["neighbour_distance"].ks < 0.4


def test_the_report_names_both_sets_and_each_distance(pairs: WritePairs) -> None:
    a, b = pairs("real"), pairs("other", count=3, seed=50)
    report = compare(a, b)
    found = report.to_json()
    assert (found["a"], found["b"], found["cells"]) == (str(a), str(b), "48/36")
    assert found["area"] == asdict(report.distances["area"])
    assert set(found["area"]) == {"real", "synthetic", "ks", "ks_halves", "wasserstein", "wasserstein_halves"}
    assert set(found["edge_profile"]) == {"difference", "halves"}
    assert "plots" not in found
    assert f"  ks: {report.distances['area'].ks:.4g}\n" in str(report)


def test_volumes_are_measured_in_micrometres_where_the_voxel_is_known(pairs: WritePairs, dataset: WriteDataset) -> None:
    shape = (16, 72, 80)
    real, synthetic = pairs("real", count=2, shape=shape), dataset(shape=shape)
    known = compare(real, synthetic, (2.0, 1.0, 1.0))
    assert known.unit == "um"
    assert known.distances["volume"].real == pytest.approx(2 * 4 / 3 * 3.14159 * 7**3, rel=0.1)
    assert known.distances["height_to_width"].real == pytest.approx(2, rel=0.15)
    assert 0.85 < known.distances["sphericity"].real < 1
    pixels = compare(real, synthetic)
    assert pixels.unit == "px"
    assert pixels.distances["volume"].real == pytest.approx(known.distances["volume"].real / 2)
    with pytest.raises(InputError, match="voxel size has 2 values"):
        compare(real, synthetic, (1.0, 1.0))


def test_distributions_are_drawn_where_asked_for(pairs: WritePairs, tmp_path: Path) -> None:
    report = compare_cells(
        str(pairs("real", count=2)), str(pairs("other", count=2, seed=50)), plots=tmp_path / "plots" / "new"
    )
    assert report.plots == tmp_path / "plots" / "new" / "morphology.png"
    assert report.to_json()["plots"] == str(report.plots)
    with Image.open(report.plots) as picture:
        assert picture.format == "PNG"


def test_plots_that_cannot_be_written_are_named_before_any_work(pairs: WritePairs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    seen: list[int] = []

    def progress(done: int, total: int, message: str = "") -> None:
        seen.append(done)

    with pytest.raises(InputError, match=r"--plots .*file"):
        compare_cells(str(pairs("a")), str(pairs("b")), plots=tmp_path / "file", progress=progress)
    assert seen == []


def test_sets_that_cannot_be_compared_are_named(pairs: WritePairs) -> None:
    flat = pairs("flat")
    with pytest.raises(InputError, match=r"flat is 2D and .*solid is 3D"):
        compare(flat, pairs("solid", count=2, shape=(16, 72, 80)))
    with pytest.raises(InputError, match="none has fewer than two frames or whole cells"):
        compare(pairs("none", radius=0.1), flat)
    with pytest.raises(InputError, match="single has fewer than two frames"):
        compare(flat, pairs("single", count=1))


def test_a_voxel_size_is_two_or_three_lengths() -> None:
    assert voxel_size("1.0, 0.2,0.2") == (1.0, 0.2, 0.2)
    assert voxel_size("0.2,0.1") == (0.2, 0.1)


@pytest.mark.parametrize("text", ["1", "1,a", "0,1,1", "1,2,3,4", "inf,1", "nan,1"])
def test_any_other_voxel_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no voxel size"):
        voxel_size(text)
