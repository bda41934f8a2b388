"""What a comparison of two sets of images has found."""

from dataclasses import asdict, dataclass
from typing import Any

from raysynth.base.reports import Report
from raysynth.measures.image_samples import SampleDescription
from raysynth.measures.inception import CANONICAL


@dataclass(frozen=True)
class ImageDistances:
    """One set of images against another.

    Attributes
    ----------
    fid
        Fréchet distance of the features.
    kid
        Kernel distance of the features.
    precision
        Fraction of the set's images that lie among real ones.
    recall
        Fraction of real images that lie among the set's.
    """

    fid: float
    kid: float
    precision: float
    recall: float


@dataclass(frozen=True)
class FrechetDistances:
    """The Fréchet distances in the features of one network.

    Attributes
    ----------
    weights
        Name of the network's weights.
    real_to_real
        Of A's second half to its first.
    a_to_b
        Of B to A's first half.
    ratio
        `a_to_b` over `real_to_real`.
    """

    weights: str
    real_to_real: float
    a_to_b: float
    ratio: float


@dataclass(frozen=True)
class FidelityReport(Report):
    """How far the images of B are from real ones, beside how far apart real ones are.

    Attributes
    ----------
    a
        Address of the real set, and its labels.
    b
        Address of the other set, and its labels.
    about
        What the images are.
    weights
        Name of Inception's weights: distances of other weights do not compare.
    n
        Images of each set.
    real_to_real
        A's second half against its first.
    a_to_b
        B against A's first half.
    fid_ratio
        FID of B over that of real images.
    kid_excess
        KID of B less that of real images.
    kid_excess_error
        Standard error of the excess.
    cellpose_frechet
        The Fréchet distances in a Cellpose network's features; None: not asked for.
    """

    a: str
    b: str
    about: SampleDescription
    weights: str
    n: int
    real_to_real: ImageDistances
    a_to_b: ImageDistances
    fid_ratio: float
    kid_excess: float
    kid_excess_error: float
    cellpose_frechet: FrechetDistances | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `raysynth evaluate fidelity --json` writes.

        Returns
        -------
        dict
            What was compared, by which weights, and all distances.
        """
        about: dict[str, Any] = {"a": self.a, "b": self.b, "images": self.about.images}
        if self.about.frames is not None:
            about["frames"] = self.about.frames
        about |= {"grey_values": list(self.about.grey_values), "weights": self.weights}
        if self.weights != CANONICAL:
            about["comparable"] = "only with figures of the same weights"
        found = about | {
            "n": self.n,
            "real_to_real": asdict(self.real_to_real),
            "a_to_b": asdict(self.a_to_b),
            "fid_ratio": self.fid_ratio,
            "kid_excess": self.kid_excess,
            "kid_excess_error": self.kid_excess_error,
        }
        return found | ({"cellpose_frechet": asdict(self.cellpose_frechet)} if self.cellpose_frechet else {})
