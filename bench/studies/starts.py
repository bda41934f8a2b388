"""Compare textures of new data with few cells: models that start from another bundle, and from scratch.

    python -m bench starts BUNDLE=CONFIG ... --weights FILE [--steps 300] [--set KEY=VALUE]

For each pair, and for 20, 100 and all training cells: trains the texture model from the bundle and from scratch, by the
same steps, batches and noise (`--set texture.folding=2`: the same architecture at more than 64 px, too). Then it paints
the masks, heights and brightness of real validation crops. Given are KID and FID against other real validation crops,
each arm's excess over real against real with its standard error, and the fraction of near-copies of the training crops
beside that of real validation crops. Needs `raysynth prepare` of the configs. Writes `bench/results/starts.json` after
every arm, and resumes with what is not there yet.
"""

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.common.environment import save_result
from bench.common.painting import paint_rows
from bench.common.paths import RESULTS
from bench.common.prepared import load_prepared
from bench.common.suite import described
from raysynth.base.seeds import Stage, generator
from raysynth.config import Config
from raysynth.config.kinds import KINDS
from raysynth.config.reading import load
from raysynth.data.splits import split_frames
from raysynth.measures.copies import texture_copies
from raysynth.measures.fidelity import compare_features
from raysynth.measures.inception import Inception
from raysynth.measures.tiles import fixed_map, to_bytes
from raysynth.train.loop import Trainer
from raysynth.train.start import with_structure
from raysynth.train.texture import TextureTask

_SEED = 4
_LIMITS = (20, 100, None)


class _Real:
    """The validation crops of a config in two halves, and their features."""

    def __init__(self, config: Config, weights: Path, most: int) -> None:
        self.inception = Inception(weights)
        self.fixed = fixed_map([frame.read().image for frame in split_frames(config.data).train])
        prepared = load_prepared(config)
        self.unit, self.crops = prepared.statistics.intensity, prepared.validation
        rows = generator(_SEED, 0, Stage.EVALUATION, 0).permutation(len(self.crops.images))[: 2 * most]
        self.half, self.again = (np.sort(part) for part in np.array_split(rows, 2))
        self.features = [self.of(self.crops.images[part]) for part in (self.half, self.again)]

    def of(self, images: Any) -> Tensor:
        """Compute Inception features of crops in [0, 1]."""
        return self.inception.features(to_bytes(self.unit.from_unit(images), self.fixed))


def _arm(config: Config, real: _Real, start: str, limit: int | None) -> dict[str, Any]:
    """Train one model and measure it."""
    texture = with_structure(KINDS["texture"], config.texture.with_(start=start))
    config = config.with_(crops={"limit": limit}, texture=texture)
    torch.manual_seed(config.texture.train.seed)
    clock = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        task = TextureTask(load_prepared(config), config.texture, config.masks.truncation_px, folder, "cpu")
        result = Trainer(task, config.texture.train, folder, "cpu").fit()
    seconds = time.perf_counter() - clock
    painted = paint_rows(task.texture.eval(), config, real.crops, real.half)
    row = asdict(compare_features(real.features[1], real.features[0], real.of(painted)))
    validation = np.asarray(real.crops.images[real.half], np.float32)
    copies = texture_copies(painted, validation, np.asarray(task.train.images, np.float32))
    return {"seconds": seconds, **result.metrics, **row, "copies": copies}


def main() -> None:
    """Train and measure every arm."""
    parser = described(__doc__)
    parser.add_argument("pairs", nargs="+", help="bundle=config.yaml")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--crops", type=int, default=150, help="at most, a side")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    kept = RESULTS / "starts.json"
    results: dict[str, Any] = json.loads(kept.read_text())["figures"] if kept.exists() else {}
    for pair in options.pairs:
        bundle, path = pair.split("=")
        common = [f"texture.train.steps={options.steps}", f"texture.train.checkpoint_every={options.steps}"]
        config = load(Path(path), [*common, f"texture.train.sample_every={options.steps}", *options.settings])
        real, rows = _Real(config, options.weights, options.crops), results.setdefault(config.name, {})
        for limit in _LIMITS:
            for start in (bundle, "scratch"):
                key = f"{limit or 'all'} cells from {start.rsplit('/', 1)[-1]}"
                if key not in rows:
                    rows[key] = _arm(config, real, start, limit)
                    print(config.name, key, rows[key], flush=True)
                    save_result("starts", results)
