from pathlib import Path

import numpy as np

from raysynth.config import Config
from raysynth.train.shipping import PreparedParcel, pack_folder, unpack_folder
from tests.fixtures.training import prepared_folder, prepared_of


def test_a_folder_arrives_as_it_was_and_once(cluster: None, tmp_path: Path) -> None:
    source, there = tmp_path / "prepared", tmp_path / "far" / "prepared"
    (source / "train").mkdir(parents=True)
    contents = {"train/masks.npy": bytes(range(256)) * 1000, "statistics.json": b"{}", "empty": b""}
    for name, content in contents.items():
        (source / name).write_bytes(content)
    parcel = pack_folder(source)
    unpack_folder(parcel, there)
    assert {name: (there / name).read_bytes() for name in contents} == contents
    assert [path.name for path in there.parent.iterdir()] == ["prepared"]
    (there / "statistics.json").write_bytes(b"mapped by another worker")
    unpack_folder(parcel, there)
    assert (there / "statistics.json").read_bytes() == b"mapped by another worker"


def test_prepared_data_arrive_with_their_limit(cluster: None, trainable: Config, tmp_path: Path) -> None:
    limited = trainable.with_(crops={"limit": 5, "limit_seed": 1})
    there = PreparedParcel.pack(prepared_folder(trainable), limited.crops).open(tmp_path / "far")
    here = prepared_of(limited)
    assert len(there.train.outlines) == 5
    np.testing.assert_array_equal(there.train.outlines, here.train.outlines)
    np.testing.assert_array_equal(there.validation.images, here.validation.images)
    assert there.statistics == here.statistics
