"""Bias: whether the score changes with the group that a text speaks of.

References
----------
Identity terms and templates: Dixon et al. 2018, https://doi.org/10.1145/3278721.3278729
Subgroup, BPSN and BNSP AUC: Borkan et al. 2019, https://arxiv.org/abs/1903.04561
Equalised odds: Hardt et al. 2016, https://arxiv.org/abs/1610.02413
Functional tests: Röttger et al. 2021, https://aclanthology.org/2021.acl-long.4
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stance.evaluation import metrics
from stance.evaluation.datasets import EvaluationData
from stance.evaluation.figures import Measured, figure
from stance.evaluation.predictions import Predictions
from stance.evaluation.resampling import Floats, Integers, Resamples, wilson
from stance.evaluation.results import (
    BiasSummary,
    EqualisedOdds,
    Figure,
    FunctionRow,
    GroupRates,
    IdentityBias,
    TermBias,
)
from stance.evaluation.tasks import Task, hate_task

# The terms of Dixon et al.'s templates. Some are ambiguous ("white", "old", "straight").
IDENTITY_TERMS = (
    "african", "african american", "american", "asian", "bisexual", "black", "blind", "buddhist",
    "canadian", "catholic", "chinese", "christian", "deaf", "elderly", "european", "female", "gay",
    "heterosexual", "hispanic", "homosexual", "indian", "japanese", "jewish", "latina", "latino",
    "latinx", "lesbian", "lgbt", "lgbtq", "male", "mexican", "middle aged", "middle eastern",
    "millenial", "muslim", "nonbinary", "old", "older", "paralyzed", "protestant", "queer", "sikh",
    "straight", "taoist", "teenage", "trans", "transgender", "white", "young", "younger",
)  # fmt: skip
_LONGEST_FIRST = "|".join(sorted(IDENTITY_TERMS, key=len, reverse=True))
_TERM = re.compile(rf"\b({_LONGEST_FIRST})s?\b")
_WORD = re.compile(r"\w+")
_FIRST_WORDS = frozenset(
    form for term in IDENTITY_TERMS for form in (term.split()[0], f"{term.split()[0]}s")
)

LEAST_OF_BOTH = 10  # a term with fewer toxic or fewer harmless rows is too small to tell
POWER = -5.0  # of the generalised mean, as in the Jigsaw challenge on unintended bias
MAX_GROUPS = 50

_METRICS = {
    "subgroup_auc": "Subgroup AUC",
    "bpsn_auc": "BPSN AUC",
    "bnsp_auc": "BNSP AUC",
}

FUNCTIONS = {
    "derog_neg_emote_h": "strong negative emotions",
    "derog_neg_attrib_h": "very negative attributes",
    "derog_dehum_h": "dehumanisation",
    "derog_impl_h": "implicit derogation",
    "threat_dir_h": "direct threat",
    "threat_norm_h": "threat as what ought to happen",
    "slur_h": "slur",
    "slur_homonym_nh": "harmless homonym of a slur",
    "slur_reclaimed_nh": "reclaimed slur",
    "profanity_h": "hate with profanity",
    "profanity_nh": "profanity without hate",
    "ref_subs_clause_h": "hate that refers to a group in an earlier clause",
    "ref_subs_sent_h": "hate that refers to a group in an earlier sentence",
    "negate_pos_h": "negated praise",
    "negate_neg_nh": "negated hate",
    "phrase_question_h": "hate as a question",
    "phrase_opinion_h": "hate as an opinion",
    "ident_neutral_nh": "neutral statement that names a group",
    "ident_pos_nh": "praise that names a group",
    "counter_quote_nh": "objection that quotes hate",
    "counter_ref_nh": "objection that refers to hate",
    "target_obj_nh": "abuse of an object",
    "target_indiv_nh": "abuse of a person, not as member of a group",
    "target_group_nh": "abuse of a group that is not protected",
    "spell_char_swap_h": "swapped letters",
    "spell_char_del_h": "missing letters",
    "spell_space_del_h": "missing spaces",
    "spell_space_add_h": "added spaces",
    "spell_leet_h": "digits for letters",
}


# Identity terms


def terms_of(text: str) -> frozenset[str]:
    """Return the identity terms that a text names, each as a whole word, perhaps with a plural s.

    Examples
    --------
    >>> sorted(terms_of("African Americans and Mexicans were there, in transit"))
    ['african american', 'mexican']
    """
    low = text.lower()
    if _FIRST_WORDS.isdisjoint(_WORD.findall(low)):  # most texts, and quickly said
        return frozenset()
    return frozenset(_TERM.findall(low))


def rows_by_term(data: EvaluationData, task: Task) -> dict[str, Integers]:
    """Return for each term the places in the task of the rows that name it."""
    places: dict[str, list[int]] = {}
    column = data.columns[data.identity] if data.identity is not None else None
    for place, row in enumerate(task.rows.tolist()):
        if column is None:
            terms = terms_of(data.examples[row].text)
        else:
            terms = frozenset(filter(None, [column[row]]))
        for term in terms:
            places.setdefault(term, []).append(place)
    return {term: np.array(places[term]) for term in sorted(places)}


def identity_bias(
    data: EvaluationData, task: Task, overall: Figure, draws: Resamples | None
) -> tuple[IdentityBias, list[Measured]] | None:
    """Return the three AUCs by identity term; None where no term has enough rows to tell.

    Parameters
    ----------
    data : EvaluationData
    task : Task
        The toxicity label.
    overall : Figure
        Its ROC-AUC on all rows.
    draws : Resamples or None
    """
    positive, scores = task.gold == 1, task.probabilities[:, 1]
    by_term = {
        term: places
        for term, places in rows_by_term(data, task).items()
        if len(places) >= LEAST_OF_BOTH
    }
    terms = [_term_bias(term, places, positive, scores) for term, places in by_term.items()]
    told = [term for term in terms if not term.too_small]
    if not told:
        return None
    by_draw = None
    if draws is not None:
        chosen = [by_term[term.term] for term in told]
        by_draw = term_auc_draws(draws, positive, scores, task.rows, chosen)
    summaries, measured = [], []
    for place, metric in enumerate(_METRICS):
        values = None if by_draw is None else by_draw[place]
        figures = _summaries(metric, told, values, task)
        measured += figures
        least = min(told, key=lambda term: _auc(term, metric))
        summaries.append(
            BiasSummary(
                metric,
                _METRICS[metric],
                mean=figures[0].figure,
                least=figures[1].figure,
                least_term=least.term,
                generalised_mean=figures[2].figure,
            )
        )
    terms.sort(key=lambda term: (term.too_small, _auc(term, "bpsn_auc")))
    found = IdentityBias(
        task.key,
        len(task.rows),
        int(positive.sum()),
        overall,
        tuple(terms),
        tuple(summaries),
    )
    return found, measured


def _auc(term: TermBias, metric: str) -> float:
    value: float | None = getattr(term, metric)
    return 1.0 if value is None else value


def _term_bias(
    term: str, places: Integers, positive: NDArray[np.bool_], scores: Floats
) -> TermBias:
    named = np.zeros(len(scores), dtype=bool)
    named[places] = True
    positives = int(positive[places].sum())
    return TermBias(
        term,
        len(places),
        positives,
        subgroup_auc=_auc_where(named, positive, scores),
        bpsn_auc=_auc_where(named ^ positive, positive, scores),
        bnsp_auc=_auc_where(~(named ^ positive), positive, scores),
        too_small=min(positives, len(places) - positives) < LEAST_OF_BOTH
        or min(int((positive & ~named).sum()), int((~positive & ~named).sum())) < LEAST_OF_BOTH,
    )


def _auc_where(
    keep: NDArray[np.bool_], positive: NDArray[np.bool_], scores: Floats
) -> float | None:
    return metrics.roc_auc(positive[keep], scores[keep])


def _summaries(
    metric: str, terms: Sequence[TermBias], draws: Floats | None, task: Task
) -> list[Measured]:
    """Return mean, least and generalised mean over terms; `draws` has the shape (terms, draws)."""
    values = np.array([_auc(term, metric) for term in terms])
    name = _METRICS[metric]
    return [
        figure(
            f"bias.{metric}.{key}",
            f"{name}: {title}",
            float(formula(values)),
            len(task.rows),
            None if draws is None else formula(draws),
            positives=int(task.gold.sum()),
        )
        for key, title, formula in (
            ("mean", "mean over identity terms", _mean),
            ("least", "least of an identity term", _least),
            ("generalised_mean", "generalised mean over identity terms", generalised_mean),
        )
    ]


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=0))


def _least(values: Floats) -> Floats:
    return np.asarray(values.min(axis=0))


def generalised_mean(values: Floats) -> Floats:
    """Return the power mean over the first axis with exponent -5; 0 where a value is 0.

    Examples
    --------
    >>> round(float(generalised_mean(np.array([1.0, 0.5]))), 4)
    0.5708
    """
    with np.errstate(divide="ignore"):
        powers = (np.asarray(values, dtype=float) ** POWER).mean(axis=0)
        return np.asarray(powers ** (1 / POWER))


def term_auc_draws(
    draws: Resamples,
    positive: NDArray[np.bool_],
    scores: Floats,
    rows: Integers,
    terms: Sequence[Integers],
) -> Floats:
    """Return subgroup, BPSN and BNSP AUC of each term on each draw.

    A term's toxic rows against harmless rows elsewhere are its toxic rows against all harmless
    rows, less those against its own: so the whole data is sorted once, not once a term.

    Parameters
    ----------
    draws : Resamples
    positive, scores, rows : array, shape (m,)
    terms : sequence of array of int
        Places in these of the rows that name a term.

    Returns
    -------
    array, shape (3, len(terms), draws)
    """
    order = np.argsort(scores, kind="stable")
    starts, ranks = _ties(scores[order])
    rank_of = np.empty(len(scores), dtype=np.int64)
    rank_of[order] = ranks
    inner = [_Inner.of(places, positive, scores) for places in terms]
    blocks = []
    for weights in draws.row_weights(rows):
        toxic = np.add.reduceat(np.where(positive, weights, 0.0)[:, order], starts, axis=1)
        harmless = np.add.reduceat(np.where(positive, 0.0, weights)[:, order], starts, axis=1)
        harmless_below = np.cumsum(harmless, axis=1) - harmless / 2
        toxic_above = toxic.sum(axis=1, keepdims=True) - np.cumsum(toxic, axis=1) + toxic / 2
        block = np.empty((3, len(terms), len(weights)))
        for place, term in enumerate(inner):
            own = weights[:, term.places]
            own_toxic, own_harmless = own * term.positive, own * ~term.positive
            pairs = term.pairs(own_toxic, own_harmless)
            ranks = rank_of[term.places]
            against_harmless = (own_toxic * harmless_below[:, ranks]).sum(axis=1) - pairs
            against_toxic = (own_harmless * toxic_above[:, ranks]).sum(axis=1) - pairs
            count_toxic, count_harmless = own_toxic.sum(axis=1), own_harmless.sum(axis=1)
            others_toxic = toxic.sum(axis=1) - count_toxic
            others_harmless = harmless.sum(axis=1) - count_harmless
            block[0, place] = metrics.ratio(pairs, count_toxic * count_harmless)
            block[1, place] = metrics.ratio(against_toxic, count_harmless * others_toxic)
            block[2, place] = metrics.ratio(against_harmless, count_toxic * others_harmless)
        blocks.append(block)
    return np.concatenate(blocks, axis=2)


def _ties(ordered: Floats) -> tuple[Integers, Integers]:
    """Return where each run of equal scores begins, and in which run each score is."""
    begins = np.diff(ordered, prepend=-np.inf) > 0
    return np.flatnonzero(begins), np.cumsum(begins) - 1


@dataclass(frozen=True, slots=True)
class _Inner:
    """The rows of one term, in the order of their scores."""

    places: Integers
    positive: NDArray[np.bool_]
    starts: Integers

    @classmethod
    def of(cls, places: Integers, positive: NDArray[np.bool_], scores: Floats) -> "_Inner":
        ordered = places[np.argsort(scores[places], kind="stable")]
        return cls(ordered, positive[ordered], _ties(scores[ordered])[0])

    def pairs(self, toxic: Floats, harmless: Floats) -> Floats:
        """Return the weight of pairs whose toxic row scores higher, ties by half."""
        hits = np.add.reduceat(toxic, self.starts, axis=1)
        misses = np.add.reduceat(harmless, self.starts, axis=1)
        below = np.cumsum(misses, axis=1) - misses / 2
        return np.asarray((hits * below).sum(axis=1))


# Groups


def equalised_odds(
    data: EvaluationData, task: Task, column: str, draws: Resamples | None
) -> tuple[EqualisedOdds, list[Measured]] | None:
    """Return how unlike the groups of a column are flagged; None where fewer than two have enough.

    Rows without a group are left out.
    """
    values = [data.columns[column][row] for row in task.rows.tolist()]
    counts = Counter(value for value in values if value)
    groups = [value for value, _ in counts.most_common(MAX_GROUPS)]
    mine = np.array([value or "" for value in values], dtype=object)
    rates = [_rates(value, task.part(mine == value)) for value in groups]
    told = [rate.value for rate in rates if not rate.too_small]
    if len(told) < 2:
        return None
    part = task.part(np.isin(mine, told))
    measured = _odds_figures(column, part, mine[np.isin(mine, told)], told, draws)
    found = EqualisedOdds(
        column,
        task.key,
        float(task.threshold or 0.0),
        tuple(rates),
        *(each.figure for each in measured),
    )
    return found, measured


def _rates(value: str, task: Task) -> GroupRates:
    positive, flagged = task.gold == 1, task.predicted == 1
    positives, others = int(positive.sum()), int((~positive).sum())
    return GroupRates(
        value,
        len(task.rows),
        positives,
        int((positive & flagged).sum()) / positives if positives else None,
        int((~positive & flagged).sum()) / others if others else None,
        too_small=min(positives, others) < LEAST_OF_BOTH,
    )


def _odds_figures(
    column: str,
    task: Task,
    groups: NDArray[np.object_],
    told: Sequence[str],
    draws: Resamples | None,
) -> list[Measured]:
    from fairlearn.metrics import (
        equalized_odds_difference,
        false_positive_rate_difference,
        true_positive_rate_difference,
    )

    by_draw: Mapping[str, Floats | None] = dict.fromkeys(("true", "false", "both"))
    if draws is not None:
        by_draw = _odds_draws(task, groups, told, draws)
    name = task.key.replace("_", " ")
    places = np.unique(groups.astype(str), return_inverse=True)[1]  # numbers compare faster
    return [
        figure(
            f"{column}.{task.key}.{key}",
            f"{title} by {column} ({name})",
            float(function(task.gold, task.predicted, sensitive_features=places)),
            len(task.rows),
            by_draw[kind],
            positives=int(task.gold.sum()),
            higher_is_better=False,
        )
        for key, title, function, kind in (
            (
                "true_positive_difference",
                "Largest difference of shares flagged of what is so",
                true_positive_rate_difference,
                "true",
            ),
            (
                "false_positive_difference",
                "Largest difference of shares flagged of the others",
                false_positive_rate_difference,
                "false",
            ),
            (
                "equalised_odds_difference",
                "Equalised odds difference",
                equalized_odds_difference,
                "both",
            ),
        )
    ]


def _odds_draws(
    task: Task, groups: NDArray[np.object_], told: Sequence[str], draws: Resamples
) -> dict[str, Floats]:
    rates = []
    for value in told:
        own = task.part(groups == value)
        counts = metrics.confusion_draws(draws, own.gold, own.predicted, 2, own.rows)
        recalls = metrics.recalls_of_counts(counts)
        rates.append((recalls[:, 1], 1 - recalls[:, 0]))
    true, false = (np.ptp(np.stack(each), axis=0) for each in zip(*rates, strict=True))
    return {"true": true, "false": false, "both": np.maximum(true, false)}


# Functional tests


def function_rows(data: EvaluationData, predictions: Predictions) -> tuple[FunctionRow, ...]:
    """Return the pass rate of each functional test, in the order of the data."""
    task = hate_task(data, predictions)
    if data.functions is None or task is None:
        return ()
    column = data.columns[data.functions]
    names = np.array([column[row] or "" for row in task.rows.tolist()], dtype=object)
    found = []
    for name in filter(None, dict.fromkeys(names.tolist())):
        own = task.part(names == name)
        passed, total = int(own.right.sum()), len(own.rows)
        golds = [task.labels[place] for place in np.unique(own.gold).tolist()]
        found.append(
            FunctionRow(
                name,
                FUNCTIONS.get(name, ""),
                " or ".join(golds),
                total,
                passed,
                passed / total,
                wilson(passed, total),
            )
        )
    if len(found) < 2:
        return tuple(found)
    worst = min(found, key=lambda row: row.rate)
    return tuple(replace(row, worst=row is worst) for row in found)
