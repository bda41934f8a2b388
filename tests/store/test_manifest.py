import pytest

from raysynth.base.errors import InputError
from raysynth.store.manifest import Manifest, check_same, differences
from raysynth.store.spec import DatasetSpec
from tests.fixtures.datasets import MakeManifest


def test_equal_manifests_give_equal_bytes_whatever_the_order(spec: DatasetSpec, manifest: MakeManifest) -> None:
    one = manifest(spec, config={"a": {"b": 1, "c": (2, 3)}, "d": None})
    other = manifest(spec, config={"d": None, "a": {"c": [2, 3], "b": 1}})
    assert one.to_bytes() == other.to_bytes()
    assert Manifest.from_bytes(one.to_bytes(), "out").to_bytes() == one.to_bytes()


def test_what_differs_is_named_with_both_values(spec: DatasetSpec, manifest: MakeManifest) -> None:
    other = {"population": {"clustering": 0.7}, "texture": {"rho": 0.7}, "gate": {"min_iou": 0.9}}
    found = differences(manifest(spec), manifest(spec, config=other, seed=4))
    assert found == {
        "config.gate.min_iou": (None, 0.9),
        "config.population.clustering": (0.5, 0.7),
        "seed": (3, 4),
    }
    with pytest.raises(InputError, match=r"out/x was made from other settings .*seed is 3 there and 4 now"):
        check_same(manifest(spec), manifest(spec, config=other, seed=4), "out/x")


def test_long_lists_of_differences_are_shortened(spec: DatasetSpec, manifest: MakeManifest) -> None:
    with pytest.raises(InputError, match="and 6 more"):
        check_same(
            manifest(spec, config={"a": 1}), manifest(spec, config={"a": 1} | dict.fromkeys("bcdefghijk", 0)), "out"
        )


def test_more_frames_are_the_same_data_set_and_fewer_are_not(spec: DatasetSpec, manifest: MakeManifest) -> None:
    longer = spec.model_copy(update={"frames": 9})
    check_same(manifest(spec), manifest(longer), "out")
    with pytest.raises(InputError, match="already holds 9 frames"):
        check_same(manifest(longer), manifest(spec), "out")


def test_a_type_that_was_recorded_and_not_obeyed_is_no_difference(spec: DatasetSpec, manifest: MakeManifest) -> None:
    before, now = ({"generate": {"dtype": dtype, "levels": 2}} for dtype in ("uint16", None))
    assert differences(manifest(spec, config=before), manifest(spec, config=now)) == {}
    assert differences(manifest(spec, config=before), manifest(spec, config={"generate": {"levels": 2}})) == {}


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 1}'])
def test_damaged_manifests_are_named(damage: bytes) -> None:
    with pytest.raises(InputError, match=r"out/x/manifest\.json is damaged"):
        Manifest.from_bytes(damage, "out/x")


def test_a_type_that_early_manifests_kept_among_the_settings_does_not_count(
    spec: DatasetSpec, manifest: MakeManifest
) -> None:
    early = manifest(spec, config={"generate": {"dtype": "uint16", "levels": 2}})
    check_same(early, manifest(spec, config={"generate": {"levels": 2}}), "out")
    assert differences(early, manifest(spec, config={"generate": {"levels": 3}})) == {"config.generate.levels": (2, 3)}
