"""Keep the values of segmentation tables, without their pictures and folders.

    python -m bench tables gowt1=workspace/gowt1-start/table/table.json [hela=...]

Each file was written by `raysynth evaluate table` (or `--validation`). Writes `bench/results/table-NAME.json`: SEG of
every row and seed, differences with their intervals, validation curves, budget, seconds, and how often the test split
has been read.
"""

import json
from pathlib import Path
from typing import Any

from bench.common.environment import save_result
from bench.common.suite import described

_ROW = ("seg", "seeds", "validation", "gain_in_last_quarter", "plateau", "steps_of_checkpoint", "curves", "seconds")
_WHOLE = ("name", "scored", "gains", "left_out", "settings", "versions")


def _metrics(found: dict[str, Any]) -> dict[str, Any]:
    """Choose what is kept of a table."""
    rows = {
        title: {key: row[key] for key in _ROW} | {"images": row["images"][0]} for title, row in found["rows"].items()
    }
    kept = {key: found[key] for key in _WHOLE} | {"rows": rows, "about": found["figures"]}
    return kept | {"test_reads": [{"time": r["time"], "networks": len(r["networks"])} for r in found["test_reads"]]}


def main() -> None:
    """Keep every table that is given."""
    parser = described(__doc__)
    parser.add_argument("tables", nargs="+", metavar="NAME=FILE")
    for name, _, file in (text.partition("=") for text in parser.parse_args().tables):
        save_result(f"table-{name}", _metrics(json.loads(Path(file).read_text())))
