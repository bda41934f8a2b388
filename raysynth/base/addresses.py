"""Addresses of data: paths, `file://` addresses and prefixes in S3 buckets."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.store import S3Store

from raysynth.base.errors import InputError

# Two letters at least, so that the drive of `C:/data` is none. It finds slips such as `s3:/bucket/x`, of which a folder
# called `s3:` would be made.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/|$)")


def local_folder(uri: str) -> Path | None:
    """Find the folder that a plain path or a `file://` address names.

    Parameters
    ----------
    uri
        A path or an address.

    Returns
    -------
    Path or None
        Its absolute path; None for other schemes.

    Raises
    ------
    InputError
        For what is neither, such as `s3:/bucket/x`.
    """
    if "://" in uri:
        parts = urlsplit(uri)
        # Addresses are percent-encoded and plain paths are not. One of another host gives None, which `open_bucket`
        # refuses.
        return Path(unquote(parts.path)) if parts.scheme == "file" and parts.netloc in ("", "localhost") else None
    if _SCHEME.match(uri):
        raise _no_address(uri)
    # Not `resolve`: links stay in the path, since another node may have another disk behind them.
    return Path(uri).expanduser().absolute()


def absolute(uri: str | Path) -> str:
    """Make a path absolute, so that workers with folders of their own find it.

    Parameters
    ----------
    uri
        A path, a `file://` address or one of another scheme.

    Returns
    -------
    str
        The absolute path; an address of another scheme is left as it is.
    """
    return str(local_folder(str(uri)) or uri)


def _no_address(uri: str) -> InputError:
    return InputError(f"{uri!r} is not an address of data: give a folder, a file:// address or s3://bucket/prefix")


def open_bucket(uri: str) -> S3Store:
    """Open a prefix in an S3 bucket; endpoint, region and keys come from the usual AWS_* environment variables.

    Parameters
    ----------
    uri
        An address such as `s3://bucket/prefix`.

    Raises
    ------
    InputError
        For other schemes, and without a bucket or a prefix.
    """
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    # A prefix is asked for, because a bucket seldom holds one data set and nothing else.
    if parts.scheme != "s3" or not parts.netloc or not prefix:
        raise _no_address(uri)
    # obstore refuses plain http by default, and the object stores of a local network often speak nothing else.
    return S3Store(parts.netloc, prefix=prefix, client_options={"allow_http": True})
