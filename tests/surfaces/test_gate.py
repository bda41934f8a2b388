import pytest
import torch
from torch import Tensor

from raysynth.config import GateConfig
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.silhouettes import project, soft_masks
from raysynth.surfaces.gate import judge

CAMERAS = layout("spread", 6)


def ellipsoid(z_radius: float, radius: float = 0.6, side: int = 48) -> Tensor:
    z, y, x = torch.meshgrid(*[pixel_centres(side)] * 3, indexing="ij")
    return radius - ((z * radius / z_radius) ** 2 + y**2 + x**2).sqrt()


def views(field: Tensor) -> Tensor:
    return soft_masks(project(field[None], CAMERAS, 24, 48), 4.0)


def test_a_surface_that_matches_its_views_passes() -> None:
    (verdict,) = judge(ellipsoid(0.3)[None], views(ellipsoid(0.3)), CAMERAS, GateConfig(min_iou=0.95))
    assert verdict.accepted
    assert verdict.view_iou == pytest.approx(1.0)
    assert verdict.ious == {"view_iou": verdict.view_iou, "mask_iou": verdict.mask_iou}


def test_a_wrong_height_shows_in_the_views_alone() -> None:
    (verdict,) = judge(ellipsoid(0.15)[None], views(ellipsoid(0.6)), CAMERAS, GateConfig(min_iou=0.85))
    assert not verdict.accepted
    assert verdict.mask_iou > 0.97
    assert verdict.view_iou < 0.85


def test_a_wrong_outline_shows_in_the_conditioning_mask() -> None:
    seen = views(ellipsoid(0.3))
    seen[:, 0] = views(ellipsoid(0.3, radius=0.3))[:, 0]
    (verdict,) = judge(ellipsoid(0.3)[None], seen, CAMERAS, GateConfig(min_iou=0.85))
    assert not verdict.accepted
    assert verdict.mask_iou == pytest.approx(0.25, abs=0.03)
    assert verdict.view_iou == pytest.approx(1.0)


def test_cells_are_judged_one_by_one() -> None:
    fields = torch.stack([ellipsoid(0.3), ellipsoid(0.15)])
    seen = torch.cat([views(ellipsoid(0.3)), views(ellipsoid(0.6))])
    assert [v.accepted for v in judge(fields, seen, CAMERAS, GateConfig())] == [True, False]


def test_nothing_never_passes() -> None:
    empty = torch.full((1, 48, 48, 48), -1.0)
    (verdict,) = judge(empty, views(empty[0]), CAMERAS, GateConfig(min_iou=0.0))
    assert not verdict.accepted
