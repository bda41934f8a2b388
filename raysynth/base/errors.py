"""The errors that a user is meant to read."""

from pydantic import ValidationError


class InputError(Exception):
    """Bad input or a bad setting.

    The message is one sentence: the file or setting, what is wrong with it, and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class RunError(Exception):
    """What ends a sound run from outside, such as a full disk; a rerun goes on where it ended.

    The message is one sentence, which the command line prints without a traceback; exit code 1.
    """


class TrainingFailed(Exception):
    """A training on the cluster that ended without a result; the message says why."""


def damaged(document: object, error: ValidationError, remedy: str) -> InputError:
    """What to tell the user of a JSON document that does not validate: its place, its first fault, and a remedy."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the file"
    return InputError(f"{document} is damaged at {where} ({first['msg']}): {remedy}")
