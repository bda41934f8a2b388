"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what is printed to a JSON file.")]
ConfigFile = Annotated[
    str, typer.Argument(metavar="CONFIG", help="Settings: a YAML file, or the name of one that comes with the package.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Change one setting; may be repeated.")
]
Address = Annotated[str | None, typer.Option(help="Ray cluster to work on. [default: this machine]")]
DatasetUri = Annotated[str, typer.Argument(metavar="DATASET", help="A data set: a folder, or s3://bucket/prefix.")]
