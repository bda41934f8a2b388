"""How viewers show a data set at first: the range of grey values that becomes black to white, and the middle plane.

Without it, a viewer takes the range of the first plane it loads. In a volume that plane holds background alone, and
the cells are shown saturated.
"""

import json
import math
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.base.sampling import evenly_spaced
from raysynth.store.frames import FrameReader
from raysynth.store.spec import DatasetSpec

# Not the extremes: a single bright pixel would darken all others. Cells may cover little of a frame, so white lies
# close to the top.
_PERCENTILES = (0.5, 99.9)
_FRAMES = 8
"""How many frames are looked at, at the coarsest level."""

Display = dict[str, Any]
"""The `omero` attribute of OME-Zarr 0.5: one channel with its window, and the plane that is shown first."""


@dataclass(frozen=True)
class _Window:
    """Grey values in the images, and those shown as black and white."""

    lowest: float
    highest: float
    black: float
    white: float


def measure_display(objects: Objects, spec: DatasetSpec, missing: Set[int]) -> Display | None:
    """Measure the range of grey values in a few frames spread over the data set.

    The same finished frames give the same result, whoever made them in whatever order.

    Parameters
    ----------
    objects
        The data set.
    spec
        Its shape.
    missing
        Frames that hold no data.

    Returns
    -------
    dict or None
        The `omero` attribute; None when no frame can be read.
    """
    present = [frame for frame in range(spec.frames) if frame not in missing]
    # The coarsest level: means of blocks have a slightly smaller range, at a fraction of the bytes to read.
    reader = FrameReader(objects, spec, "image", spec.levels - 1)
    pixels = []
    for position in evenly_spaced(len(present), _FRAMES):
        try:
            pixels.append(reader.read(present[position]).ravel())
        except InputError:
            continue  # a damaged shard is for `verify` to name
    if not pixels:
        return None
    values = np.concatenate(pixels)
    black, white = (float(value) for value in np.percentile(values, _PERCENTILES))
    return _omero(spec, _window(spec, values.min(), values.max(), black, white), present[0])


def _window(spec: DatasetSpec, lowest: float, highest: float, black: float, white: float) -> _Window:
    """Round the range to whole grey values where pixels are integers, and keep it from being empty."""
    if spec.dtype == "float32":
        # Viewers divide by white - black, so the next larger float stands in where both are equal.
        return _Window(
            float(lowest), float(highest), black, white if white > black else math.nextafter(black, math.inf)
        )
    low, high = math.floor(black), math.ceil(white)
    # The first two bound the viewer's slider: the type's whole range for integers; floats have no natural ends.
    return _Window(0, int(np.iinfo(spec.dtype).max), low, max(high, low + 1))


def _omero(spec: DatasetSpec, window: _Window, first_frame: int) -> Display:
    channel = {
        "active": True,
        "coefficient": 1,
        "color": "FFFFFF",
        "family": "linear",
        "inverted": False,
        "label": "fluorescence",
        "window": {"min": window.lowest, "max": window.highest, "start": window.black, "end": window.white},
    }
    middle = spec.frame_shape[0] // 2 if len(spec.frame_shape) == 3 else 0
    return {
        "name": "image",
        "channels": [channel],
        "rdefs": {"defaultT": first_frame, "defaultZ": middle, "model": "greyscale"},
    }


def display_of(objects: Objects) -> Display | None:
    """Read how viewers show a data set now.

    Parameters
    ----------
    objects
        The data set.

    Returns
    -------
    dict or None
        Its `omero` attribute; None when it has none, or no documents yet.
    """
    try:
        found = json.loads(objects.get("zarr.json"))["attributes"]["ome"].get("omero")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None
