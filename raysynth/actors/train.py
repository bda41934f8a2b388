"""`raysynth train`: which models, and whether in this process or under Ray Train."""

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from raysynth.base.errors import InputError, TrainingFailed
from raysynth.config import Config
from raysynth.config.places import Places
from raysynth.preparation.prepare import prepare
from raysynth.train.board import say
from raysynth.train.run import Model, fit, models_of, train_settings

What = Literal["masks", "views", "texture", "all"]
Figures = dict[str, dict[str, Any]]


def train(config: Config, what: What = "all", workers: int | None = None, address: str | None = None) -> Figures:
    """Train one model of `config`, or all it needs, each from its last checkpoint; returns the figures of each.

    workers: processes of each model under Ray Train, on the cluster at `address` (None: this machine), models side by
    side where it has room; None: in this process, one after the other.
    Real frames that have not been prepared yet are prepared first. A model that fails has its reason under `failed` in
    place of figures, and leaves the others alone.
    Raises InputError for settings or data that cannot be trained on, when the other models have ended.
    """
    models: tuple[Model, ...] = models_of(config) if what == "all" else (what,)
    for model in models:
        train_settings(config, model)
    folder = Path(Places.of(config).prepared)
    if not folder.exists():
        say(f"{folder} is not there yet: preparing the crops first")
        prepare(config.data, config.crops, config.shapes, folder)
    if workers is None:
        return each(models, lambda model: fit(config, model), at_once=1)
    # Training in one process needs no Ray.
    from raysynth.actors.cluster import cluster
    from raysynth.train.ray_trainer import fit_on_ray, scaling_of

    with cluster(address) as resources:
        claims = [scaling_of(config, model, workers).total_resources for model in models]
        return each(models, lambda model: fit_on_ray(config, model, workers), side_by_side(claims, resources))


def side_by_side(claims: list[dict[str, float]], resources: Mapping[str, float]) -> int:
    """How many trainings fit at once, at least one: all, when every kind of resource holds the largest claims."""
    for count in range(len(claims), 1, -1):
        kinds = {kind for claim in claims for kind in claim}
        largest = {kind: sorted((claim.get(kind, 0) for claim in claims), reverse=True)[:count] for kind in kinds}
        if all(sum(values) <= resources.get(kind, 0) for kind, values in largest.items()):
            return count
    return 1


def each(models: tuple[Model, ...], fit: Callable[[Model], dict[str, float]], at_once: int) -> Figures:
    """The figures of every model, or why it failed. InputError of any of them when all have ended."""
    refused: list[InputError] = []

    def one(model: Model) -> dict[str, Any]:
        try:
            return fit(model)
        except InputError as error:
            refused.append(error)
            return {"failed": str(error)}
        except Exception as error:
            if not isinstance(error, TrainingFailed):  # which says all there is to say
                traceback.print_exc()
            say(f"{model} failed: {error}")
            return {"failed": str(error) or type(error).__name__}

    pool = ThreadPoolExecutor(at_once)
    try:
        # Alone, a training runs in the main thread, which an interrupt reaches.
        figures = dict(zip(models, pool.map(one, models) if at_once > 1 else map(one, models), strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if refused:
        raise refused[0]
    return figures
