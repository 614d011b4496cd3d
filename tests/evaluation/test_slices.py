"""Slices: which there are, which are too small, which is worst."""

import pytest

pytest.importorskip("sklearn", reason="evaluation is not installed")
from made_up import data_of, model_of, prediction
from sklearn.metrics import roc_auc_score

from stance.data.examples import Example
from stance.evaluation.predictions import predict
from stance.evaluation.resampling import Resamples
from stance.evaluation.results import Slicing
from stance.evaluation.slices import MAX_SLICES, slicings
from stance.evaluation.tasks import judged_tasks
from stance.labels import STANCE_LABELS, TOXICITY_LABELS


def rows_of(target: str, count: int, seen: bool = True) -> list[Example]:
    return [
        Example(
            f"{target} {number}",
            "made-up",
            "test",
            target=target,
            stance=STANCE_LABELS[number % 3],
            seen_target=seen,
        )
        for number in range(count)
    ]


def by_column(
    rows: list[Example], wrong: str = "", draws: int = 0, **more: object
) -> dict[str, Slicing]:
    """Slice a model that is right everywhere but on targets that begin with `wrong`."""

    def answer(row: Example):  # type: ignore[no-untyped-def]
        place = STANCE_LABELS.index(row.stance or "neutral")
        if wrong and (row.target or "").startswith(wrong):
            place = (place + 1) % 3
        shares = [0.1, 0.1, 0.1]
        shares[place] = 0.8
        toxic = row.toxicity.get("toxicity", 0.0)
        return prediction(row, shares, [0.2 + 0.5 * toxic] * len(TOXICITY_LABELS))

    data = data_of(rows, **more)
    resamples = Resamples(data.groups, draws, 1, "comment") if draws else None
    predictions = predict(model_of(rows, answer), rows)
    found = slicings(data, predictions, judged_tasks(data, predictions), resamples)
    return {each.column: each for each in found}


def test_the_worst_of_those_large_enough_is_named() -> None:
    rows = [*rows_of("trams", 60), *rows_of("cars", 45), *rows_of("caravans", 9)]
    found = by_column(rows, wrong="car")["target"]
    assert [(each.value, each.n, each.figure) for each in found.slices] == [
        ("trams", 60, 1.0),
        ("cars", 45, 0.0),
        ("caravans", 9, 0.0),
    ]
    assert [each.worst for each in found.slices] == [False, True, False]
    assert [each.too_small for each in found.slices] == [False, False, True]
    assert (found.figure_key, found.left_out) == ("macro_f1", 0)


def test_a_slice_that_lacks_a_class_is_too_small_to_tell() -> None:
    rows = [*rows_of("trams", 60), *(row for row in rows_of("cars", 90) if row.stance != "neutral")]
    cars = by_column(rows)["target"].slices[1]
    assert (cars.value, cars.n, cars.figure, cars.too_small) == ("cars", 60, 1.0, True)


def test_on_target_and_seen_target_are_sliced_by_and_a_column_with_one_value_is_not() -> None:
    rows = [*rows_of("trams", 60), *rows_of("cars", 60, seen=False)]
    found = by_column(rows, wrong="cars")
    assert {each.value: each.figure for each in found["seen_target"].slices} == {
        "in training": 1.0,
        "not in training": 0.0,
    }
    assert found["on_target"].figure_key == "accuracy"
    assert {each.value: each.n for each in found["on_target"].slices} == {
        "takes a side": 80,
        "neutral": 40,
    }
    assert "length" not in found


def test_lengths_come_in_their_order_and_toxicity_by_roc_auc() -> None:
    rows = [
        Example("x" * length + str(number), "m", "test", toxicity={"toxicity": float(number % 2)})
        for length in (2000, 10, 100)
        for number in range(40)
    ]
    found = by_column(rows, draws=50)["length"]
    assert [each.value for each in found.slices] == ["up to 50", "51 to 150", "over 1,500"]
    assert found.figure_key == "toxicity.roc_auc"
    assert found.slices[0].figure == roc_auc_score([0, 1] * 20, [0.2, 0.7] * 20) == 1
    assert found.slices[0].interval is not None
    assert found.slices[0].positives == 20


def test_empty_values_are_left_out_and_many_values_are_cut() -> None:
    rows = rows_of("trams", 3 * (MAX_SLICES + 2))
    sites = [f"site {number // 3}" for number in range(len(rows))]
    sites[0] = None  # type: ignore[call-overload]
    found = by_column(rows, columns={"site": sites}, draws=20)["site"]
    assert len(found.slices) == MAX_SLICES
    assert (found.left_out, found.left_out_rows) == (2, 5)
    assert found.slices[0].interval is None  # three rows are too alike to draw from
