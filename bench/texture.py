"""Does the texture lie where its mask says? Adherence and the swap test, for the shipped bundles.

    python bench/texture.py [BUNDLE=CONFIG ...] [--crops 200]

For each bundle: 200 crops of the prepared validation part and 200 textures painted on the same masks. Adherence is the
IoU of the Otsu foreground with the mask. Swap test: cells in pairs, the same noise painted under both masks of a pair;
the texture must fit the mask it was painted under better than its partner's. Needs `raysynth prepare` of the configs.
Writes `bench/results/texture.json`.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from environment import save_result

from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.texture import paint
from raysynth.evaluate.adherence import adherence, own_mask_fits_better
from raysynth.seeds import Stage, generator, normal
from raysynth.settings import load
from raysynth.train.crops import Crops, load_crops

SEED = 1
SHIPPED = ["nuclei-2d=configs/nuclei-2d.yaml", "embryo-3d=configs/embryo-3d.yaml"]


def measure(bundle: Bundle, crops: Crops, config_path: Path, count: int) -> dict[str, float]:
    """Figures of one bundle on `count` validation crops."""
    config = bundle.resolve(load(config_path))
    chosen = np.sort(generator(SEED, 0, Stage.EVALUATION, 0).choice(len(crops.images), count, replace=False))
    real, masks = np.asarray(crops.images[chosen], np.float32), np.asarray(crops.masks[chosen])
    model = bundle.texture.eval()
    shape = model.latent_shape(config.texture.resolution_px or crops.side_px)
    noise = [normal(generator(SEED, 0, Stage.TEXTURE, i), *shape) for i in range(count)]
    start = time.perf_counter()
    painted = np.stack(paint(model, list(masks), noise, config.texture, config.masks.truncation_px))
    seconds = time.perf_counter() - start
    shared = [noise[i & ~1] for i in range(count)]
    swapped = np.stack(paint(model, list(masks), shared, config.texture, config.masks.truncation_px))
    own_better = own_mask_fits_better(swapped, masks, partner=np.arange(count) ^ 1)
    synthetic, of_real = adherence(painted, masks), adherence(real, masks)
    return {
        "crops": count,
        "adherence_synthetic": float(synthetic.mean()),
        "adherence_real": float(of_real.mean()),
        "difference": float(synthetic.mean() - of_real.mean()),
        "standard_error": float(np.hypot(synthetic.std(), of_real.std()) / np.sqrt(count)),
        "swap_own_mask_better": float(own_better.mean()),
        "swap_pairs_both_better": float(own_better.reshape(-1, 2).all(axis=1).mean()),
        "seconds_a_crop": seconds / count,
    }


def main() -> None:
    """Measure every bundle named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", default=SHIPPED, help="bundle=config.yaml")
    parser.add_argument("--crops", type=int, default=200)
    options = parser.parse_args()
    figures = {}
    for entry in options.bundles:
        name, config_path = entry.split("=")
        crops = load_crops(load(Path(config_path)), "validation")
        figures[name] = measure(open_bundle(name), crops, Path(config_path), options.crops)
        print(name, figures[name])
    save_result("texture", figures)


if __name__ == "__main__":
    main()
