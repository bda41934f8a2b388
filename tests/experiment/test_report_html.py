"""The page needs no other file."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raysynth.experiment.report_html import page

SECTIONS = [("SEG", "a < b & c", (("arm", "SEG"), [["real", "0.8"]])), ("Settings", "", None)]


class Parser(HTMLParser):
    """Counts tags and keeps the addresses of images."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.images += [value or "" for name, value in attrs if tag == "img" and name == "src"]


def row(arm: str, real: int | None, picture: Path, synthetic: int | None = None) -> dict[str, Any]:
    curves = [[[50, 0.5], [100, 0.7]]] * 3
    return {
        "arm": arm, "synthetic": None if arm == "real" else "s", "real_frames": real,
        "synthetic_frames": synthetic, "seg": 0.7,
        "gain_in_last_quarter": 0.1, "curves": curves, "picture": str(picture),
    }  # fmt: skip


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    labels = np.zeros((20, 30), np.uint32)
    labels[5:12, 6:15] = 1
    np.savez_compressed(tmp_path / "p.npz", image=labels * 100, reference=labels, predicted=np.roll(labels, 2))
    return tmp_path / "p.npz"


def read(rows: dict[str, Any]) -> Parser:
    parser = Parser()
    parser.feed(page({"name": "discs", "rows": rows}, SECTIONS))
    return parser


def test_plots_and_frames_are_inside_the_page(picture: Path) -> None:
    parser = read({"real": row("real", None, picture), "real 1": row("real", 1, picture), "b": row("both", 1, picture)})
    assert len(parser.images) == 3
    assert all(address.startswith("data:image/png;base64,") for address in parser.images)
    assert not {"link", "script"} & set(parser.tags)
    assert parser.tags.count("tr") == 2


def test_a_curve_over_synthetic_frames_has_a_plot_of_its_own(picture: Path) -> None:
    rows = {"real": row("real", None, picture), "synthetic": row("synthetic", None, picture)}
    assert len(read(rows).images) == 2
    few = {"synthetic 10": row("synthetic", None, picture, 10), "both 10": row("both", None, picture, 10)}
    assert len(read(rows | few).images) == 3


def test_without_a_curve_or_kept_frames_their_pictures_are_left_out(tmp_path: Path) -> None:
    assert len(read({"real": row("real", None, tmp_path / "absent.npz")}).images) == 1


def test_text_is_escaped() -> None:
    assert "a &lt; b &amp; c" in page({"name": "discs", "rows": {}}, SECTIONS)
