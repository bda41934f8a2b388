"""The quality gate: a surface must look like the views it was fitted to, and like the mask it began with."""

from dataclasses import dataclass

from torch import Tensor

from raysynth.config import GateConfig
from raysynth.geometry.silhouettes import iou, project


@dataclass(frozen=True)
class Verdict:
    """Whether a cell passes, and why.

    Attributes
    ----------
    accepted
        Whether it passes.
    view_iou
        Mean IoU of the surface's projections with the predicted views, those of camera 1 and up.
    mask_iou
        IoU of its projection along z with the conditioning mask.
    """

    accepted: bool
    view_iou: float
    mask_iou: float

    @property
    def ious(self) -> dict[str, float]:
        """The two IoUs by name, as a cell's provenance keeps them."""
        return {"view_iou": self.view_iou, "mask_iou": self.mask_iou}


def judge(fields: Tensor, views: Tensor, cameras: Tensor, config: GateConfig) -> list[Verdict]:
    """Judge the surfaces of cells. An empty surface never passes.

    Parameters
    ----------
    fields
        The surfaces `(b, z, y, x)` over the cube, positive inside.
    views
        Truncated signed distances `(b, n, s, s)`; view 0 is the conditioning mask.
    cameras
        Rotations of the views `(n, 3, 3)`.
    config
        Settings of the gate: the least IoU.

    Returns
    -------
    list of Verdict
        One per cell.
    """
    masks = views[:, 0]
    depth = fields.shape[-1]  # flat cells lie between the samples of a coarser ray
    # View 0 is left out: it is the mask, which is judged by itself.
    view_iou = iou(project(fields, cameras[1:], views.shape[-1], depth) > 0, views[:, 1:] > 0).mean(dim=1)
    mask_iou = iou(project(fields, cameras[:1], masks.shape[-1], depth)[:, 0] > 0, masks > 0)
    # Two empty images have an IoU of 1, so nothing at all would pass beside empty views.
    exists = (fields > 0).flatten(1).any(dim=1)
    rows = zip(view_iou.tolist(), mask_iou.tolist(), exists.tolist(), strict=True)
    return [Verdict(real and min(view, mask) >= config.min_iou, view, mask) for view, mask, real in rows]
