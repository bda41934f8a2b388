"""Measure whether the texture lies where its mask says: adherence and the swap test, for the shipped bundles.

    python -m bench texture [BUNDLE=CONFIG ...] [--crops 200]

For each bundle: 200 crops of the prepared validation split and 200 textures painted on the same masks. Adherence is the
IoU of the Otsu foreground with the mask. Swap test: the same noise painted under both masks of a pair must fit the own
masks better than exchanged ones. It is run on random crops and on one crop per cell, its largest. Real crops of the
same masks stand beside, for even those fail where a slice is dim. Needs `raysynth prepare` of the configs. Writes
`bench/results/texture.json`.
"""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.common.environment import save_result
from bench.common.painting import paint_rows
from bench.common.prepared import crop_table, load_prepared
from bench.common.suite import described
from raysynth.base.seeds import Stage, generator
from raysynth.cascade.bundle import Bundle, open_bundle
from raysynth.cascade.bundle_info import resolve
from raysynth.config import Config
from raysynth.config.reading import load
from raysynth.measures.adherence import adherence, swap_test
from raysynth.preparation.prepared import Crops

_SEED = 1
_SHIPPED = ["nuclei-2d=configs/nuclei-2d.yaml", "embryo-3d=configs/embryo-3d.yaml"]


def _measure(bundle: Bundle, crops: Crops, table: pa.Table, config: Config, count: int) -> dict[str, float]:
    """Measure one bundle: adherence on `count` random crops, the swap test on those and on one crop per cell."""
    rng, model = generator(_SEED, 0, Stage.EVALUATION, 0), bundle.texture.eval()
    chosen = rng.choice(len(crops.images), count, replace=False)
    real, masks = np.asarray(crops.images[chosen], np.float32), np.asarray(crops.masks[chosen])
    start = time.perf_counter()
    painted = paint_rows(model, config, crops, chosen)
    seconds = time.perf_counter() - start
    synthetic, of_real = adherence(painted, masks), adherence(real, masks)
    results = {
        "crops": count,
        "adherence_synthetic": float(synthetic.mean()),
        "adherence_real": float(of_real.mean()),
        "difference": float(synthetic.mean() - of_real.mean()),
        "standard_error": float(np.hypot(synthetic.std(), of_real.std()) / np.sqrt(count)),
        "seconds_a_crop": seconds / count,
    }
    cells = rng.permutation(_largest_crops(table))[: count // 2 * 2]
    cells = cells[: len(cells) // 2 * 2]
    for name, which in (("crops", chosen), ("cells", cells)):
        masks = np.asarray(crops.masks[which])
        results[f"swap_{name}_pairs"] = len(which) // 2
        results[f"swap_{name}_synthetic"] = float(
            swap_test(paint_rows(model, config, crops, which, True), masks).mean()
        )
        results[f"swap_{name}_real"] = float(swap_test(np.asarray(crops.images[which], np.float32), masks).mean())
    return results


def _largest_crops(table: pa.Table) -> NDArray[np.intp]:
    """Find the row of each cell's largest slice (2D: its only crop)."""
    rows = table.append_column("row", pa.array(np.arange(len(table)))).sort_by([("area_px", "descending")])
    firsts = rows.group_by(["frame", "label"], use_threads=False).aggregate([("row", "first")])
    return np.sort(firsts["row_first"].to_numpy())


def main() -> None:
    """Measure every bundle named on the command line."""
    parser = described(__doc__)
    parser.add_argument("bundles", nargs="*", default=_SHIPPED, help="bundle=config.yaml")
    parser.add_argument("--crops", type=int, default=200)
    options = parser.parse_args()
    results = {}
    for entry in options.bundles:
        name, config_path = entry.split("=")
        config, bundle = load(Path(config_path)), open_bundle(name)
        table = crop_table(config, "validation")
        results[name] = _measure(
            bundle, load_prepared(config).validation, table, resolve(config, bundle.info), options.crops
        )
        print(name, results[name])
    save_result("texture", results)
