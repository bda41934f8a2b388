"""Arms, curves, and the names of rows and sets."""

import pytest

from raysynth.base.errors import InputError
from raysynth.config import EvaluateConfig
from raysynth.experiment.rows import TableRow, frame_counts, named_sets, row_seeds, table_rows


def test_rows_of_the_main_table_the_ablations_and_the_curve() -> None:
    titles = [row.title for row in table_rows(EvaluateConfig(), ["main", "rho-0"], True, 4)]
    assert titles == [
        "none",
        "real",
        "synthetic (main)",
        "synthetic (rho-0)",
        "both (main)",
        "both (rho-0)",
        "real, real frames: 1",
        "both (main), real frames: 1",
        "real, real frames: 2",
        "both (main), real frames: 2",
    ]
    assert len({row.key for row in table_rows(EvaluateConfig(), ["main", "rho-0"], True, 4)}) == 10


def test_limited_real_frames_are_not_trained_twice_by_the_curve() -> None:
    config = EvaluateConfig(real_frames=2)
    keys = [row.key for row in table_rows(config, ["s"], True, 4)]
    assert keys == ["none", "real.real2", "synthetic.s", "both.s.real2", "real.real1", "both.s.real1"]
    assert table_rows(config, ["s"], False, 2)[1] == TableRow("real")


def test_fewer_synthetic_frames_are_rows_of_the_main_set() -> None:
    found = table_rows(EvaluateConfig(real_frames=2), ["main", "rho-0"], False, 4, [10, 30])[-4:]
    assert [row.key for row in found] == [
        "synthetic.main.synthetic10",
        "both.main.real2.synthetic10",
        "synthetic.main.synthetic30",
        "both.main.real2.synthetic30",
    ]
    assert found[1].title == "both (main), real frames: 2, synthetic frames: 10"


def test_keys_of_kept_trainings_do_not_change() -> None:
    kept = {TableRow("none"): "none", TableRow("real", None, 2): "real.real2", TableRow("both", "s"): "both.s"}
    assert {row: row.key for row in kept} == kept


def test_numbers_of_frames() -> None:
    assert frame_counts("30,10,10") == [10, 30]
    for wrong in ("", "0", "10,", "10 30", "-1", "1.5", "all"):
        with pytest.raises(InputError, match="--synthetic-curve"):
            frame_counts(wrong)


def test_untrained_weights_have_one_seed() -> None:
    assert list(row_seeds(TableRow("none"), EvaluateConfig())) == [0]
    assert list(row_seeds(TableRow("real"), EvaluateConfig())) == [0, 1, 2]


def test_names_of_synthetic_sets() -> None:
    assert named_sets(["out/a.zarr", "rho-0=out/b=c.zarr"]) == {"synthetic": "out/a.zarr", "rho-0": "out/b=c.zarr"}
    assert named_sets(["out/x=1.zarr"]) == {"synthetic": "out/x=1.zarr"}
    for wrong in (["a", "b"], ["real=a"], ["a b=c"], ["name="]):
        with pytest.raises(InputError, match="--synthetic"):
            named_sets(wrong)
