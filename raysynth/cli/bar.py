"""A progress bar on a terminal."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Bar(Progress):
    """A bar with count and time, and below it the last message on lines of its own, so that neither cuts the other.

    Parameters
    ----------
    what
        What is counted, such as `shards`.
    """

    def __init__(self, what: str) -> None:
        self._message = ""
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        super().__init__(TextColumn(what), *columns, console=Console(stderr=True))
        self._task = self.add_task(what, total=None, visible=False)  # no bar before the total is known

    def get_renderables(self) -> Iterable[RenderableType]:
        """Give what is drawn again and again: the bar and the message.

        Yields
        ------
        RenderableType
            One or two parts.
        """
        yield self.make_tasks_table(self.tasks)
        if self._message:
            yield Text(self._message)

    def show(self, done: int, total: int, message: str = "") -> None:
        """Take note of the state of the work.

        Parameters
        ----------
        done
            Parts that are finished.
        total
            Parts in all; 0: unknown.
        message
            What has just happened; empty: the message before stays.
        """
        self._message = message or self._message
        # rich shows an unknown total as a moving bar, and a total of 0 as finished. Without a message its own clock
        # redraws soon enough.
        self.update(self._task, completed=done, total=total or None, visible=True, refresh=bool(message))
