import numpy as np

from raysynth.export.pictures import Screen, colours, outlined, richest, views


def test_outlines_lie_inside_the_edge_of_their_label() -> None:
    labels = np.zeros((6, 8), np.uint32)
    labels[1:5, 1:4], labels[1:5, 4:7] = 1, 2  # two cells that touch
    black = np.zeros((12, 16, 3), np.uint8)
    drawn = outlined(black, labels).any(axis=2)
    large = labels.repeat(2, axis=0).repeat(2, axis=1)
    expected = np.zeros_like(drawn)
    for label in (1, 2):
        rows, columns = np.nonzero(large == label)
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        expected[box] = True
        expected[box[0].start + 1 : box[0].stop - 1, box[1].start + 1 : box[1].stop - 1] = False
    assert np.array_equal(drawn, expected)
    assert not black.any()


def test_consecutive_labels_differ_in_colour() -> None:
    shown = colours(np.arange(1, 30, dtype=np.uint32)).astype(int)
    assert np.abs(np.diff(shown, axis=0)).max(axis=1).min() > 60


def test_views_are_sections_or_projections_of_a_volume() -> None:
    volume = np.zeros((2, 3, 4))
    volume[1, 2, 3] = 7
    for at in (None, (1, 2, 3)):
        yx, yz, zx = views(volume, at)
        assert (yx.shape, yz.shape, zx.shape) == ((3, 4), (3, 2), (2, 4))
        assert yx[2, 3] == yz[2, 1] == zx[1, 3] == 7
    assert not views(volume, (0, 0, 0))[0].any()
    assert richest((volume > 0).astype(np.uint32)) == (1, 2, 3)


def test_z_is_stretched_to_the_scale_of_y_and_x() -> None:
    screen = Screen(0, 10, (5.0, 2.0, 2.0))
    picture = screen.volume(np.full((3, 4, 6), 20, np.uint16))
    assert picture.shape == (2 * 4 + 6 + 5 * 3, 2 * 6 + 6 + 5 * 3, 3)
    assert (picture[:8, :12] == 255).all()
