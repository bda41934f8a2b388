"""Painting cells' light into a frame without seams.

Light adds. A frame is its slow background, plus each cell's texture above the cell's own surroundings, plus the halo
that optics spread around each cell (the measured edge profile), plus noise. Across the kept ring a texture gives way to
the halo, and its noise to the frame's. Inside cells there is the texture alone, scaled and set on the frame's
background. Only where its noise, at that gain, is below what a camera adds is the rest added: the background's noise,
and photon noise whose variance grows with the light.
"""

import numpy as np
from numpy.typing import NDArray

from raysynth.base.arrays import Floats, Labels
from raysynth.population.appearance import Appearance
from raysynth.population.background import Background


class Painter:
    """Collects the light of a frame's cells.

    Parameters
    ----------
    labels
        The frame's labels, complete before the first cell is painted, `([z,] y, x)`.
    photons
        Variance that light adds per grey value, as `photon_noise` gives it.

    Notes
    -----
    At a voxel let a_i be the weight of cell i, t_i its light, g_i its gain, h the sum of all halos, B the slow
    background and n the frame's noise of variance s². Every texture has noise of its own, so the painter mixes noise by
    squares of weights: two independent noises of variance s² have the variance (a² + b²) s² together. With
    p = sum a_i² the frame is

        B + h  +  sum g_i a_i (t_i - h_i) / sqrt(max(p, 1))  +  sqrt(max(1 - p, 0) + c) n.

    - Where no cell is near, p = 0: background, halo and noise.
    - Inside a cell p = 1, so the frame's noise is left out, and h_i is 0 there: B + g t.
    - Across the ring a = cos, so p + (1 - p) = 1: the texture's noise fades out as the frame's comes in, at the same
      variance. The halo h_i is taken off the texture first, for h holds it already: nothing is added twice.
    - Where rings of several cells lie on each other p may exceed 1; the division keeps the variance at s².

    c is what a camera would add to cells that are shown brighter or dimmer than they were taken. A cell of contrast k
    brings noise of variance (g v)² with it. A camera has s_f² (the background's fine noise) and `photons` times the
    light g k. What is missing, by squares of weights again, is m = sum a_i² (photons g_i k_i - (g_i v_i)²), and
    c = max(p + m / s_f², 0) in units of the frame's noise: a cell that is noisy enough gets none.
    """

    def __init__(self, labels: Labels, photons: float = 0.0) -> None:
        self.labels, self.photons = labels, photons
        self.light = np.zeros(labels.shape, np.float32)
        self.halo = np.zeros(labels.shape, np.float32)
        self.power = np.zeros(labels.shape, np.float32)  # p
        self.missing = np.zeros(labels.shape, np.float32)  # m

    def add(self, cell: Appearance, gain: float, label: int, offset: NDArray[np.int64]) -> None:
        """Add a cell; what lies inside another cell is left out.

        Parameters
        ----------
        cell
            What it looks like.
        gain
            Factor of its light.
        label
            Its label in the frame.
        offset
            Corner of its mask's box in the frame.
        """
        corner = offset - cell.margin
        here, there = clip_box(corner, cell.halo.shape, self.labels.shape)
        # Every cell's halo is left out inside all cells, whose textures hold what shone there when they were taken.
        halo = np.where(self.labels[here] == 0, np.float32(cell.contrast) * cell.halo[there], np.float32(0))
        self.halo[here] += np.float32(gain) * halo
        # The texture's box is far smaller than the halo's.
        here, there = clip_box(corner + cell.inset, cell.light.shape, self.labels.shape)
        labels = self.labels[here]
        free = labels == 0
        weight = np.where(free | (labels == label), cell.weight[there], np.float32(0))
        around = tuple(slice(s.start + int(n), s.stop + int(n)) for s, n in zip(there, cell.inset, strict=True))
        halo = np.where(free, np.float32(cell.contrast) * cell.halo[around], np.float32(0))
        self.light[here] += np.float32(gain) * weight * (cell.light[there] - halo)
        squared = weight**2
        self.power[here] += squared
        self.missing[here] += np.float32(self.photons * gain * cell.contrast - (gain * cell.noise) ** 2) * squared

    def frame(self, background: Background) -> Floats:
        """Put the cells onto a background.

        Parameters
        ----------
        background
            Slow light and noise of the frame.

        Returns
        -------
        Floats
            The frame in grey values, not yet rounded, `([z,] y, x)`.
        """
        unlit = background.slow + self.halo
        frame = unlit + background.noise
        # Roots and quotients over these voxels alone save most of the time that a volume takes.
        painted = np.flatnonzero(self.power > 0)  # a small part of a volume
        power, missing, light = (field.ravel()[painted] for field in (self.power, self.missing, self.light))
        # A flat background has fine noise 0: what is added to it is then multiplied with a noise of 0.
        added = np.maximum(power + missing / np.float32(max(background.fine**2, 1e-6)), 0.0)
        amplitude = np.sqrt(np.maximum(1.0 - power, 0.0) + added)
        lit = unlit.ravel()[painted] + light / np.sqrt(np.maximum(power, 1.0))
        np.put(frame, painted, lit + amplitude * background.noise.ravel()[painted])
        return np.asarray(frame, np.float32)


def clip_box(
    corner: NDArray[np.int64], shape: tuple[int, ...], frame: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Find the part of a box that lies in a frame.

    Parameters
    ----------
    corner
        Corner of the box in the frame; it may lie outside.
    shape, frame
        Shapes of the box and of the frame.

    Returns
    -------
    tuple
        Slices of the frame, and of the box; empty ones where nothing does.
    """
    # Held within the frame at both ends: numpy would count a negative end from behind, and paint at the far side.
    start = [min(max(0, int(c)), f) for c, f in zip(corner, frame, strict=True)]
    stop = [max(s, min(f, int(c) + n)) for s, c, n, f in zip(start, corner, shape, frame, strict=True)]
    here = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    there = tuple(slice(a - int(c), b - int(c)) for a, b, c in zip(start, stop, corner, strict=True))
    return here, there
