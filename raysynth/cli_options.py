"""Options that verbs of several modules share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the printed figures to a JSON file.")]
