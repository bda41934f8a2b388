"""Which of a shard's cells a frame uses, and how bright each is: the nearest that there is to the frame's target."""

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from raysynth.base.arrays import Doubles
from raysynth.population.density import FrameTarget
from raysynth.preparation.statistics import PopulationStatistics

_SIZE_WIDTH = 0.1
"""Of log size: cells closer than this to each other count as equally fitting."""

_LIGHT_WIDTH = 0.25
"""The same of log contrast."""

_LEAST_LOG_WEIGHT = -30.0
"""Of a cell against the fittest."""

# Each fit of one property undoes a part of the other's, less from time to time.
_FITS = 3
"""How often sizes and contrasts are fitted, in turn."""


def choose_cells(
    sizes: ArrayLike, contrasts: ArrayLike, wanted: ArrayLike, target: FrameTarget, rng: Generator
) -> NDArray[np.int64]:
    """Choose the cells of a frame from those of its shard.

    Cells are never rescaled, and their light as little as can be: noise and edge of a cell go with its brightness, and
    a bright one that is dimmed keeps those of a bright one.

    Parameters
    ----------
    sizes, contrasts
        Size in voxels and contrast in grey values of the shard's cells `(m,)`.
    wanted
        Contrasts of the frame's cells `(n,)`.
    target
        What the frame is to look like: median and spread of the sizes.
    rng
        Generator of this frame's variations.

    Returns
    -------
    numpy.ndarray
        Indices of cells `(n,)`, in random order. Each cell is used its expected number of times, rounded, and none more
        than twice as often as equal use of all would ask for.

    Notes
    -----
    Importance weights: if a shard has cells of log size x with the density d(x), and the frame wants the density q(x),
    each cell gets the weight q(x) / d(x), and a weighted draw follows q. q is the target's log-normal distribution;
    d is estimated by a Gaussian kernel over the shard's cells. The same goes for contrasts, whose q is a kernel
    estimate over the wanted ones. Size and light correlate, so fitting the one moves the other: the weights are fitted
    to both in turn, each time against the density d of the cells under the weights so far (iterative proportional
    fitting).

    The draw is systematic: the cells stand side by side on a line, in order of contrast, each as long as its expected
    number of uses, and a comb of unit steps with one random offset picks n of them. So the number of uses differs from
    the expected one by less than one, where independent draws would scatter by its root.
    """
    log_sizes, log_contrasts, log_wanted = (np.log(np.asarray(x, float)) for x in (sizes, contrasts, wanted))
    spread = max(target.record.size_spread, _SIZE_WIDTH)
    # Logarithms of q, but for a constant: what is scaled below needs none.
    size_aim = -0.5 * ((log_sizes - np.log(target.median_size)) / spread) ** 2
    light_aim = logsumexp(_log_kernel(log_contrasts, log_wanted, _LIGHT_WIDTH), axis=1)
    # A cell's kernel at itself is 1 and no weight is below exp(-30), so no sum below is 0.
    alike = np.exp(_log_kernel(log_sizes, log_sizes, _SIZE_WIDTH))
    alike_lit = np.exp(_log_kernel(log_contrasts, log_contrasts, _LIGHT_WIDTH))
    weights = np.ones(len(log_sizes))
    for _ in range(_FITS):
        weights = _scaled(np.log(weights) + size_aim - np.log(_sums(alike, weights)))
        weights = _scaled(np.log(weights) + light_aim - np.log(_sums(alike_lit, weights)))
    # Stable, here and below: the order of equal values is otherwise left to numpy and the processor.
    order = np.argsort(log_contrasts, kind="stable")
    expected = _expected_uses(weights[order], len(log_wanted))
    chosen = np.searchsorted(np.cumsum(expected), np.arange(len(log_wanted)) + rng.random(), side="right")
    # Rounding may leave the sum of the uses a little short, and the comb's last tooth past it.
    return rng.permutation(order[np.minimum(chosen, len(order) - 1)])


def _log_kernel(at: Doubles, of: Doubles, width: float) -> Doubles:
    """Logarithm of a Gaussian kernel between all pairs of values `(at, of)`."""
    return -0.5 * ((at[:, None] - of) / width) ** 2


def _sums(kernel: Doubles, weights: Doubles) -> Doubles:
    """Weighted sums of a kernel's rows. Unlike with `@`, their order does not depend on the number of threads."""
    return np.asarray(np.einsum("ij,j->i", kernel, weights))


def _scaled(log_weights: Doubles) -> Doubles:
    """Weights of which the largest is 1 and none is 0: far cells still serve when the near ones are used up."""
    return np.exp(np.maximum(log_weights - log_weights.max(), _LEAST_LOG_WEIGHT))


def _expected_uses(weights: Doubles, uses: int) -> Doubles:
    """Deal `uses` out in proportion to weights, to each at most twice what equal use would give (and at least one)."""
    # What is cut off at the limit goes to the others, which may bring some of them to the limit: until none exceeds it.
    limit = max(1.0, 2.0 * uses / len(weights))
    full = np.zeros(len(weights), bool)
    while True:
        left = uses - limit * full.sum()
        expected = np.where(full, limit, weights * left / max(weights[~full].sum(), 1e-300))
        over = expected > limit * (1 + 1e-9)
        if not over.any():
            return expected
        full |= over


def draw_contrasts(statistics: PopulationStatistics, target: FrameTarget, rng: Generator) -> Doubles:
    """Draw the contrasts of a frame's cells.

    Parameters
    ----------
    statistics
        The real population: how cells' brightness spreads within a frame.
    target
        What the frame is to look like: number, mean and spread.
    rng
        Generator of this frame's variations.

    Returns
    -------
    Doubles
        Grey values above the background `(n,)`, rising: the measured distribution moved to the target's mean and
        spread, cut at its 1st and 99th percentile.
    """
    relative = statistics.cells.relative_intensity
    levels = np.array(relative.values)
    draws = relative.at(rng.random(target.cells))
    drawn = target.contrast + target.contrast_std * (draws - levels.mean()) / max(levels.std(), 1e-6)
    # Cut to the range that was measured well: a single extreme cell stretches the ends of the quantiles.
    return np.sort(np.clip(drawn, *np.maximum(target.contrast * relative.at([0.01, 0.99]), 1.0)))


def deal(contrasts: Doubles, own: Doubles) -> Doubles:
    """Deal contrasts out to cells in the order of their own: a cell that is brighter than another stays so.

    Parameters
    ----------
    contrasts
        Contrasts to deal `(n,)`, rising.
    own
        The cells' own contrasts `(n,)`.

    Returns
    -------
    Doubles
        The contrast of each cell `(n,)`.
    """
    dealt = np.empty(len(own))
    dealt[np.argsort(own, kind="stable")] = contrasts
    return dealt
