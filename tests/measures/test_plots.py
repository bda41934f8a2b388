from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from raysynth.base.errors import InputError
from raysynth.measures.cell_metrics import compare_sets
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.plots import draw_morphology, plots_folder


def test_distributions_are_drawn(pairs: Callable[..., Path], tmp_path: Path) -> None:
    result = compare_sets(frame_set(str(pairs("real", count=2))), frame_set(str(pairs("other", count=2, seed=50))))
    file = draw_morphology(result, plots_folder(tmp_path / "plots" / "new"))
    assert file == tmp_path / "plots" / "new" / "morphology.png"
    assert Image.open(file).size > (1000, 800)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--plots .*file"):
        plots_folder(tmp_path / "file")
