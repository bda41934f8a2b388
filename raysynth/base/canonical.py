"""JSON whose bytes depend on its values alone."""

import json


def canonical_json(value: object) -> bytes:
    """Write JSON with sorted keys and fixed spacing: equal values give equal bytes.

    Parameters
    ----------
    value
        Anything that JSON can hold.

    Returns
    -------
    bytes
        UTF-8 text with a line break at its end.

    Raises
    ------
    ValueError
        For NaN and infinite numbers, which JSON does not know.
    """
    # Floats need no rounding: Python writes the shortest digits that read back as the same number, on every machine.
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
