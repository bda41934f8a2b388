"""Which trainings run side by side, and what one that fails does to the others."""

import threading

import pytest

from raysynth.actors.train import each, side_by_side
from raysynth.errors import InputError, TrainingFailed

MODELS = ("masks", "views", "texture")


@pytest.mark.parametrize(
    ("claims", "resources", "count"),
    [
        ([{"CPU": 1.0}, {"CPU": 1.0}], {"CPU": 2.0}, 2),
        ([{"CPU": 2.0}, {"CPU": 1.0}, {"CPU": 1.0}], {"CPU": 3.0}, 2),
        ([{"CPU": 2.0}, {"CPU": 2.0}], {"CPU": 3.0}, 1),
        ([{"CPU": 1.0, "GPU": 1.0}] * 3, {"CPU": 16.0, "GPU": 2.0}, 2),
        ([{"CPU": 1.0}], {"CPU": 8.0}, 1),
    ],
)
def test_as_many_run_at_once_as_surely_fit(
    claims: list[dict[str, float]], resources: dict[str, float], count: int
) -> None:
    assert side_by_side(claims, resources) == count


def test_models_run_at_once() -> None:
    together = threading.Barrier(3, timeout=30)  # breaks unless all three are there at one time
    figures = each(MODELS, lambda model: {"at": float(together.wait())}, at_once=3)
    assert list(figures) == list(MODELS)
    assert {of["at"] for of in figures.values()} == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_failure_leaves_the_others_alone(at_once: int) -> None:
    def fit(model: str) -> dict[str, float]:
        if model == "masks":
            raise TrainingFailed("worker 1 was killed")
        return {"loss": 1.0}

    assert each(MODELS, fit, at_once) == {
        "masks": {"failed": "worker 1 was killed"},
        "views": {"loss": 1.0},
        "texture": {"loss": 1.0},
    }


def test_a_refusal_is_raised_when_the_others_have_ended() -> None:
    ended: list[str] = []

    def fit(model: str) -> dict[str, float]:
        if model == "masks":
            raise InputError("storage is no folder")
        ended.append(model)
        return {}

    with pytest.raises(InputError, match="storage is no folder"):
        each(MODELS, fit, at_once=1)
    assert ended == ["views", "texture"]
