"""The quality gate: a surface must look like the views it was fitted to, and like the mask it began with."""

from dataclasses import asdict, dataclass

from torch import Tensor

from raysynth.config import GateConfig
from raysynth.geometry.silhouettes import iou, project


@dataclass(frozen=True)
class Verdict:
    """Whether a cell passes, and why.

    view_iou: mean IoU of the surface's projections with the predicted views, those of camera 1 and up.
    mask_iou: IoU of its projection along z with the conditioning mask.
    """

    accepted: bool
    view_iou: float
    mask_iou: float

    @property
    def figures(self) -> dict[str, float]:
        """The two IoUs by name, as a cell's provenance keeps them."""
        return {name: value for name, value in asdict(self).items() if name != "accepted"}


def judge(
    fields: Tensor, views: Tensor, cameras: Tensor, config: GateConfig, conditioning: Tensor | None = None
) -> list[Verdict]:
    """One verdict a cell.

    fields: `(b, z, y, x)` over the cube, positive inside. views: soft masks `(b, n, s, s)` of `cameras` `(n, 3, 3)`.
    conditioning: soft masks `(b, t, t)` along z; without them view 0 is the conditioning mask. An empty surface never
    passes.
    """
    masks = views[:, 0] if conditioning is None else conditioning
    depth = fields.shape[-1]  # flat cells lie between the samples of a coarser ray
    view_iou = iou(project(fields, cameras[1:], views.shape[-1], depth) > 0, views[:, 1:] > 0).mean(dim=1)
    mask_iou = iou(project(fields, cameras[:1], masks.shape[-1], depth)[:, 0] > 0, masks > 0)
    exists = (fields > 0).flatten(1).any(dim=1)
    rows = zip(view_iou.tolist(), mask_iou.tolist(), exists.tolist(), strict=True)
    return [Verdict(real and min(view, mask) >= config.min_iou, view, mask) for view, mask, real in rows]
