"""Options of a suite: a YAML file in `bench/performance/suites/`, each entry of which the command line may replace."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import yaml

from bench.common.paths import ROOT

SUITES = ROOT / "bench" / "performance" / "suites"


def described(description: str | None) -> argparse.ArgumentParser:
    """Make a parser whose help shows a text line by line as it stands.

    Parameters
    ----------
    description
        Usually a module's docstring.

    Returns
    -------
    ArgumentParser
        Without arguments yet.
    """
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def suite_options(parser: argparse.ArgumentParser, name: str) -> argparse.Namespace:
    """Parse the command line over the entries of a suite's file.

    Parameters
    ----------
    parser
        Knows every entry of the file as an option; gets `--suite` for another file.
    name
        Of the suite, which is that of its file without `.yaml`.

    Returns
    -------
    Namespace
        Each option from the command line, else from the file.
    """
    default = SUITES / f"{name}.yaml"
    parser.add_argument("--suite", type=Path, default=default, metavar="YAML", help="default: %(default)s")
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("--suite", type=Path, default=default)
    chosen = file.parse_known_args()[0].suite
    entries = yaml.safe_load(chosen.read_text(encoding="utf-8"))
    if unknown := sorted(entries.keys() - {action.dest for action in parser._actions}):
        parser.error(f"{chosen.name} has an entry {unknown[0]!r}, which this suite does not know")
    parser.set_defaults(**entries)
    return parser.parse_args()


def as_set_options(settings: Iterable[str]) -> list[str]:
    """Write settings as options of the raysynth command.

    Parameters
    ----------
    settings
        Each `key.path=value`.

    Returns
    -------
    list[str]
        `--set` before each.
    """
    return [word for setting in settings for word in ("--set", setting)]
