"""Training. The package itself can be called: `raysynth.train(config)` is the verb `raysynth train`."""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that does its verb. (Importing any of its modules would replace a function of its name.)"""

    def __call__(self, *arguments: Any, **options: Any) -> dict[str, dict[str, Any]]:
        """See `raysynth.actors.train.train`."""
        from raysynth.actors.train import train

        return train(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
