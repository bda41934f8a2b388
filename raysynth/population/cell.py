"""The one thing that crosses the border between synthesis and composition."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Mask


@dataclass(frozen=True)
class Cell:
    """One synthetic cell.

    Attributes
    ----------
    mask
        `(z, y, x)` or `(y, x)`, trimmed to its bounding box.
    texture
        In [0, 1] by the bundle's intensity map, the mask's shape grown by `ring` pixels on every side of y and x (not
        z).
    ring
        Width of the ring of surroundings, in pixels.
    provenance
        Seed key and what the gate measured, JSON values only.
    """

    mask: Mask
    texture: NDArray[np.float16]
    ring: int
    provenance: dict[str, object] = field(default_factory=dict)
