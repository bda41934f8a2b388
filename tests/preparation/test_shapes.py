from dataclasses import replace

import numpy as np
import pytest
import torch

from raysynth.config import DataConfig, ShapesConfig
from raysynth.geometry.spectrum import Spectrum
from raysynth.geometry.stars import Stars, framed
from raysynth.preparation.cells import LabelledCell
from raysynth.preparation.shapes import MIN_CELLS, measure_shapes

VOLUMES = DataConfig(root="-", dimensions=3, voxel_um=(1.0, 1.0, 1.0))


def grown(spectrum: Spectrum, count: int) -> list[LabelledCell]:
    """Labelled cells drawn from a spectrum."""
    rng = np.random.default_rng(0)
    drawn = torch.from_numpy(np.stack([spectrum.draw(rng) for _ in range(count)])).float()
    shapes: Stars = framed(drawn, torch.ones(count), torch.full((count,), 0.85))
    return [
        LabelledCell(i, (0, 0, 0), mask, False, False, None) for i, mask in enumerate(shapes.fields(40).numpy() > 0)
    ]


@pytest.fixture(scope="module")
def spectrum() -> Spectrum:
    return Spectrum.plain(ShapesConfig(max_degree=5, power=0.15))


@pytest.fixture(scope="module")
def cells(spectrum: Spectrum) -> list[LabelledCell]:
    return grown(spectrum, 60)


def test_the_spectrum_of_labelled_volumes_is_theirs(cells: list[LabelledCell], spectrum: Spectrum) -> None:
    found = measure_shapes(cells, 5, VOLUMES)
    assert found is not None
    # Framing takes the axial part of degree 2; degrees the voxels still show are those that were drawn.
    np.testing.assert_allclose(found.power()[3:5], spectrum.power()[3:5], rtol=0.4)
    assert found.power()[2] < 1.2 * spectrum.power()[2]


def test_cut_and_sparse_cells_and_few_ones_count_by_their_outlines(cells: list[LabelledCell]) -> None:
    whole, cut = measure_shapes(cells, 5, VOLUMES), measure_shapes([replace(c, cut_z=True) for c in cells], 5, VOLUMES)
    few = measure_shapes(cells[: MIN_CELLS - 1], 5, VOLUMES)
    assert whole is not None
    assert any(whole.mean)
    assert not whole.outlines_only
    for spectrum in (cut, few):
        assert spectrum is not None
        assert not any(spectrum.mean)
        assert spectrum.outlines_only
        assert 0.2 < spectrum.power().sum() / whole.power().sum() < 3


def test_2d_data_have_no_spectrum(cells: list[LabelledCell]) -> None:
    assert measure_shapes(cells, 5, DataConfig(root="-", dimensions=2)) is None
