"""Bundles on nodes that do not see the driver's folders."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from raysynth.actors import pipeline
from raysynth.actors.attempts import Attempts
from raysynth.actors.pipeline import Synthesis, Synthesiser
from raysynth.actors.pool import Pool
from raysynth.actors.sent_bundle import SentBundle, send
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.cascade.bundle import open_bundle
from raysynth.population.cell import Cell
from tests.fixtures.ellipses import Made, ellipse_config

pytestmark = pytest.mark.timeout(600)
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture
def sent(cluster: None, tmp_path: Path) -> SentBundle:
    """A bundle in the object store, its folder still there."""
    return send(open_bundle(ellipse_config(tmp_path).bundle or ""))


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process's folder of unpacked bundles."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "raysynth" / "bundles"


@dataclass(frozen=True)
class Elsewhere:
    """A factory that opens the bundle on a node with a home of its own, and counts if it is the same one."""

    sent: SentBundle
    home: Path

    def __call__(self) -> Synthesiser:
        """A synthesiser of no cells."""
        os.environ["XDG_CACHE_HOME"] = str(self.home)
        opened = open_bundle(str(self.sent.folder()))
        return lambda shard: Made([], {"same": int(opened.digest == self.sent.digest)})


def _compose(shard: int, cells: Sequence[Cell], counts: Mapping[str, int]) -> Mapping[str, int]:
    return counts


def _forget(sent: SentBundle) -> None:
    sent.source.rename(sent.source.with_name("elsewhere"))


def test_where_the_drivers_folder_is_seen_nothing_is_copied(sent: SentBundle, cached: Path) -> None:
    assert sent.folder() == sent.source
    assert not cached.exists()


def test_an_actor_that_does_not_see_the_folder_has_the_same_bundle(sent: SentBundle, tmp_path: Path) -> None:
    _forget(sent)
    factory, attempts = Elsewhere(sent, tmp_path / "theirs"), Attempts(Objects(str(tmp_path)), "run", limit=1)
    (report,) = pipeline.run([0], _compose, attempts, 1, Synthesis(factory, Pool(1, 1, cpus=0.5, gpus=0)))
    assert (report.reason, report.counts) == (None, {"same": 1})
    copies = tmp_path / "theirs" / "raysynth" / "bundles"
    assert [path.name for path in copies.iterdir()] == [sent.digest]


def test_a_folder_with_another_bundle_is_not_taken_for_it(sent: SentBundle, cached: Path) -> None:
    (sent.source / "more.bin").write_bytes(b"trained again")
    assert sent.folder() == cached / sent.digest


def test_an_altered_copy_is_refused(sent: SentBundle, cached: Path) -> None:
    _forget(sent)
    (sent.folder() / "more.bin").write_bytes(b"by hand")
    with pytest.raises(InputError, match="delete the folder"):
        sent.folder()
