"""What a process is called, for benchmarks that look for Ray's. Imported by other files here."""

import psutil


def title(process: psutil.Process) -> str:
    """The command line, which Ray's workers set to what they do; empty for a process that is gone."""
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.Error:
        return ""
