import pytest

from raysynth.base.errors import InputError
from raysynth.cascade.bundle import open_bundle
from raysynth.cascade.bundle_info import read_info
from raysynth.config import Config
from raysynth.config.kinds import needed_models
from raysynth.preparation.statistics import PopulationStatistics
from raysynth.train.run import describe_bundle, into_bundle
from tests.fixtures.training import bundle_folder, job_of, prepared_folder, prepared_of, train_one


def test_trained_models_make_a_bundle_that_opens(trainable: Config) -> None:
    for model in needed_models(trainable):
        assert train_one(trainable, model)
    bundle = open_bundle(bundle_folder(trainable))
    assert bundle.masks[0].config.sample_size == 16
    assert bundle.texture.encoded_shape(16) == (4, 8, 8)
    assert bundle.info.commands["masks"] == "raysynth train masks configs/discs.yaml"
    assert bundle.info.data == {"source": "here", "licence": "none", "attribution": "nobody"}


def test_a_stopped_training_leaves_no_part_and_resumes(trainable: Config) -> None:
    train_one(trainable, "masks", stop_at=2)
    assert not bundle_folder(trainable).exists()
    train_one(trainable, "masks")
    assert (bundle_folder(trainable) / "mask_ddpm").is_dir()


def test_2d_data_have_no_views(trainable: Config) -> None:
    with pytest.raises(InputError, match="discs is 2D: it has no views model to train"):
        job_of(trainable, "views")


def test_data_prepared_again_renew_the_bundle_and_keep_its_other_models(trainable: Config) -> None:
    train_one(trainable, "masks")
    path = prepared_folder(trainable) / "statistics.json"
    again = PopulationStatistics.load(path).model_copy(update={"dtype": "uint8"})
    path.write_text(again.to_json())
    train_one(trainable, "texture")
    info = read_info(bundle_folder(trainable))
    assert info.statistics.dtype == "uint8"
    assert set(info.figures) == set(info.structure) == set(info.commands) == {"masks", "texture"}


def test_a_storage_without_a_result_is_said(trainable: Config) -> None:
    train_one(trainable, "masks", stop_at=2)
    info = describe_bundle(trainable, prepared_of(trainable))
    with pytest.raises(InputError, match="holds no finished training: storage must be shared"):
        into_bundle(job_of(trainable, "masks"), bundle_folder(trainable), info)
