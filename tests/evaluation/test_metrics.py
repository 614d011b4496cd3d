import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.evaluation.metrics import (
    balanced_accuracy,
    brier_skill,
    expected_calibration_error,
    macro_f1,
    roc_auc,
)


def test_perfect_and_useless_predictions() -> None:
    gold = ["favor", "against", "neutral"]
    assert macro_f1(gold, gold, gold) == 1
    assert macro_f1(gold, ["neutral"] * 3, gold) == pytest.approx(1 / 6)
    assert roc_auc([0, 1, 1], [0.1, 0.2, 0.9]) == 1
    assert balanced_accuracy([0, 0, 1], [False, False, False]) == 0.5


def test_neutral_counts_as_wrong_on_target_rows() -> None:
    assert macro_f1(["favor", "against"], ["neutral", "against"], ["favor", "against"]) == 0.5


def test_one_class_alone_has_no_curve_and_no_skill() -> None:
    assert roc_auc([0, 0], [0.1, 0.2]) is None
    assert brier_skill([0.1, 0.2], [0, 0]) is None


def test_saying_the_base_rate_has_no_skill_and_the_truth_has_all() -> None:
    gold = [1, 0, 0, 0]
    assert brier_skill([0.25] * 4, gold) == pytest.approx(0)
    assert brier_skill(gold, gold) == 1


def test_calibrated_draws_have_a_small_error_and_overconfident_ones_a_large() -> None:
    random = np.random.default_rng(0)
    chances = random.random(20_000)
    hits = random.random(20_000) < chances
    assert expected_calibration_error(chances.tolist(), hits.tolist()) < 0.02
    sure = np.where(chances > 0.5, 1.0, 0.0)
    assert expected_calibration_error(sure.tolist(), hits.tolist()) == pytest.approx(0.25, abs=0.02)
