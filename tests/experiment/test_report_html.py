"""A reader of the page sees the tables, the sentences and the pictures, and needs no other file."""

import base64
import io
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysynth.experiment.report import report_sections
from raysynth.experiment.report_html import report_page
from raysynth.experiment.result import RowResult, TableResult
from raysynth.experiment.sections import ReportTable, Section
from tests.fixtures.tables import row_result, table_result

Rows = dict[str, RowResult]


@dataclass
class Part:
    """What stands below one title."""

    text: str = ""
    lines: list[list[str]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    """Reads the page as a browser shows it: parts by title, each with its text, table lines and pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: dict[str, Part] = {}
        self.outside: list[str] = []
        self._title = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.outside += [value or "" for name, value in found.items() if name in ("href", "src")]
        if tag == "img":
            self.parts[self._title].pictures.append(found["src"] or "")
        elif tag not in ("meta", "link"):
            self._open.append(tag)
        if tag == "h2":
            self._title = ""
        elif tag == "tr":
            self.parts[self._title].lines.append([])
        elif tag in ("th", "td"):
            self.parts[self._title].lines[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "h2":
            self.parts[self._title] = Part()

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        if where == "h2":
            self._title += data
        elif where in ("th", "td"):
            self.parts[self._title].lines[-1][-1] += data
        elif where == "p":
            self.parts[self._title].text += data


def read(result: TableResult, sections: list[Section] | None = None) -> Reader:
    return Reader(report_page(result, report_sections(result) if sections is None else sections))


def image(address: str) -> Image.Image:
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    labels = np.zeros((20, 30), np.uint32)
    labels[5:12, 6:15] = 1
    np.savez_compressed(tmp_path / "p.npz", image=labels * 100, reference=labels, predicted=np.roll(labels, 2))
    return tmp_path / "p.npz"


def with_rows(folder: Path, rows: Rows) -> TableResult:
    return replace(table_result(folder), rows=rows)


def test_each_table_has_the_lines_of_its_section(tmp_path: Path) -> None:
    found = table_result(tmp_path)
    parts = read(found).parts
    for section in report_sections(found):
        assert section.table is not None
        assert parts[section.title].lines == [list(section.table.head), *map(list, section.table.lines)]
        assert parts[section.title].text == section.text
    assert ["real", "0.8000", "0.800 0.800 0.800", "0.8100", "0.881"] in parts["SEG"].lines
    assert ["both (main) - real", "+0.0500", "+0.0100 to +0.0900"] in parts["Gain over real data"].lines


def test_pictures_stand_after_the_first_section_and_inside_the_page(tmp_path: Path, picture: Path) -> None:
    rows = {
        "real": row_result("real", 0.8, picture=picture),
        "real, real frames: 1": row_result("real", 0.6, real=1, picture=picture),
        "both": row_result("both", 0.7, "s", real=1, picture=picture),
    }
    page = read(with_rows(tmp_path, rows))
    assert list(page.parts)[:5] == [
        "SEG",
        "Validation SEG against steps",
        "SEG against real frames",
        "One scored frame: reference green, found red",
        "Gain over real data",
    ]
    addresses = [address for part in page.parts.values() for address in part.pictures]
    assert page.outside == addresses
    assert [image(address).size[0] for address in addresses] == [800, 600, 1600]


def test_a_curve_over_synthetic_frames_has_a_plot_of_its_own(tmp_path: Path) -> None:
    rows = {"real": row_result("real", 0.8), "synthetic": row_result("synthetic", 0.7, "s")}
    title = "SEG against synthetic frames"
    assert title not in read(with_rows(tmp_path, rows)).parts
    few = {"synthetic 10": row_result("synthetic", 0.6, "s", few=10), "both 10": row_result("both", 0.7, "s", few=10)}
    assert len(read(with_rows(tmp_path, rows | few)).parts[title].pictures) == 1


def test_without_kept_frames_their_picture_is_left_out(tmp_path: Path) -> None:
    parts = read(with_rows(tmp_path, {"real": row_result("real", 0.8)})).parts
    assert [title for title, part in parts.items() if part.pictures] == ["Validation SEG against steps"]


def test_no_text_becomes_a_tag(tmp_path: Path) -> None:
    odd = "<b>a</b> & <script>alert('\"')</script>"
    sections = [Section(odd, odd, ReportTable([odd], [[odd]])), Section("Settings", "")]
    parts = read(replace(table_result(tmp_path), rows={"real": row_result("real", 0.8)}), sections).parts
    assert parts[odd].text == odd
    assert parts[odd].lines == [[odd], [odd]]
