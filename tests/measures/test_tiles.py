import numpy as np
import pytest

from raysynth.measures.tiles import LabelledImage, fixed_map, random_tiles, tile_side, to_bytes


def frame(shape: tuple[int, ...], value: int) -> LabelledImage:
    labels = np.zeros(shape, np.uint32)
    labels[..., 4:8, 4:8] = 1
    return np.full(shape, value, np.uint16), labels


def test_the_map_is_fixed_by_the_training_images_and_clips_the_others() -> None:
    fixed = fixed_map([np.arange(1001, dtype=np.uint16), np.arange(1001, dtype=np.uint16).reshape(7, 143)])
    assert [fixed.low, fixed.high] == pytest.approx([1, 999], abs=1)
    assert to_bytes(np.array([0, 500, 5000]), fixed).tolist() == [0, pytest.approx(127.5, abs=1), 255]


def test_every_frame_gives_as_many_tiles_in_order() -> None:
    tiles = random_tiles([frame((32, 40), v) for v in (1, 2, 3)], 16, 9, np.random.default_rng(0))
    assert tiles.shape == (9, 16, 16)
    assert tiles[:, 0, 0].tolist() == [1] * 3 + [2] * 3 + [3] * 3


def test_tiles_reach_every_pixel_of_a_frame() -> None:
    image = np.arange(9).reshape(3, 3)
    seen = random_tiles([(image, np.zeros((3, 3), np.uint32))], 2, 60, np.random.default_rng(0))
    assert set(seen.ravel().tolist()) == set(range(9))


def test_of_a_volume_only_slices_with_cells_are_cut() -> None:
    image = np.broadcast_to(np.arange(6)[:, None, None], (6, 20, 20))
    labels = np.zeros((6, 20, 20), np.uint32)
    labels[2:4, 5:9, 5:9] = 1
    tiles = random_tiles([(image, labels)], 8, 40, np.random.default_rng(0))
    assert set(tiles.ravel().tolist()) == {2, 3}


def test_a_tile_is_four_diameters_or_the_frame() -> None:
    frames = [frame((32, 40), 0), frame((5, 200, 48), 0)]
    assert tile_side(7, frames) == 28
    assert tile_side(20, frames) == 32
