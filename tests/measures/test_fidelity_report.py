from dataclasses import replace

from raysynth.measures.fidelity_report import FidelityReport, FrechetDistances, ImageDistances
from raysynth.measures.image_samples import SampleDescription
from raysynth.measures.inception import CANONICAL

REPORT = FidelityReport(
    a="real (masks)",
    b="out.zarr (labels/cells)",
    about=SampleDescription("40 tiles of 56 px each", "2/2/4", (70.0, 530.5)),
    weights="blocks",
    n=40,
    real_to_real=ImageDistances(0.5, 0.001, 0.9, 0.8),
    a_to_b=ImageDistances(1.0, 0.003, 0.7, 0.6),
    fid_ratio=2.0,
    kid_excess=0.002,
    kid_excess_error=0.0005,
)


def test_the_json_is_that_of_earlier_versions() -> None:
    """Files written with --json are read again, by `evaluate table` too."""
    assert list(REPORT.to_json().items()) == [
        ("a", "real (masks)"),
        ("b", "out.zarr (labels/cells)"),
        ("images", "40 tiles of 56 px each"),
        ("frames", "2/2/4"),
        ("grey_values", [70.0, 530.5]),
        ("weights", "blocks"),
        ("comparable", "only with figures of the same weights"),
        ("n", 40),
        ("real_to_real", {"fid": 0.5, "kid": 0.001, "precision": 0.9, "recall": 0.8}),
        ("a_to_b", {"fid": 1.0, "kid": 0.003, "precision": 0.7, "recall": 0.6}),
        ("fid_ratio", 2.0),
        ("kid_excess", 0.002),
        ("kid_excess_error", 0.0005),
    ]


def test_what_does_not_apply_is_left_out() -> None:
    whole = replace(REPORT, about=SampleDescription("500 whole frames each", None, (0.0, 1.0)), weights=CANONICAL)
    assert not {"frames", "comparable", "cellpose_frechet"} & set(whole.to_json())
    beside = replace(REPORT, cellpose_frechet=FrechetDistances("nuclei", 1.0, 3.0, 3.0)).to_json()
    assert beside["cellpose_frechet"] == {"weights": "nuclei", "real_to_real": 1.0, "a_to_b": 3.0, "ratio": 3.0}
