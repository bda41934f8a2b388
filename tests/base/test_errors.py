"""Errors have one base class, and one line that says what they mean."""

from hypothesis import given
from hypothesis import strategies as st

from raysynth.base.errors import InputError, RaysynthError, RunError, TrainingFailed, first_line


def test_every_error_of_ours_is_a_raysynth_error() -> None:
    assert all(issubclass(kind, RaysynthError) for kind in (InputError, RunError, TrainingFailed))


def test_first_line_is_what_a_sentence_can_quote() -> None:
    assert first_line(ValueError("bad shape.\nat line 3")) == "bad shape"
    assert first_line(ValueError("\n  late\n")) == "late"
    assert first_line(TimeoutError()) == "TimeoutError"
    assert first_line(ValueError(" \n")) == "ValueError"


@given(st.text())
def test_first_line_is_one_line_that_is_not_empty(text: str) -> None:
    line = first_line(ValueError(text))
    assert len(line.splitlines()) <= 1
    assert line or text.strip().startswith(".")
