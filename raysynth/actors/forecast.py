"""`raysynth generate --plan`: what a run will make, hold and take, from a probe of about a minute."""

from dataclasses import dataclass
from pathlib import Path

from raysynth.actors.cluster import cluster
from raysynth.actors.finding import Factory, find_source
from raysynth.actors.probe import Probe, take_probe
from raysynth.actors.provenance import manifest_of
from raysynth.actors.sources import BundleCells, CellSource
from raysynth.actors.work import cascade_factory
from raysynth.base.reports import Report
from raysynth.config import Config


@dataclass(frozen=True)
class Forecast(Report):
    """What a run will make, hold and take.

    Attributes
    ----------
    shards, frames
        Of the data set.
    cells
        Different cells in it.
    cells_per_frame
        Cells that a frame shows.
    reuse
        How often each different cell is placed, on average.
    bytes, files
        Size and number of its objects.
    device
        Type of the device that makes the cells.
    actors
        Number of synthesis actors; 0 where the cells come from a bank.
    seconds_per_cell, seconds_per_frame
        Of synthesis and of composition.
    hours
        On this cluster: those of the slower of the two stages, which overlap.
    """

    shards: int
    frames: int
    cells: int
    cells_per_frame: float
    reuse: float
    bytes: int
    files: int
    device: str
    actors: int
    seconds_per_cell: float
    seconds_per_frame: float
    hours: float


def forecast(
    config: Config,
    frames: int | None = None,
    address: str | None = None,
    *,
    cells: str | Path | None = None,
    seconds: float = 20.0,
    factory: Factory = cascade_factory,
) -> Forecast:
    """Tell what `generate` with the same arguments would make and take.

    Parameters
    ----------
    config
        All settings.
    frames
        Instead of `config.generate.frames`.
    address
        Of a Ray cluster; None: this machine.
    cells
        Folder or address of a bank to compose from; None: the cells are made.
    seconds
        Of synthesis after which the probe is long enough.
    factory
        Makes what the actors run; by default the cascade.

    Returns
    -------
    Forecast
        Nothing is written.

    Raises
    ------
    InputError
        As `generate` does.
    """
    if frames is not None:
        config = config.with_(generate={"frames": frames})
    found = find_source(config, None if cells is None else str(cells))
    with cluster(address) as resources:
        source = found.on(resources, factory)
        return _forecast(source, take_probe(source, seconds), resources.get("CPU", 1.0))


def _forecast(source: CellSource, probe: Probe, cpus: float) -> Forecast:
    spec, generate = manifest_of(source).dataset, source.config.generate
    # Starting Ray and loading models are left out: they do not grow with the data set.
    cell_s, frame_s = probe.synthesis_s / probe.cells, probe.composition_s / probe.frames
    # As if every cell passed the gate; how many do not is known after the run alone.
    cells = source.distinct_cells(spec.shards, spec.shards * generate.cells_per_shard)
    claimed = source.actors * source.pool.cpus if isinstance(source, BundleCells) else 0.0
    # A bank's cells take no time, so their part below is 0.
    synthesis_s = cells * cell_s / max(source.actors, 1)
    composition_s = spec.frames * frame_s / max(1, int(cpus - claimed))
    per_frame = probe.placed / probe.frames
    return Forecast(
        shards=spec.shards,
        frames=spec.frames,
        cells=cells,
        cells_per_frame=per_frame,
        reuse=per_frame * spec.frames / cells,
        bytes=int(probe.encoded_bytes / probe.frames * spec.frames),
        # One more per shard: its done mark.
        files=spec.shards * (len(spec.object_keys(0)) + 1),
        device=source.device,
        actors=source.actors,
        seconds_per_cell=cell_s,
        seconds_per_frame=frame_s,
        hours=max(synthesis_s, composition_s) / 3600,
    )
