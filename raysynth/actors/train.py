"""`raysynth train`: which models, and whether in this process or under Ray Train."""

from typing import Literal

from raysynth.config import Config
from raysynth.train.run import Model, fit, models_of

What = Literal["masks", "views", "texture", "all"]
Figures = dict[str, dict[str, float]]


def train(config: Config, what: What = "all", workers: int | None = None, address: str | None = None) -> Figures:
    """Train one model of `config`, or all it needs, each from its last checkpoint; returns the figures of each.

    workers: processes under Ray Train, on the cluster at `address` (None: this machine); None: in this process.
    Raises InputError for settings or data that cannot be trained on.
    """
    models: tuple[Model, ...] = models_of(config) if what == "all" else (what,)
    if workers is None:
        return {model: fit(config, model) for model in models}
    # Training in one process needs no Ray.
    from raysynth.actors.cluster import cluster
    from raysynth.train.ray_trainer import fit_on_ray

    with cluster(address):
        return {model: fit_on_ray(config, model, workers) for model in models}
