import numpy as np
import pytest
from pydantic import ValidationError

from raysynth.store.codecs import Codecs, Compressor


@pytest.mark.parametrize("cname", ["lz4", "zstd"])
@pytest.mark.parametrize("shuffle", ["noshuffle", "shuffle", "bitshuffle"])
def test_zarrs_metadata_name_what_compresses(cname: str, shuffle: str) -> None:
    compressor = Compressor(cname=cname, clevel=2, shuffle=shuffle)
    named = compressor.in_zarr(2).to_dict()["configuration"]
    assert named == {"cname": cname, "clevel": 2, "shuffle": shuffle, "typesize": 2, "blocksize": 0}
    pixels = np.repeat(np.arange(50, dtype=np.uint16), 100)
    data = compressor.codec(2).encode(pixels)
    assert len(data) < pixels.nbytes
    assert np.array_equal(np.frombuffer(compressor.codec(2).decode(data), np.uint16), pixels)


def test_the_choice_survives_the_manifest_and_unknown_ones_are_refused() -> None:
    assert Codecs.model_validate_json(Codecs().model_dump_json()) == Codecs()
    with pytest.raises(ValidationError):
        Compressor(cname="gzip", clevel=2, shuffle="shuffle")
