"""The content of metrics.json."""

import json

import pytest

pytest.importorskip("pydantic", reason="evaluation is not installed")
from stance.errors import DataError
from stance.evaluation.results import (
    Counts,
    ErrorCase,
    ErrorList,
    Evaluation,
    Figure,
    Interval,
    LabelCount,
    ModelFacts,
    Published,
    Report,
)

FIGURE = Figure("f1", "F1", 0.5, 3, Interval(0.1, 0.9), published=(Published("other", 0.3),))
CASE = ErrorCase(0, "stance", "text", None, "favor", "against", 0.5, 0.2, ((0, 1),))
REPORT = Report(
    (
        Evaluation(
            ModelFacts("m", thresholds={"insult": 0.4}),
            "d",
            "data",
            None,
            Counts(1, 1, 1, 0, (LabelCount("stance", 1, {"favor": 1}),)),
            (FIGURE,),
            errors=(ErrorList("confident", "stance", "title", 1, 1, (CASE,)),),
        ),
    )
)


def test_a_report_comes_back_from_json_as_it_was() -> None:
    assert Report.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT
    assert REPORT.evaluations[0].figure("f1") == FIGURE
    assert REPORT.evaluations[0].figure("f2") is None


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(DataError, match="no evaluation metrics of version 1"):
        Report.from_dict({"version": 2})
    with pytest.raises(DataError, match="evaluation metrics: evaluations: Field required"):
        Report.from_dict({"version": 1})
