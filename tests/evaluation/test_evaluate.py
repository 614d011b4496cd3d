"""A whole evaluation: known cases, and every figure recomputed from the written predictions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("cleanlab", reason="evaluation is not installed")
from fairlearn.metrics import equalized_odds_difference
from made_up import Answers, data_of, model_of, prediction, random_rows
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from stance.data.examples import Example
from stance.evaluation.datasets import EvaluationData
from stance.evaluation.evaluate import Contender, Need, evaluate, trained_contender
from stance.evaluation.results import Evaluation, Report
from stance.evaluation.table import write_predictions
from stance.labels import STANCE_LABELS, TOXICITY_LABELS

SIDES = ["favor", "against"]


def run(
    model: Answers, data: EvaluationData, *, bootstrap: int = 0, **more: Any
) -> tuple[Evaluation, Any]:
    contender = Contender("made_up", lambda _: model)
    report, [table] = evaluate(contender, [data], bootstrap=bootstrap, **more)
    [evaluation] = Report.from_dict(report.to_dict()).evaluations
    return evaluation, table


def value(evaluation: Evaluation, key: str) -> float | None:
    figure = evaluation.figure(key)
    assert figure is not None, key
    return figure.value


def sides_and_insults(count: int = 60) -> list[Example]:
    return [
        Example(
            f"text {number}",
            "m",
            "test",
            target="trams",
            stance=STANCE_LABELS[number % 3],
            toxicity={"insult": float(number % 4 == 0)},
        )
        for number in range(count)
    ]


def answering(answer: Callable[[Example], tuple[Sequence[float], float]]) -> Callable[..., Any]:
    def predicted(row: Example) -> Any:
        shares, insult = answer(row)
        scores = [insult if label == "insult" else 0.0 for label in TOXICITY_LABELS]
        return prediction(row, shares, scores)

    return predicted


# Known cases


def test_perfect_predictions() -> None:
    rows = sides_and_insults()
    model = model_of(
        rows,
        answering(
            lambda row: (
                np.eye(3)[STANCE_LABELS.index(row.stance)].tolist(),
                row.toxicity["insult"],
            )
        ),
    )
    found, _ = run(model, data_of(rows), bootstrap=50)
    for key in ("macro_f1", "on_target_macro_f1", "f_avg", "accuracy", "brier_skill"):
        assert value(found, key) == 1
        assert found.figure(key).interval.low == found.figure(key).interval.high == 1
    for key in ("roc_auc", "average_precision", "precision", "recall", "f1", "balanced_accuracy"):
        assert value(found, f"insult.{key}") == 1
    for key in ("expected_calibration_error", "brier", "insult.false_positive_rate"):
        assert value(found, key) == 0
    assert found.errors == ()
    assert found.classifications[0].confusion == ((20, 0, 0), (0, 20, 0), (0, 0, 20))


def test_constant_predictions() -> None:
    rows = sides_and_insults()
    found, _ = run(model_of(rows, answering(lambda _: ((0.2, 0.2, 0.6), 0.25))), data_of(rows))
    assert value(found, "macro_f1") == pytest.approx(0.5 / 3)
    assert value(found, "accuracy") == pytest.approx(1 / 3)
    assert value(found, "on_target_macro_f1") == 0
    assert value(found, "insult.roc_auc") == 0.5
    assert value(found, "insult.average_precision") == 0.25
    assert value(found, "insult.recall") == 0
    assert value(found, "insult.precision") is None
    assert found.figure("insult.precision").note == "no row is flagged"
    assert value(found, "insult.brier_skill") == pytest.approx(0)
    assert value(found, "insult.expected_calibration_error") == pytest.approx(0)
    assert value(found, "expected_calibration_error") == pytest.approx(0.6 - 1 / 3)


def test_models_of_one_name_are_told_apart() -> None:
    rows = sides_and_insults()
    model = model_of(rows, answering(lambda _: ((0.2, 0.2, 0.6), 0.25)))
    copies = [Contender(key, lambda _: model) for key in ("copy", "other_copy")]
    found, table = run(model, data_of(rows), baselines=copies)
    assert found.model.name == model.name
    assert [each.baseline for each in found.comparisons] == [
        f"{model.name} (2)",
        f"{model.name} (3)",
    ]
    assert {"copy_insult", "other_copy_insult"} <= set(table.column_names)


def test_random_predictions_are_no_better_than_chance() -> None:
    random = np.random.default_rng(0)
    rows = sides_and_insults(900)
    model = model_of(
        rows, answering(lambda _: (random.dirichlet([1, 1, 1]).tolist(), float(random.random())))
    )
    found, _ = run(model, data_of(rows), bootstrap=200)
    for key, chance in (("macro_f1", 1 / 3), ("insult.roc_auc", 0.5), ("accuracy", 1 / 3)):
        interval = found.figure(key).interval
        assert interval.low < chance < interval.high
        assert interval.high - interval.low < 0.15


def test_a_class_that_is_missing_is_said_and_left_out_of_the_mean() -> None:
    rows = [row for row in sides_and_insults() if row.stance != "neutral"]
    rows = [replace(row, toxicity={"insult": 0.0}) for row in rows]
    model = model_of(
        rows, answering(lambda row: (np.eye(3)[STANCE_LABELS.index(row.stance)].tolist(), 0.1))
    )
    found, _ = run(model, data_of(rows), bootstrap=20)
    assert value(found, "macro_f1") == 1
    assert found.figure("macro_f1").note == "no row is neutral: the mean of the other classes"
    assert value(found, "insult.roc_auc") is None
    assert found.figure("insult.roc_auc").note == "no row is so"
    assert found.figure("insult.roc_auc").positives == 0
    assert value(found, "insult.recall") is None
    assert found.threshold_curves == ()
    neutral = found.classifications[0].classes[2]
    assert (neutral.gold, neutral.precision, neutral.recall) == (0, None, None)


def test_a_single_row() -> None:
    rows = sides_and_insults(1)
    model = model_of(rows, answering(lambda _: ((0.7, 0.2, 0.1), 0.9)))
    found, table = run(model, data_of(rows), bootstrap=100)
    assert value(found, "macro_f1") == 1
    assert value(found, "insult.roc_auc") is None
    assert found.figure("insult.roc_auc").note == "every row is so"
    assert (found.bootstrap, found.figure("macro_f1").interval) == (None, None)
    assert "No intervals: fewer than 10 comments are too few to draw from." in found.notes
    assert (found.counts.rows, table.num_rows, found.slicings) == (1, 1, ())


def test_a_class_that_resamples_often_lack_gives_no_interval() -> None:
    rows = [
        replace(row, toxicity={"insult": float(place == 0)})
        for place, row in enumerate(sides_and_insults(40))
    ]
    model = model_of(rows, answering(lambda row: ((1, 0, 0), row.toxicity["insult"])))
    found, _ = run(model, data_of(rows), bootstrap=100)
    figure = found.figure("insult.roc_auc")
    assert (figure.value, figure.interval, figure.positives) == (1, None, 1)
    assert figure.note == "no interval: too many resamples lack a class"


def test_in_functional_tests_the_mistakes_are_about_hate() -> None:
    rows = [
        Example(f"text {place}", "m", "test", toxicity={"toxicity": float(place % 2)})
        for place in range(40)
    ]
    scores = [0.1] * len(TOXICITY_LABELS)
    attack = [0.9 if label == "identity_attack" else 0.1 for label in TOXICITY_LABELS]
    model = model_of(
        rows, lambda row: prediction(row, (1, 0, 0), attack if row is not rows[1] else scores)
    )
    names = ["f_h" if place % 2 else "f_nh" for place in range(40)]
    data = data_of(rows, columns={"function": names}, functions="function")
    found, _ = run(model, data, baselines=[Contender("same", lambda _: model)])
    assert value(found, "hateful.balanced_accuracy") == pytest.approx(19 / 40)
    assert [(each.task, each.kind, each.total) for each in found.errors][:2] == [
        ("hateful", "confident", 20),
        ("hateful", "confident", 1),
    ]
    miss = found.errors[1].cases[0]
    assert (miss.text, miss.gold, miss.predicted) == ("text 1", "hateful", "not hateful")
    assert [test.task for test in found.comparisons[0].tests] == ["hateful"]
    assert [(each.function, each.passed) for each in found.functions] == [("f_nh", 0), ("f_h", 19)]


def test_without_a_bootstrap_there_are_no_intervals() -> None:
    rows, model = random_rows(60)
    found, _ = run(model, data_of(rows))
    assert found.bootstrap is None
    assert all(figure.interval is None for figure in found.figures)
    assert not any("No intervals" in note for note in found.notes)


def test_the_bootstrap_is_stated_and_repeatable() -> None:
    rows, model = random_rows(60)
    first, _ = run(model, data_of(rows), bootstrap=100, seed=3)
    facts = first.bootstrap
    assert (facts.resamples, facts.seed, facts.unit) == (100, 3, "comment")
    assert facts.units == first.counts.comments < first.counts.rows
    assert run(model, data_of(rows), bootstrap=100, seed=3)[0] == first
    assert run(model, data_of(rows), bootstrap=100, seed=4)[0] != first


def test_labels_that_the_model_does_not_know_are_named() -> None:
    rows = sides_and_insults(40)
    rows[0] = replace(rows[0], toxicity={"insult": 0.5, "threat": 1.0})

    class Partial(Answers):
        def predict(self, *args: Any, **more: Any) -> Any:
            return [
                replace(found, toxicity={"insult": found.toxicity["insult"]})
                for found in super().predict(*args, **more)
            ]

    model = Partial(model_of(rows, answering(lambda _: ((1, 0, 0), 0.5))).answers)
    found, table = run(model, data_of(rows))
    assert found.notes == (
        "A share of raters counts as yes from one half on.",
        "The model does not know threat.",
    )
    assert found.figure("threat.roc_auc") is None
    assert table.column("threat").null_count == 40


# Every figure again


def flags(rows: list[dict[str, Any]], label: str) -> tuple[list[bool], list[float]]:
    known = [row for row in rows if row[f"gold_{label}"] is not None]
    return [row[f"gold_{label}"] >= 0.5 for row in known], [row[label] for row in known]


def recomputed(rows: list[dict[str, Any]], thresholds: dict[str, float]) -> dict[str, float]:
    """Return the figures of written predictions by scikit-learn alone."""
    stance = [row for row in rows if row["gold_stance"]]
    gold, found = [r["gold_stance"] for r in stance], [r["stance"] for r in stance]
    shares = np.array([[row[name] for name in STANCE_LABELS] for row in stance])
    right = np.array(gold) == np.array(found)
    codes = [STANCE_LABELS.index(label) for label in gold]
    base = np.tile(np.bincount(codes) / len(codes), (len(codes), 1))
    sides = [row for row in stance if row["gold_stance"] in SIDES]
    figures = {
        "macro_f1": f1_score(gold, found, average="macro"),
        "accuracy": accuracy_score(gold, found),
        "f_avg": f1_score(gold, found, labels=SIDES, average="macro"),
        "on_target_macro_f1": f1_score(
            [row["gold_stance"] for row in sides],
            [row["stance"] for row in sides],
            labels=SIDES,
            average="macro",
        ),
        "expected_calibration_error": calibration_error(shares.max(axis=1), right),
        "brier": brier_score_loss(codes, shares, scale_by_half=False),
    }
    figures["brier_skill"] = 1 - figures["brier"] / brier_score_loss(
        codes, base, scale_by_half=False
    )
    for seen, key in (("in training", "few"), ("not in training", "zero")):
        part = [row for row in stance if row["slice_seen_target"] == seen]
        figures[f"macro_f1_{key}_shot"] = f1_score(
            [row["gold_stance"] for row in part], [row["stance"] for row in part], average="macro"
        )
    figures["four_way_macro_f1"] = four_way(stance, thresholds["relevance"])
    for label in ("toxicity", "severe_toxicity"):
        figures |= {
            f"{label}.{key}": each
            for key, each in of_label(*flags(rows, label), thresholds[label]).items()
        }
    marked = [row for row in rows if row["gold_toxic_spans"] is not None]
    figures["toxic_spans.character_f1"] = float(np.mean([of_spans(row) for row in marked]))
    return figures


def calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    edges = np.linspace(0, 1, 16)[1:-1]
    places = np.digitize(confidences, edges)
    return sum(
        abs(confidences[places == place].mean() - right[places == place].mean())
        * (places == place).mean()
        for place in np.unique(places)
    )


def four_way(stance: list[dict[str, Any]], threshold: float) -> float:
    known = [r for r in stance if r["gold_relevance"] is not None or r["gold_stance"] != "neutral"]
    return f1_score(
        ["unrelated" if row["gold_relevance"] == 0 else row["gold_stance"] for row in known],
        ["unrelated" if row["relevance"] < threshold else row["stance"] for row in known],
        average="macro",
    )


def of_label(gold: list[bool], scores: list[float], threshold: float) -> dict[str, float]:
    flagged = [score >= threshold for score in scores]
    brier = brier_score_loss(gold, scores)
    return {
        "roc_auc": roc_auc_score(gold, scores),
        "average_precision": average_precision_score(gold, scores),
        "precision": precision_score(gold, flagged),
        "recall": recall_score(gold, flagged),
        "f1": f1_score(gold, flagged),
        "false_positive_rate": 1 - recall_score(gold, flagged, pos_label=False),
        "balanced_accuracy": balanced_accuracy_score(gold, flagged),
        "expected_calibration_error": calibration_error(np.array(scores), np.array(gold)),
        "brier": brier,
        "brier_skill": 1 - brier / brier_score_loss(gold, [np.mean(gold)] * len(gold)),
    }


def of_spans(row: dict[str, Any]) -> float:
    gold, found = (
        {place for start, end in row[name] for place in range(start, end)}
        for name in ("gold_toxic_spans", "toxic_spans")
    )
    if not gold or not found:
        return float(gold == found)
    return 2 * len(gold & found) / (len(gold) + len(found))


def test_every_figure_is_recomputed_from_the_written_predictions(tmp_path: Path) -> None:
    rows, model = random_rows(400)
    model.thresholds["toxicity"] = 0.42
    sites = [["a", "b", None][number % 3] for number in range(len(rows))]
    data = data_of(rows, columns={"site": sites}, asked=("site",))
    other = Answers(model.answers)
    other.thresholds = model.thresholds
    found, table = run(model, data, bootstrap=20, baselines=[Contender("other", lambda _: other)])
    write_predictions([table], tmp_path / "predictions.parquet")
    written = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [row["row"] for row in written] == list(range(len(rows)))
    assert [row["text"] for row in written] == [row.text for row in rows]
    thresholds = found.model.thresholds
    expected = recomputed(written, thresholds)
    told = [row for row in written if row["slice_site"] and row["gold_toxicity"] is not None]
    expected["site.toxicity.equalised_odds_difference"] = equalized_odds_difference(
        [row["gold_toxicity"] >= 0.5 for row in told],
        [row["toxicity"] >= thresholds["toxicity"] for row in told],
        sensitive_features=[row["slice_site"] for row in told],
    )
    expected |= bias_of(written)
    for key, number in expected.items():
        assert value(found, key) == pytest.approx(number), key
    missing = {figure.key for figure in found.figures} - set(expected)
    assert missing == {
        "site.toxicity.true_positive_difference",
        "site.toxicity.false_positive_difference",
    }
    check_tables(found, written)
    check_slices(found, written)
    assert [row["other_stance"] for row in written] == [row["stance"] for row in written]
    assert all(each.difference == 0 for each in found.comparisons[0].differences)


def bias_of(rows: list[dict[str, Any]]) -> dict[str, float]:
    aucs: dict[str, list[float]] = {"subgroup_auc": [], "bpsn_auc": [], "bnsp_auc": []}
    rows = [row for row in rows if row["gold_toxicity"] is not None]
    toxic = np.array([row["gold_toxicity"] >= 0.5 for row in rows])
    scores = np.array([row["toxicity"] for row in rows])
    for term in ("gay", "muslim", "white"):
        named = np.array([term in row["text"] for row in rows])
        for metric, keep in zip(aucs, (named, named ^ toxic, named == toxic), strict=True):
            aucs[metric].append(roc_auc_score(toxic[keep], scores[keep]))
    return {
        f"bias.{metric}.{key}": number
        for metric, values in aucs.items()
        for key, number in (
            ("mean", np.mean(values)),
            ("least", min(values)),
            ("generalised_mean", np.mean(np.power(values, -5.0)) ** -0.2),
        )
    }


def check_tables(found: Evaluation, rows: list[dict[str, Any]]) -> None:
    stance = found.classifications[0]
    known = [row for row in rows if row["gold_stance"]]
    for place, label in enumerate(stance.labels):
        gold = [row["gold_stance"] == label for row in known]
        predicted = [row["stance"] == label for row in known]
        row = stance.classes[place]
        assert row.precision == pytest.approx(precision_score(gold, predicted))
        assert row.recall == pytest.approx(recall_score(gold, predicted))
        assert row.f1 == pytest.approx(f1_score(gold, predicted))
        assert (row.gold, row.predicted) == (sum(gold), sum(predicted))
        assert sum(stance.confusion[place]) == row.gold
        assert stance.confusion[place][place] == row.correct
    assert sum(map(sum, stance.confusion)) == stance.n == len(known)
    curve = next(each for each in found.threshold_curves if each.label == "toxicity")
    gold, scores = flags(rows, "toxicity")
    assert curve.shipped.threshold == 0.42
    assert curve.shipped.flagged == sum(score >= 0.42 for score in scores)
    assert curve.shipped.recall == pytest.approx(recall_score(gold, np.array(scores) >= 0.42))
    for reliability in found.reliabilities:
        assert sum(each.n for each in reliability.bins) == reliability.n


def check_slices(found: Evaluation, rows: list[dict[str, Any]]) -> None:
    by_site = {
        (each.column, each.figure_key): {part.value: part for part in each.slices}
        for each in found.slicings
    }
    for site in ("a", "b"):
        part = [row for row in rows if row["slice_site"] == site]
        stance = [row for row in part if row["gold_stance"]]
        macro = f1_score(
            [row["gold_stance"] for row in stance],
            [row["stance"] for row in stance],
            average="macro",
        )
        assert by_site["site", "macro_f1"][site].figure == pytest.approx(macro)
        assert by_site["site", "macro_f1"][site].n == len(stance)
        auc = roc_auc_score(*flags(part, "toxicity"))
        assert by_site["site", "toxicity.roc_auc"][site].figure == pytest.approx(auc)
    assert {each.column for each in found.slicings} == {
        "target",
        "on_target",
        "seen_target",
        "site",
    }


# Baselines and requirements


def test_a_baseline_that_is_evaluated_comes_with_its_source_and_never_sees_the_test() -> None:
    rows = sides_and_insults(40)
    train = [replace(row, text=f"other {row.text}", split="train") for row in rows]
    data = replace(
        data_of(rows), training_rows=lambda: train, training_source="the train rows of made-up"
    )
    contender = trained_contender("majority")
    report, _ = evaluate(contender, [data], bootstrap=0)
    [found] = report.evaluations
    assert found.model.name == "majority class"
    assert found.model.description == "trained on 40 rows: the train rows of made-up"
    assert value(found, "accuracy") == pytest.approx(14 / 40)
    given = trained_contender("majority", [*train, *rows[:10]], "given rows")
    report, _ = evaluate(given, [data], bootstrap=0)
    assert report.evaluations[0].model.description == (
        "trained on 40 rows: given rows, without the comments that are evaluated"
    )
    assert given.scorer_for(data) is given.scorer_for(data)  # trained once


def test_requirements_are_checked_on_each_data_set_that_has_the_figure() -> None:
    rows = sides_and_insults(40)
    model = model_of(rows, answering(lambda _: ((0.1, 0.1, 0.8), 0.1)))
    needs = [
        Need.of("macro_f1", 0.1),
        Need.of("macro_f1", 0.9),
        Need.of("made-up:expected_calibration_error", 0.1),
        Need.of("insult.brier", 0.9),
        Need.of("insult.precision", 0.0),
        Need.of("macro_f2", 0.5),
        Need.of("vast:macro_f1", 0.1),
    ]
    contender = Contender("made_up", lambda _: model)
    report, _ = evaluate(contender, [data_of(rows)], bootstrap=0, requirements=needs)
    assert [(each.key, each.data, each.met) for each in report.requirements] == [
        ("macro_f1", "made-up", True),
        ("macro_f1", "made-up", False),
        ("expected_calibration_error", "made-up", False),  # lower is better: at most
        ("insult.brier", "made-up", True),
        ("insult.precision", "made-up", False),  # it has no value
        ("macro_f2", "", False),
        ("macro_f1", "vast", False),
    ]
    assert report.requirements[2].higher_is_better is False
    assert report.created.endswith("Z")
