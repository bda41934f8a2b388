"""Densely annotated synthetic fluorescence microscopy, 2D and 3D. The command line's verbs, as functions:

    config = raysynth.load("configs/nuclei-2d.yaml")
    raysynth.prepare(config)
    raysynth.train(config)
    raysynth.generate(config, out="out/nuclei.zarr", frames=1000)
    dataset = raysynth.open("out/nuclei.zarr")

Each is read from its module when first used, so that `import raysynth` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "load": ("raysynth.config.reading", "load"),
    "fetch": ("raysynth.data.fetch", "fetch"),
    "prepare": ("raysynth.preparation.prepare", "prepare"),
    "generate": ("raysynth.actors.generate", "generate"),
    "open": ("raysynth.store.reader", "Dataset"),
    "read_ray": ("raysynth.actors.datasource", "read_ray"),
    "verify": ("raysynth.store.verify", "verify"),
    "preview": ("raysynth.export.preview", "preview"),
    "export_ctc": ("raysynth.export.ctc", "export_ctc"),
    "export_cellpose": ("raysynth.export.cellpose", "export_cellpose"),
    "InputError": ("raysynth.base.errors", "InputError"),
}
__all__ = [*_HOMES, "train"]


def __getattr__(name: str) -> Any:
    if name == "train":  # a package of that name stands beside: see its `__init__`
        return import_module("raysynth.train")
    if name not in _HOMES:
        raise AttributeError(f"module 'raysynth' has no attribute {name!r}")
    home, attribute = _HOMES[name]
    return getattr(import_module(home), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
