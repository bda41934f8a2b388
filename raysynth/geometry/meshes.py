"""Triangle meshes of surfaces, for export and for measures; generation itself never makes one."""

from pathlib import Path

import numpy as np
import torch.nn.functional as F
import trimesh
from skimage.measure import marching_cubes

from raysynth.base.errors import InputError
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.slicing import FieldOnGrid

_LEAST = 1e-4
"""Values of the field nearer to 0 count as this, an error of a two-hundredth of a sample's spacing."""

FORMATS = (".stl", ".ply", ".obj", ".glb")


def surface_mesh(field: FieldOnGrid, half_um: tuple[float, ...], side: int = 96) -> trimesh.Trimesh:
    """The zero surface of a field over the cube as a watertight mesh in µm, (x, y, z).

    Marching cubes on `side` samples a side. half_um: half the side of the cube along z, y and x; its middle is the
    origin. The mesh's `volume` is in µm³. Where the cell reaches the border of the cube it is closed there; where the
    field is nowhere positive the mesh is empty.
    """
    centres = pixel_centres(side)
    values = F.pad(field(centres, centres, centres).cpu(), (1,) * 6, value=-1.0)
    grid = values.permute(2, 1, 0).double().numpy()
    # A surface through a sample would give several vertices in one place, where the mesh would tear.
    grid = np.where(np.abs(grid) < _LEAST, _LEAST, grid)
    if grid.max() < 0:
        return trimesh.Trimesh()
    vertices, faces, _, _ = marching_cubes(grid, 0.0, gradient_direction="ascent")
    # Sample i + 1 of the padded grid lies at (i + 0.5) * 2 / side - 1.
    corners = ((vertices - 0.5) * (2 / side) - 1) * half_um[::-1]
    return trimesh.Trimesh(corners, faces)


def export(mesh: trimesh.Trimesh, path: Path) -> None:
    """Write `mesh` in the format that the suffix of `path` names.

    Raises InputError for a suffix that is not one of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a mesh is not written as '{path.suffix}', use one of {', '.join(FORMATS)}.")
    mesh.export(path)
