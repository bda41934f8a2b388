"""Every setting with its unit, its limits and its default.

Lengths called `*_um` are micrometres, `*_px` pixels of the data set's own (y, x) grid. `config.reading` reads these
models from YAML and names the line of a bad entry.
"""

from typing import Annotated

from pydantic import Field, model_validator

from raysynth.config.base import Settings
from raysynth.config.cascade import (
    GateConfig,
    MasksConfig,
    ShapesConfig,
    SurfaceConfig,
    TextureConfig,
    TrainConfig,
    ViewsConfig,
)
from raysynth.config.data import CropConfig, DataConfig, SplitConfig
from raysynth.config.evaluation import EvaluateConfig
from raysynth.config.from_bundle import data_of_bundle
from raysynth.config.generation import GenerateConfig, ImagingConfig, PopulationConfig, RuntimeConfig

__all__ = [
    "Config",
    "CropConfig",
    "DataConfig",
    "EvaluateConfig",
    "GateConfig",
    "GenerateConfig",
    "ImagingConfig",
    "MasksConfig",
    "PopulationConfig",
    "RuntimeConfig",
    "ShapesConfig",
    "SplitConfig",
    "SurfaceConfig",
    "TextureConfig",
    "TrainConfig",
    "ViewsConfig",
]


class Config(Settings):
    """One data set: what it learns from and what it makes.

    Without `data`, dimensions and voxel size are those of the bundle's data, and nothing can be prepared or trained.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] = Field(
        description="name of the data set, and of its folder in the workspace"
    )
    bundle: str | None = Field(
        None, description="bundle that `generate` uses: a name or a folder; null: the one trained here"
    )
    workspace: str = Field("workspace", description="folder for prepared data, checkpoints and trained bundles")
    storage: str | None = Field(
        None,
        description="folder or s3://bucket/prefix of the trainings' checkpoints; null: `training` in the workspace",
    )
    data: DataConfig = Field(
        # The factory is given the fields above it, so `bundle` stands before `data`. Without a bundle it gives None,
        # which validation then finds missing.
        default_factory=data_of_bundle,
        validate_default=True,
        description="the real data; only a configuration with a bundle can do without",
    )
    crops: CropConfig = CropConfig()
    masks: MasksConfig = MasksConfig()
    shapes: ShapesConfig = ShapesConfig()
    views: ViewsConfig = ViewsConfig()
    surface: SurfaceConfig = SurfaceConfig()
    gate: GateConfig = GateConfig()
    texture: TextureConfig = TextureConfig()
    population: PopulationConfig
    imaging: ImagingConfig = ImagingConfig()
    generate: GenerateConfig = GenerateConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def has_views(self) -> bool:
        """True when cells are made from SyncDreamer's views: in 3D, unless solids are random harmonics."""
        return self.data.dimensions == 3 and self.surface.source == "neus"

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        n = self.data.dimensions
        if len(self.population.frame_px) != n:
            raise ValueError(f"population.frame_px needs {n} values for {n}D data")
        if isinstance(self.population.region, tuple) and len(self.population.region) != n:
            raise ValueError(f"population.region needs {n} semi-axes for {n}D data")
        if n == 3 and self.data.voxel_um is None:
            raise ValueError("data.voxel_um is needed for 3D data: slices are cut at the data's z step")
        if self.imaging.psf_sigma_um is not None and self.data.voxel_um is None:
            raise ValueError("imaging.psf_sigma_um needs data.voxel_um")
        if self.evaluate.reference is not None and (self.data.layout != "ctc" or self.data.split.by != "sequence"):
            raise ValueError("evaluate.reference needs data.layout 'ctc' split by sequence; set it to null")
        if n == 2 and self.population.mode == "plane":
            raise ValueError("population.mode 'plane' needs 3D data")
        return self
