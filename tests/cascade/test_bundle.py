import math
import shutil
from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle, save_info, save_part
from raysynth.cascade.bundle_info import read_info
from raysynth.config import Config
from raysynth.config.shipped import find_bundle
from raysynth.models.masks import folding_of

SHIPPED = ("nuclei-2d", "embryo-3d")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a shipped bundle to damage."""
    return Path(shutil.copytree(find_bundle("embryo-3d"), tmp_path / "copy"))


def config(dimensions: int) -> Config:
    data = {"root": "none", "dimensions": dimensions, "voxel_um": [1.0] * dimensions}
    return Config.model_validate({"name": "x", "data": data, "population": {"frame_px": [64] * dimensions}})


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_bundles_open_by_name_with_all_their_models(name: str) -> None:
    bundle = open_bundle(name)
    model, _ = bundle.masks
    assert model.config.sample_size * folding_of(model) == bundle.info.statistics.crop_side_px
    side = bundle.info.statistics.crop_side_px
    assert math.prod(bundle.texture.encoded_shape(side)) == side**2, "pixels are folded, none is lost"
    if bundle.info.statistics.dimensions == 3:
        assert bundle.views[0].config.count == bundle.info.structure["views"]["count"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_bundles_say_where_they_come_from_and_are_small(name: str) -> None:
    folder = find_bundle(name)
    info = open_bundle(name).info
    assert all(info.data[key] for key in ("source", "licence", "attribution"))
    assert set(info.figures) == set(info.structure) == set(info.commands)
    assert (folder / "README.md").is_file()
    assert max(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= 16 * 2**20


def test_the_digest_is_of_the_content(copy: Path) -> None:
    assert open_bundle(str(copy)).digest == open_bundle("embryo-3d").digest
    (copy / "README.md").write_text("another card")
    assert open_bundle(str(copy)).digest == open_bundle("embryo-3d").digest
    (copy / "bundle.json").write_text((copy / "bundle.json").read_text() + " ")
    assert open_bundle(str(copy)).digest != open_bundle("embryo-3d").digest


def test_only_solids_of_views_need_syncdreamer(copy: Path) -> None:
    shutil.rmtree(copy / "syncdreamer")
    open_bundle(str(copy)).check(config(3).with_(surface={"source": "harmonics"}))
    with pytest.raises(InputError, match="has no syncdreamer: train that model"):
        open_bundle(str(copy)).check(config(3))


def test_damage_is_said_in_one_sentence(copy: Path) -> None:
    weights = copy / "mask_ddpm" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="is damaged"):
        _ = open_bundle(str(copy)).masks
    shutil.rmtree(copy / "texture")
    with pytest.raises(InputError, match="has no texture: train that model"):
        _ = open_bundle(str(copy)).texture


def test_a_part_is_swapped_in_whole(tmp_path: Path) -> None:
    save_part(tmp_path, "part", lambda folder: folder.joinpath("old").touch())

    def fail(folder: Path) -> None:
        folder.joinpath("new").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        save_part(tmp_path, "part", fail)
    assert [p.name for p in (tmp_path / "part").iterdir()] == ["old"]


def test_a_description_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    info = read_info("nuclei-2d")
    save_info(tmp_path, info)
    assert read_info(tmp_path) == info
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "bundle.json"]
