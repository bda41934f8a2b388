"""Tiles are blended without a seam, cells are found at the frame's own size, slices are joined."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from raysynth.base.arrays import Doubles, Labels
from raysynth.experiment.predict import Prediction, blended_outputs, segment
from raysynth.measures.overlaps import overlap

SIGMA = 9


class Echo(nn.Module):
    """Gives the image back, three times over."""

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x[:, :1].repeat(1, 3, 1, 1),)


class Uphill(nn.Module):
    """Flows up the blurred image, which leads to the middle of a round cell; the image is the mask."""

    def forward(self, x: Tensor) -> tuple[Tensor]:
        at = torch.arange(-2 * SIGMA, 2 * SIGMA + 1.0)
        bell = torch.exp(-(at**2) / (2 * SIGMA**2))
        slope = -at * bell
        kernels = torch.stack([slope[:, None] * bell, bell[:, None] * slope])[:, None].flip(2, 3)
        flows = conv2d(x[:, :1], kernels, padding=2 * SIGMA)
        flows = 5 * flows / (flows.norm(dim=1, keepdim=True) + 1e-6)
        return (torch.cat([flows, 20 * (x[:, :1] - 0.5)], dim=1),)


@pytest.mark.parametrize("shape", [(70, 90), (20, 150), (64, 64)])
def test_blended_tiles_give_every_pixel_its_own_output(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    np.testing.assert_allclose(blended_outputs(Echo(), image, Prediction(1.0, 64, 0.25)), [image] * 3, atol=1e-5)


def discs(*shape: int) -> tuple[Doubles, Labels]:
    """Six round cells, balls in a volume, and their labels."""
    labels = np.zeros(shape, np.uint32)
    *z, y, x = np.ogrid[tuple(slice(0, n) for n in shape)]
    for label in range(6):
        row, column = divmod(label, 3)
        squared = (y - 18 - 34 * row) ** 2 + (x - 18 - 34 * column) ** 2
        squared = squared + sum(4 * (axis - shape[0] // 2) ** 2 for axis in z)
        labels[squared <= 11**2] = label + 1
    return 100 + 300.0 * (labels > 0), labels


@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_cells_are_found_at_the_frame_s_own_size(scale: float) -> None:
    image, labels = discs(70, 104)
    found = segment(Uphill(), image, Prediction(scale, 128, 0.25))
    assert found.shape == labels.shape
    assert found.max() == 6
    assert overlap(labels, found).jaccard().mean() > 0.85


def test_slices_of_a_cell_are_joined() -> None:
    image, labels = discs(9, 70, 104)
    found = segment(Uphill(), image, Prediction(1.0, 128, 0.25))
    assert found.dtype == np.uint32
    assert np.count_nonzero(np.unique(found)) == 6
    assert overlap(labels, found).jaccard().mean() > 0.7


def test_nothing_in_an_empty_frame() -> None:
    assert not segment(Uphill(), np.full((40, 40), 5, np.uint8), Prediction(1.0, 64, 0.25)).any()
