"""Measure seconds per cell and quality of both 3D stages against the number of cells at once.

    python -m bench geometry [--sizes 1 4 16 64 256] [--device cuda] [--threads 2]

Views: the bundle's SyncDreamer draws the views of held-out shapes. Quality is the IoU of the views with the projections
of the hull they carve. Surface: NeuS on true silhouettes (16 views of 64 px), volume IoU at 64 voxels a side. Beside it
stand the visual hull, the same fit one cell at a time, and a plain NeuS with the same network (`plain_neus.py`), all in
the same run. Times are medians over repeats. Torch counts the operations of one cell, which give, with the peak rate of
a device, the least time it could take. Writes `bench/results/geometry.json`.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.common.environment import save_result
from bench.common.plain_neus import fit_plain
from bench.common.shape_families import held_out, measured
from bench.common.suite import described
from raysynth.base.seeds import normal
from raysynth.cascade.bundle import open_bundle
from raysynth.config import SurfaceConfig
from raysynth.geometry.cameras import layout
from raysynth.geometry.silhouettes import carve, iou, project, soft_masks
from raysynth.geometry.stars import FILL
from raysynth.models.views import sample_views
from raysynth.surfaces.fitting import Surfaces, bytes_per_cell, fit_surfaces

_BUNDLE = "embryo-3d"
_GRID, _SIDE, _VIEWS = 64, 64, 16
_STEPS = 10
_TRUNCATION_PX = 8.0
_PLAIN_CELLS = 4
_LARGE = 128


class _Peak:
    """The most memory that a block uses above what was in use before, in MiB."""

    def __init__(self, device: str) -> None:
        self.cuda, self.process, self.mib = device == "cuda", psutil.Process(), 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch this block: the allocator on a GPU, the process's resident pages every few ms elsewhere."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            yield
            self.mib = (torch.cuda.max_memory_allocated() - before) / 2**20
            return
        before, most, done = self.process.memory_info().rss, [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.005):
                most[0] = max(most[0], self.process.memory_info().rss - before)

        thread = threading.Thread(target=watch)
        thread.start()
        yield
        done.set()
        thread.join()
        self.mib = most[0] / 2**20


def _seconds(work: Callable[[], Tensor], device: str) -> tuple[float, Tensor]:
    """Time one call, to the end of what it started on the device; wall seconds and its result."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def _timed(work: Callable[[], Tensor], cells: int, repeats: int, device: str) -> tuple[dict[str, float], Tensor]:
    """Measure the median seconds per cell over repeats; return them and a result.

    One call before them counts for its memory alone; of `_LARGE` batches and larger that call is all there is.
    """
    peak = _Peak(device)
    with peak.running():
        first, result = _seconds(work, device)
    times = [_seconds(work, device)[0] for _ in range(repeats)] if cells < _LARGE else [first]
    return {"s_a_cell": round(statistics.median(times) / cells, 5), "peak_mib": round(peak.mib, 1)}, result


def _giga_operations(work: Callable[[], object]) -> float:
    """Count the multiplications and additions of matrix products and convolutions in one call, in 10⁹."""
    with FlopCounterMode(display=False) as counter:
        work()
    return round(counter.get_total_flops() / 1e9, 3)


def _volume_iou(fields: Tensor, truth: Tensor) -> float:
    """Compute the mean volume IoU of fields `(b, z, y, x)`."""
    a, b = (fields > 0).flatten(1), (truth > 0).flatten(1)
    return round(float(((a & b).sum(dim=1) / (a | b).sum(dim=1)).mean()), 4)


def _view_rows(truth: Tensor, sizes: list[int], repeats: int, device: str) -> dict[str, Any]:
    """Measure the views stage at each batch size."""
    model, scheduler = open_bundle(_BUNDLE).views
    model.to(device).eval()
    cameras, (count, side) = model.cameras, (model.config.count, model.config.side)
    condition = soft_masks(project(truth, cameras[:1], side), _TRUNCATION_PX)
    noise = torch.stack([normal(rng, count, side, side) for rng in held_out(len(truth))]).to(device)
    heights = torch.full((len(truth),), 2 * FILL, device=device)

    def draw(cells: int) -> Tensor:
        return sample_views(model, condition[:cells], heights[:cells], noise[:cells], scheduler, _STEPS)

    draw(1)  # torch loads parts of itself on first use
    rows = []
    for size in sizes:
        row, views = _timed(partial(draw, size), size, repeats, device)
        again = project(carve(views, cameras, side), cameras, side)
        rows.append({"cells": size} | row | {"agreement": round(float(iou(again > 0, views > 0).mean()), 4)})
        print("views", rows[-1], flush=True)
    operations = _giga_operations(lambda: draw(1))
    return {"views": count, "side_px": side, "steps": _STEPS, "giga_operations_a_cell": operations, "rows": rows}


def _surface_rows(truth: Tensor, sizes: list[int], repeats: int, device: str) -> dict[str, Any]:
    """Measure the surface stage at each batch size; hull, loop and plain NeuS beside it."""
    config, cameras = SurfaceConfig(memory_mb=16384.0), layout("spread", _VIEWS).to(device)
    views = soft_masks(project(truth, cameras, _SIDE), _TRUNCATION_PX)

    fitted: dict[int, Surfaces] = {}

    def run(cells: int, batch: int) -> Tensor:
        fitted[batch] = fit_surfaces(views[:cells], cameras, config.with_(batch=batch))
        return fitted[batch].networks.centre

    run(1, 1)  # torch loads parts of itself on first use
    rows = []
    for size in sizes:
        row, _ = _timed(partial(run, size, size), size, repeats, device)
        rows.append({"cells": size} | row | {"iou": _volume_iou(fitted[size].fields(_GRID), truth[:size])})
        print("surface", rows[-1], flush=True)
    few = min(16, len(truth))
    row, _ = _timed(partial(run, few, 1), few, repeats, device)
    loop = {"cells": few} | row | {"iou": _volume_iou(fitted[1].fields(_GRID), truth[:few])}
    plain = [fit_plain(one, cameras, config) for one in views[:_PLAIN_CELLS]]
    plain_row, _ = _timed(lambda: fit_plain(views[0], cameras, config).networks.centre, 1, repeats, device)
    plain_iou = _volume_iou(torch.cat([one.fields(_GRID) for one in plain]), truth[:_PLAIN_CELLS])
    hull_row, hull = _timed(lambda: carve(views[:few], cameras, _GRID), few, repeats, device)
    print("one at a time", loop, "plain", plain_row, plain_iou, flush=True)
    return {
        "views": _VIEWS,
        "side_px": _SIDE,
        "settings": config.model_dump(),
        "giga_operations_a_cell": _giga_operations(lambda: run(1, 1)),
        "estimated_mib_a_cell": round(bytes_per_cell(config, _VIEWS, _SIDE) / 2**20, 2),
        "rows": rows,
        "one_at_a_time": loop,
        "plain_neus": {"cells": _PLAIN_CELLS} | plain_row | {"iou": plain_iou},
        "visual_hull": {"cells": few} | hull_row | {"iou": _volume_iou(hull, truth[:few])},
    }


def main() -> None:
    """Measure and save."""
    parser = described(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    truth = torch.cat([measured([rng], _GRID) for rng in held_out(max(chosen.sizes))]).to(chosen.device)
    results = {
        "surface": _surface_rows(truth, chosen.sizes, chosen.repeats, chosen.device),
        "views": _view_rows(truth, chosen.sizes, chosen.repeats, chosen.device),
    }
    save_result("geometry" if chosen.device == "cpu" else f"geometry-{chosen.device}", results)
