"""Figures: known cases, and the draws of each equal to scikit-learn's figure with weights."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="evaluation is not installed")
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from stance.evaluation import metrics
from stance.evaluation.resampling import Resamples

LABELS = ("favor", "against", "neutral")


def test_perfect_and_useless_predictions() -> None:
    assert metrics.macro_f1(LABELS, LABELS, LABELS) == 1
    assert metrics.macro_f1(LABELS, ["neutral"] * 3, LABELS) == pytest.approx(1 / 6)
    assert metrics.roc_auc([0, 1, 1], [0.1, 0.2, 0.9]) == 1
    assert metrics.balanced_accuracy([0, 0, 1], [False, False, False]) == 0.5


def test_neutral_counts_as_wrong_on_target_rows() -> None:
    found = metrics.macro_f1(["favor", "against"], ["neutral", "against"], ["favor", "against"])
    assert found == 0.5


def test_one_class_alone_has_no_curve_and_no_skill() -> None:
    assert metrics.roc_auc([0, 0], [0.1, 0.2]) is None
    assert metrics.average_precision([1, 1], [0.1, 0.2]) is None
    assert metrics.balanced_accuracy([1, 1], [True, False]) is None
    assert metrics.brier_skill(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0])) is None


def test_saying_the_base_rate_has_no_skill_and_the_truth_has_all() -> None:
    gold = np.array([1, 0, 0, 0])
    assert metrics.brier_skill(np.tile([0.75, 0.25], (4, 1)), gold) == pytest.approx(0)
    assert metrics.brier_skill(np.eye(2)[gold], gold) == 1
    three = np.array([0, 0, 1, 2])
    assert metrics.brier_skill(np.tile([0.5, 0.25, 0.25], (4, 1)), three) == pytest.approx(0)
    assert metrics.brier(np.tile([0.5, 0.25, 0.25], (4, 1)), three) == pytest.approx(0.625)


def test_calibrated_draws_have_a_small_error_and_overconfident_ones_a_large() -> None:
    random = np.random.default_rng(0)
    chances = random.random(20_000)
    hits = random.random(20_000) < chances
    assert metrics.expected_calibration_error(chances, hits) < 0.02
    sure = np.where(chances > 0.5, 1.0, 0.0)
    assert metrics.expected_calibration_error(sure, hits) == pytest.approx(0.25, abs=0.02)


def test_reliability_bins_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    chances = random.random(500)
    hits = random.random(500) < chances
    bins = [each for each in metrics.reliability_bins(chances, hits) if each.n]
    shares, means = calibration_curve(hits, chances, n_bins=metrics.BINS)
    assert [each.share for each in bins] == pytest.approx(shares.tolist())
    assert [each.mean_probability for each in bins] == pytest.approx(means.tolist())
    assert sum(each.n for each in bins) == 500
    last = metrics.reliability_bins([1.0], [True])[-1]
    assert (last.n, last.high) == (1, 1.0)  # certainty belongs to the last bin


def test_a_class_without_rows_or_predictions_has_no_figure() -> None:
    favor, against, neutral = metrics.class_rows(np.array([0, 0]), np.array([0, 1]), LABELS)
    assert (favor.precision, favor.recall, favor.gold, favor.predicted) == (1, 0.5, 2, 1)
    assert (against.precision, against.recall, against.predicted) == (0, None, 1)
    assert (neutral.precision, neutral.recall, neutral.f1, neutral.gold) == (None, None, None, 0)


def test_threshold_points_are_precision_and_recall_there() -> None:
    random = np.random.default_rng(2)
    scores, positive = random.random(200), random.random(200) < 0.3
    points = metrics.threshold_points(positive, scores)
    assert [point.threshold for point in points][::50] == [0.0, 0.5, 1.0]
    point = points[40]
    assert point.precision == pytest.approx(precision_score(positive, scores >= 0.4))
    assert point.recall == pytest.approx(recall_score(positive, scores >= 0.4))
    assert (points[0].flagged, points[-1].flagged, points[-1].precision) == (200, 0, None)


# Draws


def weights_of(draws: Resamples, rows: np.ndarray) -> np.ndarray:
    return np.concatenate(list(draws.row_weights(rows)))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(12, 40), ties=st.integers(1, 3))
def test_draws_are_scikit_learns_figures_with_weights(seed: int, rows: int, ties: int) -> None:
    random = np.random.default_rng(seed)
    draws = Resamples([str(code) for code in random.integers(0, 9, rows)], 7, seed, "comment")
    chosen = np.sort(random.choice(rows, rows - 3, replace=False))
    gold, predicted = random.integers(0, 3, (2, len(chosen)))
    scores = np.round(random.random(len(chosen)), ties)
    positive = gold == 1
    shares = random.dirichlet([1, 1, 1], len(chosen))
    counts = metrics.confusion_draws(draws, gold, predicted, 3, chosen)
    aucs, precisions = metrics.ranking_draws(draws, positive, scores, chosen)
    brier, skill = metrics.brier_draws(draws, shares, gold, chosen)
    two = np.column_stack([1 - scores, scores])
    brier_of_two, _ = metrics.brier_draws(draws, two, positive.astype(int), chosen)
    errors = metrics.expected_calibration_error_draws(draws, scores, positive, chosen)
    for place, weights in enumerate(weights_of(draws, chosen)):
        if weights.sum() == 0:
            continue
        macro = f1_score(
            gold, predicted, labels=[0, 2], average="macro", sample_weight=weights, zero_division=0
        )
        assert metrics.macro_f1_of_counts(counts, [0, 2])[place] == pytest.approx(macro)
        again = np.repeat(np.arange(len(chosen)), weights.astype(int))
        assert brier[place] == pytest.approx(metrics.brier(shares[again], gold[again]))
        expected_skill = metrics.brier_skill(shares[again], gold[again])
        assert skill[place] == pytest.approx(
            np.nan if expected_skill is None else expected_skill, nan_ok=True
        )
        assert brier_of_two[place] == pytest.approx(
            brier_score_loss(positive, scores, sample_weight=weights, pos_label=True)
        )
        assert errors[place] == pytest.approx(
            metrics.expected_calibration_error(scores[again], positive[again])
        )
        if 0 < weights[positive].sum() < weights.sum():
            auc = roc_auc_score(positive, scores, sample_weight=weights)
            precision = average_precision_score(positive, scores, sample_weight=weights)
            assert (aucs[place], precisions[place]) == pytest.approx((auc, precision))
        else:
            assert np.isnan(aucs[place])
            assert np.isnan(precisions[place])
