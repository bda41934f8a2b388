"""The Zarr v3 hierarchy and its OME-Zarr 0.5 metadata, as objects to be written whole.

zarr-python makes the hierarchy in memory; its documents are then put in place one by one, each atomically. Writing them
again with more frames extends every array at once.
"""

from typing import Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from raysynth.store.display import Display
from raysynth.store.spec import ARRAYS, Array, DatasetSpec

_VERSION = "0.5"
_LABELS = "cells"


def _add_array(store: MemoryStore, spec: DatasetSpec, array: Array, level: int) -> None:
    """Create one array of the data set, without any data."""
    compressor = spec.codecs.image if array == "image" else spec.codecs.labels
    zarr.create_array(
        store,
        name=spec.array_path(array, level),
        shape=(spec.frames, *spec.level_shape(level)),
        chunks=spec.chunk(array, level),
        shards=spec.shard(array, level),
        dtype=spec.array_dtype(array),
        compressors=compressor.in_zarr(spec.itemsize(array)),
        # Shards that are missing have no objects: their frames read as 0, background in the labels.
        fill_value=0,
        dimension_names=spec.axes,
    )


def _documents(store: MemoryStore) -> dict[str, bytes]:
    """Read all objects of a store in memory."""

    async def read() -> dict[str, bytes]:
        found = {}
        async for key in store.list():
            value = await store.get(key, default_buffer_prototype())
            assert value is not None
            found[key] = value.to_bytes()
        return found

    # zarr's stores are asynchronous; this runs on the event loop that zarr keeps for its own calls.
    return sync(read())


def _multiscales(spec: DatasetSpec, name: str) -> list[dict[str, Any]]:
    """Make OME-Zarr's `multiscales`: µm when the voxel size is known, else pixels without a unit."""
    unit = {} if spec.voxel_um is None else {"unit": "micrometer"}
    voxel = spec.voxel_um or (1.0,) * len(spec.frame_shape)
    # Frames are independent images, so t has no unit, and its scale is 1.
    axes = [{"name": "t", "type": "time"}] + [{"name": axis, "type": "space", **unit} for axis in spec.axes[1:]]
    datasets = []
    for level in range(spec.levels):
        factors = spec.factors(level)
        scale = [1.0] + [v * f for v, f in zip(voxel, factors, strict=True)]
        # A block's centre lies half a block less half a pixel from the first pixel's centre.
        shift = [0.0] + [v * (f - 1) / 2 for v, f in zip(voxel, factors, strict=True)]
        transforms = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    return [{"name": name, "axes": axes, "datasets": datasets}]


def _attributes(spec: DatasetSpec, missing: list[int], display: Display | None) -> dict[str, dict[str, Any]]:
    """Attributes of each group, by path."""
    image: dict[str, Any] = {"version": _VERSION, "multiscales": _multiscales(spec, "image")}
    if display is not None:
        image["omero"] = display
    labels = {
        "version": _VERSION,
        "multiscales": _multiscales(spec, _LABELS),
        "image-label": {"source": {"image": "../../"}},
    }
    own = {
        "voxel_um": spec.voxel_um and list(spec.voxel_um),
        "unit": "pixel" if spec.voxel_um is None else "micrometer",
        "missing_frames": missing,
    }
    return {
        "": {"ome": image, "raysynth": own},
        "labels": {"ome": {"version": _VERSION, "labels": [_LABELS]}},
        f"labels/{_LABELS}": {"ome": labels},
    }


def hierarchy(spec: DatasetSpec, missing: list[int], display: Display | None = None) -> dict[str, bytes]:
    """Make every metadata document of a data set.

    Parameters
    ----------
    spec
        The shape of the data set.
    missing
        Frames that hold no data.
    display
        How viewers show it at first (`display.measure_display`); None: they find out.

    Returns
    -------
    dict of str to bytes
        The documents by key.
    """
    store = MemoryStore()
    for path, attributes in _attributes(spec, missing, display).items():
        zarr.create_group(store, path=path, attributes=attributes, overwrite=True)
    for array in ARRAYS:
        for level in range(spec.levels):
            _add_array(store, spec, array, level)
    return _documents(store)
