"""NeuS (Wang 2021) for many cells at once: stacked signed distance networks.

Every cell has its own small network. The weights of a batch are stacked, so that one `torch.baddbmm` evaluates them
all. There is no colour network: the silhouettes are all that is known. Distances are negative inside, as in the paper.
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
"""Size of the network's part of the distance at the start."""

# The distance to the ellipsoid divides by two lengths that are 0 at its centre.
_TINY = 1e-4


class SdfNetworks(nn.Module):
    """Signed distance functions, one per cell: f(x) = E(y) + MLP(y) with y = A (x - c).

    Parameters
    ----------
    centre
        c of every cell, `(count, 3)`.
    frame
        A of every cell, `(count, 3, 3)`, symmetric, in units of one over the cube's half side.
    hidden
        Width of the hidden layers.
    layers
        Number of hidden layers.
    generator
        Of the weights, with which all cells start alike; the last layer is near zero.

    Notes
    -----
    E is the distance to the ellipsoid |A (x - c)| = 1, which is NeuS' geometric initialisation fitted to the cell. In y
    every cell is about round, flat or tall, so one size of network and one learning rate serve all. The units are sines
    (SIREN, Sitzmann 2020): they learn from distances and normals in fewer steps than SiLU.
    """

    def __init__(self, centre: Tensor, frame: Tensor, hidden: int, layers: int, generator: torch.Generator) -> None:
        super().__init__()
        count, sizes = len(centre), [3, *[hidden] * layers, 1]
        self.register_buffer("centre", centre)
        self.register_buffer("frame", frame)
        first = F.normalize(torch.randn(3, hidden, generator=generator), dim=0) * _FREQUENCY
        phases = _FREQUENCY * (2 * torch.rand(1, hidden, generator=generator) - 1)
        # sin² is 1/2 on average: weights of variance 2 / hidden keep the angles of every layer at unit spread.
        scales = [math.sqrt(2 / hidden)] * (layers - 1) + [_LAST / math.sqrt(hidden)]
        later = [
            s * torch.randn(i, o, generator=generator) for s, (i, o) in zip(scales, pairwise(sizes[1:]), strict=True)
        ]
        biases = [phases, *(torch.zeros(1, size) for size in sizes[2:])]
        # All cells start from one draw: a draw of their own would depend on their place in the batch.
        self.weights = nn.ParameterList(w.repeat(count, 1, 1).to(centre) for w in (first, *later))
        self.biases = nn.ParameterList(b.repeat(count, 1, 1).to(centre) for b in biases)
        # s starts at exp(10 * 0.45) = 90: the opacity turns within about 1 / 90 of the cube's unit.
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
        # The factor of 10 is NeuS' own: at one learning rate, log s moves ten times as fast as the weights.
        return (10.0 * self.log_sharpness).exp()

    @classmethod
    def of(cls, state: dict[str, Tensor]) -> "SdfNetworks":
        """Make networks with given weights, which are not trained further.

        Parameters
        ----------
        state
            As `state_dict` gives it.

        Returns
        -------
        SdfNetworks
            The networks, frozen.
        """
        hidden, layers = state["biases.0"].shape[-1], sum(name.startswith("biases.") for name in state) - 1
        networks = cls(state["centre"], state["frame"], hidden, layers, torch.Generator())
        networks.load_state_dict(state)
        return networks.requires_grad_(False)

    def select(self, cell: int) -> "SdfNetworks":
        """Take the network of one cell.

        Parameters
        ----------
        cell
            Its position in the stack.

        Returns
        -------
        SdfNetworks
            A stack of one.
        """
        return SdfNetworks.of({name: stacked[cell : cell + 1] for name, stacked in self.state_dict().items()})

    def forward(self, points: Tensor) -> Tensor:
        """Evaluate f.

        Parameters
        ----------
        points
            `(count, p, 3)`, each cell at its own.

        Returns
        -------
        Tensor
            Signed distances `(count, p)`.
        """
        h = y = self.local(points)
        for w, b in zip(list(self.weights)[:-1], list(self.biases)[:-1], strict=True):
            h = torch.baddbmm(b, h, w).sin()
        mlp = torch.baddbmm(self.biases[-1], h, self.weights[-1])[..., 0]
        return mlp + self._ellipsoid(y)[0]

    def local(self, points: Tensor) -> Tensor:
        """Bring points into each cell's own frame, where its ellipsoid is the unit sphere.

        Parameters
        ----------
        points
            `(count, p, 3)`.

        Returns
        -------
        Tensor
            y = A (x - c), `(count, p, 3)`.
        """
        # Points are rows, so this is (x - c)ᵀ A. A is symmetric and needs no transpose.
        return torch.bmm(points - self.centre[:, None], self.frame)

    def linearise(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Prepare points for `with_gradient`: what no training step changes is computed once.

        Parameters
        ----------
        points
            `(count, p, 3)`.

        Returns
        -------
        tuple of Tensor
            The points in each cell's frame `(count, p, 3)`, the ellipsoid's distances `(count, p)` and their gradients
            `(count, p, 3)`.

        Notes
        -----
        With z = A y and A symmetric, k_0 = |y| has the gradient A y / |y| = z / k_0, and k_1 = |A y| has
        A A A y / |A y| = A A z / k_1. So E = k_0 (k_0 - 1) / k_1 has, by the rule for quotients,

            dE/dx = (2 k_0 - 1) / (k_0 k_1) z  -  E / k_1^2 A A z.
        """
        y = self.local(points)
        e, z, k_0, k_1 = self._ellipsoid(y)
        bent = torch.bmm(torch.bmm(z, self.frame), self.frame)  # A A z
        gradient = ((2 * k_0 - 1) / (k_0 * k_1))[..., None] * z - (e / k_1**2)[..., None] * bent
        return y, e, gradient

    def with_gradient(self, y: Tensor, e: Tensor, e_gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate f and its gradient at points prepared by `linearise`.

        Parameters
        ----------
        y, e, e_gradient
            What `linearise` gives.

        Returns
        -------
        tuple of Tensor
            Signed distances `(count, p)` and df/dx `(count, p, 3)`.

        Notes
        -----
        The layers are h_i+1 = sin(W_i h_i + b_i) and the output w h_n + b. By the chain rule

            df/dh_n = w,   df/dh_i = W_i^T (cos(W_i h_i + b_i) * df/dh_i+1),   df/dx = A df/dh_0 + dE/dx.

        It is written out, so that terms of the gradient need no second backward pass.
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
        """E with z = A y, k_0 = |y| and k_1 = |z|.

        The distance to an ellipsoid has no closed form. E = k_0 (k_0 - 1) / k_1 is its first-order approximation: at
        the ellipsoid k_0 is 1, so E is 0 and its gradient z / k_1 has unit length.
        """
        z = torch.bmm(y, self.frame)
        k_0, k_1 = y.norm(dim=-1).clamp(min=_TINY), z.norm(dim=-1).clamp(min=_TINY)
        return k_0 * (k_0 - 1) / k_1, z, k_0, k_1


class SineCosine(torch.autograd.Function):
    """The sine and cosine of a tensor, each taken once: autograd alone would take both again on the way back."""

    @staticmethod
    def forward(ctx: FunctionCtx, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Take both.

        Parameters
        ----------
        ctx
            Keeps both for the way back.
        angle
            Any shape, radians.

        Returns
        -------
        tuple of Tensor
            Sine and cosine, of the shape of `angle`.
        """
        sine, cosine = angle.sin(), angle.cos()
        ctx.save_for_backward(sine, cosine)
        return sine, cosine

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Give the gradient of `angle`: g_sin cos - g_cos sin.

        Parameters
        ----------
        ctx
            Has kept both.
        *gradients
            Those of the sine and the cosine.

        Returns
        -------
        Tensor
            Of the shape of `angle`.
        """
        sine, cosine = ctx.saved_tensors
        return torch.addcmul(gradients[0] * cosine, gradients[1], sine, value=-1)
