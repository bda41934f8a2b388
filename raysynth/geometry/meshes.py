"""Triangle meshes of surfaces and of labelled cells, for export and for measures; generation itself makes none."""

from pathlib import Path

import mcubes
import numpy as np
import torch.nn.functional as F
import trimesh

from raysynth.base.arrays import Doubles, Mask
from raysynth.base.errors import InputError
from raysynth.base.staging import whole_file
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.slicing import FieldOnGrid

_LEAST = 1e-4
"""Values of the field nearer to 0 count as this, an error of a two-hundredth of a sample's spacing."""

MESH_FORMATS = (".stl", ".ply", ".obj", ".glb")
"""Endings of the files that `write_mesh` writes."""


def surface_mesh(field: FieldOnGrid, half_um: tuple[float, ...], side: int = 96) -> trimesh.Trimesh:
    """Mesh the zero surface of a field over the cube, by marching cubes (Lorensen and Cline, 1987).

    Parameters
    ----------
    field
        The cell.
    half_um
        Half the side of the cube along z, y and x, in µm. The middle of the cube is the origin.
    side
        Samples along a side.

    Returns
    -------
    trimesh.Trimesh
        A watertight mesh in µm, (x, y, z), faces outwards. Where the cell reaches the border of the cube it is closed
        there. Where the field is nowhere positive the mesh is empty.
    """
    centres = pixel_centres(side)
    # A shell outside the cell closes the surface where the field is positive up to the cube's border.
    values = F.pad(field(centres, centres, centres).cpu(), (1,) * 6, value=-1.0)
    grid = values.permute(2, 1, 0).double().numpy()
    # A surface through a sample would give several vertices in one place, where the mesh would tear.
    grid = np.where(np.abs(grid) < _LEAST, _LEAST, grid)
    vertices, faces = mcubes.marching_cubes(grid, 0.0)
    # Sample i + 1 of the padded grid lies at (i + 0.5) * 2 / side - 1.
    return trimesh.Trimesh(((vertices - 0.5) * (2 / side) - 1) * half_um[::-1], faces)


def label_mesh(mask: Mask, voxel_um: tuple[float, ...]) -> trimesh.Trimesh:
    """Mesh a labelled cell.

    The surface runs halfway between voxels inside and outside, so it cuts the corners of the voxels' staircase.

    Parameters
    ----------
    mask
        The cell `(z, y, x)`.
    voxel_um
        Size of a voxel (z, y, x) in µm.

    Returns
    -------
    trimesh.Trimesh
        A watertight mesh in µm, (x, y, z), faces outwards. The outer corner of the first voxel is the origin. An empty
        mask gives an empty mesh.
    """
    # Transposed to (x, y, z) first: with two axes exchanged afterwards, all faces would point inwards.
    grid: Doubles = np.pad(mask, 1).transpose(2, 1, 0).astype(np.float64)
    vertices, faces = mcubes.marching_cubes(grid, 0.5)
    # Sample i + 1 of the padded grid is the centre of voxel i, which lies at (i + 0.5) voxels.
    return trimesh.Trimesh((vertices - 0.5) * voxel_um[::-1], faces)


def write_mesh(mesh: trimesh.Trimesh, path: str | Path) -> None:
    """Write a mesh in the format that the file's ending names.

    Parameters
    ----------
    mesh
        The mesh.
    path
        The file; it appears whole or not at all.

    Raises
    ------
    InputError
        For an ending that is not one of `MESH_FORMATS`, and when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in MESH_FORMATS:
        raise InputError(f"{path}: a mesh is not written as '{path.suffix}', use one of {', '.join(MESH_FORMATS)}.")
    with whole_file(path) as staged:
        mesh.export(staged)
