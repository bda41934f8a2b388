"""Composed shards: same bytes for the same seed, and labels, table and counts that agree."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysynth.base.errors import InputError
from raysynth.config import ImagingConfig
from raysynth.population.compose import compose_shard
from tests.fixtures.populations import CellsOf, RecordOf, SettingsOf, StatisticsOf


@pytest.mark.parametrize("dimensions", [2, 3])
def test_equal_arguments_give_equal_bytes(
    cells_of: CellsOf, statistics_of: StatisticsOf, settings_of: SettingsOf, dimensions: int
) -> None:
    cells, statistics, composition = cells_of(dimensions, 6), statistics_of(dimensions), settings_of(dimensions)
    first, second = (compose_shard(cells, statistics, composition, 7, 3, range(4, 6)) for _ in range(2))
    assert first.images.tobytes() == second.images.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.rows == second.rows
    single = compose_shard(cells, statistics, composition, 7, 3, range(5, 6))
    assert single.images[0].tobytes() == first.images[1].tobytes(), "a frame does not depend on those before it"
    other = compose_shard(cells, statistics, composition, 8, 3, range(4, 6))
    assert first.images.tobytes() != other.images.tobytes()


@settings(max_examples=10)
@given(seed=st.integers(0, 999), dimensions=st.sampled_from([2, 3]), cut=st.booleans(), gap=st.integers(0, 2))
def test_labels_rows_and_counts_agree(
    cells_of: CellsOf,
    statistics_of: StatisticsOf,
    settings_of: SettingsOf,
    seed: int,
    dimensions: int,
    cut: bool,
    gap: int,
) -> None:
    composition = settings_of(dimensions, cells=(2, 14), border_cut=cut, gap_px=gap)
    shard = compose_shard(cells_of(dimensions, 5), statistics_of(dimensions), composition, seed, 0, range(10, 12))
    assert shard.images.shape == shard.labels.shape == (2, *composition.population.frame_px)
    assert (shard.images.dtype.name, shard.labels.dtype.name) == ("uint16", "uint32")
    for k, index in enumerate((10, 11)):
        named = [label for frame, label in zip(shard.rows["frame"], shard.rows["label"], strict=True) if frame == index]
        assert named == list(range(1, len(named) + 1))
        assert np.unique(shard.labels[k]).tolist()[-len(named) :] == named
    counts = shard.counts
    assert counts["placed"] == len(shard.rows["label"])
    assert counts["placed"] + counts["dropped"] == counts["asked"]
    assert {len(column) for column in shard.rows.values()} == {counts["placed"]}


def test_rows_name_the_source(cells_of: CellsOf, statistics_of: StatisticsOf, settings_of: SettingsOf) -> None:
    cells = cells_of(2, 6)
    shard = compose_shard(cells, statistics_of(2), settings_of(2), 1, 0, range(3))
    for i, key in zip(shard.rows["source_cell"], shard.rows["seed_key"], strict=True):
        assert json.loads(key) == cells[i].provenance["seed_key"]
    areas = [(shard.labels[f] == n).sum() for f, n in zip(shard.rows["frame"], shard.rows["label"], strict=True)]
    assert areas == [cells[i].mask.sum() for i in shard.rows["source_cell"]], "cells are turned, never rescaled"
    assert set(shard.rows["variation"]) <= set(range(8))
    assert all(0.2 < gain < 5 for gain in shard.rows["gain"])


def test_isolated_background_and_cells_match_the_record(
    cells_of: CellsOf, statistics_of: StatisticsOf, settings_of: SettingsOf
) -> None:
    shard = compose_shard(cells_of(2, 6), statistics_of(2), settings_of(2, cells=(3, 3)), 0, 0, range(4))
    record, noise = statistics_of(2).frames[0], statistics_of(2).noise
    outside = shard.images[shard.labels == 0]
    assert np.median(outside) == pytest.approx(record.background, abs=8)
    assert np.diff(np.quantile(outside, [0.16, 0.84])) / 2 == pytest.approx(
        np.hypot(record.noise_std, noise.illumination_std), rel=0.35
    )
    inside = [shard.images[f][shard.labels[f] == n].mean() for f in range(4) for n in (1, 2, 3)]
    assert np.mean(inside) == pytest.approx(record.intensity_mean, rel=0.12)


def test_without_background_only_cells_and_a_level(
    cells_of: CellsOf, statistics_of: StatisticsOf, settings_of: SettingsOf
) -> None:
    composition = settings_of(2, imaging=ImagingConfig(background=False), cells=(1, 1))
    shard = compose_shard(cells_of(2, 2), statistics_of(2), composition, 0, 0, range(1))
    assert np.median(shard.images) == 200
    assert (shard.images == 200).mean() > 0.5


def test_a_region_of_support_holds_all_cells(
    cells_of: CellsOf, statistics_of: StatisticsOf, record_of: RecordOf, settings_of: SettingsOf
) -> None:
    record = record_of(3, 6, 900.0, region=True)
    shard = compose_shard(cells_of(3, 6), statistics_of(3, record), settings_of(3), 0, 0, range(2))
    assert record.region is not None
    outside = ~record.region.inside(record.shape)
    assert all(not labels[outside].any() for labels in shard.labels)


def test_no_cells_is_one_sentence(statistics_of: StatisticsOf, settings_of: SettingsOf) -> None:
    with pytest.raises(InputError, match="shard 4 has no cells"):
        compose_shard([], statistics_of(2), settings_of(2), 0, 4, range(1))


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("float32", None), (None, 65535)])
def test_images_have_the_type_that_is_asked_for(
    cells_of: CellsOf, statistics_of: StatisticsOf, settings_of: SettingsOf, dtype: str | None, top: int | None
) -> None:
    """Values are those of the data's own type, as far as the type holds them."""
    cells, statistics = cells_of(2, 6), statistics_of(2)
    own = compose_shard(cells, statistics, settings_of(2, dtype="uint16"), 1, 0, range(2))
    made = compose_shard(cells, statistics, settings_of(2, dtype=dtype), 1, 0, range(2))
    assert made.images.dtype == (dtype or "uint16")
    rounded = np.clip(np.rint(made.images.astype(float)), 0, 65535)
    assert np.array_equal(rounded, np.minimum(own.images, top) if top else own.images)
    assert made.clipped == (np.count_nonzero(own.images > 255) if dtype == "uint8" else 0)
    assert np.array_equal(made.labels, own.labels)
