"""What a surface is fitted to: NeuS' opacity along rays, and the gradient of the signed distance."""

import torch
import torch.nn.functional as F
from torch import Tensor


def log_transmittance(deepest: Tensor, sharpness: Tensor) -> Tensor:
    """Take the logarithm of the light that passes along rays.

    Parameters
    ----------
    deepest
        Least signed distance on each ray, any shape.
    sharpness
        NeuS' s, of a shape that broadcasts.

    Returns
    -------
    Tensor
        log T, of the shape of `deepest`.

    Notes
    -----
    NeuS' opacity between two samples is alpha_i = max(1 - Phi(f_i+1) / Phi(f_i), 0) with Phi(f) = sigmoid(s f)
    (Eq. 13), and T is the product of the 1 - alpha_i. Along a falling run the ratios telescope:

        T = Phi(f_2) / Phi(f_1) * Phi(f_3) / Phi(f_2) * ... * Phi(f_n) / Phi(f_n-1) = Phi(f_n) / Phi(f_1).

    A ray comes from far outside, where Phi(f_1) is 1, and a rising run has no opacity. What is left is log Phi at the
    deepest point. Bodies before or behind only darken a dark ray.
    """
    return F.logsigmoid(sharpness * deepest)


def mask_loss(log_t: Tensor, inside: Tensor) -> Tensor:
    """Compare the accumulated opacity 1 - T with what the masks show, by cross-entropy.

    Parameters
    ----------
    log_t
        log T `(b, rays)`.
    inside
        Whether each ray meets the cell, `(b, rays)`.

    Returns
    -------
    Tensor
        Mean over the rays `(b,)`.
    """
    # -expm1 keeps 1 - T exact for rays that pass far from the cell, whose gradient would otherwise vanish.
    log_opacity = torch.log(-torch.expm1(log_t.clamp(max=-1e-30)))
    return -torch.where(inside, log_opacity, log_t).mean(dim=1)


def gradient_loss(gradient: Tensor, normal: Tensor, known: Tensor, inside: Tensor) -> Tensor:
    """Compare df/dx with the outline's normal where a mask shows it, else |df/dx| with 1.

    The second is NeuS' eikonal term, which the first implies. Deep inside there is none: a ray is deepest at the medial
    axis, where a distance has no gradient.

    Parameters
    ----------
    gradient
        df/dx `(b, p, 3)`.
    normal
        Outward normals `(b, p, 3)`.
    known
        Where a mask shows the normal, bool `(b, p)`.
    inside
        Which points' rays meet the cell, bool `(b, p)`.

    Returns
    -------
    Tensor
        Mean squared difference over the points `(b,)`.
    """
    along = (gradient - normal).square().sum(dim=-1)
    length = (gradient.norm(dim=-1) - 1) ** 2 * ~inside
    return torch.where(known, along, length).mean(dim=1)
