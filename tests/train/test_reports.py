from raysynth.train.reports import ModelReport, TrainReport

REPORT = TrainReport(
    {
        "masks": ModelReport("masks", {"held_out_loss": 0.25, "rejected": 0.5}),
        "texture": ModelReport("texture", failed="worker 1 was killed"),
    }
)


def test_json_is_a_models_metrics_or_the_reason_of_its_failure() -> None:
    assert REPORT.to_json() == {
        "masks": {"held_out_loss": 0.25, "rejected": 0.5},
        "texture": {"failed": "worker 1 was killed"},
    }


def test_it_prints_a_line_for_each_value() -> None:
    assert str(REPORT).splitlines() == [
        "masks:",
        "  held_out_loss: 0.25",
        "  rejected: 0.5",
        "texture:",
        "  failed: worker 1 was killed",
    ]


def test_one_failure_is_enough_not_to_be_ok() -> None:
    assert not REPORT.ok
    assert TrainReport({"masks": REPORT.models["masks"]}).ok
