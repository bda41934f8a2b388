"""Settings of the real data: their folder, their splits, and how cells are cut out."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from raysynth.config.base import Count, Fraction, Positive, Settings


class SplitConfig(Settings):
    """Which real frames train, which validate and which test."""

    by: Literal["sequence", "group", "region"] = Field(
        "sequence", description="CTC sequence, a group named by `data.group_pattern`, or the cell's x position"
    )
    train: tuple[str, ...] = Field((), description="sequences or groups that train; empty: chosen by fraction")
    validation: tuple[str, ...] = Field((), description="groups that validate; empty: taken from the training split")
    test: tuple[str, ...] = Field((), description="sequences or groups never read before `evaluate table`")
    train_frames: Count | None = Field(
        None, description="number of training frames used, evenly spaced; null: all. Fewer show what few labels give"
    )
    validation_fraction: Fraction = Field(
        0.15, description="fraction of training frames, groups or width that validates"
    )
    test_fraction: Fraction = Field(0.2, description="fraction of groups or width that tests when `test` is empty")


class DataConfig(Settings):
    """The real frames: their folder, layout, voxel size and origin."""

    root: str = Field(description="folder of the real data")
    layout: Literal["ctc", "pairs"] = Field("ctc", description="Cell Tracking Challenge, or image/mask folder pairs")
    dimensions: Literal[2, 3] = Field(description="axes of a frame: 2 is y, x; 3 is z, y, x")
    label_folder: str = Field("{sequence}_ST/SEG", description="CTC: folder of the labels, relative to root")
    image_folder: str = Field("images", description="pairs: folder of the images, relative to root")
    mask_folder: str = Field("masks", description="pairs: folder of the label images, relative to root")
    group_pattern: str | None = Field(
        None, description="pairs: regular expression whose first group names well or embryo"
    )
    voxel_um: tuple[Positive, ...] | None = Field(
        None, description="voxel size z, y, x (2D: y, x) in µm; null: unknown"
    )
    z_range: tuple[int, int] | None = Field(None, description="first slice and one past the last that are read (3D)")
    split: SplitConfig = SplitConfig()
    source: str = Field("", description="origin of the data, for the bundle's model card")
    licence: str = Field("", description="licence of the data")
    attribution: str = Field("", description="whom to cite")

    @model_validator(mode="after")
    def _consistent(self) -> "DataConfig":
        if self.voxel_um is not None and len(self.voxel_um) != self.dimensions:
            raise ValueError(f"voxel_um needs {self.dimensions} values (z, y, x order) for {self.dimensions}D data")
        if self.z_range is not None and (self.dimensions == 2 or not 0 <= self.z_range[0] < self.z_range[1]):
            raise ValueError("z_range needs 3D data and 0 <= first < last")
        if self.split.by == "group" and self.group_pattern is None:
            raise ValueError("split.by 'group' needs data.group_pattern")
        # A frame that was trained on would make every score of the test split worthless.
        if set(self.split.train) & set(self.split.test) or set(self.split.validation) & set(self.split.test):
            raise ValueError("split.test shares a name with split.train or split.validation")
        return self


class CropConfig(Settings):
    """Single-cell crops."""

    side_px: int | None = Field(
        None,
        ge=16,
        le=256,
        multiple_of=16,
        description="side of a crop; null: `margin` times the 99th percentile diameter",
    )
    margin: Annotated[float, Field(ge=1.1, le=4)] = Field(
        1.5, description="side of a crop over the 99th percentile of the cells' diameters"
    )
    limit: Count | None = Field(None, description="number of cells that train, drawn at random; null: all")
    limit_seed: Annotated[int, Field(ge=0)] = Field(0, description="random seed of that draw")
    intensity: Literal["linear", "sqrt"] = Field(
        "sqrt", description="map of grey values to [0, 1]; sqrt evens out shot noise"
    )
