"""What launch/ starts: the Kubernetes job by KubeRay's required fields, the Slurm script as it runs."""

import os
import re
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from raysynth.config.reading import load

ROOT = Path(__file__).parents[1]
LAUNCH = ROOT / "launch"

Job = dict[str, Any]


@pytest.fixture
def job() -> Job:
    job: Job = yaml.safe_load((LAUNCH / "rayjob.yaml").read_text())
    return job


def test_the_job_has_what_kuberay_requires(job: Job) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["metadata"]["name"]
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert all(isinstance(group["rayStartParams"], dict) for group in groups)
    assert all(isinstance(value, str) for group in groups for value in group["rayStartParams"].values())
    assert all(group["template"]["spec"]["containers"][0]["image"] == "REGISTRY/raysynth" for group in groups)
    for group in cluster["workerGroupSpecs"]:
        assert group["groupName"]
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_job_asks_for_a_gpu_for_every_actor(job: Job) -> None:
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    words = job["spec"]["entrypoint"].split()
    settings = [value for option, value in pairwise(words) if option == "--set"]
    assert words[:2] == ["raysynth", "generate"]
    config = load(ROOT / "configs" / Path(words[2]).name, settings)
    assert config.runtime.device == "cuda"
    assert config.runtime.max_actors == group["maxReplicas"] * int(limits["nvidia.com/gpu"])


def test_image_and_job_have_the_pinned_ray(job: Job) -> None:
    pinned = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned[1]
    assert f"FROM rayproject/ray:{pinned[1]}-py311-gpu\n" in (LAUNCH / "Dockerfile").read_text()


def test_the_image_copies_what_there_is() -> None:
    copied = re.findall(r"^COPY --chown=\S+ (.+) \S+$", (LAUNCH / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"pyproject.toml", "constraints.txt", "raysynth", "configs"} <= set(names)
    assert all((ROOT / name).exists() for name in names)


PROGRAMS = {
    "scontrol": 'printf "%s\\n" node-a node-b node-c',
    # A step on a node: what is started there, in the foreground.
    "srun": 'while [[ $1 == --* ]]; do [[ $1 == --nodelist=* ]] && export STEP=${1#*=}; shift; done; exec "$@"',
    "hostname": 'echo "127.0.0.1 10.0.0.1"',
    # A head answers at its port until it is ended, like the real one.
    "ray": """echo "${STEP:-batch} ray $*" >> "$CALLS"
[[ $* == *--head* ]] && exec "$PYTHON" -c '
import re, socket, sys
port = int(re.search(r"--port=(\\d+)", " ".join(sys.argv))[1])
server = socket.create_server(("127.0.0.1", port))
while True:
    server.accept()[0].close()
' "$@"
[[ $* == *--block* ]] && exec sleep 600
exit 0""",
    # Waits for the nodes, like the real one.
    "python": """cat > /dev/null; echo "batch python $*" >> "$CALLS"
until grep -q ^node-b "$CALLS" && grep -q ^node-c "$CALLS"; do sleep 0.1; done""",
    "raysynth": 'echo "batch raysynth $*" >> "$CALLS"; exit "$RESULT"',
}


def _free_port() -> int:
    """A port between 20000 and 29999 that nobody listens at."""
    for port in range(20000 + os.getpid() % 9000, 30000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


@pytest.mark.parametrize("result", [0, 1])
def test_the_slurm_script_runs_generate_on_a_cluster_of_its_nodes(tmp_path: Path, result: int) -> None:
    """Slurm and Ray are stood in for by programs that record how they are called."""
    for name, body in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/bash\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    calls, job = tmp_path / "calls", _free_port() - 20000  # the job's number gives the port
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "CALLS": str(calls),
        "RESULT": str(result),
        "SLURM_JOB_ID": str(job),
        "SLURM_JOB_NODELIST": "node-[a-c]",
        "SLURM_CPUS_PER_TASK": "16",
        "SLURM_GPUS_ON_NODE": "2",
    }
    run = subprocess.run(["bash", LAUNCH / "slurm.sh", "c.yaml", "--frames", "9"], env=environment, timeout=150)
    assert run.returncode == result
    address = f"127.0.0.1:{20000 + job}"
    lines = calls.read_text().splitlines()
    claims = "ray start --block --num-cpus=16 --num-gpus=2"
    assert lines[0] == "batch ray get-auth-token --generate"
    assert lines[1].startswith(f"node-a {claims} --head --node-ip-address=127.0.0.1 --port={20000 + job} ")
    assert lines[-1] == f"batch raysynth generate c.yaml --frames 9 --address {address}"
    assert sorted(lines[2:-1]) == [
        f"batch python - {address} 3 300",
        f"node-b {claims} --address={address}",
        f"node-c {claims} --address={address}",
    ]
