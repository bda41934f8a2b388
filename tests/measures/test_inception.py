from pathlib import Path

import numpy as np
import pytest
import torch

from raysynth.base.errors import InputError
from raysynth.measures.inception import Inception


@pytest.fixture(scope="module")
def substitute(real_data: Path) -> Inception:
    weights = real_data.parent / "weights" / "inception_v3_substitute_fp16.pth"
    if not weights.exists():
        pytest.skip("needs the substitute weights beside the real data")
    return Inception(weights)


def test_features_depend_on_the_image_and_not_on_its_batch(substitute: Inception) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
    images[2] = 40
    found = substitute.features(images)
    assert substitute.name == "inception_v3_substitute"
    assert found.shape == (3, 2048)
    assert found.dtype == torch.float64
    torch.testing.assert_close(substitute.features(images[2:])[0], found[2], rtol=1e-3, atol=1e-4)
    assert (found[0] - found[2]).norm() > 3 * (found[0] - found[1]).norm()


def test_a_file_that_is_missing_or_no_such_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pth is missing"):
        Inception(tmp_path / "none.pth")
    other = tmp_path / "other.pth"
    other.write_text("text")
    with pytest.raises(InputError, match="does not hold Inception weights"):
        Inception(other)
    torch.save({"weight": torch.zeros(3)}, other)
    with pytest.raises(InputError, match="does not hold Inception weights"):
        Inception(other)


def test_canonical_weights_that_cannot_be_downloaded_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for scheme in ("http", "https"):  # nobody listens there
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"cannot be downloaded .*--weights"):
        Inception(None)
