"""Prepared crops small enough to train on in seconds."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.masks import outline_figures
from raysynth.config import Config
from raysynth.data.prepared import prepared_folder
from raysynth.data.statistics import CellTable

SIDE = 16


@pytest.fixture
def trainable(tmp_path: Path) -> Config:
    """A 2D config whose workspace holds all that training needs, of bright discs: 24 to train, 8 to validate."""
    config = Config.model_validate(
        {
            "name": "discs",
            "workspace": str(tmp_path),
            "data": {"root": "-", "dimensions": 2, "source": "here", "licence": "none", "attribution": "nobody"},
            "population": {"frame_px": [64, 64]},
            "runtime": {"device": "cpu"},
            "masks": {"channels": [8, 16], "sampler_steps": 3, "train": tiny_training(batch=4)},
            "texture": {
                "channels": [8, 16],
                "sampler_steps": 3,
                "autoencoder_steps": 4,
                "train": tiny_training(batch=4),
            },
        }
    )
    tables = {}
    for split, count in (("train", 24), ("validation", 8)):
        folder = tmp_path / "discs" / "prepared" / split
        folder.mkdir(parents=True)
        masks = discs(np.linspace(2.5, 4.5, count))
        rng = np.random.default_rng(0)
        images = np.clip(0.2 + 0.6 * masks + 0.02 * rng.standard_normal(masks.shape), 0, 1)
        np.save(folder / "images.npy", images.astype(np.float16))
        np.save(folder / "masks.npy", masks)
        np.save(folder / "outlines.npy", masks)
        rows = [row(label, mask) for label, mask in enumerate(masks)]
        for name in ("cells", "outlines"):
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
        tables[split] = CellTable.of(rows)
    real = open_bundle("nuclei-2d").info.statistics
    tiny = real.model_copy(update={"crop_side_px": SIDE, "table": tables["train"]})
    (prepared_folder(config) / "statistics.json").write_text(tiny.to_json())
    return config


def tiny_training(**changes: int) -> dict[str, object]:
    """A few steps of a training."""
    return {"steps": 4, "warmup": 1, "checkpoint_every": 2, "sample_every": 2, "threads": 1, **changes}


def discs(radii: np.ndarray) -> np.ndarray:
    """Masks `(n, SIDE, SIDE)` of centred discs."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return np.stack([y**2 + x**2 <= r**2 for r in radii])


def row(label: int, mask: np.ndarray) -> dict[str, object]:
    """A disc in the tables of crops and outlines."""
    figures = dict(zip(("area_px", "eccentricity", "solidity"), outline_figures(mask), strict=True))
    return {"frame": "t0", "label": label, "relative_height": 0.5, "brightness": 0.4 + 0.01 * label, **figures}
