"""Bias: identity terms, their AUCs, groups and functional tests."""

import numpy as np
import pytest

pytest.importorskip("fairlearn", reason="evaluation is not installed")
from made_up import Answers, data_of, model_of, prediction
from sklearn.metrics import roc_auc_score

from stance.data.examples import Example
from stance.evaluation import bias
from stance.evaluation.predictions import predict
from stance.evaluation.resampling import Resamples, interval
from stance.evaluation.results import Figure
from stance.evaluation.tasks import toxicity_tasks
from stance.labels import TOXICITY_LABELS

OVERALL = Figure("toxicity.roc_auc", "ROC-AUC", 0.5, 3)
FLAT = [0.1] * len(TOXICITY_LABELS)


def row(text: str, toxic: float) -> Example:
    return Example(text, "made-up", "test", toxicity={"toxicity": toxic})


def model(rows: list[Example], scores: list[float]) -> Answers:
    by_text = dict(zip([each.text for each in rows], scores, strict=True))
    return model_of(rows, lambda each: prediction(each, (1, 0, 0), [by_text[each.text], *FLAT[1:]]))


def templates(count: int = 20, gap: float = 0.0) -> tuple[list[Example], list[float]]:
    """Rows of two terms and of none, half of them toxic; `gap` is added to each that says gay."""
    rows, scores = [], []
    for term in ("gay", "muslim", ""):
        for number in range(count):
            toxic = number % 2
            rows.append(row(f"{number} {'vile' if toxic else 'kind'} {term}", float(toxic)))
            scores.append(0.2 + 0.3 * toxic + 0.001 * number + (gap if term == "gay" else 0.0))
    return rows, scores


def test_terms_are_whole_words_and_the_longest_wins() -> None:
    assert bias.terms_of("Gays, LGBTQ and old transits") == {"gay", "lgbtq", "old"}
    assert bias.terms_of("an African American's view") == {"african american"}
    assert bias.terms_of("nothing of the kind") == frozenset()
    assert len(bias.IDENTITY_TERMS) == len(set(bias.IDENTITY_TERMS)) == 50


def test_each_auc_is_scikit_learns_on_the_rows_that_it_is_named_for() -> None:
    rows, scores = templates(gap=0.295)
    data = data_of(rows)
    [task] = toxicity_tasks(data, predict(model(rows, scores), rows))
    found, _ = bias.identity_bias(data, task, OVERALL, None) or pytest.fail("no bias")
    gay = next(term for term in found.terms if term.term == "gay")
    named = np.array(["gay" in each.text for each in rows])
    toxic = np.array([each.toxicity["toxicity"] for each in rows]) == 1
    values = np.array(scores)
    bpsn = (named & ~toxic) | (~named & toxic)
    bnsp = (named & toxic) | (~named & ~toxic)
    assert gay.subgroup_auc == roc_auc_score(toxic[named], values[named]) == 1
    assert gay.bpsn_auc == pytest.approx(roc_auc_score(toxic[bpsn], values[bpsn]))
    assert gay.bnsp_auc == pytest.approx(roc_auc_score(toxic[bnsp], values[bnsp]))
    assert gay.bpsn_auc < 0.9 < gay.bnsp_auc
    assert (gay.n, gay.positives, gay.too_small) == (20, 10, False)
    summary = {each.metric: each for each in found.summaries}["bpsn_auc"]
    muslim = next(term for term in found.terms if term.term == "muslim")
    assert summary.least_term == found.terms[0].term == "gay"
    assert summary.least.value == gay.bpsn_auc
    assert summary.mean.value == pytest.approx((gay.bpsn_auc + muslim.bpsn_auc) / 2)
    powers = (gay.bpsn_auc**-5 + muslim.bpsn_auc**-5) / 2
    assert summary.generalised_mean.value == pytest.approx(powers ** (-1 / 5))


def test_a_term_with_few_rows_is_told_apart_and_counts_in_no_summary() -> None:
    rows, scores = templates()
    rows += [row("a sikh", 0.0), *(row(f"sikh {number}", 0.0) for number in range(15))]
    scores += [0.9] * 16
    data = data_of(rows)
    [task] = toxicity_tasks(data, predict(model(rows, scores), rows))
    found, _ = bias.identity_bias(data, task, OVERALL, None) or pytest.fail("no bias")
    assert [(term.term, term.too_small) for term in found.terms][-1] == ("sikh", True)
    assert found.summaries[1].least.value > 0.9
    few = data_of(rows[:5])
    [task] = toxicity_tasks(few, predict(model(rows, scores), rows[:5]))
    assert bias.identity_bias(few, task, OVERALL, None) is None


