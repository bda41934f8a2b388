from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from torch import Tensor

from raysynth.base.arrays import Mask
from raysynth.base.errors import InputError
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.meshes import MESH_FORMATS, label_mesh, surface_mesh, write_mesh

RADII = (0.3, 0.5, 0.8)


def ellipsoid(z: Tensor, y: Tensor, x: Tensor) -> Tensor:
    z, y, x = torch.meshgrid(z / RADII[0], y / RADII[1], x / RADII[2], indexing="ij")
    return 1 - (z**2 + y**2 + x**2).sqrt()


def test_the_mesh_is_closed_and_in_micrometres() -> None:
    mesh = surface_mesh(ellipsoid, half_um=(10.0,) * 3, side=48)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * np.prod(RADII) * 1000, rel=0.01)
    np.testing.assert_allclose(mesh.bounds, [[-8, -5, -3], [8, 5, 3]], atol=0.05)


def test_the_cubes_axes_have_their_own_scales() -> None:
    mesh = surface_mesh(ellipsoid, half_um=(30.0, 20.0, 10.0), side=48)
    assert mesh.is_watertight
    np.testing.assert_allclose(mesh.bounds[1], [8, 10, 9], atol=0.1)


def test_a_cell_at_the_border_is_closed_there() -> None:
    mesh = surface_mesh(lambda z, y, x: ellipsoid(z / 4, y, x), half_um=(1.0,) * 3, side=24)
    assert mesh.is_watertight
    assert mesh.bounds[1, 2] == pytest.approx(1.0, abs=0.06)


def test_a_surface_through_samples_does_not_tear() -> None:
    centres = pixel_centres(24)

    def field(z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return centres[17] - torch.stack(torch.meshgrid(z.abs(), y.abs(), x.abs(), indexing="ij")).sum(0)

    assert int((field(centres, centres, centres) == 0).sum()) > 0
    mesh = surface_mesh(field, half_um=(1.0,) * 3, side=24)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * float(centres[17]) ** 3, rel=0.1)  # an octahedron


def test_faces_look_outwards() -> None:
    mesh = surface_mesh(ellipsoid, half_um=(1.0,) * 3, side=24)
    assert mesh.is_winding_consistent
    outwards = np.einsum("fk,fk->f", mesh.face_normals, mesh.triangles_center)
    assert (outwards > 0).all()


def test_nothing_makes_an_empty_mesh() -> None:
    assert surface_mesh(lambda z, y, x: ellipsoid(z, y, x) - 2, half_um=(1.0,) * 3, side=8).is_empty
    assert label_mesh(np.zeros((2, 3, 4), bool), (1.0, 1.0, 1.0)).is_empty


@settings(max_examples=20)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)))
def test_a_label_of_any_form_has_a_closed_mesh_within_its_box(mask: Mask) -> None:
    mesh = label_mesh(mask, (2.0, 0.5, 1.0))
    if not mask.any():
        assert mesh.is_empty
        return
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert 0 < mesh.volume <= mask.sum()  # a voxel has a volume of 1
    size = np.array(mask.shape[::-1]) * (1.0, 0.5, 2.0)
    assert (mesh.bounds[0] >= 0).all()
    assert (mesh.bounds[1] <= size).all()


def test_a_label_has_its_size_and_place_in_micrometres() -> None:
    z, y, x = np.ogrid[:30, :40, :50]
    mask = ((z - 12) / 8) ** 2 + ((y - 20) / 14) ** 2 + ((x - 30) / 15) ** 2 <= 1
    mesh = label_mesh(mask, (1.5, 0.4, 0.3))
    assert mesh.volume == pytest.approx(mask.sum() * 1.5 * 0.4 * 0.3, rel=0.03)
    np.testing.assert_allclose(mesh.center_mass, (30.5 * 0.3, 20.5 * 0.4, 12.5 * 1.5), atol=0.02)


@pytest.mark.parametrize("suffix", MESH_FORMATS)
def test_exported_meshes_open_again(tmp_path: Path, suffix: str) -> None:
    mesh = surface_mesh(ellipsoid, half_um=(10.0,) * 3, side=16)
    write_mesh(mesh, tmp_path / f"cell{suffix}")
    again = trimesh.load_mesh(tmp_path / f"cell{suffix}")
    assert again.volume == pytest.approx(mesh.volume, rel=1e-3)


def test_an_unknown_format_is_one_sentence(tmp_path: Path) -> None:
    mesh = surface_mesh(ellipsoid, half_um=(10.0,) * 3, side=16)
    with pytest.raises(InputError, match=r"cell\.xyz.*\.stl"):
        write_mesh(mesh, tmp_path / "cell.xyz")
