"""Runs one benchmark, study or tool: `python -m bench NAME [options]`; without a name, lists them all."""

import ast
import importlib
import sys
from pathlib import Path

KINDS = {"performance": "Performance", "studies": "Studies of quality", "tools": "Tools"}
"""Folders whose modules can be run, and their titles in the list."""


def commands() -> dict[str, dict[str, Path]]:
    """Find every module that can be run.

    Returns
    -------
    dict[str, dict[str, Path]]
        For each folder of `KINDS`, the file of each name.
    """
    here = Path(__file__).parent
    return {kind: {f.stem: f for f in sorted((here / kind).glob("[!_]*.py"))} for kind in KINDS}


def listing() -> str:
    """Describe every command in one line, the first of its module's docstring.

    Returns
    -------
    str
        The list, which imports no module, so that it costs nothing.
    """
    lines = ["usage: python -m bench NAME [options]; --help for those of one"]
    for kind, files in commands().items():
        lines += ["", KINDS[kind]]
        for name, file in files.items():
            summary = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
            lines.append(f"  {name:18}{summary}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Run the command that the first argument names, with the others as its options.

    Parameters
    ----------
    arguments
        The command line after `python -m bench`.

    Raises
    ------
    SystemExit
        If no command has that name.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(listing())
        return
    name, *options = arguments
    found = [kind for kind, files in commands().items() if name in files]
    if not found:
        raise SystemExit(f"{name} is not a benchmark: `python -m bench` lists them")
    sys.argv = [f"python -m bench {name}", *options]
    importlib.import_module(f"bench.{found[0]}.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
