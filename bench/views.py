"""Do SyncDreamer's views make one solid? Shapes held out, before the quality gate.

    python bench/views.py embryo-3d configs/embryo-3d.yaml [--cells 64]

Spherical-harmonic shapes no training step has seen give a binary mask from above and a height; the bundle's SyncDreamer
draws the other views, NeuS fits a surface to all of them, and the gate's own measures compare its projections with the
mask and with the views. The height of the surface shows whether the second condition is obeyed. The volume IoU with the
shape that gave the mask is for interest: a mask and a height do not determine a shape. Writes
`bench/results/views.json`.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from environment import save_result
from torch import Tensor

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.gate import judge
from raysynth.cascade.softmask import as_batch, soften
from raysynth.cascade.solids import GATE_SIDE
from raysynth.cascade.surface import fit
from raysynth.cascade.views import MultiViewModel, sample
from raysynth.config import Config
from raysynth.geometry import harmonics
from raysynth.geometry.silhouettes import carve, iou, project
from raysynth.seeds import Stage, generator, normal
from raysynth.settings import load

SEED, HELD_OUT = 0, 1
"""Validation during training looks at shard 0 of the evaluation stream; this is another."""


def measure_batch(model: MultiViewModel, scheduler: DDIMScheduler, config: Config, items: range) -> dict[str, Tensor]:
    """Figures of each cell in one batch, `(b,)`."""
    settings, cameras, side = config.views, model.cameras, config.views.side_px
    rngs = [generator(SEED, HELD_OUT, Stage.EVALUATION, item) for item in items]
    shapes = harmonics.draw(rngs, config.shapes)
    truth = harmonics.fields(shapes, GATE_SIDE)
    masks = project(truth, cameras[:1], side, GATE_SIDE)[:, 0] > 0
    condition = as_batch(soften(masks.numpy(), settings.truncation_px))
    noise = torch.stack([normal(rng, settings.count, side, side) for rng in rngs])
    start = time.perf_counter()
    views = sample(model, condition, shapes.height, noise, scheduler, settings.sampler_steps)
    drawn = time.perf_counter()
    solids = fit(views, cameras, config.surface).fields(GATE_SIDE)
    fitted = time.perf_counter()
    verdicts = judge(solids, views, cameras, config.gate)
    above = project(carve(views[:, 1:], cameras[1:], side), cameras[:1], side)[:, 0] > 0
    tall = (solids > 0).any(dim=(2, 3)).sum(dim=1) * (2 / GATE_SIDE)
    return {
        "surface_mask_iou": torch.tensor([verdict.mask_iou for verdict in verdicts]),
        "surface_views_iou": torch.tensor([verdict.view_iou for verdict in verdicts]),
        "rejected": torch.tensor([not verdict.accepted for verdict in verdicts]).float(),
        "hull_views_iou": iou(project(carve(views, cameras, side), cameras, side) > 0, views > 0).mean(dim=1),
        "hull_of_other_views_mask_iou": iou(above, masks),
        "height_over_asked": tall / shapes.height,
        "volume_iou": iou((solids > 0).flatten(1)[:, None], (truth > 0).flatten(1)[:, None]),
        "seconds_views": torch.full((len(items),), (drawn - start) / len(items)),
        "seconds_surface": torch.full((len(items),), (fitted - drawn) / len(items)),
    }


def measure(model: MultiViewModel, scheduler: DDIMScheduler, config: Config, cells: int) -> dict[str, Any]:
    """Mean, tenth percentile and least of every figure over `cells` held-out shapes."""
    size = config.views.batch
    parts = [measure_batch(model, scheduler, config, range(i, min(i + size, cells))) for i in range(0, cells, size)]
    figures = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    return {"cells": cells, "min_iou": config.gate.min_iou} | {
        name: {"mean": float(v.mean()), "tenth": float(np.quantile(v, 0.1)), "least": float(v.min())}
        for name, v in figures.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the bundle named on the command line and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("config", type=Path)
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    chosen = parser.parse_args(arguments)
    bundle = open_bundle(chosen.bundle)
    config = bundle.resolve(load(chosen.config, chosen.set))
    torch.set_num_threads(config.runtime.threads)
    model, scheduler = bundle.views
    save_result("views", measure(model.eval(), scheduler, config, chosen.cells))


if __name__ == "__main__":
    main()
