"""Options that verbs of several modules share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the printed figures to a JSON file.")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Settings: a YAML file.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Change one setting; may be repeated.")
]
Address = Annotated[str | None, typer.Option(help="Ray cluster to work on. [default: this machine]")]
