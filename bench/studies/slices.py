"""Compare neighbouring slices of a cell: synthetic textures over rho of Eq. 2, beside real ones.

    python -m bench slices BUNDLE=CONFIG ... [--cells 10]

On the slices of real training cells: the jump of mean brightness from slice to slice over the mean, and the correlation
of pixels inside the cell and around it. Both for the real images and for textures painted on the same masks, at the
same heights and brightness. Needs `raysynth prepare` of the configs. Writes `bench/results/slices.json`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.common.environment import save_result
from bench.common.prepared import crop_table, load_prepared
from bench.common.suite import described
from raysynth.base.arrays import Floats, Mask
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.models.noise import slice_noise
from raysynth.models.painting import paint
from raysynth.preparation.prepared import Crops
from raysynth.train.crop_samples import crop_slice

_RHOS = (0.0, 0.35, 0.5, 0.7, 1.0, 1.5)

_Stack = tuple[Floats, Mask]


def _similarity(cells: list[_Stack]) -> dict[str, float]:
    """Average over cells of images and masks `(z, y, x)`, without the two slices at either end of tall cells."""
    jumps, inside, around = [], [], []
    for stack, outlines in cells:
        ends = 2 if len(stack) > 6 else 0
        images, masks = stack[ends : len(stack) - ends].astype(np.float32), outlines[ends : len(stack) - ends]
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


def _painted(bundle: Bundle, config: Config, crops: Crops, cells: list[NDArray[np.intp]], rho: float) -> list[Floats]:
    """Paint textures `(z, side, side)` of each cell."""
    model, noise, slices = bundle.texture.eval(), [], []
    for item, rows in enumerate(cells):
        shape = model.encoded_shape(config.texture.resolution_px or crops.side_px)
        noise += list(slice_noise(generator(0, 0, Stage.TEXTURE, item), len(rows), rho, *shape))
        slices += [crop_slice(crops, int(i)) for i in rows]
    textures = np.stack(paint(model, slices, noise, config.texture, config.masks.truncation_px))
    return np.split(textures, np.cumsum([len(rows) for rows in cells])[:-1])


def _measure(bundle: Bundle, config: Config, count: int) -> dict[str, dict[str, float]]:
    """Measure real cells, then every setting on the same masks."""
    crops = load_prepared(config).train
    table = crop_table(config, "train").to_pandas()
    stacks = [rows.index.to_numpy() for _, rows in table.groupby(["frame", "label"])]
    usual = np.median([len(rows) for rows in stacks])
    usual_stacks = [rows for rows in stacks if 0.75 * usual <= len(rows) <= 1.25 * usual]
    chosen = generator(0, 0, Stage.EVALUATION, 0).choice(len(usual_stacks), count, replace=False)
    cells = [usual_stacks[i] for i in chosen]
    masks = [np.asarray(crops.masks[rows]) for rows in cells]
    results = {"real": _similarity([(crops.images[rows], m) for rows, m in zip(cells, masks, strict=True)])}
    print(config.name, "real", results["real"], flush=True)
    for rho in _RHOS:
        name = f"rho={rho:g}"
        results[name] = _similarity(list(zip(_painted(bundle, config, crops, cells, rho), masks, strict=True)))
        print(config.name, name, results[name], flush=True)
    return results


def main() -> None:
    """Measure every bundle named on the command line."""
    parser = described(__doc__)
    parser.add_argument("bundles", nargs="*", default=["embryo-3d=configs/embryo-3d.yaml"], help="bundle=config.yaml")
    parser.add_argument("--cells", type=int, default=10)
    options = parser.parse_args()
    results = {}
    for entry in options.bundles:
        name, path = entry.split("=")
        bundle = open_bundle(name)
        config = resolve(load(Path(path)), bundle.info)
        results[config.name] = _measure(bundle, config, options.cells)
    save_result("slices", results)
