"""The rows worth a look."""

import numpy as np
import pytest

pytest.importorskip("cleanlab", reason="evaluation is not installed")
from made_up import data_of, model_of, prediction

from stance.data.examples import Example
from stance.evaluation.mistakes import error_lists, likely_label_errors
from stance.evaluation.predictions import predict
from stance.evaluation.results import MAX_TEXT, ErrorList
from stance.evaluation.tasks import Task, tasks_of
from stance.labels import TOXICITY_LABELS

REST = [0.0] * (len(TOXICITY_LABELS) - 1)


def lists(
    rows: list[Example],
    toxicity: dict[str, float] | None = None,
    shares: dict[str, tuple[float, float, float]] | None = None,
) -> dict[str, ErrorList]:
    model = model_of(
        rows,
        lambda row: prediction(
            row, (shares or {}).get(row.text, (1, 0, 0)), [(toxicity or {}).get(row.text, 0), *REST]
        ),
    )
    data = data_of(rows)
    found = predict(model, rows)
    return {each.title: each for each in error_lists(data, found, tasks_of(data, found))}


def test_mistakes_about_toxicity_are_false_alarms_and_misses_the_surest_first() -> None:
    scores = {"you fool": 0.7, "dear me": 0.9, "go away": 0.2, "get lost": 0.46, "fine": 0.1}
    gold = {"you fool": 0.0, "dear me": 0.0, "go away": 1.0, "get lost": 1.0, "fine": 0.0}
    rows = [Example(text, "m", "test", toxicity={"toxicity": gold[text]}) for text in gold]
    found = lists(rows, scores)
    alarms = found["Surest false alarms: toxicity"]
    assert (alarms.kind, alarms.task, alarms.total, alarms.n) == ("confident", "toxicity", 2, 5)
    first = alarms.cases[0]
    assert (first.row, first.text, first.target) == (1, "dear me", None)
    assert (first.gold, first.predicted) == ("not toxicity", "toxicity")
    assert (first.probability, first.gold_probability) == pytest.approx((0.9, 0.1))
    assert (first.spans, first.threshold) == (((0, 2),), 0.5)
    misses = found["Surest misses: toxicity"]
    assert [case.text for case in misses.cases] == ["go away", "get lost"]
    assert misses.cases[0].probability == pytest.approx(0.8)
    near = found["Closest to the threshold: toxicity"]
    assert (near.kind, [case.text for case in near.cases]) == ("near_threshold", ["get lost"])


def test_mistakes_of_stance_show_the_words_of_the_target() -> None:
    rows = [
        Example("No trams here, ever", "m", "test", "Trams in the town", "against"),
        Example("Well", "m", "test", "Trams", "neutral"),
        Example("Yes", "m", "test", "Trams", "favor"),
    ]
    shares = {
        "No trams here, ever": (0.8, 0.1, 0.1),
        "Well": (0.36, 0.3, 0.34),
        "Yes": (0.9, 0, 0.1),
    }
    found = lists(rows, shares=shares)
    surest = found["Surest mistakes of stance"].cases
    assert [(case.row, case.gold, case.predicted) for case in surest] == [
        (0, "against", "favor"),
        (1, "neutral", "favor"),
    ]
    assert surest[0].target == "Trams in the town"
    assert [surest[0].text[start:end] for start, end in surest[0].spans] == ["trams"]
    assert [case.text for case in found["Closest calls of stance"].cases] == ["Well"]


def test_long_texts_are_cut_with_what_is_highlighted() -> None:
    text = "trams " + "x" * MAX_TEXT + " trams"
    rows = [Example(text, "m", "test", "Trams", "against")]
    [case] = lists(rows)["Surest mistakes of stance"].cases
    assert (len(case.text), case.cut, case.spans) == (MAX_TEXT, True, ((0, 5),))


def task(gold: np.ndarray, shares: np.ndarray) -> Task:
    return Task(
        "stance",
        np.arange(len(gold)),
        gold,
        shares.argmax(axis=1),
        ("favor", "against", "neutral"),
        shares,
    )


def test_flipped_labels_are_found_and_right_ones_are_not() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(300) % 3
    shares = np.eye(3)[truth] * 20 + random.random((300, 3))
    shares /= shares.sum(axis=1, keepdims=True)
    gold = truth.copy()
    flipped = [3, 50, 120, 222]
    gold[flipped] = (gold[flipped] + 1) % 3
    assert sorted(likely_label_errors(task(gold, shares)).tolist()) == flipped
    assert not len(likely_label_errors(task(truth, shares)))


def test_where_there_is_nothing_to_learn_from_no_label_is_suspected() -> None:
    shares = np.tile([0.2, 0.5, 0.3], (60, 1))
    assert not len(likely_label_errors(task(np.zeros(60, dtype=int), shares)))  # one class
    assert not len(likely_label_errors(task(np.arange(9) % 3, shares[:9])))  # few rows
    missing = np.arange(60) % 2  # a class that no row has
    assert len(likely_label_errors(task(missing, shares))) <= 60
    assert np.isfinite(likely_label_errors(task(missing, np.eye(3)[np.full(60, 2)]))).all()
