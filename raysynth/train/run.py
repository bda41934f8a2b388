"""`raysynth train`: fit the models of one config and put them into its bundle."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from raysynth.cascade.bundle import STRUCTURE, BundleInfo, save_info, save_part
from raysynth.cascade.masks import MaskLimits
from raysynth.config import Config, TrainConfig
from raysynth.errors import InputError
from raysynth.train.crops import load_crops, load_statistics
from raysynth.train.loop import Evaluation, Task, Trainer
from raysynth.train.masks import MaskTask
from raysynth.train.start import started
from raysynth.train.texture import TextureTask
from raysynth.train.views import ViewsTask

Model = Literal["masks", "views", "texture"]
PARTS: dict[Model, str] = {"masks": "mask_ddpm", "views": "syncdreamer", "texture": "texture"}


def bundle_folder(config: Config) -> Path:
    """Where the bundle trained with this config stands."""
    return Path(config.workspace) / config.name / "bundle"


def models_of(config: Config) -> tuple[Model, ...]:
    """The models a config needs: 2D data has no views."""
    return ("masks", "views", "texture") if config.data.dimensions == 3 else ("masks", "texture")


def fit(config: Config, model: Model, stop_at: int | None = None) -> dict[str, float]:
    """Train one model in this process (one of several under Ray Train), resuming from its last checkpoint.

    Writes the bundle's part when the last step is done. Returns the final figures.
    """
    if model not in models_of(config):
        raise InputError(f"{config.name} is 2D: it has no {model} model to train")
    config = started(config, model)
    folder = Path(config.workspace) / config.name / "training" / model
    settings: TrainConfig = getattr(config, model).train
    torch.manual_seed(settings.seed)  # for the initial weights; the data have generators of their own
    task = build_task(config, model, folder)
    trainer = Trainer(task, settings, folder, config.runtime.device)
    result = trainer.fit(stop_at)
    if trainer.accelerator.is_main_process and (stop_at is None or stop_at >= settings.steps):
        save(config, model, task, result)
    return result.figures


def build_task(config: Config, model: Model, folder: Path) -> Task:
    """The data and loss of one model."""
    if model == "masks":
        return MaskTask(config)
    return ViewsTask(config) if model == "views" else TextureTask(config, folder, config.runtime.device)


def save(config: Config, model: Model, task: Task, result: Evaluation) -> None:
    """Put a trained model, its structure and its figures into the bundle."""
    folder = bundle_folder(config)
    save_part(folder, PARTS[model], writer(task))
    path = folder / "bundle.json"
    info = fresh_info(config)  # the data may have been prepared again since another model was trained
    if path.exists():
        known = BundleInfo.model_validate_json(path.read_bytes())
        kept = {name: getattr(known, name) for name in ("structure", "figures", "commands")}
        info = info.model_copy(update=kept)
    fixed = getattr(config, model).model_dump(mode="json", include=set(STRUCTURE[model]))
    info.structure[model] = fixed
    info.figures[model] = result.figures
    info.commands[model] = f"raysynth train {model} configs/{config.name}.yaml"
    save_info(folder, info)


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
