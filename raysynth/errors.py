"""The errors that a user is meant to read."""


class InputError(Exception):
    """Bad input or a bad setting.

    The message is one sentence: the file or setting, what is wrong with it, and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class TrainingFailed(Exception):
    """A training on the cluster that ended without a result; the message says why."""
