"""The options of a suite: a YAML file in `bench/suites/`, each entry of which the command line may replace."""

import argparse
from pathlib import Path

import yaml

SUITES = Path(__file__).parent / "suites"


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is a module's docstring as it stands."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def options(parser: argparse.ArgumentParser, name: str) -> argparse.Namespace:
    """The parsed command line over the entries of `bench/suites/<name>.yaml`, or of the file that `--suite` gives."""
    parser.add_argument(
        "--suite", type=Path, default=SUITES / f"{name}.yaml", metavar="YAML", help="default: %(default)s"
    )
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("--suite", type=Path, default=SUITES / f"{name}.yaml")
    chosen = file.parse_known_args()[0].suite
    entries = yaml.safe_load(chosen.read_text())
    if unknown := sorted(entries.keys() - {action.dest for action in parser._actions}):
        parser.error(f"{chosen.name} has an entry {unknown[0]!r}, which this suite does not know")
    parser.set_defaults(**entries)
    return parser.parse_args()
