"""Names of the arrays that several rooms hand to one another."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Grey values, distances and other fields in single precision."""

Doubles = NDArray[np.float64]
"""The same in double precision."""

Mask = NDArray[np.bool_]
"""Which pixels belong to a cell, or to whatever is asked for."""

Labels = NDArray[np.uint32]
"""The number of the cell that each pixel belongs to; 0 is background."""
