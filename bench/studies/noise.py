"""Measure Eq. 2: variance of the slice noise and its correlation between slices, for rho = 0, 0.7 and 3.

    python -m bench noise

Writes `bench/results/noise.json`.
"""

import numpy as np
import torch

from bench.common.environment import save_result
from bench.common.suite import described
from raysynth.models.noise import slice_noise

_SLICES, _SIDE, _CHANNELS = 16, 128, 4


def _measure(rho: float) -> dict[str, float]:
    """Measure variance and correlation of neighbouring slices, beside Eq. 2 and the sampling error of one pair."""
    noise = slice_noise(np.random.default_rng(0), _SLICES, rho, _CHANNELS, _SIDE, _SIDE).flatten(1)
    neighbours = torch.corrcoef(noise).diagonal(1)
    return {
        "variance": float(noise.var(dim=1).mean()),
        "correlation": float(neighbours.mean()),
        "expected_correlation": rho**2 / (1 + rho**2),
        "standard_error_of_a_pair": float(neighbours.std()),
        "values_a_slice": _CHANNELS * _SIDE**2,
    }


def main() -> None:
    """Measure and save."""
    described(__doc__).parse_args()
    results = {f"rho={rho:g}": _measure(rho) for rho in (0.0, 0.7, 3.0)}
    for name, row in results.items():
        print(name, row)
    save_result("noise", results)
