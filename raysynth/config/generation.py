"""Settings of generation: cells in frames, imaging, the data set that is written, and the machines."""

from typing import Annotated, Literal

from pydantic import Field

from raysynth.config.base import Count, Fraction, Positive, Settings

RING_PX = 3
"""Width in pixels of the ring of surroundings that a crop of a cell shows whole, at most blended into a frame."""


class PopulationConfig(Settings):
    """How cells share a frame."""

    frame_px: tuple[Count, ...] = Field(description="frame size z, y, x (2D: y, x)")
    cells: tuple[Count, Count] | None = Field(None, description="range of cells per frame; null: the measured density")
    density: Literal["joint", "independent"] = Field(
        "joint",
        description="joint: count, sizes, brightness and region are of one real frame; independent: each of another",
    )
    draw: Literal["frames", "cells"] = Field(
        "frames", description="frames: all real frames are drawn equally often; cells: in proportion to their cells"
    )
    clustering: Fraction = Field(0.5, description="probability that a cell is placed next to one already there")
    gap_px: Annotated[int, Field(ge=0, le=50)] = Field(0, description="least distance between two cells")
    mode: Literal["volume", "plane"] = Field(
        "volume", description="3D: cells anywhere, or standing on one plane (adherent cells)"
    )
    region: Literal["measured", "none"] | tuple[Positive, ...] = Field(
        "measured",
        description="region that cells keep to: measured, none, or the semi-axes of an ellipse or ellipsoid in pixels",
    )
    border_cut: bool = Field(False, description="let cells reach past the frame's y and x border")
    smoothing: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="relative spread around the values of a real frame"
    )


class ImagingConfig(Settings):
    """What lies between cells, and how frames are imaged."""

    background: bool = Field(
        True, description="whether frames have the measured background: level, illumination, correlated noise"
    )
    ring_px: Annotated[int, Field(ge=2, le=RING_PX)] = Field(
        RING_PX, description="width of the ring of a crop's own surroundings that is blended into the frame"
    )
    psf_sigma_um: tuple[Positive, ...] | None = Field(
        None, description="standard deviation of a Gaussian PSF over whole frames, per axis; null: none"
    )
    poisson_gain: Positive | None = Field(None, description="photons per grey value; null: no camera noise")
    read_noise: Annotated[float, Field(ge=0)] = Field(
        0.0, description="standard deviation of the read noise in grey values, with `poisson_gain`"
    )


class GenerateConfig(Settings):
    """The data set that `generate` writes."""

    out: str = Field("out/dataset.zarr", description="folder or s3:// address of the data set")
    frames: Count = Field(16, description="frames in all; a larger number extends the data set")
    frames_per_shard: Count = Field(4, description="frames made, written and resumed together")
    cells_per_shard: Count = Field(32, description="cells made for a shard; its frames reuse them")
    parts_per_shard: Count = Field(1, description="with --cells: parts of the bank that a shard is composed from")
    dtype: Literal["uint8", "uint16", "float32"] | None = Field(
        None, description="type of the images; null: that of the real data. Values outside its range are clipped"
    )
    levels: Annotated[int, Field(ge=1, le=6)] = Field(2, description="pyramid levels")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="random seed of the data set")


class RuntimeConfig(Settings):
    """The devices, processes and threads of a run."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda where there is one")
    actors: Count | None = Field(None, description="synthesis actors; null: one per GPU, or as many as the CPUs hold")
    max_actors: Count | None = Field(
        None, description="GPU actors once an autoscaler has added its nodes; null: those that fit at the start"
    )
    # Half a CPU: on two cores this leaves one to the composer tasks, and room for two actors.
    cpus_per_actor: Positive = Field(0.5, description="logical CPUs per actor when there is no GPU")
    threads: Count = Field(1, description="torch threads of an actor; results depend on it")
    max_attempts: Count = Field(5, description="attempts at a shard that kills its process")
    max_failures: Annotated[int, Field(ge=0)] = Field(
        3, description="how often a training under Ray is restarted after it lost a worker"
    )
