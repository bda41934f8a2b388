"""NeuS (Wang 2021) for many cells at once: stacked signed distance networks, unbiased opacity, mask and eikonal terms.

Every cell has its own small network; the weights of a batch are stacked so that one `torch.baddbmm` evaluates them all.
There is no colour network: the silhouettes are all that is known. Distances are negative inside, as in the paper.
"""

import math
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

_FREQUENCY = 3.5
"""Length of the first layer's weights: how fast its sines turn across a cell's ellipsoid, in radians per radius."""

_LAST = 0.05
"""Size of the network's share of the distance at the start."""

_TINY = 1e-4


class SdfNetworks(nn.Module):
    """`count` signed distance functions f(x) = e(x) + MLP(frame (x - centre)).

    e is the distance to an ellipsoid {x : |frame (x - centre)| = 1}, which is NeuS' geometric initialisation fitted to
    the cell; the network sees every cell, flat or tall, as round. The units are sines (SIREN, Sitzmann 2020): they
    learn from distances and normals in fewer steps than SiLU. All cells start from the same weights,
    drawn from `generator`, with the last layer near zero.

    centre: `(count, 3)`; frame: `(count, 3, 3)`, symmetric, in units of one over the cube's half side.
    """

    def __init__(self, centre: Tensor, frame: Tensor, hidden: int, layers: int, generator: torch.Generator) -> None:
        super().__init__()
        count, sizes = len(centre), [3, *[hidden] * layers, 1]
        self.register_buffer("centre", centre)
        self.register_buffer("frame", frame)
        first = F.normalize(torch.randn(3, hidden, generator=generator), dim=0) * _FREQUENCY
        phases = _FREQUENCY * (2 * torch.rand(1, hidden, generator=generator) - 1)
        scales = [math.sqrt(2 / hidden)] * (layers - 1) + [_LAST / math.sqrt(hidden)]
        later = [
            s * torch.randn(i, o, generator=generator) for s, (i, o) in zip(scales, pairwise(sizes[1:]), strict=True)
        ]
        biases = [phases, *(torch.zeros(1, size) for size in sizes[2:])]
        self.weights = nn.ParameterList(w.repeat(count, 1, 1).to(centre) for w in (first, *later))
        self.biases = nn.ParameterList(b.repeat(count, 1, 1).to(centre) for b in biases)
        self.log_sharpness = nn.Parameter(torch.full((count, 1), 0.45).to(centre))

    centre: Tensor
    frame: Tensor

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.log_sharpness)

    @property
    def sharpness(self) -> Tensor:
        """NeuS' s, the slope of the opacity at the surface, `(count, 1)`."""
        return (10.0 * self.log_sharpness).exp()

    @classmethod
    def of(cls, state: dict[str, Tensor]) -> "SdfNetworks":
        """Networks with these weights, as `state_dict` gives them; they are not trained further."""
        hidden, layers = state["biases.0"].shape[-1], sum(name.startswith("biases.") for name in state) - 1
        networks = cls(state["centre"], state["frame"], hidden, layers, torch.Generator())
        networks.load_state_dict(state)
        return networks.requires_grad_(False)

    def select(self, cell: int) -> "SdfNetworks":
        """The network of one cell, as a stack of one."""
        return SdfNetworks.of({name: stacked[cell : cell + 1] for name, stacked in self.state_dict().items()})

    def forward(self, points: Tensor) -> Tensor:
        """Signed distances `(count, p)` at points `(count, p, 3)`, each cell at its own."""
        h = y = self.local(points)
        for w, b in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            h = torch.baddbmm(b, h, w).sin()
        mlp = torch.baddbmm(self.biases[-1], h, self.weights[-1])[..., 0]
        return mlp + self._ellipsoid(y)[0]

    def local(self, points: Tensor) -> Tensor:
        """Points `(count, p, 3)` in each cell's own frame, where its ellipsoid is the unit sphere."""
        return torch.bmm(points - self.centre[:, None], self.frame)

    def linearise(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `with_gradient` needs of points `(count, p, 3)` and no training step changes.

        The points in each cell's frame, and the ellipsoid's distances `(count, p)` with their gradients.
        """
        y = self.local(points)
        e, z, k_0, k_1 = self._ellipsoid(y)
        bent = torch.bmm(torch.bmm(z, self.frame), self.frame)
        gradient = ((2 * k_0 - 1) / (k_0 * k_1))[..., None] * z - (e / k_1**2)[..., None] * bent
        return y, e, gradient

    def with_gradient(self, y: Tensor, e: Tensor, e_gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Signed distances `(count, p)` and df/dx `(count, p, 3)` at points prepared by `linearise`.

        The chain rule is written out, so that terms of the gradient need no second backward pass.
        """
        h, slopes = y, []
        for w, b in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            h, slope = SineCosine.apply(torch.baddbmm(b, h, w))
            slopes.append(slope)
        mlp = torch.baddbmm(self.biases[-1], h, self.weights[-1])[..., 0]
        g = self.weights[-1].mT
        for w, slope in zip(list(self.weights)[-2::-1], slopes[::-1], strict=True):
            g = torch.bmm(slope * g, w.mT)
        return mlp + e, torch.baddbmm(e_gradient, g, self.frame)

    def _ellipsoid(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """E = k_0 (k_0 - 1) / k_1, exact to first order at the ellipsoid, with k_0 = |y|, z = frame y and k_1 = |z|."""
        z = torch.bmm(y, self.frame)
        k_0, k_1 = y.norm(dim=-1).clamp(min=_TINY), z.norm(dim=-1).clamp(min=_TINY)
        return k_0 * (k_0 - 1) / k_1, z, k_0, k_1


class SineCosine(torch.autograd.Function):
    """The sine and cosine of a tensor, each taken once: autograd alone would take both again on the way back."""

    @staticmethod
    def forward(ctx: FunctionCtx, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Both, of the shape of `angle`."""
        sine, cosine = angle.sin(), angle.cos()
        ctx.save_for_backward(sine, cosine)
        return sine, cosine

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient of `angle` from those of its sine and cosine."""
        sine, cosine = ctx.saved_tensors
        return torch.addcmul(gradients[0] * cosine, gradients[1], sine, value=-1)


def log_transmittance(deepest: Tensor, sharpness: Tensor) -> Tensor:
    """Log T of rays whose least distance is `deepest`, any shape.

    NeuS' opacity between two samples is alpha_i = max(1 - Phi(f_{i+1}) / Phi(f_i), 0) with Phi(f) = sigmoid(s f)
    (Eq. 13), and T is the product of the 1 - alpha_i. Along a falling run the ratios telescope, and a ray comes from
    where Phi is 1: what is left is log Phi at its deepest point. Bodies before or behind only darken a dark ray.
    """
    return F.logsigmoid(sharpness * deepest)


def mask_loss(log_t: Tensor, inside: Tensor) -> Tensor:
    """Cross-entropy `(b,)` of the accumulated opacity 1 - T against what the masks say, both `(b, rays)`."""
    # -expm1 keeps 1 - T exact for rays that pass far from the cell, whose gradient would otherwise vanish.
    log_opacity = torch.log(-torch.expm1(log_t.clamp(max=-1e-30)))
    return -torch.where(inside, log_opacity, log_t).mean(dim=1)


def gradient_loss(gradient: Tensor, normal: Tensor, known: Tensor, inside: Tensor) -> Tensor:
    """Squared difference `(b,)` of df/dx from the outline's normal where a mask tells it, else of |df/dx| from 1.

    gradient and normal: `(b, p, 3)`; known and inside: bool `(b, p)`. The second is NeuS' eikonal term, which the first
    implies. Deep inside there is none: a ray is deepest at the medial axis, where a distance has no gradient.
    """
    along = (gradient - normal).square().sum(dim=-1)
    length = (gradient.norm(dim=-1) - 1) ** 2 * ~inside
    return torch.where(known, along, length).mean(dim=1)
