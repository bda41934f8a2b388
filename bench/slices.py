"""How alike are neighbouring slices of a cell? Synthetic textures under Eq. 2, with and without shared slow waves.

    python bench/slices.py [--cells 10]

On the slices of real training cells of `embryo-3d`: the jump of mean brightness from slice to slice over the mean, and
the correlation of pixels inside the cell and around it, for the real images and for textures painted on the same masks.
Needs `raysynth prepare configs/embryo-3d.yaml`. Writes `bench/results/slices.json`.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from environment import save_result
from numpy.typing import NDArray

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.noise import share_slow_waves, slice_noise
from raysynth.cascade.texture import paint
from raysynth.data.prepared import prepared_folder
from raysynth.seeds import Stage, generator
from raysynth.settings import load
from raysynth.train.crops import load_crops

SETTINGS = ((0.7, 0.0), (2.0, 0.0), (4.0, 0.0), (0.7, 1.5), (0.7, 2.5), (0.7, 3.5))
ENDS = 2
Stack = tuple[NDArray[np.floating], NDArray[np.bool_]]


def likeness(cells: list[Stack]) -> dict[str, float]:
    """Mean figures over cells of images and masks `(z, y, x)`, the two slices at either end left out."""
    jumps, inside, around = [], [], []
    for images, masks in ((i[ENDS:-ENDS].astype(np.float32), m[ENDS:-ENDS]) for i, m in cells):
        means = np.array([image[mask].mean() for image, mask in zip(images, masks, strict=True)])
        jumps.append(np.abs(np.diff(means)).mean() / means.mean())
        for z in range(len(images) - 1):
            both, neither = masks[z] & masks[z + 1], ~(masks[z] | masks[z + 1])
            inside.append(np.corrcoef(images[z][both], images[z + 1][both])[0, 1])
            around.append(np.corrcoef(images[z][neither], images[z + 1][neither])[0, 1])
    return {
        "brightness_jump": float(np.mean(jumps)),
        "correlation_inside": float(np.mean(inside)),
        "correlation_around": float(np.mean(around)),
    }


def main() -> None:
    """Measure real cells, then every setting on the same masks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10)
    count = parser.parse_args().cells
    bundle = open_bundle("embryo-3d")
    config = bundle.resolve(load(Path("configs/embryo-3d.yaml")))
    crops = load_crops(config, "train")
    table = pq.read_table(prepared_folder(config) / "train" / "cells.parquet").to_pandas()
    tall = [rows.index.to_numpy() for _, rows in table.groupby(["frame", "label"]) if 10 <= len(rows) <= 16]
    rng = generator(0, 0, Stage.EVALUATION, 0)
    chosen = [tall[i] for i in rng.choice(len(tall), count, replace=False)]
    masks = [crops.masks[rows] for rows in chosen]
    figures = {"real": likeness([(crops.images[rows], m) for rows, m in zip(chosen, masks, strict=True)])}
    model = bundle.texture.eval()
    ends = np.cumsum([len(m) for m in masks])[:-1]
    for rho, periods in SETTINGS:
        noise = []
        for item, mask in enumerate(masks):
            eps = slice_noise(generator(0, 0, Stage.TEXTURE, item), len(mask), rho, *model.latent_shape(crops.side_px))
            noise += list(share_slow_waves(eps, periods))
        painted = np.stack(paint(model, list(np.concatenate(masks)), noise, config.texture, config.masks.truncation_px))
        name = f"rho={rho:g} shared_waves={periods:g}"
        figures[name] = likeness(list(zip(np.split(painted, ends), masks, strict=True)))
        print(name, figures[name], flush=True)
    save_result("slices", figures)


if __name__ == "__main__":
    main()
