"""The spectrum of a population's shapes, from its labels: in 3D where they are dense, else from outlines."""

from collections.abc import Sequence

import numpy as np

from raysynth.config import DataConfig
from raysynth.geometry.radial import coefficients, outline_log_radii
from raysynth.geometry.spectrum import Spectrum
from raysynth.preparation.cells import LabelledCell

MIN_CELLS = 30
"""Whole cells that a spectrum in 3D needs."""

# With fewer, height and form along z are mostly interpolation between slices.
_MIN_SLICES = 4


def measure_shapes(cells: Sequence[LabelledCell], max_degree: int, data: DataConfig) -> Spectrum | None:
    """Measure the spectrum of a 3D population.

    Cells that the stack cuts, sparsely labelled ones and those of few slices have an outline only. Where fewer than
    `MIN_CELLS` are whole, the outlines of all cells make the spectrum.

    Parameters
    ----------
    cells
        Labelled cells; those left out are passed over.
    max_degree
        Highest degree of the harmonics.
    data
        Settings of the data: dimensions and size of a voxel.

    Returns
    -------
    Spectrum or None
        None for 2D data, which need none.
    """
    if data.dimensions == 2 or data.voxel_um is None:
        return None
    used = [cell for cell in cells if cell.left_out is None]
    whole = [cell for cell in used if not (cell.sparse or cell.cut_z) and len(cell.mask) >= _MIN_SLICES]
    if len(whole) >= MIN_CELLS:
        return Spectrum.of(np.stack([coefficients(cell.mask, data.voxel_um, max_degree) for cell in whole]))
    return Spectrum.of_outlines(np.stack([outline_log_radii(cell.outline) for cell in used]), max_degree)
