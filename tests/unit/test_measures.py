"""Numbers for alarms: what a call of a function did, as one structured line of its log."""

from __future__ import annotations

import json

import pytest

from lake.manifest import FileOutcome
from lake.measures import UNITS, Measures, publish


def outcome(**counts: int) -> FileOutcome:
    return FileOutcome("orders/a.csv", "v1", "LOADED", **counts)


def test_a_run_is_counted_by_state_and_fate() -> None:
    measures = Measures()

    measures.outcomes(
        [
            outcome(rows_in=60, inserted=50, quarantined=10),
            outcome(rows_in=40, updated=30, unchanged=10),
            FileOutcome("orders/b.csv", "v2", "HELD", "It broke the run."),
        ]
    )

    said = {name: values for name, values in measures.values.items() if values != [0]}
    assert said == {
        "FilesLoaded": [2], "FilesHeld": [1], "RowsIn": [100], "RowsInserted": [50], "RowsUpdated": [30],
        "RowsUnchanged": [10], "RowsQuarantined": [10], "QuarantineRate": [10.0],
    }  # fmt: skip


def test_a_run_without_rows_says_nothing_about_their_quality() -> None:
    measures = Measures()
    measures.outcomes([FileOutcome("orders/b.csv", "v2", "REJECTED", "No header.")])
    assert "QuarantineRate" not in measures.values


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        Measures().count("FilesLost")


def test_what_is_published_is_the_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    measures = Measures()
    measures.count("RunsFailed")
    measures.count("RunsFailed")
    measures.note("SilverRunSeconds", 12.5)

    publish(measures, "dev")

    line = json.loads(capsys.readouterr().out)
    (told,) = line["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "JoziLake"
    assert [sorted(dimensions) for dimensions in told["Dimensions"]] == [["environment", "service"]]
    assert {one["Name"]: one["Unit"] for one in told["Metrics"]} == {
        "RunsFailed": UNITS["RunsFailed"],
        "SilverRunSeconds": UNITS["SilverRunSeconds"],
    }
    assert (line["environment"], line["service"]) == ("dev", "jozi-lake")
    assert line["RunsFailed"] == [2.0]
    assert line["SilverRunSeconds"] == [12.5]


def test_a_call_that_measured_nothing_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    publish(Measures(), "dev")
    assert capsys.readouterr().out == ""
