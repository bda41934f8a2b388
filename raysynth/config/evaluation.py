"""Settings of the segmentation training of `evaluate table`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from raysynth.config.base import Count, Fraction, Settings

Precision = Literal["no", "bf16"]


class EvaluateConfig(Settings):
    """The segmentation training of `evaluate table`: Cellpose on no, real, synthetic and both kinds of images."""

    network: Literal["small", "full"] = Field(
        "small", description="CPnet 2-16-32-64 on 128 px tiles, or Cellpose's own 2-32-64-128-256 on 224 px"
    )
    arms: tuple[Literal["none", "real", "synthetic", "both"], ...] = Field(
        ("none", "real", "synthetic", "both"), min_length=1, description="what networks are trained on"
    )
    # Trainings that differ in their seed alone score differently; three are the fewest that give an idea of the spread.
    seeds: Annotated[int, Field(ge=3)] = Field(
        3, description="number of trainings of each arm, each with its own random seed"
    )
    steps: Count = Field(600, description="optimiser steps, the same for every arm")
    batch: Count = Field(8, description="tiles per step")
    tile_px: int | None = Field(None, ge=32, multiple_of=8, description="side of a tile; null: the network's own")
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.005, description="learning rate of AdamW; Cellpose's default"
    )
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.98,
        description="decay per step of the moving average of the weights, which is validated and scored; 0: no average",
    )
    real_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="arm both: fraction of tiles that are real"
    )
    real_frames: Count | None = Field(
        None, description="number of real frames that train, drawn by the seed; null: all"
    )
    synthetic_frames: Count | None = Field(
        None, description="number of synthetic frames that train, drawn likewise; null: all"
    )
    reference: str | None = Field(
        None, description="CTC: label folder that scores the test split, relative to root; null: data.label_folder"
    )
    weights: str | None = Field(None, description="file of Cellpose weights that every arm starts from; null: scratch")
    generalist: str | None = Field(
        None,
        description="configuration (path or name) whose real data first train the weights that every arm starts from",
    )
    validate_every: Count = Field(50, description="steps between validations, which choose the checkpoint")
    validation_frames: Count | None = Field(8, description="number of validation frames, evenly spaced; null: all")
    stitch: Fraction = Field(0.25, description="3D: least IoU at which cells of neighbouring slices are joined")
    precision: Precision = Field("no", description="mixed precision of training and prediction")
    threads: Count = Field(1, description="torch threads of a training; results depend on it")

    @model_validator(mode="after")
    def _consistent(self) -> "EvaluateConfig":
        if self.weights is not None and self.generalist is not None:
            raise ValueError("weights and generalist both name what the arms start from: set one of them to null")
        if 4 * self.validate_every > self.steps:
            raise ValueError("validate_every must be at most a quarter of steps: the last quarter shows the plateau")
        return self
