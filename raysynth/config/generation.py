"""Settings of generation: how cells share frames, how frames are imaged, what is written, and where it runs."""

from typing import Annotated, Literal

from pydantic import Field

from raysynth.config.base import Count, Fraction, Positive, Settings


class PopulationConfig(Settings):
    """How cells share a frame."""

    frame_px: tuple[Count, ...] = Field(description="frame size z, y, x (2D: y, x)")
    cells: tuple[Count, Count] | None = Field(None, description="range of cells a frame; null: measured density")
    density: Literal["joint", "independent"] = Field(
        "joint", description="count, sizes, brightness and region: of one real frame, or each of another (an ablation)"
    )
    draw: Literal["frames", "cells"] = Field(
        "frames", description="how often a real frame's record is drawn: as often as any other, or by its cells"
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
