"""Create, resume, extend and finish a data set.

On disk: an OME-Zarr 0.5 image with `labels/cells` beside it, `cells.parquet/`, `manifest.json`, `done/` (one mark per
finished shard) and `runs/` (times, hosts, attempts, failures).
"""

from collections.abc import Iterable, Set

from raysynth.base.disk import STORE_ERRORS, unwritable
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store import marks, ome
from raysynth.store.manifest import MANIFEST_KEY, Manifest, check_same
from raysynth.store.spec import DatasetSpec, table_key

RUNS = "runs/"


def read_manifest(objects: Objects) -> Manifest:
    """The manifest of a data set; InputError when there is none."""
    try:
        return Manifest.from_bytes(objects.get(MANIFEST_KEY), objects.uri)
    except FileNotFoundError:
        raise InputError(f"{objects.uri} is not a raysynth data set (it has no {MANIFEST_KEY}): name one") from None


def create_dataset(uri: str, manifest: Manifest) -> None:
    """Create a data set, or make ready to go on with one made from the same manifest.

    More frames than before extend it; a last shard that was not full then is made again. May be repeated, also after
    being killed at any moment. Raises InputError when the place cannot be written, holds something else or was made
    from other settings.
    """
    objects = Objects(uri, create=True)
    try:
        if existing := _existing(objects):
            _resume(objects, existing, manifest)
        else:
            objects.put(MANIFEST_KEY, manifest.to_bytes())
        _write_metadata(objects, manifest)
    except STORE_ERRORS as error:
        raise unwritable(uri, error) from error


def _existing(objects: Objects) -> Manifest | None:
    """The manifest of a data set that is there already; InputError when something else is."""
    try:
        return Manifest.from_bytes(objects.get(MANIFEST_KEY), objects.uri)
    except FileNotFoundError:
        if objects.holds_other_than(RUNS):
            raise InputError(f"{objects.uri} holds other files: choose another output") from None
        return None


def _resume(objects: Objects, existing: Manifest, manifest: Manifest) -> None:
    """Check that `manifest` goes on from `existing`, and extend the data set when it asks for more frames."""
    check_same(existing, manifest, objects.uri)
    before, now = existing.dataset, manifest.dataset
    if now.frames > before.frames:
        if before.frames % before.frames_per_shard:
            _drop(objects, before.shards - 1)
        objects.put(MANIFEST_KEY, manifest.to_bytes())


def _drop(objects: Objects, index: int) -> None:
    """Make a shard count as not finished, and take its cells out of the table."""
    marks.remove_done(objects, index)
    objects.delete(table_key(index))


def missing_frames(spec: DatasetSpec, done: Set[int]) -> list[int]:
    """Frames of the shards that are not done, in order."""
    return [frame for shard in range(spec.shards) if shard not in done for frame in spec.shard_frames(shard)]


def _write_metadata(objects: Objects, manifest: Manifest) -> set[int]:
    """Write every Zarr document, with the frames that are missing now; returns the finished shards."""
    done = marks.done_shards(objects.uri)
    objects.put_all(ome.hierarchy(manifest.dataset, missing_frames(manifest.dataset, done)))
    return done


def finalise(uri: str) -> Manifest:
    """List the missing frames in the image's attributes and the total counts in the manifest.

    Also removes what killed writers left, so call it when nobody writes any more. Returns the manifest as stored.
    """
    objects = Objects(uri)
    objects.sweep(spare=RUNS)
    manifest = read_manifest(objects)
    done = _write_metadata(objects, manifest)
    manifest = manifest.model_copy(update={"counts": marks.total_counts(objects, done)})
    objects.put(MANIFEST_KEY, manifest.to_bytes())
    return manifest


def invalidate(uri: str, shards: Iterable[int]) -> list[int]:
    """Make shards count as not finished, so that the next `generate` makes exactly these again; returns them sorted."""
    objects = Objects(uri)
    chosen = sorted(set(shards))
    for index in chosen:
        _drop(objects, index)
    finalise(uri)
    return chosen
