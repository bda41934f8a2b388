"""Where everything of one configuration is: made once per command, and handed down."""

from dataclasses import dataclass
from pathlib import Path

from raysynth.base.addresses import absolute
from raysynth.config import Config


@dataclass(frozen=True)
class Places:
    """The folders and addresses of one configuration.

    Local folders are absolute, as text: workers have current folders of their own. Others are `s3://bucket/prefix`.

    Attributes
    ----------
    workspace
        This configuration's own folder in the workspace, local.
    prepared
        What `prepare` writes and training reads, local.
    bundle
        The bundle that is trained here, local.
    storage
        Folder or address above the checkpoints of each model.
    out
        Folder or address of the data set that `generate` writes.
    """

    workspace: str
    prepared: str
    bundle: str
    storage: str
    out: str

    @classmethod
    def of(cls, config: Config) -> "Places":
        """Take the places from the settings.

        Parameters
        ----------
        config
            All settings. Relative folders in them are relative to the current folder.

        Returns
        -------
        Places
            Absolute folders and addresses.
        """
        own = Path(config.workspace).absolute() / config.name
        storage = str(own / "training")
        if config.storage is not None:
            # Several configurations may share one bucket, so each keeps to a folder of its name.
            storage = f"{absolute(config.storage).rstrip('/')}/{config.name}"
        return cls(str(own), str(own / "prepared"), str(own / "bundle"), storage, absolute(config.generate.out))

    def training(self, model: str) -> str:
        """Give the storage of one model's checkpoints and result.

        Parameters
        ----------
        model
            `masks`, `views` or `texture`.

        Returns
        -------
        str
            A folder or an address.
        """
        return f"{self.storage}/{model}"
