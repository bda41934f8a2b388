from pathlib import Path

import pytest

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle
from raysynth.config import Config, SurfaceConfig
from raysynth.preparation.prepared import prepared_folder
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.train.run import bundle_folder, fit, models_of


def test_trained_models_make_a_bundle_that_opens(trainable: Config) -> None:
    for model in models_of(trainable):
        assert fit(trainable, model)
    bundle = open_bundle(str(bundle_folder(trainable)))
    assert bundle.masks[0].config.sample_size == 16
    assert bundle.texture.latent_shape(16) == (4, 8, 8)
    assert bundle.info.commands["masks"] == "raysynth train masks configs/discs.yaml"
    assert bundle.info.data == {"source": "here", "licence": "none", "attribution": "nobody"}


def test_a_stopped_training_leaves_no_part_and_goes_on(trainable: Config) -> None:
    fit(trainable, "masks", stop_at=2)
    assert not bundle_folder(trainable).exists()
    fit(trainable, "masks")
    assert (bundle_folder(trainable) / "mask_ddpm").is_dir()


def test_2d_data_have_no_views(trainable: Config) -> None:
    with pytest.raises(InputError, match="2D: it has no views"):
        fit(trainable, "views")


def test_solids_of_harmonics_need_no_views(trainable: Config) -> None:
    volumes = trainable.model_copy(update={"data": trainable.data.model_copy(update={"dimensions": 3})})
    assert models_of(volumes) == ("masks", "views", "texture")
    harmonics = volumes.model_copy(update={"surface": SurfaceConfig(source="harmonics")})
    assert models_of(harmonics) == ("masks", "texture")


def test_training_before_prepare_says_so(trainable: Config, tmp_path: Path) -> None:
    elsewhere = trainable.model_copy(update={"workspace": str(tmp_path / "empty")})
    with pytest.raises(InputError, match="run `raysynth prepare`"):
        fit(elsewhere, "masks")


def test_data_prepared_again_renew_the_bundle_and_keep_its_other_models(trainable: Config) -> None:
    fit(trainable, "masks")
    path = prepared_folder(trainable) / "statistics.json"
    again = PopulationStatistics.load(path).model_copy(update={"dtype": "uint8"})
    path.write_text(again.to_json())
    fit(trainable, "texture")
    info = open_bundle(str(bundle_folder(trainable))).info
    assert info.statistics.dtype == "uint8"
    assert set(info.figures) == {"masks", "texture"}
