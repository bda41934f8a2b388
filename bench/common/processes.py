"""Processes of a run: what each is called, and all that belong to one."""

import psutil


def title(process: psutil.Process) -> str:
    """Read a process's command line, which Ray's workers set to what they do.

    Parameters
    ----------
    process
        Any process.

    Returns
    -------
    str
        Empty for a process that is gone.
    """
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.Error:
        return ""


def family(pid: int) -> list[psutil.Process]:
    """Find a process and all its descendants.

    Parameters
    ----------
    pid
        Number of the process.

    Returns
    -------
    list[psutil.Process]
        The process first; empty where it is gone.
    """
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []
