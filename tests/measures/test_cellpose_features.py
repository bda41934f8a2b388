from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.measures.cellpose_features import CellposeFeatures

cellpose = pytest.importorskip("cellpose.resnet_torch")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small network with random weights, saved by Cellpose itself."""
    torch.manual_seed(0)
    file = tmp_path / "nuclei_small"
    cellpose.CPnet([2, 4, 8, 12], 3, 3, diam_mean=17.0).save_model(file)
    return file


def test_features_are_the_networks_style_before_its_scaling(weights: Path) -> None:
    space = CellposeFeatures(weights, 17.0)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48), dtype=np.uint8)
    found = space.features(images)
    assert space.name == "nuclei_small"
    assert (found.shape, found.dtype) == ((3, 12), torch.float64)
    network = cellpose.CPnet([2, 4, 8, 12], 3, 3)
    network.load_state_dict(torch.load(weights, weights_only=True))
    grey = torch.from_numpy(images).float()[:, None] / 255
    with torch.no_grad():
        _, style, _ = network.eval()(torch.cat([grey, 0 * grey], 1))
    torch.testing.assert_close(found / found.norm(dim=1, keepdim=True), style.double(), rtol=1e-4, atol=1e-5)


def test_cells_are_scaled_to_the_networks_diameter(weights: Path) -> None:
    blurred = torch.nn.functional.interpolate(torch.rand(1, 1, 8, 8), (64, 64), mode="bicubic").clamp(0, 1)
    images = (255 * blurred[:, 0]).byte().numpy()
    halved = (255 * torch.nn.functional.avg_pool2d(blurred, 2)[:, 0]).byte().numpy()
    large, small = CellposeFeatures(weights, 34.0).features(images), CellposeFeatures(weights, 17.0).features(halved)
    torch.testing.assert_close(large, small, rtol=0.05, atol=0.01)


def test_a_file_that_is_missing_or_no_such_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none is missing"):
        CellposeFeatures(tmp_path / "none", 17.0)
    other = tmp_path / "other"
    torch.save({"weight": torch.zeros(3)}, other)
    with pytest.raises(InputError, match="does not hold a network of Cellpose"):
        CellposeFeatures(other, 17.0)
