"""Cellpose networks: made from a seed or from given weights, and run on tiles."""

from pathlib import Path

import torch
from torch import Tensor, nn

from raysynth.base.errors import InputError, first_line
from raysynth.base.seeds import Stage, generator
from raysynth.config import EvaluateConfig
from raysynth.config.evaluation import Precision

WIDTHS = {"small": (2, 16, 32, 64), "full": (2, 32, 64, 128, 256)}
"""Channels of the input and of each level."""

TILE_PX = {"small": 128, "full": 224}
"""Side of a tile, by the network's name."""

DIAMETER_PX = 30.0
"""Of the cells a network from scratch sees: Cellpose's own for its generalists (17 is that of its nuclei model)."""

NetworkWeights = dict[str, Tensor]
"""The weights of a network by their names."""

_OUTPUTS = 3
_INITIAL = 3


def build_network(settings: EvaluateConfig, seed: int, start: NetworkWeights | None = None) -> nn.Module:
    """Make the network of the settings.

    Parameters
    ----------
    settings
        Which network it is.
    seed
        Random seed of its weights.
    start
        Its weights; None: drawn.

    Returns
    -------
    Module
        In PyTorch's channels-last layout, which is a quarter faster on a CPU.
    """
    from cellpose.resnet_torch import CPnet

    rng = generator(seed, 0, Stage.EVALUATION, _INITIAL)
    # Cellpose draws weights from torch's global generator, which is seeded here and left as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        network: nn.Module = CPnet(list(WIDTHS[settings.network]), _OUTPUTS, 3, diam_mean=DIAMETER_PX)
    if start is not None:
        network.load_state_dict(start)
    return network.to(memory_format=torch.channels_last)


def tile_side_of(settings: EvaluateConfig) -> int:
    """Give the side of the tiles that a network trains on and is run on.

    Parameters
    ----------
    settings
        The network, and its tiles' side where it is set.

    Returns
    -------
    int
        In pixels.
    """
    return settings.tile_px or TILE_PX[settings.network]


def run_network(network: nn.Module, tiles: Tensor, precision: Precision) -> Tensor:
    """Compute a network's outputs.

    Parameters
    ----------
    network
        The network.
    tiles
        `(n, 2, y, x)`.
    precision
        Mixed precision of the computation.

    Returns
    -------
    Tensor
        `(n, 3, y, x)`, in single precision whatever the network's own: flows along y and x, logit of the mask.
    """
    with torch.autocast(tiles.device.type, torch.bfloat16, enabled=precision == "bf16"):
        found: Tensor = network(tiles.contiguous(memory_format=torch.channels_last))[0]
    # Losses and blending go on in float32, whatever the network computed in.
    return found.float()


def read_weights(path: Path, settings: EvaluateConfig) -> NetworkWeights:
    """Read the weights of a network.

    Parameters
    ----------
    path
        File that Cellpose 2 or 3, or a training of a table, has written.
    settings
        Which network it should be of.

    Returns
    -------
    NetworkWeights
        On the CPU.

    Raises
    ------
    InputError
        When the file is missing, or does not fit the network.
    """
    try:
        weights: NetworkWeights = torch.load(path, map_location="cpu", weights_only=True)
        build_network(settings, 0, weights)  # raises where names or shapes differ
    except FileNotFoundError:
        raise InputError(f"evaluate.weights {path} is missing: give a file of Cellpose weights") from None
    # Unpickling reports a foreign file with whatever type the failing step has; every one means the same here.
    except Exception as error:
        raise InputError(
            f"evaluate.weights {path} holds no weights of evaluate.network '{settings.network}' ({first_line(error)}): "
            "give a file of that network of Cellpose 2 or 3"
        ) from None
    return weights


def diameter_of(weights: NetworkWeights | None) -> float:
    """Give the cell diameter that weights were trained for.

    Parameters
    ----------
    weights
        The weights; None: a network from scratch.

    Returns
    -------
    float
        In pixels.
    """
    return DIAMETER_PX if weights is None else float(weights["diam_mean"])
