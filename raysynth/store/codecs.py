"""How the chunks of a data set are compressed. A part of the manifest, since the stored bytes depend on it.

Both are Blosc, which splits a chunk into blocks and can regroup its bits first. Images are noise, of which only the
upper bits compress; labels are runs of one number, which any compressor finds as they are.
"""

from typing import Annotated, Literal

import numcodecs
from pydantic import BaseModel, ConfigDict, Field
from zarr.codecs import BloscCodec

# numcodecs takes the numbers of Blosc's C library, where Zarr's metadata have names.
_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


class Compressor(BaseModel):
    """Blosc with one of its compressors.

    Attributes
    ----------
    cname
        Name of the compressor.
    clevel
        Its level, 1 (fast) to 9 (small).
    shuffle
        How the bytes or bits of a chunk are regrouped before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cname: Literal["lz4", "zstd"]
    clevel: Annotated[int, Field(ge=1, le=9)]
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"]

    def in_zarr(self, itemsize: int) -> BloscCodec:
        """Make the codec as Zarr's metadata name it.

        Parameters
        ----------
        itemsize
            Bytes of one pixel.
        """
        return BloscCodec(cname=self.cname, clevel=self.clevel, shuffle=self.shuffle, typesize=itemsize)

    def codec(self, itemsize: int) -> numcodecs.Blosc:
        """Make what compresses and decompresses one chunk; zarr itself uses this class.

        Parameters
        ----------
        itemsize
            Bytes of one pixel.
        """
        # The size is named here as it is in the metadata: the stored bytes depend on it.
        return numcodecs.Blosc(self.cname, self.clevel, _SHUFFLES[self.shuffle], typesize=itemsize)


class Codecs(BaseModel):
    """The compressors of a data set, the same at every level.

    Attributes
    ----------
    image, labels
        That of the images, and that of the labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Compressor = Compressor(cname="lz4", clevel=5, shuffle="bitshuffle")
    labels: Compressor = Compressor(cname="lz4", clevel=5, shuffle="noshuffle")
