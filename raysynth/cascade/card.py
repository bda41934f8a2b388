"""The model card of a bundle, written from what the bundle says of itself."""

from raysynth.cascade.bundle_info import BundleInfo
from raysynth.config.kinds import KINDS


def model_card(info: BundleInfo) -> str:
    """Write the card: what the bundle makes, from which data under which licence, by which commands, how well.

    Parameters
    ----------
    info
        The bundle's description.

    Returns
    -------
    str
        Markdown.
    """
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
    kinds: dict[str, tuple[str, str]] = {name: (kind.title, kind.summary) for name, kind in KINDS.items()}
    for model, metrics in info.figures.items():
        title, summary = kinds[model]
        lines += ["", f"## {title}", "", f"{summary}. Made by `{info.commands[model]}`.", "", *_table(metrics)]
    if info.fidelity:
        lines += ["", "## New cells beside real ones of the validation split", ""]
        lines += [f"By `{info.fidelity_command}`.", "", *_table(info.fidelity)]
    return "\n".join(lines) + "\n"


def _table(metrics: dict[str, float]) -> list[str]:
    return ["| metric | |", "|---|---|", *(f"| {name} | {value:.4g} |" for name, value in metrics.items())]
