"""The model card of a bundle, written from what the bundle says of itself."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raysynth.cascade.bundle import BundleInfo

MODELS = {
    "masks": (
        "MaskDDPM",
        "`mask_ddpm/`, a diffusers `UNet2DModel` on folded soft masks, told area, solidity and elongation",
    ),
    "views": (
        "SyncDreamer",
        "`syncdreamer/`, trained on shapes drawn from the spectrum of the cells' surfaces, and metaballs",
    ),
    "texture": ("Texture diffusion", "`texture/`, diffusers modules; told mask, relative height and brightness"),
}


def model_card(info: "BundleInfo") -> str:
    """Markdown: what the bundle makes, from which data under which licence, by which commands, with which figures."""
    statistics = info.statistics
    voxel = "unknown" if statistics.voxel_um is None else " x ".join(f"{um:g}" for um in statistics.voxel_um) + " um"
    lines = [
        f"# {info.name}",
        "",
        f"A raysynth bundle that makes {statistics.dimensions}D cells. Crops of {statistics.crop_side_px} px, voxels "
        f"(z, y, x order) {voxel}, population statistics of {len(statistics.frames)} training frames.",
        "",
        f"- Training data: {info.data['source'] or 'not stated'}",
        f"- Licence of the data: {info.data['licence'] or 'not stated'}",
        f"- Attribution: {info.data['attribution'] or 'not stated'}",
        "- Synthetic images are for training and testing software; they are no evidence about biology.",
    ]
    for part, figures in info.figures.items():
        name, what = MODELS[part]
        lines += ["", f"## {name}", "", f"{what}. Made by `{info.commands[part]}`.", "", "| figure | |", "|---|---|"]
        lines += [f"| {key} | {value:.4g} |" for key, value in figures.items()]
    if info.fidelity:
        lines += ["", "## New cells beside real ones of the validation part", "", f"By `{info.fidelity_command}`."]
        lines += ["", "| figure | |", "|---|---|"]
        lines += [f"| {key} | {value:.4g} |" for key, value in info.fidelity.items()]
    return "\n".join(lines) + "\n"
