"""Write the byte code of all that raysynth imports, once; `make setup` does, so that the first command starts fast.

    python -m bench byte_code

Imports every module of the package, which compiles what it finds not compiled: far fewer files than pip compiles, which
takes all of every library. Ray's own processes import more of Ray, which is compiled too.
"""

import compileall
import importlib
import pkgutil
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import raysynth
from bench.common.suite import described

_RAY_FOLDERS = ("_private", "dashboard")
"""What Ray's own processes import of it."""


def main() -> None:
    """Import every module; those whose optional libraries are not installed are left out."""
    described(__doc__).parse_args()
    sys.dont_write_bytecode = False  # PYTHONDONTWRITEBYTECODE would make every start slow
    for module in pkgutil.walk_packages(raysynth.__path__, "raysynth."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)
    spec = find_spec("ray")
    if spec is not None and spec.origin is not None:
        for folder in _RAY_FOLDERS:
            compileall.compile_dir(Path(spec.origin).parent / folder, quiet=2)
