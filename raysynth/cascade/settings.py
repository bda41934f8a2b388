"""The settings of the cascade, taken from the configuration once: what travels to the processes that make cells."""

from dataclasses import dataclass

from raysynth.config import (
    Config,
    GateConfig,
    MasksConfig,
    ShapesConfig,
    SurfaceConfig,
    TextureConfig,
    ViewsConfig,
)


@dataclass(frozen=True)
class CascadeSettings:
    """All settings that the cells of a shard depend on, beside its seed and number.

    Attributes
    ----------
    masks, shapes, views, surface, gate, texture
        Groups of the configuration, with the structure of the bundle's models in them.
    cells_per_shard
        Cells that a shard asks for.
    ring_px
        Width of the ring of surroundings that a cell's texture keeps, in pixels.
    has_views
        Whether solids are made from SyncDreamer's views.
    """

    masks: MasksConfig
    shapes: ShapesConfig
    views: ViewsConfig
    surface: SurfaceConfig
    gate: GateConfig
    texture: TextureConfig
    cells_per_shard: int
    ring_px: int
    has_views: bool

    @classmethod
    def of(cls, config: Config) -> "CascadeSettings":
        """Take the cascade's settings from a configuration.

        Parameters
        ----------
        config
            All settings, with what the bundle fixes in them (`bundle_info.resolve`).

        Returns
        -------
        CascadeSettings
            The settings of the cascade.
        """
        return cls(
            masks=config.masks,
            shapes=config.shapes,
            views=config.views,
            surface=config.surface,
            gate=config.gate,
            texture=config.texture,
            cells_per_shard=config.generate.cells_per_shard,
            ring_px=config.imaging.ring_px,
            has_views=config.has_views,
        )
