"""The `raysynth` command.

Exit codes: 0 done; 1 some shards or models failed, a data set is not intact, or the run was ended from outside; 2 bad
input, said in one sentence; 130 and 143 stopped by Ctrl-C and SIGTERM. What a command needs is imported when it runs,
so that help and refusals are quick.
"""

import sys
from collections.abc import Sequence

import typer

from raysynth.base.errors import InputError, RunError
from raysynth.cli.data_sets import data_sets
from raysynth.cli.evaluate import evaluate
from raysynth.cli.making import making

app = typer.Typer(
    help="Densely annotated synthetic fluorescence microscopy, 2D and 3D.",
    no_args_is_help=True,
    add_completion=False,
    # A bug shows Python's own traceback; typer's may print the values of all variables.
    pretty_exceptions_enable=False,
    # Plain help, which starts without rich and leaves brackets as they are.
    rich_markup_mode=None,
)
app.add_typer(making)
app.add_typer(data_sets)
app.add_typer(evaluate, name="evaluate")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    arguments
        Words after `raysynth`; None: those of this process.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    try:
        app(args=arguments)
    except InputError as error:
        print(f"raysynth: {error}", file=sys.stderr)
        sys.exit(2)
    except RunError as error:
        print(f"raysynth: {error}", file=sys.stderr)
        sys.exit(1)
