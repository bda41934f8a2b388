"""Follow one mask to a solid: how SyncDreamer's views and NeuS' surface keep to it, and what the quality gate costs.

    python -m bench views embryo-3d configs/embryo-3d.yaml [--masks 256]

The conditioning masks have been seen by no training step. Half are held-out training shapes seen from above, half the
z-projections of real cells of the validation split (all of them, where they are fewer), framed as generation frames
them. The bundle draws the other views and NeuS fits a surface to all. The gate's own measures compare its projections
with the mask and with the views, at the views' resolution. Then, for each threshold of the gate: the fraction it
rejects and how good the rest is. Writes `bench/results/views.json`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.common.environment import save_result
from bench.common.prepared import load_prepared
from bench.common.shape_families import held_out
from bench.common.suite import described
from raysynth.base.sampling import equal_batches
from raysynth.base.seeds import Stage, generator, normal
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.cascade.framing import frame_mask, view_along_z
from raysynth.cascade.solids import GATE_SIDE
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.geometry.cameras import layout, pixel_centres
from raysynth.geometry.relief import Relief
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.geometry.stars import FILL
from raysynth.models.signed_distance import as_batch, to_signed_distance
from raysynth.models.views import sample_views
from raysynth.surfaces.fitting import Surfaces, fit_surfaces
from raysynth.surfaces.gate import judge
from raysynth.train.views import ShapeViews

_SEED, _STREAM = 2, 2
_MIN_DIAMETER_PX = 32
_SEEN_SIDE = 64
_THRESHOLDS = (0.8, 0.85, 0.88, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97)


def _shape_masks(bundle: Bundle, config: Config, count: int) -> list[Tensor]:
    """Draw held-out training shapes; soft masks from above `(s, s)`, through the pixels of a binary mask."""
    spectrum, settings = bundle.info.statistics.shapes, config.views
    assert spectrum is not None
    above = layout("spread", settings.count)[:1]
    seen, _ = ShapeViews(spectrum, config.shapes.metaballs, settings)(held_out(count, _STREAM), above)
    return list(as_batch(to_signed_distance((seen[:, 0] > 0).numpy(), settings.truncation_px))[:, 0])


def _real_masks(bundle: Bundle, config: Config, count: int) -> list[Tensor]:
    """Frame real cells of the validation split; soft masks `(s, s)`."""
    outlines: NDArray[np.bool_] = load_prepared(config).validation.outlines[:count]
    statistics, settings = bundle.info.statistics, config.views
    assert statistics.voxel_um is not None
    pixel_um = statistics.voxel_um[-1]
    rng = generator(_SEED, _STREAM, Stage.HEIGHT, 0)
    framed = [frame_mask(rng, outline, pixel_um, statistics.cells, config.shapes) for outline in outlines]
    return [view_along_z(one, pixel_um, settings.side_px, settings.truncation_px) for one in framed]


def _diameter_px(mask: Tensor) -> float:
    """Compute the diameter of the circle of a soft mask's area."""
    return float(2 * ((mask > 0).sum() / torch.pi).sqrt())


def _measure(bundle: Bundle, config: Config, masks: list[Tensor]) -> dict[str, Tensor]:
    """Measure each mask, values `(masks,)`; batches are cut as generation cuts them."""
    model, scheduler = bundle.views
    model.eval()
    settings, cameras = config.views, model.cameras
    rows = []
    for batch, count in equal_batches(range(len(masks)), settings.batch):
        condition = torch.stack([masks[i] for i in batch])[:, None]
        rngs = [generator(_SEED, _STREAM, Stage.VIEWS, i) for i in batch]
        noise = torch.stack([normal(rng, settings.count, settings.side_px, settings.side_px) for rng in rngs])
        heights = torch.full((len(batch),), 2 * FILL)
        start = time.perf_counter()
        views = sample_views(model, condition, heights, noise, scheduler, settings.sampler_steps)
        drawn = time.perf_counter()
        surfaces = fit_surfaces(views, cameras, config.surface)
        solids = surfaces.fields(GATE_SIDE)
        fitted = time.perf_counter()
        verdicts = judge(solids, views, cameras, config.gate)
        judged = time.perf_counter()
        hull = project(carve(views, cameras, GATE_SIDE), cameras, settings.side_px)
        tall = (solids > 0).any(dim=(2, 3)).sum(dim=1) * (2 / GATE_SIDE)
        seconds = [(b - a) / len(batch) for a, b in ((start, drawn), (drawn, fitted), (fitted, judged))]
        rows.append(
            {
                "mask_iou": torch.tensor([verdict.mask_iou for verdict in verdicts])[:count],
                "view_iou": torch.tensor([verdict.view_iou for verdict in verdicts])[:count],
                "hull_view_iou": iou(hull > 0, views > 0).mean(dim=1)[:count],
                "mask_iou_with_relief": _with_relief(bundle, config, surfaces, condition, batch)[:count],
                "height_over_asked": (tall / (2 * FILL))[:count],
                "seconds_views": torch.full((count,), seconds[0]),
                "seconds_surface": torch.full((count,), seconds[1]),
                "seconds_gate": torch.full((count,), seconds[2]),
            }
        )
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}


