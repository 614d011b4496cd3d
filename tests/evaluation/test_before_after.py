from dataclasses import replace

import pytest

pytest.importorskip("fairlearn", reason="evaluation is not installed")
from made_up import Answers, data_of, model_of, prediction

from stance.data.examples import Example
from stance.evaluation.before_after import by_data, changes
from stance.evaluation.datasets import EvaluationData, sampled
from stance.evaluation.evaluate import Contender, evaluate
from stance.labels import STANCE_LABELS

ROWS = [
    Example(f"comment {n}", "c", "test", "trams", STANCE_LABELS[n % 3], toxicity={"insult": n % 2})
    for n in range(60)
]


def model(right: int, toxicity: float) -> Answers:
    """A model that gets the stance of the first rows right, and says one toxicity of all."""

    def answer(row: Example) -> object:
        number = int(row.text.split()[1])
        place = number % 3 if number < right else (number + 1) % 3
        shares = [0.8 if place == each else 0.1 for each in range(3)]
        return prediction(row, shares, [toxicity, 0.1, 0.1, 0.1, number / 60, 0.1], 0.9)

    return model_of(ROWS, answer)  # type: ignore[arg-type]


def contender(key: str, answers: Answers) -> Contender:
    return Contender(key, lambda _: answers)


def test_labelled_heads_change_by_their_figures_and_others_by_what_they_say() -> None:
    after, before = model(50, 0.7), model(30, 0.4)
    report, tables = evaluate(
        contender("after", after),
        [data_of(ROWS)],
        baselines=[contender("before", before)],
        bootstrap=200,
    )
    found = changes(
        report.evaluations[0], tables[0], "before_", (before.thresholds, after.thresholds)
    )
    by_key = {change.key: change for change in found}
    stance = by_key["macro_f1"]
    assert stance.before is not None
    assert stance.after is not None
    assert stance.difference == pytest.approx(stance.after - stance.before)
    assert stance.interval is not None
    assert 0 < stance.interval.low < stance.difference < stance.interval.high
    assert by_key["insult.roc_auc"].difference == 0
    # Nobody labelled toxicity: its mean rises from 0.4 to 0.7, across its threshold in every row.
    toxicity = by_key["toxicity"]
    assert (toxicity.before, toxicity.after, toxicity.same) == (
        *(pytest.approx(0.4), pytest.approx(0.7), 0.0),
    )
    assert (toxicity.higher_is_better, by_key["threat"].same) == (None, 1.0)
    assert (by_key["relevance"].difference, by_key["relevance"].same) == (0, 1.0)
    assert "insult" not in by_key
    assert list(by_data(found)) == ["made-up"]
    assert stance.to_dict()["interval"] == [stance.interval.low, stance.interval.high]


def test_a_sample_keeps_what_belongs_together() -> None:
    data = replace(data_of(ROWS), lines=list(range(60)), scores_of_others={"x": list(range(60))})
    small: EvaluationData = sampled(data, 20, 1)
    assert len(small.examples) == 20
    assert list(small.lines) == sorted(small.lines) != list(range(20))
    assert sampled(data, 20, 1).lines == small.lines != sampled(data, 20, 2).lines
    for place, line in enumerate(small.lines):
        assert small.examples[place] == ROWS[line]
        assert small.scores_of_others["x"][place] == line
        assert small.columns["target"][place] == "trams"
    assert small.notes[-1] == "A random 20 of its 60 rows."
    assert sampled(data, 60, 1) is data
