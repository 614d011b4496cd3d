"""Two models on the same rows."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="evaluation is not installed")
from made_up import Answers, data_of, prediction, random_rows

from stance.data.examples import Example
from stance.evaluation.compare import MAX_DIFFERING, compare, compare_scores, mcnemar
from stance.evaluation.datasets import EvaluationData
from stance.evaluation.figures import measure_all
from stance.evaluation.predictions import Predictions, predict
from stance.evaluation.resampling import Resamples
from stance.evaluation.results import Comparison
from stance.evaluation.tasks import main_task, tasks_of
from stance.labels import TOXICITY_LABELS


def both(first: Answers, second: Answers, rows: list[Example]) -> tuple[Comparison, EvaluationData]:
    data = data_of(rows)
    draws = Resamples(data.groups, 200, 1, "comment")
    found: list[Predictions] = [predict(model, rows) for model in (first, second)]
    figures = [measure_all(data, each, draws).figures for each in found]
    return compare(data, found[0], found[1], figures[0], figures[1]), data


def test_a_model_differs_from_itself_by_nothing() -> None:
    rows, model = random_rows(80)
    found, _ = both(model, model, rows)
    assert {each.difference for each in found.differences} == {0.0}
    for each in found.differences:
        assert each.interval is not None
        assert (each.interval.low, each.interval.high) == (0, 0)
    assert [each.p_value for each in found.tests] == [1.0] * 3
    assert (found.differing, found.differing_total) == ((), 0)


def test_a_better_model_is_seen_to_be_better() -> None:
    rows, model = random_rows(200)
    right = {
        (row.text, row.target if row.stance else None): prediction(
            row,
            np.eye(3)[["favor", "against", "neutral"].index(row.stance or "neutral")].tolist(),
            [0.9 if row.toxicity.get(label) else 0.1 for label in TOXICITY_LABELS],
        )
        for row in rows
    }
    found, data = both(Answers(right), model, rows)
    macro = next(each for each in found.differences if each.key == "macro_f1")
    assert macro.model == 1
    assert macro.difference == pytest.approx(1 - macro.baseline)
    assert 0 < macro.interval.low < macro.difference < macro.interval.high
    stance = found.tests[0]
    assert (stance.task, stance.only_baseline_right, stance.both_wrong) == ("stance", 0, 0)
    assert stance.p_value == pytest.approx(2 * 0.5**stance.only_model_right)
    assert found.differing_total > len(found.differing) == 2 * MAX_DIFFERING
    first = found.differing[0]
    assert first.gold == first.model_label != first.baseline_label
    assert data.examples[first.row].text == first.text
    sure = [each.baseline_probability for each in found.differing[:MAX_DIFFERING]]
    assert sure == sorted(sure, reverse=True)


def test_a_paired_interval_is_narrower_than_two_single_ones() -> None:
    rows, model = random_rows(200)
    data = data_of(rows)
    draws = Resamples(data.groups, 300, 1, "comment")
    predictions = predict(model, rows)
    task = main_task(tasks_of(data, predictions))
    scores = predictions.toxicity[:, 0] * 0.9 + 0.001 * np.arange(len(rows)) / len(rows)
    found = compare_scores(data, "Other API", scores.tolist(), task, draws)
    auc = found.differences[0]
    assert (found.baseline, auc.key, auc.n) == ("Other API", "toxicity.roc_auc", len(task.rows))
    single = next(
        each.figure.interval
        for each in measure_all(data, predictions, draws).figures
        if each.figure.key == "toxicity.roc_auc"
    )
    assert np.ptp([auc.interval.low, auc.interval.high]) < np.ptp([single.low, single.high]) / 2


def test_mcnemar_is_the_exact_binomial_test() -> None:
    model = np.array([True] * 6 + [False] * 1 + [True] * 5 + [False] * 2)
    other = np.array([False] * 6 + [True] * 1 + [True] * 5 + [False] * 2)
    found = mcnemar("stance", model, other)
    counts = (
        found.both_right,
        found.only_model_right,
        found.only_baseline_right,
        found.both_wrong,
    )
    assert counts == (5, 6, 1, 2)
    assert found.p_value == pytest.approx(2 * (1 + 7) / 2**7)  # none or one of seven, both sides
