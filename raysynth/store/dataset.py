"""Create, resume, extend and finish a data set.

On disk: an OME-Zarr 0.5 image with `labels/cells` beside it, `cells.parquet/`, `manifest.json`, `done/` (one mark per
finished shard) and `runs/` (times, hosts, attempts, failures).
"""

from collections.abc import Iterable, Set

from raysynth.base.disk import STORE_ERRORS, unwritable
from raysynth.base.errors import InputError
from raysynth.base.objects import Objects
from raysynth.store import marks, ome
from raysynth.store.display import display_of, measure_display
from raysynth.store.manifest import MANIFEST_KEY, Manifest, check_same
from raysynth.store.spec import DatasetSpec, table_key

RUNS = "runs/"


def read_manifest(objects: Objects) -> Manifest:
    """Read the manifest of a data set.

    Parameters
    ----------
    objects
        The data set.

    Raises
    ------
    InputError
        When there is none, or it is damaged.
    """
    try:
        return Manifest.from_bytes(objects.get(MANIFEST_KEY), objects.uri)
    except FileNotFoundError:
        raise InputError(f"{objects.uri} is not a raysynth data set (it has no {MANIFEST_KEY}): name one") from None


def create_dataset(objects: Objects, manifest: Manifest) -> None:
    """Create a data set, or make one from the same manifest ready to be resumed.

    More frames than before extend it; a last shard that was not full then is made again. May be repeated, also after
    being killed at any moment.

    Parameters
    ----------
    objects
        Where it shall lie, opened with `create`.
    manifest
        What determines its bytes.

    Raises
    ------
    InputError
        When it cannot be written, and when something else is there, or a data set that was made from other settings.
    """
    try:
        # The manifest is the first object: without one, a target that holds others is refused, even to the run that
        # left them.
        if existing := _existing(objects):
            _resume(objects, existing, manifest)
        else:
            objects.put(MANIFEST_KEY, manifest.to_bytes())
        spec = manifest.dataset
        missing = missing_frames(spec, marks.done_shards(objects))
        # The display range of an earlier run stays until `finalise` measures it again.
        objects.put_all(ome.hierarchy(spec, missing, display_of(objects)))
    except STORE_ERRORS as error:
        raise unwritable(objects.uri, error) from error


def _existing(objects: Objects) -> Manifest | None:
    """Read the manifest of a data set that is there already; InputError when something else is."""
    try:
        return Manifest.from_bytes(objects.get(MANIFEST_KEY), objects.uri)
    except FileNotFoundError:
        # A run takes its lease, below `runs/`, before it creates the data set.
        if objects.holds_other_than(RUNS):
            raise InputError(f"{objects.uri} holds other files: choose another output") from None
        return None


def _resume(objects: Objects, existing: Manifest, manifest: Manifest) -> None:
    """Check that `manifest` is of the same data set as `existing`, and extend that when it asks for more frames."""
    check_same(existing, manifest, objects.uri)
    before, now = existing.dataset, manifest.dataset
    if now.frames > before.frames:
        # Dropped before the manifest grows: in between, a shard is missing. The other way round, its mark would pass
        # for one of a full shard.
        if before.frames % before.frames_per_shard:
            _drop(objects, before.shards - 1)
        objects.put(MANIFEST_KEY, manifest.to_bytes())


def _drop(objects: Objects, index: int) -> None:
    """Make a shard count as not finished, and take its cells out of the table."""
    # The mark goes first, as it vouches for the rest. Pixels stay: the next writer replaces them.
    marks.remove_done(objects, index)
    objects.delete(table_key(index))


def missing_frames(spec: DatasetSpec, done: Set[int]) -> list[int]:
    """List the frames of the shards that are not done, in order.

    Parameters
    ----------
    spec
        The shape of the data set.
    done
        Numbers of the finished shards.
    """
    return [frame for shard in range(spec.shards) if shard not in done for frame in spec.shard_frames(shard)]


def finalise(objects: Objects) -> Manifest:
    """Put what depends on all shards into the documents: missing frames, display range, and total counts.

    Also removes the staged files that killed writers left, so call it when nobody writes any more.

    Parameters
    ----------
    objects
        The data set.

    Returns
    -------
    Manifest
        The manifest as it is stored now.
    """
    manifest = read_manifest(objects)
    spec, done = manifest.dataset, marks.done_shards(objects)
    # Only names that this data set writes itself: a user's own `notes#1` beside them stays.
    objects.sweep(lambda: _own_keys(spec))
    missing = missing_frames(spec, done)
    objects.put_all(ome.hierarchy(spec, missing, measure_display(objects, spec, set(missing))))
    manifest = manifest.model_copy(update={"counts": marks.total_counts(objects, done)})
    objects.put(MANIFEST_KEY, manifest.to_bytes())
    return manifest


def _own_keys(spec: DatasetSpec) -> set[str]:
    """Every key that writers of the data set may have staged, but those below `runs/`."""
    keys = {MANIFEST_KEY, *ome.hierarchy(spec, [])}
    for index in range(spec.shards):
        keys |= {marks.mark_key(marks.DONE, index), *spec.object_keys(index)}
    return keys


def invalidate(objects: Objects, shards: Iterable[int]) -> list[int]:
    """Make shards count as not finished, so that the next `generate` makes exactly these again.

    Parameters
    ----------
    objects
        The data set.
    shards
        Numbers of the shards; each may come twice.

    Returns
    -------
    list of int
        The numbers, sorted.
    """
    chosen = sorted(set(shards))
    for index in chosen:
        _drop(objects, index)
    # At once, so that readers skip these frames until they are made again.
    finalise(objects)
    return chosen
