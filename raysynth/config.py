"""Every setting: its unit, its limits, its default.

Lengths called `*_um` are micrometres, `*_px` pixels of the data set's own (y, x) grid. `raysynth.settings` reads these
models from YAML and names the line of a bad entry.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """A group of settings: unknown keys are errors, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitConfig(Settings):
    """Which part of the real data trains, validates and tests (DESIGN, Splits)."""

    by: Literal["sequence", "group", "region"] = Field(
        "sequence", description="CTC sequence, a group named by `data.group_pattern`, or the cell's x position"
    )
    train: tuple[str, ...] = Field((), description="sequences or groups that train; empty: by fraction")
    validation: tuple[str, ...] = Field((), description="groups that validate; empty: cut from the training part")
    test: tuple[str, ...] = Field((), description="sequences or groups never read before `evaluate table`")
    validation_fraction: Fraction = Field(0.15, description="share of training frames, groups or width that validates")
    test_fraction: Fraction = Field(0.2, description="share of groups or width that tests when `test` is empty")


class DataConfig(Settings):
    """Where the real frames are and what they are."""

    root: str = Field(description="folder of the real data")
    layout: Literal["ctc", "pairs"] = Field("ctc", description="Cell Tracking Challenge, or image/mask folder pairs")
    dimensions: Literal[2, 3] = Field(description="of a frame: 2 is y, x; 3 is z, y, x")
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
    source: str = Field("", description="where the data come from, for the bundle's model card")
    licence: str = Field("", description="their licence")
    attribution: str = Field("", description="whom to cite")

    @model_validator(mode="after")
    def _consistent(self) -> "DataConfig":
        if self.voxel_um is not None and len(self.voxel_um) != self.dimensions:
            raise ValueError(f"voxel_um needs {self.dimensions} values (z, y, x order) for {self.dimensions}D data")
        if self.z_range is not None and (self.dimensions == 2 or not 0 <= self.z_range[0] < self.z_range[1]):
            raise ValueError("z_range needs 3D data and 0 <= first < last")
        if self.split.by == "group" and self.group_pattern is None:
            raise ValueError("split.by 'group' needs data.group_pattern")
        if set(self.split.train) & set(self.split.test) or set(self.split.validation) & set(self.split.test):
            raise ValueError("split.test shares a name with split.train or split.validation")
        return self


class CropConfig(Settings):
    """Single-cell crops."""

    side_px: int | None = Field(
        None, ge=16, le=256, multiple_of=16, description="null: 1.5 times the 99th percentile diameter"
    )
    margin: Annotated[float, Field(ge=1.1, le=4)] = Field(
        1.5, description="crop side over the 99th percentile diameter"
    )
    limit: Count | None = Field(None, description="cells that train, drawn at random; null: all")
    limit_seed: Annotated[int, Field(ge=0)] = Field(0, description="names the draw of those cells")
    intensity: Literal["linear", "sqrt"] = Field(
        "sqrt", description="map from the data's range to [0, 1]; sqrt evens out shot noise"
    )


class TrainConfig(Settings):
    """Optimisation of one model."""

    steps: Count = Field(2000, description="optimisation steps")
    batch: Count = Field(16, description="global batch, over all workers")
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = Field(1e-3, description="highest rate of the cosine schedule")
    optimizer: Literal["adamw", "adafactor"] = Field(
        "adamw", description="adafactor keeps less state: for a Stable Diffusion start on a small card"
    )
    warmup: Annotated[int, Field(ge=0)] = Field(100, description="steps of linear warm-up before the cosine decay")
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(0.995, description="decay of the averaged weights")
    clip: Positive = Field(1.0, description="largest gradient norm")
    accumulate: Count = Field(1, description="micro-batches a step")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="mixed precision (accelerate)")
    checkpoint_every: Count = Field(200, description="steps between checkpoints")
    sample_every: Count = Field(500, description="steps between sample grids and metrics")
    log_every: Count = Field(100, description="steps between printed lines; loss, rate and data wait are over them")
    patience: Count | None = Field(
        None, description="held-out losses (every `sample_every`) without a lower one that end it; null: never"
    )
    keep: Count = Field(2, description="newest checkpoints kept; that of the lowest held-out loss is kept too")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="names every random draw of a training")
    threads: Count = Field(2, description="CPU threads of the training process")