def test_draws_are_the_aucs_on_each_resample() -> None:
    random = np.random.default_rng(3)
    count = 80
    positive = random.random(count) < 0.4
    scores = np.round(random.random(count), 1)
    draws = Resamples([str(code) for code in random.integers(0, 40, count)], 25, 1, "comment")
    terms = [np.flatnonzero(random.random(count) < share) for share in (0.2, 0.5)]
    found = bias.term_auc_draws(draws, positive, scores, np.arange(count), terms)
    weights = np.concatenate(list(draws.row_weights(np.arange(count))))
    assert found.shape == (3, 2, 25)
    for number, places in enumerate(terms):
        named = np.isin(np.arange(count), places)
        for metric, keep in enumerate((named, named ^ positive, ~(named ^ positive))):
            for draw in range(25):
                own = keep & (weights[draw] > 0)
                expected = np.nan
                if positive[own].any() and not positive[own].all():
                    expected = roc_auc_score(
                        positive[own], scores[own], sample_weight=weights[draw][own]
                    )
                assert found[metric, number, draw] == pytest.approx(expected, nan_ok=True)


def test_summaries_have_intervals_around_them() -> None:
    rows, scores = templates(60, gap=0.29)
    data = data_of(rows)
    [task] = toxicity_tasks(data, predict(model(rows, scores), rows))
    draws = Resamples(data.groups, 200, 1, "comment")
    found, measured = bias.identity_bias(data, task, OVERALL, draws) or pytest.fail("no bias")
    mean = found.summaries[1].mean
    assert mean.interval == interval(measured[3].draws)
    assert mean.interval.low < mean.value < mean.interval.high < 1
    assert measured[3].figure.key == "bias.bpsn_auc.mean"


def test_a_zero_draws_the_generalised_mean_down_to_zero() -> None:
    assert bias.generalised_mean(np.array([0.0, 1.0])) == 0


def test_equalised_odds_are_the_largest_differences_of_rates() -> None:
    rows, scores, sites = [], [], []
    for site, false_alarms, hits in (("a", 2, 18), ("b", 10, 15), ("c", 1, 1)):
        count = 20 if site != "c" else 2
        for toxic, flagged in ((0, false_alarms), (1, hits)):
            for number in range(count):
                rows.append(row(f"{site} {toxic} {number}", float(toxic)))
                scores.append(0.9 if number < flagged else 0.1)
                sites.append(site)
    data = data_of(rows, columns={"site": sites}, asked=("site",))
    [task] = toxicity_tasks(data, predict(model(rows, scores), rows))
    draws = Resamples(data.groups, 100, 1, "comment")
    found, measured = bias.equalised_odds(data, task, "site", draws) or pytest.fail("no groups")
    assert found.true_positive_difference.value == pytest.approx(18 / 20 - 15 / 20)
    assert found.false_positive_difference.value == pytest.approx(10 / 20 - 2 / 20)
    assert found.equalised_odds_difference.value == pytest.approx(0.4)
    assert [(group.value, group.n, group.too_small) for group in found.groups] == [
        ("a", 40, False),
        ("b", 40, False),
        ("c", 4, True),
    ]
    assert found.equalised_odds_difference.interval.low > 0.05
    assert measured[2].figure.key == "site.toxicity.equalised_odds_difference"
    alone = data_of(rows[:40], columns={"site": sites[:40]})
    [task] = toxicity_tasks(alone, predict(model(rows, scores), rows[:40]))
    assert bias.equalised_odds(alone, task, "site", None) is None


def test_functions_pass_where_the_decision_is_right() -> None:
    rows = [row(f"slur {number}", 1.0) for number in range(4)]
    rows += [row(f"kind {number}", 0.0) for number in range(4)]
    scores = [0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.9, 0.9]
    names = ["slur_h"] * 4 + ["own test"] * 4
    data = data_of(rows, columns={"function": names}, functions="function")
    first, second = bias.function_rows(data, predict(model(rows, scores), rows))
    assert (first.function, first.description, first.expected) == ("slur_h", "slur", "hateful")
    assert (first.n, first.passed, first.rate, first.worst) == (4, 3, 0.75, False)
    assert (second.description, second.expected, second.passed) == ("", "not hateful", 2)
    assert second.worst
    assert second.interval.low < 0.5 < second.interval.high
    assert bias.function_rows(data_of(rows), predict(model(rows, scores), rows)) == ()
