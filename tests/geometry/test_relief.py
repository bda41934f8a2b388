import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raysynth.config import ShapesConfig
from raysynth.geometry.cameras import pixel_centres
from raysynth.geometry.relief import Relief
from raysynth.geometry.spectrum import Spectrum

ROUGH = Spectrum.plain(ShapesConfig(max_degree=9, power=0.05, decay=1.0))
MIDDLE = torch.tensor([0.1, -0.05, 0.0])


def cube(side: int = 40) -> Tensor:
    """Points `(p, 3)` in (x, y, z), z slowest."""
    z, y, x = torch.meshgrid(*[pixel_centres(side)] * 3, indexing="ij")
    return torch.stack([x, y, z], dim=-1).reshape(-1, 3)


def rough_ball(seed: int, amplitude: float = 1.0, radius: float = 0.6) -> Tensor:
    """A ball about `MIDDLE` with relief, bool `(z, y, x)`."""
    relief = Relief(np.random.default_rng(seed), ROUGH, amplitude, MIDDLE)
    return ((relief.unwarp(cube()) - MIDDLE).norm(dim=-1) < radius).reshape(40, 40, 40)


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_points_stay_on_their_rays_and_the_middle_stays(seed: int) -> None:
    relief = Relief(np.random.default_rng(seed), ROUGH, 1.0, MIDDLE)
    points = cube(9)
    before, after = points - MIDDLE, relief.unwarp(points) - MIDDLE
    assert float(torch.linalg.cross(before, after).abs().max()) < 1e-4
    assert float((before * after).sum(dim=1).min()) >= 0
    torch.testing.assert_close(relief.unwarp(MIDDLE[None]), MIDDLE[None])


def test_a_ball_becomes_rough_by_its_amplitude() -> None:
    smooth = rough_ball(0, amplitude=0.0)
    changed = [float((rough_ball(0, amplitude) ^ smooth).sum() / smooth.sum()) for amplitude in (0.5, 1.0)]
    assert 0.003 < changed[0] < 0.75 * changed[1]


def test_what_the_camera_along_z_sees_is_nearly_kept() -> None:
    ious = []
    for seed in range(12):
        rough, smooth = rough_ball(seed), rough_ball(seed, amplitude=0.0)
        along_z = [(rough.any(dim=0) & smooth.any(dim=0)).sum() / (rough.any(dim=0) | smooth.any(dim=0)).sum()]
        along_x = [(rough.any(dim=2) & smooth.any(dim=2)).sum() / (rough.any(dim=2) | smooth.any(dim=2)).sum()]
        ious.append([float(*along_z), float(*along_x)])
    along_z, along_x = np.mean(ious, axis=0)
    assert along_z > 0.96
    assert along_x < along_z - 0.002


def test_the_same_generator_gives_the_same_relief() -> None:
    assert torch.equal(rough_ball(4), rough_ball(4))
    assert not torch.equal(rough_ball(4), rough_ball(5))
