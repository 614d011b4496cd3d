"""The bootstrap: units, repeatability, intervals."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="evaluation is not installed")
from stance.evaluation import resampling
from stance.evaluation.resampling import Resamples, interval, wilson


def test_rows_of_one_unit_are_drawn_together() -> None:
    draws = Resamples(["a", "b", "a", "c"], 50, 1, "comment")
    weights = np.concatenate(list(draws.row_weights(np.arange(4))))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()  # as many units as there are
    assert len(np.unique(weights, axis=0)) > 5
    assert draws.facts().units == 3


def test_the_same_seed_gives_the_same_draws_kept_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    groups, values = [str(number) for number in range(20)], np.arange(20.0)[:, None]
    first = Resamples(groups, 100, 7, "comment").sums(values)
    monkeypatch.setattr(resampling, "_KEPT_CELLS", 0)
    assert np.array_equal(Resamples(groups, 100, 7, "comment").sums(values), first)
    assert not np.array_equal(Resamples(groups, 100, 8, "comment").sums(values), first)


def test_sums_of_some_rows_are_sums_of_their_weights() -> None:
    draws = Resamples(["a", "b", "a", "c"], 30, 1, "comment")
    rows = np.array([1, 2])
    [weights] = draws.row_weights(rows)
    values = np.array([[1.0, 2.0], [10.0, 20.0]])
    assert np.allclose(draws.sums(values, rows), weights @ values)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        sample = random.normal(size=60)
        draws = Resamples([str(number) for number in range(60)], 400, seed, "comment")
        found = interval(draws.sums(sample[:, None])[:, 0] / 60)
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_shared_comments_widen_the_interval() -> None:
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=50), 10)[:, None]
    alone = Resamples([str(number) for number in range(500)], 500, 1, "row")
    shared = Resamples([str(number // 10) for number in range(500)], 500, 1, "comment")
    width = [np.ptp(np.quantile(draws.sums(values), [0.025, 0.975])) for draws in (alone, shared)]
    assert width[1] > 2 * width[0]


def test_figures_that_are_often_undefined_have_no_interval() -> None:
    draws = np.arange(100.0)
    draws[:11] = np.nan
    assert interval(draws) is None
    draws[:10] = [0] * 5 + [np.nan] * 5
    assert interval(draws) is not None
    assert interval(None) is None


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 10).low == pytest.approx(0)
    assert wilson(10, 10).high == pytest.approx(1)
    assert wilson(0, 10).high == pytest.approx(0.2775, abs=1e-4)
