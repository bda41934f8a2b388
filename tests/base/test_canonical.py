"""JSON by value."""

import pytest

from raysynth.base.canonical import canonical_json


def test_equal_values_give_equal_bytes_whatever_their_order() -> None:
    assert canonical_json({"b": 1, "a": [1.5, "µ"]}) == canonical_json({"a": [1.5, "µ"], "b": 1})
    assert canonical_json({"a": 1}) != canonical_json({"a": 2})


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
