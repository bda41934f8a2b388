import os
from pathlib import Path

import pytest

from raysynth.base.errors import InputError, RunError
from raysynth.base.staging import whole_file, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def half_written(path: Path) -> None:
    path.write_text("half")
    raise ZeroDivisionError


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.json"
    with whole_file(file) as staged:
        staged.write_text("old")
        assert not file.exists()
        assert staged.suffix == ".json"
    with pytest.raises(ZeroDivisionError), whole_file(file) as staged:
        half_written(staged)
    assert file.read_text() == "old"
    with whole_file(str(file)) as staged:
        staged.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert names(file.parent) == ["a.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "x"
    with pytest.raises(ZeroDivisionError), whole_folder(folder) as staged:
        half_written(staged / "half")
    assert names(folder.parent) == []
    folder.mkdir()  # an empty one may be there
    with whole_folder(folder) as staged:
        (staged / "one").touch()
        assert names(folder) == []
    assert names(folder) == ["one"]
    with pytest.raises(InputError, match="x is in use: choose a folder"), whole_folder(folder):
        pass
    assert names(folder.parent) == ["x"]


def test_a_folder_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    for name in ("old", "new"):
        with whole_folder(folder, replace=True) as staged:
            (staged / name).touch()
    assert names(folder) == ["new"]
    with pytest.raises(ZeroDivisionError), whole_folder(folder, replace=True) as staged:
        half_written(staged / "half")
    assert names(folder) == ["new"]
    assert names(tmp_path) == ["x"]


def test_a_folder_whose_name_cannot_be_taken_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with whole_folder(tmp_path / "x") as staged:
        (staged / "old").touch()
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if (self / "new").exists():
            raise PermissionError(1, "not permitted", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(InputError, match="x cannot be written"), whole_folder(tmp_path / "x", replace=True) as staged:
        (staged / "new").touch()
    assert names(tmp_path / "x") == ["old"]
    assert names(tmp_path) == ["x"]


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/a cannot be written"), whole_file(tmp_path / "file" / "a") as staged:
        staged.touch()
    with pytest.raises(InputError, match="file/x cannot be written"), whole_folder(tmp_path / "file" / "x"):
        pass
    with pytest.raises(InputError, match="file is in use"), whole_folder(tmp_path / "file"):
        pass
    with pytest.raises(RunError, match="has no room left"), whole_file(tmp_path / "b"):
        raise OSError(28, "No space left on device")


def test_errors_of_other_files_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a"):
        (tmp_path / "source").read_bytes()
    assert names(tmp_path) == []