class MasksConfig(Settings):
    """MaskDDPM: 2D diffusion of mask crops."""

    start: str = Field("scratch", description="scratch, or a bundle (name or folder) to go on from")
    channels: tuple[Count, ...] = Field((64, 96, 128), description="UNet channels per level, on folded pixels")
    sampler_steps: Count = Field(25, description="DDIM steps")
    truncation_px: Positive = Field(
        4.0, description="distance to the outline, in pixels at which a network works, where the soft mask saturates"
    )
    resolution_px: int | None = Field(
        None, ge=16, multiple_of=16, description="side at which masks are made and then resized; null: the crop's"
    )
    batch: Count = Field(32, description="masks sampled at once")
    tail: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.002, description="tail of the training area and solidity rejected"
    )
    train: TrainConfig = TrainConfig()


class ShapesConfig(Settings):
    """The shapes that SyncDreamer is trained on."""

    source: Literal["measured", "plain"] = Field(
        "measured", description="spectrum of the harmonics: what `prepare` measured, or `power` and `decay`"
    )
    max_degree: Annotated[int, Field(ge=2, le=24)] = Field(12, description="highest degree of the harmonics")
    power: Positive = Field(0.16, description="plain: rms of log radius from degrees 2 and up")
    decay: Positive = Field(2.0, description="plain: amplitude of degree l falls as l^-decay")
    metaballs: Fraction = Field(0.15, description="share of shapes that are metaballs, which need not be star-shaped")
    relief: Annotated[float, Field(ge=0, le=2)] = Field(
        1.0, description="generated cells: share of the measured roughness added where the mask does not show it"
    )
    axial_ratio: tuple[Positive, Positive] = Field(
        (0.2, 2.5), description="range of height over width of cells whose height the data do not show"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ShapesConfig":
        if self.axial_ratio[0] > self.axial_ratio[1]:
            raise ValueError("axial_ratio must be (smallest, largest)")
        return self


class ViewsConfig(Settings):
    """SyncDreamer: joint denoising of N views."""

    start: str = Field("scratch", description="scratch, or a bundle (name or folder) to go on from")
    layout: Literal["spread", "ring"] = Field("spread", description="over the hemisphere, or SyncDreamer's ring at 30°")
    count: Annotated[int, Field(ge=4, le=64)] = Field(16, description="views, the conditioning view along z included")
    side_px: Annotated[int, Field(ge=16, le=128, multiple_of=8)] = Field(64, description="pixels of a view")
    truncation_px: Positive = Field(8.0, description="distance to the outline, in pixels of a view, that saturates")
    volume: Annotated[int, Field(ge=8, le=64)] = Field(
        16, description="voxels along a side of the shared feature volume"
    )
    channels: tuple[Count, ...] = Field((64, 96), description="UNet channels per level, the first on `fold`-ed pixels")
    volume_channels: Count = Field(32, description="channels of the shared feature volume")
    sampler_steps: Count = Field(10, description="DDIM steps")
    batch: Count = Field(8, description="cells sampled at once")
    train: TrainConfig = TrainConfig(batch=8)

    @property
    def fold(self) -> int:
        """Pixels folded into channels along each axis: about 16 remain a side, whatever the resolution."""
        return max(2, self.side_px // 16)

    @model_validator(mode="after")
    def _divisible(self) -> "ViewsConfig":
        if any(channels % 8 for channels in (*self.channels, self.volume_channels)):
            raise ValueError("channels and volume_channels must be multiples of 8")
        scale = 2 ** len(self.channels)
        side = self.fold * scale // 2
        if self.side_px % side or self.volume % scale:
            raise ValueError(
                f"side_px must be a multiple of {side} and volume of {scale} for {len(self.channels)} channel levels"
            )
        return self


class SurfaceConfig(Settings):
    """NeuS: one small SDF network a cell, many cells at once."""

    source: Literal["neus", "harmonics"] = Field(
        "neus", description="3D solids: NeuS on SyncDreamer's views, or random harmonics of `shapes` (an ablation)"
    )
    steps: Count = Field(120, description="optimisation steps a cell")
    rays: Count = Field(256, description="rays a cell and step")
    samples: Annotated[int, Field(ge=4)] = Field(10, description="samples a ray, to find where it is deepest")
    hidden: Count = Field(32, description="width of the hidden layers")
    layers: Count = Field(3, description="hidden layers")
    learning_rate: Positive = Field(2e-2, description="rate of Adam")
    eikonal: Annotated[float, Field(ge=0)] = Field(0.06, description="weight of the term on the surface's gradient")
    batch: Count = Field(16, description="cells fitted at once")
    memory_mb: Positive = Field(2048.0, description="MiB that a batch may take; a larger batch is refused")


class GateConfig(Settings):
    """The number that replaces picking seeds by hand."""

    min_iou: Fraction = Field(0.9, description="least IoU of the surface's projections with the views and the mask")
    max_attempts: Count = Field(4, description="draws of one cell before it is dropped")
    min_kept: Fraction = Field(0.8, description="share of a shard's cells below which the shard fails")


class TextureConfig(Settings):
    """Mask-conditioned latent diffusion of the texture."""

    start: str = Field("scratch", description="scratch, a bundle, or a folder or hub id of Stable Diffusion 1.x/2.x")
    gradient_checkpointing: bool = Field(
        False, description="Stable Diffusion start: less memory a training step, more time"
    )
    conditioning: Literal["concat", "control"] = Field("concat", description="scratch: how the mask enters the UNet")
    autoencoder: Literal[1, 2, 4] = Field(
        1, description="factor of the learned autoencoder; 1: none, pixels folded by `folding`"
    )
    folding: Literal[2, 4] | None = Field(
        None, description="without autoencoder: pixels folded along each axis; null: 2 up to 64 px, 4 above"
    )
    autoencoder_steps: Count = Field(600, description="training steps of the autoencoder")
    channels: tuple[Count, ...] = Field((48, 96, 96), description="scratch: UNet channels per level")
    spread: Positive = Field(
        1.0,
        description="scratch: standard deviation of latents; the noise's is 1, so more of it buries less of the grain",
    )
    rho: Annotated[float, Field(ge=0)] = Field(0.5, description="Eq. 2: weight of the noise shared by a cell's slices")
    sampler: Literal["ddim", "dpm++"] = Field("dpm++", description="solver: DDIM with eta = 0, or DPM-Solver++(2M)")
    sampler_steps: Count = Field(10, description="steps of the solver")
    sampler_spacing: Positive = Field(1.5, description="timesteps at (i/n)^spacing: above 1 keeps more fine noise")
    resolution_px: int | None = Field(
        None, ge=16, multiple_of=8, description="side at which textures are made and then resized; null: the crop's"
    )
    batch: Count = Field(32, description="slices sampled at once")
    train: TrainConfig = TrainConfig()

    def fold(self, side_px: int) -> int:
        """Pixels folded into channels along each axis, where there is no autoencoder."""
        return self.folding or (2 if side_px <= 64 else 4)


class PopulationConfig(Settings):
    """How cells share a frame."""

    frame_px: tuple[Count, ...] = Field(description="frame size z, y, x (2D: y, x)")
    cells: tuple[Count, Count] | None = Field(None, description="range of cells a frame; null: measured density")
    density: Literal["joint", "independent"] = Field(
        "joint", description="count, sizes, brightness and region: of one real frame, or each of another (an ablation)"
    )
    clustering: Fraction = Field(0.5, description="probability p that a cell is placed next to one already there")
    gap_px: Annotated[int, Field(ge=0, le=50)] = Field(0, description="least distance between two cells")
    mode: Literal["volume", "plane"] = Field(
        "volume", description="3D: anywhere, or standing on one plane (adherent cells)"
    )
    region: Literal["measured", "none"] | tuple[Positive, ...] = Field(
        "measured",
        description="region of support: measured, none, or the semi-axes of an ellipse or ellipsoid in pixels",
    )
    border_cut: bool = Field(False, description="let cells reach past the frame's y and x border")
    smoothing: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="relative spread around a real frame's record"
    )


class ImagingConfig(Settings):
    """What lies between cells and around them."""

    background: bool = Field(True, description="measured background: level, illumination, correlated noise")
    ring_px: Annotated[int, Field(ge=2, le=3)] = Field(
        3, description="ring of a crop's own surroundings that is blended"
    )
    psf_sigma_um: tuple[Positive, ...] | None = Field(None, description="Gaussian PSF over whole frames; null: off")
    poisson_gain: Positive | None = Field(None, description="photons a grey value; null: no camera noise")
    read_noise: Annotated[float, Field(ge=0)] = Field(0.0, description="grey values, with poisson_gain")


class GenerateConfig(Settings):
    """The data set that `generate` writes."""

    out: str = Field("out/dataset.zarr", description="folder or s3:// address of the data set")
    frames: Count = Field(16, description="frames in all; a larger number extends the data set")
    frames_per_shard: Count = Field(4, description="frames made, written and resumed together")
    cells_per_shard: Count = Field(32, description="cells synthesised for a shard; its frames reuse them")
    parts_per_shard: Count = Field(1, description="with --cells: parts of the bank that a shard is composed from")
    dtype: Literal["uint8", "uint16"] = Field("uint16", description="grey values of the images")
    levels: Annotated[int, Field(ge=1, le=6)] = Field(2, description="pyramid levels")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="names every random draw of the data set")


