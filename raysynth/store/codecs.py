"""How the chunks of a data set are compressed. A part of the manifest, since the stored bytes depend on it.

Both are Blosc, which splits a chunk into blocks and can regroup its bits first. Images are noise, of which only the
upper bits compress; labels are runs of one number, which any compressor finds as they are.
"""

from typing import Annotated, Literal

import numcodecs
from pydantic import BaseModel, ConfigDict, Field
from zarr.codecs import BloscCodec

SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


class Compressor(BaseModel):
    """Blosc with one of its compressors, at one level, over one order of the chunk's bytes or bits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cname: Literal["lz4", "zstd"]
    clevel: Annotated[int, Field(ge=1, le=9)]
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"]

    def in_zarr(self, itemsize: int) -> BloscCodec:
        """The codec as Zarr's metadata name it, for pixels of `itemsize` bytes."""
        return BloscCodec(cname=self.cname, clevel=self.clevel, shuffle=self.shuffle, typesize=itemsize)

    def codec(self, itemsize: int) -> numcodecs.Blosc:
        """What compresses and decompresses one chunk; zarr itself uses this class."""
        return numcodecs.Blosc(self.cname, self.clevel, SHUFFLES[self.shuffle], typesize=itemsize)


class Codecs(BaseModel):
    """The compressor of the images and that of the labels, at every level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Compressor = Compressor(cname="lz4", clevel=5, shuffle="bitshuffle")
    labels: Compressor = Compressor(cname="lz4", clevel=5, shuffle="noshuffle")
