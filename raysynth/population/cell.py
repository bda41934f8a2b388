"""The one thing that crosses the border between synthesis and composition (DESIGN, Cell)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cell:
    """One synthetic cell.

    mask: bool, `(z, y, x)` or `(y, x)`, trimmed to its bounding box.
    texture: float16 in [0, 1] (the bundle's intensity map), the mask's shape grown by `ring` pixels on every side of
        y and x (not z).
    provenance: seed key and quality figures, JSON values only.
    """

    mask: NDArray[np.bool_]
    texture: NDArray[np.float16]
    ring: int
    provenance: dict[str, object] = field(default_factory=dict)