class RuntimeConfig(Settings):
    """Where and how widely it runs."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda where there is one")
    actors: Count | None = Field(None, description="synthesis actors; null: one a GPU, or as many as the CPUs hold")
    max_actors: Count | None = Field(
        None, description="GPU actors when an autoscaler has added its nodes; null: those that fit at the start"
    )
    cpus_per_actor: Positive = Field(0.5, description="logical CPUs an actor claims when there is no GPU")
    threads: Count = Field(1, description="torch threads of an actor; part of the promise of sameness")
    max_attempts: Count = Field(5, description="attempts at a shard that kills its process")
    max_failures: Annotated[int, Field(ge=0)] = Field(
        3, description="restarts of a training under Ray that lost a worker"
    )


class EvaluateConfig(Settings):
    """The segmentation training of `evaluate table`: Cellpose on none, real, synthetic and both."""

    network: Literal["small", "full"] = Field(
        "small", description="CPnet 2-16-32-64 on 128 px tiles, or Cellpose's own 2-32-64-128-256 on 224 px"
    )
    arms: tuple[Literal["none", "real", "synthetic", "both"], ...] = Field(
        ("none", "real", "synthetic", "both"), min_length=1, description="what networks are trained on"
    )
    seeds: Annotated[int, Field(ge=3)] = Field(3, description="trainings of each arm")
    steps: Count = Field(600, description="optimiser steps, the same for every arm")
    batch: Count = Field(8, description="tiles a step")
    tile_px: int | None = Field(None, ge=32, multiple_of=8, description="side of a tile; null: the network's own")
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = Field(0.005, description="of AdamW; Cellpose's default")
    real_share: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="arm both: share of tiles that are real")
    real_frames: Count | None = Field(None, description="real frames that train, drawn by the seed; null: all")
    synthetic_frames: Count | None = Field(None, description="synthetic frames that train, drawn likewise; null: all")
    reference: str | None = Field(
        None, description="CTC: label folder that scores the test split, relative to root; null: data.label_folder"
    )
    weights: str | None = Field(None, description="file of Cellpose weights that every arm starts from; null: scratch")
    generalist: str | None = Field(
        None, description="configuration whose real data first train the weights that every arm starts from"
    )
    validate_every: Count = Field(50, description="steps between validations, which choose the checkpoint")
    validation_frames: Count | None = Field(8, description="validation frames, evenly spaced; null: all")
    stitch: Fraction = Field(0.25, description="3D: least IoU at which cells of neighbouring slices are joined")
    threads: Count = Field(1, description="torch threads of a training; part of the promise of sameness")

    @model_validator(mode="after")
    def _consistent(self) -> "EvaluateConfig":
        if self.weights is not None and self.generalist is not None:
            raise ValueError("weights and generalist both name what the arms start from: set one of them to null")
        if 4 * self.validate_every > self.steps:
            raise ValueError("validate_every must be at most a quarter of steps: the last quarter shows the plateau")
        return self


class Config(Settings):
    """One data set: what it learns from and what it makes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] = Field(
        description="names the folder in the workspace"
    )
    bundle: str | None = Field(
        None, description="bundle that `generate` uses: a name, a folder; null: the one trained here"
    )
    workspace: str = Field("workspace", description="folder for prepared data, checkpoints and trained bundles")
    storage: str | None = Field(
        None,
        description="folder or s3://bucket/prefix of the trainings' checkpoints; null: `training` in the workspace",
    )
    data: DataConfig
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
