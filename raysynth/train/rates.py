"""Learning rates over a training."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def cosine_with_warmup(optimizer: Optimizer, warmup: int, steps: int) -> LambdaLR:
    """Raise the learning rate linearly from 0, then lower it to 0 along half a cosine (Loshchilov & Hutter 2017).

    Parameters
    ----------
    optimizer
        What it is set in; its own rate is the highest.
    warmup
        Steps of the linear part.
    steps
        Steps in all.

    Returns
    -------
    LambdaLR
        The schedule, at step 0.

    Notes
    -----
    After the warm-up the factor is (1 + cos(π p)) / 2, where p is the fraction of the remaining steps that are done.
    The factor is a function of the step alone. Torch's `LinearLR` and `CosineAnnealingLR` compute each rate from the
    one before it instead: a resumed training would differ in the last bit from checkpoints of earlier versions.
    """

    def factor(step: int) -> float:
        if step < warmup:
            return step / max(1, warmup)
        done = (step - warmup) / max(1, steps - warmup)
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))

    return LambdaLR(optimizer, factor)
