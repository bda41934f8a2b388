"""Bundles on nodes that do not see the driver's folders."""

import sys
from pathlib import Path

import pytest
import ray

from raysynth.actors.sent_bundle import SentBundle, send
from raysynth.cascade.bundle import open_bundle
from raysynth.errors import InputError

from .conftest import ellipse_config

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


def _forget(sent: SentBundle) -> None:
    sent.source.rename(sent.source.with_name("elsewhere"))


def test_where_the_drivers_folder_is_seen_nothing_is_copied(sent: SentBundle, cached: Path) -> None:
    assert sent.folder() == sent.source
    assert not cached.exists()


def test_an_actor_that_does_not_see_the_folder_has_the_same_bundle(sent: SentBundle, tmp_path: Path) -> None:
    """The actor's cache is its own: it is given by its environment, as on a node elsewhere."""
    _forget(sent)
    environment = {"env_vars": {"XDG_CACHE_HOME": str(tmp_path / "theirs")}}

    class Actor:
        def folders(self, sent: SentBundle) -> tuple[Path, Path]:
            return sent.folder(), sent.folder()

    actor = ray.remote(num_cpus=0.1, runtime_env=environment)(Actor).remote()
    first, second = ray.get(actor.folders.remote(sent))
    assert first == second == tmp_path / "theirs" / "raysynth" / "bundles" / sent.digest
    assert open_bundle(str(first)).digest == sent.digest


def test_a_folder_with_another_bundle_is_not_taken_for_it(sent: SentBundle, cached: Path) -> None:
    (sent.source / "more.bin").write_bytes(b"trained again")
    assert sent.folder() == cached / sent.digest


def test_an_altered_copy_is_refused(sent: SentBundle, cached: Path) -> None:
    _forget(sent)
    (sent.folder() / "more.bin").write_bytes(b"by hand")
    with pytest.raises(InputError, match="delete the folder"):
        sent.folder()
