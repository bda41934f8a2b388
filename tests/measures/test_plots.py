from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysynth.base.arrays import Doubles
from raysynth.base.errors import InputError
from raysynth.measures.cell_metrics import compare_sets
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.plots import draw_morphology, plots_folder
from tests.fixtures.scenes import WritePairs

ROWS, COLUMNS, METRICS = 3, 3, 7


def grey(file: Path) -> Doubles:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("L"), np.float64)


def test_each_metric_and_the_edge_profile_have_a_panel(pairs: WritePairs, tmp_path: Path) -> None:
    found = compare_sets(frame_set(str(pairs("real", count=2))), frame_set(str(pairs("other", count=2, seed=50))))
    folder = plots_folder(tmp_path / "plots" / "new")
    file = draw_morphology(found.names, (found.a, found.b), found.distances, folder)
    assert file == tmp_path / "plots" / "new" / "morphology.png"
    picture = grey(file)
    height, width = picture.shape
    assert width > 1000
    assert height > 800
    tall, wide = height // ROWS, width // COLUMNS
    panels = picture[: tall * ROWS, : wide * COLUMNS].reshape(ROWS, tall, COLUMNS, wide)
    middles = panels[:, tall // 4 : -tall // 4, :, wide // 4 : -wide // 4]  # labels of neighbours do not reach there
    ink = (middles < 200).sum(axis=(1, 3)).ravel()
    assert len(found.distances) == METRICS
    assert (ink[: METRICS + 1] > 50).all()
    assert ink[-1] == 0  # nothing is drawn where there is nothing to show


def test_other_distributions_give_another_picture(pairs: WritePairs, tmp_path: Path) -> None:
    real, like, large = (
        frame_set(str(pairs(name, count=2, seed=seed, radius=radius)))
        for name, seed, radius in (("real", 0, 7.0), ("like", 50, 7.0), ("large", 50, 9.0))
    )
    pictures = []
    for other in (like, large):
        found = compare_sets(real, other)
        pictures.append(grey(draw_morphology(("a", "b"), (found.a, found.b), found.distances, tmp_path)))
    assert (pictures[0] != pictures[1]).mean() > 0.001


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--plots .*file"):
        plots_folder(tmp_path / "file")
