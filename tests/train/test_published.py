from collections.abc import Callable
from pathlib import Path

import pytest

from raysynth.base.objects import Objects
from raysynth.train.published import publish_result, published_metrics, take_result


def write(*names: str) -> Callable[[Path], None]:
    def _write(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name)

    return _write


def test_a_result_is_taken_whole_and_replaced_whole(tmp_path: Path) -> None:
    objects = Objects(str(tmp_path / "storage"), create=True)
    assert published_metrics(objects) is None
    publish_result(objects, write("unet/a.bin", "old.json"), {"loss": 2.0})
    publish_result(objects, write("unet/a.bin", "b.json"), {"loss": 1.0})
    assert published_metrics(objects) == {"loss": 1.0}
    take_result(objects, tmp_path / "part")
    files = [path for path in (tmp_path / "part").rglob("*") if path.is_file()]
    assert sorted(path.relative_to(tmp_path / "part").as_posix() for path in files) == ["b.json", "unet/a.bin"]
    assert (tmp_path / "part" / "unet" / "a.bin").read_text() == "unet/a.bin"


def test_a_failed_write_leaves_no_result(tmp_path: Path) -> None:
    objects = Objects(str(tmp_path), create=True)
    publish_result(objects, write("a"), {})

    def fail(folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish_result(objects, fail, {})
    assert published_metrics(objects) is None