def _with_relief(bundle: Bundle, config: Config, surfaces: Surfaces, condition: Tensor, items: Sequence[int]) -> Tensor:
    """Compute the IoU `(b,)` of the conditioning masks with the projections of surfaces that have their relief."""
    spectrum, c = bundle.info.statistics.shapes, pixel_centres(_SEEN_SIDE)
    assert spectrum is not None
    fields = []
    for place, item in enumerate(items):
        rng = generator(_SEED, _STREAM, Stage.SURFACE, item)
        relief = Relief(rng, spectrum, config.shapes.relief, surfaces.networks.centre[place])
        fields.append(surfaces.on_grid(place, c, c, c, relief))
    seen = project(torch.stack(fields), layout("spread", 1), condition.shape[-1], _SEEN_SIDE)
    return iou(seen[:, 0] > 0, condition[:, 0] > 0)


def _summary(results: dict[str, Tensor]) -> dict[str, dict[str, float]]:
    """Compute mean, tenth percentile and least of every metric."""
    return {
        name: {"mean": float(v.mean()), "tenth": float(v.quantile(0.1)), "least": float(v.min())}
        for name, v in results.items()
    }


def _gate_curve(results: dict[str, Tensor]) -> list[dict[str, float]]:
    """Compute the fraction rejected and the means of what passes, for each threshold."""
    curve = []
    for threshold in _THRESHOLDS:
        passed = torch.minimum(results["mask_iou"], results["view_iou"]) >= threshold
        row = {"min_iou": threshold, "rejected": float(1 - passed.float().mean())}
        if passed.any():
            row |= {name: float(results[name][passed].mean()) for name in ("mask_iou", "view_iou")}
        curve.append(row)
    return curve


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the bundle named on the command line and save."""
    parser = described(__doc__)
    parser.add_argument("bundle", nargs="?", default="embryo-3d")
    parser.add_argument("config", type=Path, nargs="?", default=Path("configs/embryo-3d.yaml"))
    parser.add_argument("--masks", type=int, default=256)
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    chosen = parser.parse_args(arguments)
    bundle = open_bundle(chosen.bundle)
    config = resolve(load(chosen.config, chosen.set), bundle.info)
    torch.set_num_threads(config.runtime.threads)
    masks = {
        "real": _real_masks(bundle, config, chosen.masks // 2),
        "shapes": _shape_masks(bundle, config, chosen.masks),
    }
    masks = {name: [m for m in some if _diameter_px(m) >= _MIN_DIAMETER_PX] for name, some in masks.items()}
    masks["shapes"] = masks["shapes"][: chosen.masks - len(masks["real"])]
    parts = {name: _measure(bundle, config, some) for name, some in masks.items()}
    together = {name: torch.cat([part[name] for part in parts.values()]) for name in parts["real"]}
    results: dict[str, Any] = {name: len(some) for name, some in masks.items()}
    results |= {"min_iou": config.gate.min_iou, "sampler_steps": config.views.sampler_steps}
    for name, part in (parts | {"together": together}).items():
        results[f"of_{name}"] = _summary(part) | {"gate": _gate_curve(part)}
    print({name: round(value["mean"], 4) for name, value in _summary(together).items()})
    save_result("views", results)
