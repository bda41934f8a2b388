"""A shard's cells as one record, the form in which they travel between processes and rest in a cell bank.

Masks are bit-packed and textures laid end to end, so a record is a few large buffers whatever the number of cells.
"""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raysynth.base.errors import InputError
from raysynth.population.cell import Cell

PackedCells = dict[str, NDArray[np.generic]]
"""Cells as five arrays, as `pack_cells` names them."""

PACKED_TYPES = {"shapes": "int32", "rings": "uint8", "masks": "uint8", "textures": "float16", "provenance": "uint8"}
"""Name of each array of a record → its type."""

PACKED_LIMIT_BYTES = 512 * 2**20
"""Largest record. It is one row of a Ray Data block: well below the 2 GiB at which arrow's offsets end."""


def pack_cells(cells: Sequence[Cell], limit_bytes: int = PACKED_LIMIT_BYTES) -> PackedCells:
    """Pack cells into one record.

    Parameters
    ----------
    cells
        All 2D or all 3D.
    limit_bytes
        Largest record.

    Returns
    -------
    PackedCells
        `shapes` (n, d) int32, `rings` (n,) uint8, `masks` uint8 (bits, each cell begun on a byte), `textures` float16,
        `provenance` uint8 (JSON, UTF-8).

    Raises
    ------
    InputError
        If the record would be larger.
    """
    dimensions = {cell.mask.ndim for cell in cells}
    if len(dimensions) > 1:
        raise ValueError("the cells of one record must all be 2D or all 3D")
    masks = [np.packbits(cell.mask) for cell in cells]
    textures = [np.ascontiguousarray(cell.texture, np.float16).ravel() for cell in cells]
    # Keys are sorted, so that equal cells give equal bytes however their provenance was put together.
    provenance = json.dumps([cell.provenance for cell in cells], sort_keys=True).encode()
    size = sum(a.nbytes for a in masks) + sum(a.nbytes for a in textures) + len(provenance)
    if size > limit_bytes:
        raise InputError(
            f"generate.cells_per_shard: {len(cells)} cells take {size / 2**20:.1f} MiB packed, over the limit of "
            f"{limit_bytes / 2**20:.1f} MiB per shard; ask for fewer cells per shard"
        )
    return {
        # A shard without cells has no dimensions to go by; two columns keep its shape valid.
        "shapes": np.array([cell.mask.shape for cell in cells], np.int32).reshape(len(cells), *dimensions or {2}),
        "rings": np.array([cell.ring for cell in cells], np.uint8),
        # numpy refuses to join an empty list; the empty array stands for it.
        "masks": np.concatenate([*masks, np.empty(0, np.uint8)]),
        "textures": np.concatenate([*textures, np.empty(0, np.float16)]),
        "provenance": np.frombuffer(provenance, np.uint8),
    }


def unpack_cells(record: PackedCells) -> list[Cell]:
    """Give the cells of a record, equal to those packed.

    Parameters
    ----------
    record
        As `pack_cells` gives it.

    Returns
    -------
    list of Cell
        The cells. Their textures are views of the record's buffer.
    """
    shapes = [tuple(shape) for shape in np.asarray(record["shapes"]).tolist()]
    rings = np.asarray(record["rings"]).tolist()
    grown = [texture_shape(shape, ring) for shape, ring in zip(shapes, rings, strict=True)]
    mask_ends = np.cumsum([0, *(-(-int(np.prod(s)) // 8) for s in shapes)])
    texture_ends = np.cumsum([0, *(int(np.prod(s)) for s in grown)])
    provenance = json.loads(np.asarray(record["provenance"], np.uint8).tobytes())
    cells = []
    for i, (shape, ring) in enumerate(zip(shapes, rings, strict=True)):
        bits = np.asarray(record["masks"], np.uint8)[mask_ends[i] : mask_ends[i + 1]]
        mask = np.unpackbits(bits, count=int(np.prod(shape))).astype(bool).reshape(shape)
        texture = np.asarray(record["textures"], np.float16)[texture_ends[i] : texture_ends[i + 1]].reshape(grown[i])
        cells.append(Cell(mask, texture, ring, provenance[i]))
    return cells


def texture_shape(mask_shape: tuple[int, ...], ring: int) -> tuple[int, ...]:
    """Tell the shape of a cell's texture.

    Parameters
    ----------
    mask_shape
        Shape of its mask, `([z,] y, x)`.
    ring
        Width of the ring in pixels.

    Returns
    -------
    tuple of int
        The mask's shape, grown by the ring on every side of y and x.
    """
    return (*mask_shape[:-2], mask_shape[-2] + 2 * ring, mask_shape[-1] + 2 * ring)
