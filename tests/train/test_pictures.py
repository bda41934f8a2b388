import numpy as np
import pytest
import torch

from raysynth.train.pictures import picture_grid


@pytest.mark.parametrize("columns", [1, 2, 8])
def test_images_stand_in_reading_order(columns: int) -> None:
    images = torch.arange(8 * 6.0).reshape(8, 2, 3) / 48
    rows = [torch.cat(list(images[i : i + columns]), dim=1) for i in range(0, 8, columns)]
    grid = picture_grid(images, columns)
    np.testing.assert_array_equal(grid, torch.cat(rows))
    assert grid.dtype == torch.float32
