"""What all groups of settings are made of."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """A group of settings.

    Unknown keys and numbers that are infinite or not a number are errors. Values cannot change after loading.
    """

    # A misspelt setting that is let pass would make hours of data with its default.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def with_(self, **changes: Any) -> Self:
        """Return a copy with other values, judged as those of a file are.

        Parameters
        ----------
        **changes
            Setting → new value. For a group within, a dictionary of those of its settings that change, such as
            `config.with_(name="more", generate={"frames": 100})`, or a whole group, which replaces it.

        Returns
        -------
        Self
            The changed copy; this one stays as it is.

        Raises
        ------
        InputError
            For an unknown setting and for a value that it cannot have: one sentence.
        """
        from raysynth.config.changing import changed  # which knows all groups

        return changed(self, changes)
