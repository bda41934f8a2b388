"""Fidelity and morphology of synthetic sets, measured before, for the report of a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raysynth.base.errors import InputError
from raysynth.experiment.sections import ReportTable, Section

SetMetrics = Mapping[str, Sequence[Mapping[str, Any]]]
"""What `raysynth evaluate fidelity` and `morphology` wrote with --json, by the set's name."""

_MEASURES = ("real", "synthetic", "ks", "ks_halves")


def named_files(given: Sequence[str]) -> dict[str, list[Path]]:
    """Read the options that name files of metrics.

    Parameters
    ----------
    given
        `NAME=FILE` each; several files may be of one set.

    Returns
    -------
    dict of str to list of Path
        Files by the set's name.

    Raises
    ------
    InputError
        For other text.
    """
    found: dict[str, list[Path]] = {}
    for text in given:
        name, _, file = text.partition("=")
        if not name or not file:
            raise InputError(f"--metrics {text}: give NAME=FILE, NAME being that of a synthetic set")
        found.setdefault(name, []).append(Path(file))
    return found


def read_metrics(files: Mapping[str, Sequence[Path]], sets: Sequence[str]) -> SetMetrics:
    """Read what `raysynth evaluate fidelity` and `morphology` wrote with --json.

    Parameters
    ----------
    files
        Files by the set's name.
    sets
        Names that there are.

    Returns
    -------
    SetMetrics
        The content of the files, by set.

    Raises
    ------
    InputError
        For other names, and for files that are missing or hold something else.
    """
    for name in files:
        if name not in sets:
            raise InputError(f"--metrics {name}: give NAME=FILE, NAME being one of the sets {', '.join(sets)}")
    return {name: [_read(file) for file in some] for name, some in files.items()}


def _read(file: Path) -> dict[str, Any]:
    try:
        metrics: dict[str, Any] = json.loads(file.read_bytes())
        # Made once for its errors: a file that the report cannot show is refused before any training.
        shown = set_sections({"": [metrics]})
    except OSError as error:
        raise InputError(f"--metrics {file} cannot be read ({error.strerror}): name another file") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        shown = []
    if not shown:
        raise InputError(
            f"--metrics {file} holds no metrics of a set: write it by evaluate fidelity or morphology with --json"
        )
    return metrics


def set_sections(metrics: SetMetrics) -> list[Section]:
    """Make the parts of the report that show the metrics of sets.

    Parameters
    ----------
    metrics
        As `read_metrics` gives them.

    Returns
    -------
    list of Section
        One of fidelity and one of morphology, where there are such metrics.
    """
    each = [(name, one) for name, files in metrics.items() for one in files]
    fidelity = [_fidelity_line(name, one) for name, one in each if _is_fidelity(one)]
    morphology = [line for name, one in each if not _is_fidelity(one) for line in _morphology_lines(name, one)]
    found = []
    if fidelity:
        head = ["set", "n", "weights", "FID", "FID of real to real", "KID excess", "its error"]
        text = "FID is read beside that of two halves of the real images. Other weights give other values."
        found.append(Section("Fidelity", text, ReportTable(head, fidelity)))
    if morphology:
        head = ["set", "measure", *(name.replace("_", " of ") for name in _MEASURES)]
        text = "ks: the largest gap between cumulative distributions, beside that of halves of the real cells."
        found.append(Section("Morphology", text, ReportTable(head, morphology)))
    return found


def _is_fidelity(metrics: Mapping[str, Any]) -> bool:
    return "fid_ratio" in metrics


def _fidelity_line(name: str, metrics: Mapping[str, Any]) -> list[str]:
    values = (
        metrics["a_to_b"]["fid"],
        metrics["real_to_real"]["fid"],
        metrics["kid_excess"],
        metrics["kid_excess_error"],
    )
    return [name, str(metrics["n"]), metrics["weights"], *(f"{value:.4g}" for value in values)]


def _morphology_lines(name: str, metrics: Mapping[str, Any]) -> list[list[str]]:
    return [
        [name, measure.replace("_", " "), *(f"{values[column]:.4g}" for column in _MEASURES)]
        for measure, values in metrics.items()
        if isinstance(values, dict) and "ks" in values
    ]
