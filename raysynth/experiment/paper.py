"""The SEG values of Table 1 of Yilmaz et al. (ISBI 2025), to stand beside ours.

Networks, budgets and synthetic images are others there.
"""

from collections.abc import Mapping

from raysynth.experiment.result import RowResult

PAPER_SEG = {
    "hela": {"none": 0.775, "real": 0.826, "synthetic": 0.869, "both": 0.877},
    "gowt1": {"none": 0.471, "real": 0.881, "synthetic": 0.905, "both": 0.914},
    "cho": {"none": 0.698, "real": 0.897, "synthetic": 0.893, "both": 0.909},
    "ce": {"none": 0.212, "real": 0.706, "synthetic": 0.738, "both": 0.793},
}
"""SEG by data set and arm."""

PAPER_ABLATIONS = {
    "harmonics": {"cho": 0.876, "ce": 0.788},
    "scratch": {"hela": 0.843, "gowt1": 0.889, "cho": 0.890, "ce": 0.791},
}
"""SEG without SyncDreamer and without pretraining, by the name of a synthetic set that is such an ablation.

They stand beside arm both: its SEG without the ablation is above each of them; that of synthetic alone is not (CE).
"""


def paper_seg(row: RowResult, rows: Mapping[str, RowResult], name: str) -> float | None:
    """Find the paper's SEG of a row's kind.

    Parameters
    ----------
    row
        The row.
    rows
        All rows of the table.
    name
        Name of the configuration, which begins with that of the data set.

    Returns
    -------
    float or None
        None where the paper has none: other data, rows of fewer frames, other ablations.
    """
    # Further configurations of one data set are named after it, as in ce-NAME.
    data = name.split("-")[0]
    if row.real_frames is not None or row.synthetic_frames is not None:
        return None
    if row.synthetic in PAPER_ABLATIONS:
        return PAPER_ABLATIONS[row.synthetic].get(data) if row.arm == "both" else None
    return PAPER_SEG.get(data, {}).get(row.arm) if _is_main(row, rows) else None


def _is_main(row: RowResult, rows: Mapping[str, RowResult]) -> bool:
    """Say whether a row uses no synthetic set, or the first: ablations are not in the paper's main table."""
    named = [other.synthetic for other in rows.values() if other.synthetic]
    return row.synthetic in (None, *named[:1])
