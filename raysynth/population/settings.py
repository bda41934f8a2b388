"""The settings of composition, taken from the configuration once: what travels to the tasks that compose frames."""

from dataclasses import dataclass

from raysynth.config import Config, ImagingConfig, PopulationConfig


@dataclass(frozen=True)
class CompositionSettings:
    """All settings that a shard's frames depend on, beside its cells, seed and number.

    Attributes
    ----------
    population
        How cells share a frame.
    imaging
        What lies between and around them.
    dtype
        numpy name of the type that images are stored in; None: that of the real data.
    """

    population: PopulationConfig
    imaging: ImagingConfig
    dtype: str | None

    @classmethod
    def of(cls, config: Config) -> "CompositionSettings":
        """Take the settings of composition from a configuration.

        Parameters
        ----------
        config
            All settings.

        Returns
        -------
        CompositionSettings
            Those that frames depend on.
        """
        return cls(config.population, config.imaging, config.generate.dtype)

    def stored_dtype(self, data_dtype: str) -> str:
        """Tell the type that images are stored in.

        Parameters
        ----------
        data_dtype
            numpy name of the real data's type.

        Returns
        -------
        str
            `generate.dtype` where it is set, else the data's type; floats of any precision are stored as float32.
        """
        dtype = self.dtype or data_dtype
        # Half precision would round grey values above 2048, and double holds nothing that the painter computes.
        return "float32" if dtype in ("float16", "float32", "float64") else dtype
