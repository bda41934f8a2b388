from pathlib import Path

import numpy as np

from raysynth.base.arrays import Doubles, Mask
from raysynth.measures.adherence import adherence, foreground, swap_test


def discs(*radii: float) -> Mask:
    y, x = np.mgrid[:48, :48]
    return np.stack([(y - 24) ** 2 + (x - 24) ** 2 <= r**2 for r in radii])


def pictures(masks: Mask) -> Doubles:
    rng = np.random.default_rng(0)
    return masks * 0.6 + 0.2 + 0.03 * rng.standard_normal(masks.shape)


def test_a_texture_on_its_mask_adheres_and_a_shifted_one_does_not() -> None:
    masks = discs(8, 12)
    assert adherence(pictures(masks), masks).min() > 0.9
    assert adherence(np.roll(pictures(masks), 10, axis=2), masks).max() < 0.6


def test_a_flat_crop_has_no_foreground() -> None:
    assert not foreground(np.full((8, 8), 0.5)).any()


def test_swapping_masks_of_different_cells_is_noticed() -> None:
    masks = discs(6, 14)
    assert swap_test(pictures(masks), masks).all()
    assert not swap_test(pictures(masks), masks[::-1]).any()


def test_real_nuclei_adhere_to_their_own_labels(real_data: Path) -> None:
    import tifffile
    from skimage.measure import regionprops

    image = tifffile.imread(sorted((real_data / "BBBC039" / "images").glob("*.tif"))[0]).astype(float)
    labels = tifffile.imread(sorted((real_data / "BBBC039" / "masks").glob("*.tif"))[0])
    cells = [r for r in regionprops(labels) if r.area > 200]
    scores = []
    for cell in cells:
        y0, x0, y1, x1 = cell.bbox
        window = (slice(max(y0 - 4, 0), y1 + 4), slice(max(x0 - 4, 0), x1 + 4))
        scores.append(adherence(image[window][None], (labels[window] == cell.label)[None])[0])
    assert np.median(scores) > 0.8
