"""Fidelity and morphology of synthetic sets, measured before, for the report of a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raysynth.base.errors import InputError

Table = tuple[Sequence[str], list[list[str]]]

_MEASURES = ("real", "synthetic", "ks", "ks_halves")


def read_figures(given: Sequence[str], sets: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What `raysynth evaluate fidelity` and `morphology` wrote with --json, by set, from `NAME=FILE`.

    sets: names that may be given; several files may be of one set. Raises InputError for anything else.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for text in given:
        name, _, place = text.partition("=")
        if name not in sets or not place:
            raise InputError(f"--figures {text}: give NAME=FILE, NAME being one of the sets {', '.join(sets)}")
        try:
            figures = json.loads(Path(place).read_bytes())
            shown = sections({name: [figures]})
        except OSError as error:
            raise InputError(f"--figures {place} cannot be read ({error.strerror}): name another file") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            shown = []
        if not shown:
            raise InputError(
                f"--figures {place} holds no figures of a set: write it by evaluate fidelity or morphology with --json"
            )
        found.setdefault(name, []).append(figures)
    return found


def sections(figures: Mapping[str, Sequence[dict[str, Any]]]) -> list[tuple[str, str, Table | None]]:
    """Title, sentence and table of the parts of the report that show `read_figures`; none without figures."""
    each = [(name, one) for name, files in figures.items() for one in files]
    fidelity = [_fidelity_line(name, one) for name, one in each if _is_fidelity(one)]
    morphology = [line for name, one in each if not _is_fidelity(one) for line in _morphology_lines(name, one)]
    heads = {
        "Fidelity": ("set", "n", "weights", "FID", "FID of real to real", "KID excess", "its error"),
        "Morphology": ("set", "measure", *(name.replace("_", " of ") for name in _MEASURES)),
    }
    texts = {
        "Fidelity": "FID is read beside that of two halves of the real images. Other weights give other figures.",
        "Morphology": "ks: the largest gap between cumulative distributions, beside that of halves of the real cells.",
    }
    return [
        (title, texts[title], (heads[title], lines))
        for title, lines in (("Fidelity", fidelity), ("Morphology", morphology))
        if lines
    ]


def _is_fidelity(figures: dict[str, Any]) -> bool:
    return "fid_ratio" in figures


def _fidelity_line(name: str, figures: dict[str, Any]) -> list[str]:
    values = (
        figures["a_to_b"]["fid"],
        figures["real_to_real"]["fid"],
        figures["kid_excess"],
        figures["kid_excess_error"],
    )
    return [name, str(figures["n"]), figures["weights"], *(f"{value:.4g}" for value in values)]


def _morphology_lines(name: str, figures: dict[str, Any]) -> list[list[str]]:
    return [
        [name, measure.replace("_", " "), *(f"{values[column]:.4g}" for column in _MEASURES)]
        for measure, values in figures.items()
        if isinstance(values, dict) and "ks" in values
    ]
