"""Fixtures of the whole suite: real data where it is, one Ray cluster, quiet threads, repeatable property tests."""

import json
import logging
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

pytest_plugins = [
    f"tests.fixtures.{name}" for name in ("datasets", "ellipses", "frames", "populations", "scenes", "training")
]

settings.register_profile(
    "raysynth",
    deadline=None,  # two shared cores: a slow example is not a failure
    derandomize=True,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("raysynth")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the Ray cluster in one of the parallel processes: starting a second one takes half a minute."""
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("ray"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets: `$RAYSYNTH_DATA`, or `shared/data` beside the repository. Skips without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RAYSYNTH_DATA", beside))
    if not folder.is_dir():
        pytest.skip("needs the real data sets: set RAYSYNTH_DATA to their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> Iterator[None]:
    """Results depend on the number of threads: tests use one, and deterministic kernels."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A local Ray cluster of two logical CPUs, the same one for all tests."""
    import ray  # most tests need none

    # Ray lowers its workers' priority: beside any other job they would starve.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100 * 2**20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Stable Diffusion with random weights, in diffusers' layout, written by the libraries themselves."""
    import transformers  # slow imports, for a few tests
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel

    folder = tmp_path_factory.mktemp("stable-diffusion")
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    ).save_pretrained(folder / "vae")
    scheduler = PNDMScheduler(beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1)
    scheduler.save_pretrained(folder / "scheduler")
    encoder = transformers.CLIPTextConfig(
        vocab_size=4,
        max_position_embeddings=8,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    transformers.CLIPTextModel(encoder).save_pretrained(folder / "text_encoder")
    words = folder / "words"
    words.mkdir()
    (words / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1, "a": 2, "a</w>": 3}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(words / "vocab.json"), str(words / "merges.txt"))
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


@dataclass(frozen=True)
class Disk:
    """A file system of its own, in memory."""

    folder: Path

    def resize(self, megabytes: int) -> None:
        """Make it larger or smaller."""
        options = f"remount,size={megabytes}m"
        subprocess.run(["mount", "-o", options, str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of one megabyte. Skips where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address in a bucket on a real S3 endpoint on this machine."""
    import boto3  # most tests need none
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()  # what earlier tests left in this process
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="cells")
    yield "s3://cells/out/demo.zarr"
    server.stop()
