import numpy as np
import pytest

from raysynth.preparation.edges import edge_profile, edge_sums
from tests.fixtures.frames import balls


def test_edge_profile_of_a_sharp_disc() -> None:
    labels = balls((64, 64), np.array([[32, 32]]), 14)
    image = np.where(labels > 0, 300, 100).astype(np.uint16)
    profile = edge_profile([edge_sums(image[None], labels[None], np.full((1, 64, 64), 100, np.float32))])
    distance, relative = np.array(profile.distance_px), np.array(profile.relative)
    assert (distance.min(), distance.max()) == (-9.5, 9.5)
    assert relative[distance > 0] == pytest.approx(1)
    assert relative[distance < 0] == pytest.approx(0)
