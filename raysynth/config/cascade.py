"""Settings of the models, and of what they make for a cell: its mask, views, surface, slices and texture."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from raysynth.config.base import Count, Fraction, Positive, Settings


class TrainConfig(Settings):
    """Optimisation of one model."""

    steps: Count = Field(2000, description="optimisation steps")
    batch: Count = Field(16, description="global batch, over all workers")
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        1e-3, description="highest learning rate of the cosine schedule"
    )
    optimizer: Literal["adamw", "adafactor"] = Field(
        "adamw", description="adafactor needs less memory: for training Stable Diffusion on a small GPU"
    )
    warmup: Annotated[int, Field(ge=0)] = Field(100, description="steps of linear warm-up before the cosine decay")
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(0.995, description="decay of the averaged weights")
    clip: Positive = Field(1.0, description="largest gradient norm")
    accumulate: Count = Field(1, description="micro-batches per step")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="mixed precision (accelerate)")
    checkpoint_every: Count = Field(200, description="steps between checkpoints")
    sample_every: Count = Field(500, description="steps between sample grids and metrics")
    log_every: Count = Field(
        100, description="steps between printed lines; loss, rate and waiting for data are averaged over them"
    )
    patience: Count | None = Field(
        None,
        description="stop early after so many held-out losses (every `sample_every`) without a lower one; null: never",
    )
    keep: Count = Field(2, description="number of newest checkpoints kept, beside that of the lowest held-out loss")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="random seed of the training")
    threads: Count = Field(2, description="CPU threads of the training process")


class MasksConfig(Settings):
    """MaskDDPM: 2D diffusion of mask crops."""

    start: str = Field(
        "scratch", description="scratch, or a bundle (name or folder) whose model the training starts from"
    )
    channels: tuple[Count, ...] = Field(
        (64, 96, 128), description="UNet channels per level; its input is folded pixels"
    )
    sampler_steps: Count = Field(25, description="DDIM steps")
    truncation_px: Positive = Field(
        4.0, description="the signed distance to the outline is cut off here, in pixels of the network's grid"
    )
    resolution_px: int | None = Field(
        None,
        ge=16,
        multiple_of=16,
        description="side in pixels at which masks are made before they are resized; null: the crop's side",
    )
    batch: Count = Field(32, description="masks sampled at once")
    tail: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.002, description="masks in this tail of the training masks' area or solidity are rejected"
    )
    train: TrainConfig = TrainConfig()


class ShapesConfig(Settings):
    """The shapes that SyncDreamer is trained on."""

    source: Literal["measured", "plain"] = Field(
        "measured", description="spectrum of the harmonics: measured by `prepare`, or plain: from `power` and `decay`"
    )
    max_degree: Annotated[int, Field(ge=2, le=24)] = Field(12, description="highest degree of the harmonics")
    power: Positive = Field(0.16, description="plain: root mean square of the log radius over degrees 2 and up")
    decay: Positive = Field(2.0, description="plain: amplitude of degree l falls as l^-decay")
    metaballs: Fraction = Field(
        0.15, description="fraction of shapes that are metaballs, which need not be star-shaped"
    )
    relief: Annotated[float, Field(ge=0, le=2)] = Field(
        1.0, description="fraction of the measured roughness that generated cells get where their mask does not show it"
    )
    axial_ratio: tuple[Positive, Positive] = Field(
        (0.2, 2.5), description="range of height over width, for cells whose height the data do not show"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ShapesConfig":
        if self.axial_ratio[0] > self.axial_ratio[1]:
            raise ValueError("axial_ratio must be (smallest, largest)")
        return self


class ViewsConfig(Settings):
    """SyncDreamer: joint denoising of N views."""

    start: str = Field(
        "scratch", description="scratch, or a bundle (name or folder) whose model the training starts from"
    )
    layout: Literal["spread", "ring"] = Field(
        "spread", description="spread: cameras over the hemisphere; ring: SyncDreamer's ring at 30°"
    )
    count: Annotated[int, Field(ge=4, le=64)] = Field(
        16, description="number of views, with the conditioning view along z"
    )
    side_px: Annotated[int, Field(ge=16, le=128, multiple_of=8)] = Field(64, description="side of a view in pixels")
    truncation_px: Positive = Field(
        8.0, description="the signed distance to the outline is cut off here, in pixels of a view"
    )
    volume: Annotated[int, Field(ge=8, le=64)] = Field(
        16, description="voxels along a side of the shared feature volume"
    )
    channels: tuple[Count, ...] = Field((64, 96), description="UNet channels per level; its input is folded pixels")
    volume_channels: Count = Field(32, description="channels of the shared feature volume")
    sampler_steps: Count = Field(10, description="DDIM steps")
    batch: Count = Field(8, description="cells sampled at once")
    train: TrainConfig = TrainConfig(batch=8)

    @property
    def fold(self) -> int:
        """Pixels folded into channels along each axis, so that about 16 remain along a side."""
        return max(2, self.side_px // 16)

    @model_validator(mode="after")
    def _divisible(self) -> "ViewsConfig":
        # Every normalisation has 8 groups of channels.
        if any(channels % 8 for channels in (*self.channels, self.volume_channels)):
            raise ValueError("channels and volume_channels must be multiples of 8")
        # L levels halve a folded view L - 1 times. The frustums, half as deep as the volume, are halved as often.
        scale = 2 ** len(self.channels)
        side = self.fold * scale // 2
        if self.side_px % side or self.volume % scale:
            raise ValueError(
                f"side_px must be a multiple of {side} and volume of {scale} for {len(self.channels)} channel levels"
            )
        return self


class SurfaceConfig(Settings):
    """NeuS: one small network per cell that holds its signed distance; many cells at once."""

    source: Literal["neus", "harmonics"] = Field(
        "neus",
        description="3D solids: NeuS on SyncDreamer's views, or random harmonics as set in `shapes` (an ablation)",
    )
    steps: Count = Field(120, description="optimisation steps per cell")
    rays: Count = Field(256, description="rays per cell and step")
    samples: Annotated[int, Field(ge=4)] = Field(10, description="samples along a ray, to find where it is deepest")
    hidden: Count = Field(32, description="width of the hidden layers")
    layers: Count = Field(3, description="hidden layers")
    learning_rate: Positive = Field(2e-2, description="learning rate of Adam")
    eikonal: Annotated[float, Field(ge=0)] = Field(
        0.06, description="weight of the eikonal term, which keeps the distance's gradient at 1"
    )
    batch: Count = Field(16, description="cells fitted at once")
    memory_mb: Positive = Field(2048.0, description="memory in MiB that a batch may take; a larger batch is refused")


class GateConfig(Settings):
    """Which cells are good enough: a number in place of picking seeds by hand."""

    min_iou: Fraction = Field(0.9, description="least IoU of the surface's projections with the views and the mask")
    max_attempts: Count = Field(4, description="attempts at one cell before it is dropped")
    min_kept: Fraction = Field(0.8, description="fraction of a shard's cells that must pass, or the shard fails")


class TextureConfig(Settings):
    """Mask-conditioned latent diffusion of the texture."""

    start: str = Field("scratch", description="scratch, a bundle, or a folder or hub id of Stable Diffusion 1.x/2.x")
    gradient_checkpointing: bool = Field(
        False, description="Stable Diffusion start: less memory per training step, but more time"
    )
    conditioning: Literal["concat", "control"] = Field("concat", description="scratch: how the mask enters the UNet")
    autoencoder: Literal[1, 2, 4] = Field(
        1, description="factor by which a learned autoencoder shrinks images; 1: none, pixels are folded by `folding`"
    )
    folding: Literal[2, 4] | None = Field(
        None, description="without autoencoder: pixels folded along each axis; null: 2 up to crops of 64 px, 4 above"
    )
    autoencoder_steps: Count = Field(600, description="training steps of the autoencoder")
    channels: tuple[Count, ...] = Field((48, 96, 96), description="scratch: UNet channels per level")
    spread: Positive = Field(
        1.0,
        description="scratch: standard deviation of the encoded images; the noise's is 1, so a larger one keeps more",
    )
    rho: Annotated[float, Field(ge=0)] = Field(
        0.5, description="weight of the noise that a cell's slices share (Eq. 2 of the paper)"
    )
    sampler: Literal["ddim", "dpm++"] = Field("dpm++", description="sampler: DDIM with eta = 0, or DPM-Solver++(2M)")
    sampler_steps: Count = Field(10, description="steps of the sampler")
    sampler_spacing: Positive = Field(1.5, description="timesteps at (i/n)^spacing; above 1 keeps more fine noise")
    resolution_px: int | None = Field(
        None,
        ge=16,
        multiple_of=8,
        description="side in pixels at which textures are made before they are resized; null: the crop's side",
    )
    batch: Count = Field(32, description="slices sampled at once")
    train: TrainConfig = TrainConfig()

    def fold(self, side_px: int) -> int:
        """Give the pixels folded into channels along each axis, where there is no autoencoder.

        Parameters
        ----------
        side_px
            Side of the images in pixels.

        Returns
        -------
        int
            2 or 4.
        """
        return self.folding or (2 if side_px <= 64 else 4)
