"""The errors that a user is meant to read."""

from typing import TYPE_CHECKING

# The command line imports this module for its own refusals, which shall not wait for pydantic.
if TYPE_CHECKING:
    from pydantic import ValidationError


class RaysynthError(Exception):
    """Base class of every error that raysynth raises on purpose."""


class InputError(RaysynthError):
    """Bad input or a bad setting.

    The message is one sentence: the file or setting, what is wrong with it, and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class RunError(RaysynthError):
    """What ends a good run from outside, such as a full disk; the same command resumes it.

    The message is one sentence, which the command line prints without a traceback; exit code 1.
    """


class TrainingFailed(RaysynthError):
    """A training on the cluster that ended without a result; the message says why."""


def first_line(error: BaseException) -> str:
    """Say in one line what an error means, to be quoted within a sentence.

    Parameters
    ----------
    error
        Any exception.

    Returns
    -------
    str
        The first line of its message without the period at its end, or the name of its type if it has no message.
    """
    lines = str(error).strip().splitlines()
    return lines[0].strip().removesuffix(".") if lines else type(error).__name__


def damaged(document: object, error: "ValidationError", remedy: str) -> InputError:
    """Say that a JSON document does not hold what it should.

    Parameters
    ----------
    document
        Path or address of the document.
    error
        What pydantic found; its first fault is named.
    remedy
        What the user can do, as the end of the sentence.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    first = error.errors()[0]
    # Text that is no JSON at all has no place within.
    where = ".".join(map(str, first["loc"])) or "the file"
    return InputError(f"{document} is damaged at {where} ({first['msg']}): {remedy}")
