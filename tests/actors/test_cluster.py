"""Clusters that a command starts for itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = """
import os, ray
from raysynth.actors.cluster import cluster

with cluster():
    print(os.nice(0), ray.get(ray.remote(lambda: os.nice(0)).remote()))
"""


@pytest.mark.timeout(600)
def test_workers_have_the_priority_of_their_driver() -> None:
    """Ray's own default would be 15 more: beside any other job they would starve."""
    found = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=True)
    driver, worker = found.stdout.split()
    assert driver == worker


STRANGER = """
import ray
from raysynth.actors.cluster import cluster

with cluster() as resources:
    print("stranger" in resources)
"""


@pytest.mark.timeout(600)
def test_another_cluster_of_this_machine_is_joined_only_when_it_is_named() -> None:
    """Ray's own default joins whatever `ray start` made here, and ends with it."""
    options = ["--head", "--block", "--port=0", "--num-cpus=1", "--include-dashboard=false"]
    ray = Path(sys.executable).with_name("ray")
    stranger = subprocess.Popen(
        [ray, "start", *options, '--resources={"stranger": 1}'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert stranger.stdout is not None
        assert any("Ray runtime started" in line for line in stranger.stdout)
        without = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
        alone = subprocess.run(
            [sys.executable, "-c", STRANGER], capture_output=True, text=True, check=True, env=without
        )
        named = subprocess.run(
            [sys.executable, "-c", STRANGER],
            capture_output=True,
            text=True,
            check=True,
            env=without | {"RAY_ADDRESS": "auto"},
        )
    finally:
        stranger.terminate()
        stranger.wait(60)
    assert (alone.stdout.strip(), named.stdout.strip()) == ("False", "True")
