"""Clusters that a command starts for itself."""

import subprocess
import sys

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
