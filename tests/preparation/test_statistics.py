"""Statistics that earlier versions have written are still read."""

import json

import pytest
from pydantic import ValidationError

from raysynth.cascade.bundle_info import read_info
from raysynth.preparation.statistics import FrameRecord, PopulationStatistics


def test_what_early_records_hold_and_nothing_reads_is_dropped() -> None:
    statistics = read_info("nuclei-2d").statistics
    document = json.loads(statistics.to_json())
    for frame in document["frames"]:
        frame |= {"neighbour_px": [9.5, 10.0, 11.0, 12.0, 20.0], "touching": 0.2}
    assert PopulationStatistics.model_validate_json(json.dumps(document)) == statistics


def test_other_unknown_fields_are_refused() -> None:
    record = read_info("nuclei-2d").statistics.frames[0].model_dump()
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        FrameRecord.model_validate(record | {"brightness": 3.0})
