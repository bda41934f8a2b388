from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.export.staging import staged_export
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import Write


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, write: Write, spec: DatasetSpec) -> None:
    dataset = write(tmp_path / "x.zarr", spec)
    with pytest.raises(ZeroDivisionError), staged_export(dataset, tmp_path / "out") as staged:
        (staged / "half").write_bytes(bytes(1 // 0))
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]
    with staged_export(dataset, tmp_path / "out") as staged:
        (staged / "whole").touch()
        assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]
    with pytest.raises(InputError, match="out is in use"), staged_export(dataset, tmp_path / "out"):
        pass
