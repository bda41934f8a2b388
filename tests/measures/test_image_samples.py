import numpy as np
import pytest

from raysynth.base.errors import InputError
from raysynth.measures.frame_sets import frame_set
from raysynth.measures.image_samples import sample_tiles, sample_whole
from tests.fixtures.scenes import WritePairs


def test_tiles_are_cut_alike_and_by_the_real_map(pairs: WritePairs) -> None:
    sample = sample_tiles(frame_set(str(pairs("real"))), frame_set(str(pairs("synthetic", seed=50))), 40)
    assert sample.diameter_px == pytest.approx(14, rel=0.1)
    assert sample.about.images == "40 tiles of 56 px each"
    assert sample.about.frames == "2/2/4"
    assert list(sample.about.grey_values) == pytest.approx([70, 530], abs=20)
    for part in sample.parts:
        assert np.shape(part) == (40, 56, 56)
        assert part[0].dtype == np.uint8


def test_whole_frames_need_many(pairs: WritePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    real, other = (frame_set(str(pairs(name, shape=(5, 72, 80)))) for name in ("real", "other"))
    with pytest.raises(InputError, match=r"--whole needs 500 frames .* but the least is 2"):
        sample_whole(real, other)
    monkeypatch.setattr("raysynth.measures.image_samples.WHOLE_FRAMES", 2)
    sample = sample_whole(real, other)
    assert (sample.about.images, sample.about.frames) == ("2 whole frames each", None)
    assert [np.shape(part) for part in sample.parts] == [(2, 72, 80)] * 3


def test_sets_of_several_kinds_are_refused(pairs: WritePairs) -> None:
    flat, volumes = pairs("real"), pairs("volumes", count=1, shape=(5, 72, 80))
    with pytest.raises(InputError, match=r"is 2D and .* is 3D"):
        sample_tiles(frame_set(str(flat)), frame_set(str(volumes)), 40)
