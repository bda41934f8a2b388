from pathlib import Path

from raysynth.train.shipping import pack, unpack


def test_a_folder_arrives_as_it_was_and_once(cluster: None, tmp_path: Path) -> None:
    source, there = tmp_path / "prepared", tmp_path / "far" / "prepared"
    (source / "train").mkdir(parents=True)
    contents = {"train/masks.npy": bytes(range(256)) * 1000, "statistics.json": b"{}", "empty": b""}
    for name, content in contents.items():
        (source / name).write_bytes(content)
    parcel = pack(source)
    unpack(parcel, there)
    assert {name: (there / name).read_bytes() for name in contents} == contents
    assert [path.name for path in there.parent.iterdir()] == ["prepared"]
    (there / "statistics.json").write_bytes(b"mapped by another worker")
    unpack(parcel, there)
    assert (there / "statistics.json").read_bytes() == b"mapped by another worker"
