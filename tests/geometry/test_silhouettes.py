from typing import Literal

import pytest
import torch
from torch import Tensor

from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import carve, iou, project, soft_masks


def ball(radius: float, side: int) -> Tensor:
    z, y, x = torch.meshgrid(*[pixel_centres(side)] * 3, indexing="ij")
    return radius - (x**2 + y**2 + z**2).sqrt()


def disc(radius: float, side: int) -> Tensor:
    v, u = torch.meshgrid(*[pixel_centres(side)] * 2, indexing="ij")
    return radius - (u**2 + v**2).sqrt()


@pytest.mark.parametrize("name", ["spread", "ring"])
def test_every_camera_sees_a_ball_as_a_disc(name: Literal["spread", "ring"]) -> None:
    seen = project(ball(0.6, 24)[None], layout(name, 6), 24)[0]
    expected = disc(0.6, 24).expand_as(seen)
    near = expected > -0.3  # the corners of a turned image look past the cube
    torch.testing.assert_close(seen[near], expected[near], atol=0.03, rtol=0)


def test_the_first_camera_sees_the_field_along_z() -> None:
    field = torch.full((1, 8, 8, 8), -1.0)
    field[0, 5, 2, 6] = 1.0
    seen = project(field, layout("spread", 4), 8)[0, 0]
    assert (seen == 1).nonzero().tolist() == [[2, 6]]


def test_cells_are_seen_alike_alone_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = torch.stack([ball(radius, 16) for radius in (0.3, 0.5, 0.6)])
    alone = torch.cat([project(one[None], layout("spread", 4), 12) for one in fields])
    monkeypatch.setattr("raysynth.geometry.silhouettes._TOGETHER", 2)
    assert torch.equal(project(fields, layout("spread", 4), 12), alone)


def test_soft_masks_are_distances_in_pixels() -> None:
    expected = (disc(0.5, 32) * 16 / 4).clamp(-1, 1)
    # Any field with the same outline gives the same distances: here one three times as steep.
    torch.testing.assert_close(soft_masks(3 * disc(0.5, 32)[None], 4.0)[0], expected, atol=0.1, rtol=0)
    near = expected.abs() < 0.9
    assert float((soft_masks(disc(0.5, 32), 4.0) - expected)[near].abs().max()) < 0.03


def test_soft_masks_stay_finite_on_a_flat_field() -> None:
    assert soft_masks(torch.zeros(2, 8, 8), 4.0).isfinite().all()


def test_a_hull_carved_from_true_silhouettes_is_the_ball() -> None:
    cameras = layout("spread", 16)
    hull = carve(project(ball(0.6, 24)[None], cameras, 24), cameras, 24)[0] > 0
    truth = ball(0.6, 24) > 0
    assert not (truth & ~hull).any()
    assert float((hull & truth).sum() / hull.sum()) > 0.93


def test_a_hull_projects_inside_its_own_silhouettes() -> None:
    cameras = layout("spread", 8)
    views = project(ball(0.5, 16)[None], cameras, 16)
    views[:, 3] -= 0.2  # one view disagrees: the hull must give way to it
    again = project(carve(views, cameras, 16), cameras, 16)
    assert not ((again > 0.02) & (views < 0)).any()


def test_iou_counts_two_empty_images_as_equal() -> None:
    a = torch.tensor([[[True, True], [False, False]], [[False, False], [False, False]]])
    b = torch.tensor([[[True, False], [False, False]], [[False, False], [False, False]]])
    assert iou(a, b).tolist() == [0.5, 1.0]
