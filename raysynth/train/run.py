"""`raysynth train`: fit the models of one config and put them into its bundle."""

import threading
from collections.abc import Callable
from pathlib import Path

import torch

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects, local_folder
from raysynth.cascade.bundle import STRUCTURE, BundleInfo, save_info, save_part
from raysynth.config import Config, TrainConfig
from raysynth.models.masks import MaskLimits
from raysynth.train.board import Say, say
from raysynth.train.crops import load_crops, load_statistics
from raysynth.train.loop import Report, Task, Trainer
from raysynth.train.masks import MaskTask
from raysynth.train.published import publish, published, take
from raysynth.train.start import Model, started
from raysynth.train.texture import TextureTask
from raysynth.train.views import ViewsTask

PARTS: dict[Model, str] = {"masks": "mask_ddpm", "views": "syncdreamer", "texture": "texture"}
_BUNDLE = threading.Lock()  # models that were trained side by side share bundle.json


def bundle_folder(config: Config) -> Path:
    """Where the bundle trained with this config stands."""
    return Path(config.workspace) / config.name / "bundle"


def models_of(config: Config) -> tuple[Model, ...]:
    """The models a config needs: neither 2D data nor solids of random harmonics have views."""
    return ("masks", "views", "texture") if config.has_views else ("masks", "texture")


def storage_of(config: Config, model: Model) -> str:
    """Where the checkpoints of one model and its result are: an absolute folder, or an address."""
    if config.storage is None:
        return str(Path(config.workspace).absolute() / config.name / "training" / model)
    folder = local_folder(config.storage)
    return f"{config.storage.rstrip('/') if folder is None else folder}/{config.name}/{model}"


def fit(config: Config, model: Model, stop_at: int | None = None) -> dict[str, float]:
    """Train one model in this process, resuming from its last checkpoint; returns the final figures.

    Writes the bundle's part when the training has come to its end.
    """
    figures = optimise(config, model, storage_of(config, model), stop_at)
    return collect(config, model) if stop_at is None or stop_at >= train_settings(config, model).steps else figures


def train_settings(config: Config, model: Model) -> TrainConfig:
    """The settings of one model's training; InputError for a model that the data have no use for."""
    if model == "views" and config.data.dimensions == 2:
        raise InputError(f"{config.name} is 2D: it has no views model to train")
    settings: TrainConfig = getattr(config, model).train
    return settings


def optimise(
    config: Config,
    model: Model,
    place: str,
    stop_at: int | None = None,
    say: Say = say,
    report: Report = lambda figures: None,
) -> dict[str, float]:
    """Train one model as one of any number of workers; the first one leaves the result in the storage `place`."""
    config, settings = started(config, model), train_settings(config, model)
    torch.manual_seed(settings.seed)  # for the initial weights; the data have generators of their own
    task = build_task(config, model, place)
    trainer = Trainer(task, settings, place, config.runtime.device, say, report)
    result = trainer.fit(stop_at)
    finished = trainer.stopped_early or stop_at is None or stop_at >= settings.steps
    if finished and trainer.accelerator.is_main_process:
        publish(trainer.objects, writer(task), result.figures)
    return result.figures


def build_task(config: Config, model: Model, place: str) -> Task:
    """The data and loss of one model; `place` is its storage."""
    if model == "masks":
        return MaskTask(config)
    return ViewsTask(config) if model == "views" else TextureTask(config, place, config.runtime.device)


def collect(config: Config, model: Model) -> dict[str, float]:
    """Put a trained model, its structure and its figures from the storage into the bundle; returns the figures."""
    config = started(config, model)
    objects, folder = Objects(storage_of(config, model)), bundle_folder(config)
    figures = published(objects)
    if figures is None:
        raise InputError(f"{objects.uri} holds no finished training: storage must be shared by all workers")
    save_part(folder, PARTS[model], lambda unfinished: take(objects, unfinished))
    path = folder / "bundle.json"
    with _BUNDLE:
        info = fresh_info(config)  # the data may have been prepared again since another model was trained
        if path.exists():
            known = BundleInfo.model_validate_json(path.read_bytes())
            kept = {name: getattr(known, name) for name in ("structure", "figures", "commands")}
            info = info.model_copy(update=kept)
        fixed = getattr(config, model).model_dump(mode="json", include=set(STRUCTURE[model]))
        info.structure[model] = fixed
        info.figures[model] = figures
        info.commands[model] = f"raysynth train {model} configs/{config.name}.yaml"
        save_info(folder, info)
    return figures


def fresh_info(config: Config) -> BundleInfo:
    """The description of a bundle without models yet."""
    limits = MaskLimits.measure(load_crops(config, "train").outlines, config.masks.tail)
    data = {"source": config.data.source, "licence": config.data.licence, "attribution": config.data.attribution}
    return BundleInfo(name=config.name, statistics=load_statistics(config), mask_limits=limits, data=data)


def writer(task: Task) -> Callable[[Path], None]:
    """How a task's model is written: whole by itself, or half-precision weights with the schedule beside them."""
    if isinstance(task, TextureTask):
        return task.texture.save

    def write(folder: Path) -> None:
        half = task.model.half()
        half.save_pretrained(folder)  # type: ignore[operator]
        task.scheduler.save_pretrained(folder)  # type: ignore[attr-defined]

    return write
