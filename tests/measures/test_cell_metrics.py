from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from raysynth.base.errors import InputError
from raysynth.measures.cell_metrics import compare_sets, voxel_size
from raysynth.measures.frame_sets import frame_set

Pairs = Callable[..., Path]


def test_like_sets_are_near_and_what_was_changed_is_found(pairs: Pairs) -> None:
    real = frame_set(str(pairs("real")))
    seen: list[tuple[int, int]] = []
    like = compare_sets(real, frame_set(str(pairs("like", seed=50))), update=lambda *state: seen.append(state))
    assert seen == [(n, 8) for n in range(1, 9)]
    assert like.unit == "px"
    assert set(like.distances) == {
        "area", "eccentricity", "solidity", "brightness", "granularity", "neighbour_distance", "cells_per_frame",
    }  # fmt: skip
    assert like.distances["area"].real == pytest.approx(np.pi * 7**2, rel=0.1)
    assert like.distances["brightness"].real == pytest.approx(400, rel=0.05)
    assert like.distances["neighbour_distance"].real == pytest.approx(20, abs=1.5)
    assert like.distances["area"].ks < 0.35
    assert like.edge["difference"] < 0.1
    changed = compare_sets(real, frame_set(str(pairs("changed", seed=50, radius=5, noise=40)))).distances
    assert changed["area"].ks == 1
    assert changed["granularity"].ks == 1
    assert changed["neighbour_distance"].ks < 0.4


def test_figures_are_printed_with_both_names(pairs: Pairs) -> None:
    a, b = pairs("real"), pairs("other", count=3, seed=50)
    figures = compare_sets(frame_set(str(a)), frame_set(str(b))).figures()
    assert (figures["a"], figures["b"], figures["cells"]) == (str(a), str(b), "48/36")
    assert set(figures["area"]) == {"real", "synthetic", "ks", "ks_halves", "wasserstein", "wasserstein_halves"}
    assert set(figures["edge_profile"]) == {"difference", "halves"}


def test_volumes_are_measured_in_micrometres_where_the_voxel_is_known(
    pairs: Pairs, dataset: Callable[..., str]
) -> None:
    shape = (16, 72, 80)
    real, synthetic = frame_set(str(pairs("real", count=2, shape=shape))), frame_set(dataset(shape=shape))
    known = compare_sets(real, synthetic, (2.0, 1.0, 1.0))
    assert known.unit == "um"
    assert known.distances["volume"].real == pytest.approx(2 * 4 / 3 * np.pi * 7**3, rel=0.1)
    assert known.distances["height_to_width"].real == pytest.approx(2, rel=0.15)
    assert 0.85 < known.distances["sphericity"].real < 1
    pixels = compare_sets(real, synthetic)
    assert pixels.unit == "px"
    assert pixels.distances["volume"].real == pytest.approx(known.distances["volume"].real / 2)
    with pytest.raises(InputError, match="voxel size has 2 values"):
        compare_sets(real, synthetic, (1.0, 1.0))


def test_a_bright_neighbour_changes_no_figure_of_a_cell(tmp_path: Path) -> None:
    def pair(name: str, beside: int) -> Path:
        labels = np.zeros((60, 90), np.uint16)
        labels[20:40, 20:40], labels[20:40, 43:63] = 1, 2
        image = 100 + 400 * (labels == 1) + beside * (labels == 2)
        for kind, array in (("images", image.astype(np.uint16)), ("masks", labels)):
            (tmp_path / name / kind).mkdir(parents=True)
            for file in ("f0.tif", "f1.tif"):
                tifffile.imwrite(tmp_path / name / kind / file, array)
        return tmp_path / name

    dim, bright = (frame_set(str(pair(name, beside))) for name, beside in (("dim", 400), ("bright", 4000)))
    figures = compare_sets(dim, bright)
    assert figures.a.values["brightness"].tolist() == [400, 400] * 2
    assert figures.b.values["brightness"].tolist() == [400, 4000] * 2
    np.testing.assert_array_equal(figures.a.edges[0].excess, figures.b.edges[0].excess)


def test_sets_that_cannot_be_compared_are_named(pairs: Pairs) -> None:
    flat, solid = frame_set(str(pairs("flat"))), frame_set(str(pairs("solid", count=2, shape=(16, 72, 80))))
    with pytest.raises(InputError, match=r"flat is 2D and .*solid is 3D"):
        compare_sets(flat, solid)
    with pytest.raises(InputError, match="none has fewer than two frames or whole cells"):
        compare_sets(frame_set(str(pairs("none", radius=0.1))), flat)
    with pytest.raises(InputError, match="single has fewer than two frames"):
        compare_sets(flat, frame_set(str(pairs("single", count=1))))


@pytest.mark.parametrize("text", ["1", "1,a", "0,1,1", "1,2,3,4", "inf,1", "nan,1"])
def test_a_voxel_size_is_two_or_three_lengths(text: str) -> None:
    assert voxel_size("1.0, 0.2,0.2") == (1.0, 0.2, 0.2)
    with pytest.raises(InputError, match="is no voxel size"):
        voxel_size(text)
