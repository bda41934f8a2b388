"""How many actors a cluster gets, with no cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysynth.actors.pool import COMPOSER_CPUS, plan
from raysynth.base.errors import InputError
from raysynth.config import RuntimeConfig


@pytest.mark.parametrize(
    ("cpus", "claim", "actors"), [(2, 0.5, 2), (2, 1.0, 1), (4, 0.5, 4), (16, 0.5, 16), (16, 1.0, 15), (3, 0.1, 3)]
)
def test_without_gpu_actors_fill_the_cpus_but_one(cpus: int, claim: float, actors: int) -> None:
    pool = plan({"CPU": cpus}, RuntimeConfig(cpus_per_actor=claim))
    assert (pool.actors, pool.cpus, pool.gpus, pool.device) == (actors, claim, 0, "cpu")


def test_one_actor_a_gpu() -> None:
    pool = plan({"CPU": 8, "GPU": 4}, RuntimeConfig())
    assert (pool.actors, pool.gpus, pool.device) == (4, 1, "cuda")


@pytest.mark.parametrize(
    ("gpus", "largest", "actors"),
    [(2, 8, 2), (0, 2, 0), (4, 4, 4), (4, 3, 3)],
    ids=["grows", "from none", "full", "capped"],
)
def test_a_pool_on_gpus_grows_to_its_largest_size(gpus: int, largest: int, actors: int) -> None:
    pool = plan({"CPU": 4, "GPU": gpus}, RuntimeConfig(device="cuda", max_actors=largest))
    assert (pool.actors, pool.largest, pool.device) == (actors, largest, "cuda")


def test_nodes_to_come_bring_the_composers_cpus() -> None:
    assert plan({"GPU": 0}, RuntimeConfig(device="cuda", max_actors=2)).largest == 2


def test_a_gpu_can_be_left_alone() -> None:
    assert plan({"CPU": 4, "GPU": 1}, RuntimeConfig(device="cpu")).device == "cpu"


@given(
    cpus=st.integers(1, 256),
    claim=st.floats(0.05, 4),
    actors=st.none() | st.integers(1, 300),
    threads=st.integers(1, 8),
)
def test_composers_always_have_a_cpu_or_the_setting_is_refused(
    cpus: int, claim: float, actors: int | None, threads: int
) -> None:
    runtime = RuntimeConfig(cpus_per_actor=claim, actors=actors, threads=threads)
    try:
        pool = plan({"CPU": cpus}, runtime)
    except InputError:
        return
    assert pool.actors == pool.largest
    assert pool.actors * pool.cpus <= cpus - COMPOSER_CPUS + 1e-6
    assert actors is None or pool.actors == actors


@pytest.mark.parametrize(
    ("resources", "runtime", "named"),
    [
        ({"CPU": 2}, RuntimeConfig(cpus_per_actor=1.5), "runtime.cpus_per_actor"),
        ({"CPU": 1}, RuntimeConfig(), "runtime.cpus_per_actor"),
        ({"CPU": 2}, RuntimeConfig(actors=2, cpus_per_actor=1), "runtime.actors"),
        ({"CPU": 8, "GPU": 1}, RuntimeConfig(actors=2), "runtime.actors"),
        ({"CPU": 8}, RuntimeConfig(device="cuda"), "runtime.device"),
        ({"CPU": 8}, RuntimeConfig(max_actors=2), "runtime.max_actors"),
        ({"CPU": 8, "GPU": 4}, RuntimeConfig(device="cpu", max_actors=2), "runtime.max_actors"),
        ({"CPU": 8, "GPU": 4}, RuntimeConfig(actors=2, max_actors=4), "runtime.max_actors"),
        ({"GPU": 1}, RuntimeConfig(), "composing needs one"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    resources: dict[str, float], runtime: RuntimeConfig, named: str
) -> None:
    with pytest.raises(InputError, match=named) as error:
        plan(resources, runtime)
    assert "\n" not in str(error.value)
