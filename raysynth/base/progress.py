"""How long work says how far it is: the one kind of callback in the package."""

from typing import Protocol


class Progress(Protocol):
    """Called by long work whenever it has got further; a caller shows it, or leaves it."""

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Take note of the state of the work.

        Parameters
        ----------
        done
            Parts of the work that are finished.
        total
            Parts in all; 0 where nobody knows.
        message
            What has just happened, in one line; empty: nothing to say.
        """


def no_progress(done: int, total: int, message: str = "") -> None:
    """Show nothing: the default of every function that reports progress.

    Parameters
    ----------
    done
        Parts that are finished.
    total
        Parts in all.
    message
        What has just happened.
    """
