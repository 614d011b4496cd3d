"""Reports of made-up evaluations, of the size and shape of real ones."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from stance.evaluation.results import (
    BiasSummary,
    Bootstrap,
    Classification,
    ClassRow,
    Comparison,
    Counts,
    Difference,
    DifferingRow,
    EqualisedOdds,
    ErrorCase,
    ErrorList,
    Evaluation,
    Figure,
    FunctionRow,
    GroupRates,
    IdentityBias,
    Interval,
    LabelCount,
    McNemar,
    ModelFacts,
    Published,
    Reliability,
    ReliabilityBin,
    Report,
    Requirement,
    Skipped,
    Slice,
    Slicing,
    TermBias,
    ThresholdCurve,
    ThresholdPoint,
)
from stance.scoring.summary import wilson

MODEL = ModelFacts(
    "stance-test-0.1",
    "22 million parameters, 8-bit",
    "4f" * 32,
    {"toxicity": 0.53, "severe_toxicity": 0.2, "insult": 0.47, "identity_attack": 0.31},
)
LABELS = ("favor", "against", "neutral")


def figure(key: str, title: str, value: float | None, n: int = 3006, **more: Any) -> Figure:
    half = 1.0 / math.sqrt(max(n, 1))
    interval = None if value is None else Interval(max(-1.0, value - half), min(1.0, value + half))
    return Figure(key, title, value, n, **{"interval": interval, **more})


def classification(key: str, title: str, labels: tuple[str, ...], counts: Any, **more: Any) -> Any:
    matrix = np.asarray(counts)
    rows = []
    for i, label in enumerate(labels):
        correct, gold, predicted = matrix[i, i], matrix[i].sum(), matrix[:, i].sum()
        precision = float(correct / predicted) if predicted else None
        recall = float(correct / gold) if gold else None
        f1 = float(2 * correct / (gold + predicted)) if gold + predicted else None
        rows.append(ClassRow(label, precision, recall, f1, int(gold), int(predicted), int(correct)))
    plain = tuple(tuple(map(int, row)) for row in matrix)
    return Classification(key, title, int(matrix.sum()), labels, plain, tuple(rows), **more)


def reliability(key: str, title: str, scores: Any, truth: Any) -> Reliability:
    bins, edges = [], np.linspace(0, 1, 11)
    for low, high in pairwise(edges):
        inside = (scores >= low) & ((scores < high) | (high == 1))
        n = int(inside.sum())
        bins.append(
            ReliabilityBin(
                float(low),
                float(high),
                n,
                float(scores[inside].mean()) if n else None,
                float(truth[inside].mean()) if n else None,
            )
        )
    n, base = len(truth), float(truth.mean())
    gap = sum(b.n * abs((b.share or 0) - (b.mean_probability or 0)) for b in bins) / n
    brier = float(((scores - truth) ** 2).mean())
    skill = 1 - brier / (base * (1 - base))
    return Reliability(
        key,
        title,
        n,
        base,
        tuple(bins),
        figure(f"{key}.ece", "Expected calibration error", gap, n, higher_is_better=False),
        figure(f"{key}.brier", "Brier score", brier, n, higher_is_better=False),
        figure(f"{key}.brier_skill", "Brier skill", skill, n),
    )


def point(threshold: float, scores: Any, truth: Any) -> ThresholdPoint:
    flagged = scores >= threshold
    precision = float(truth[flagged].mean()) if flagged.any() else None
    recall = float(flagged[truth == 1].mean())
    return ThresholdPoint(threshold, precision, recall, int(flagged.sum()))


def curve(label: str, shipped: float, scores: Any, truth: Any) -> ThresholdCurve:
    points = tuple(point(n / 100, scores, truth) for n in range(101))
    return ThresholdCurve(
        label, len(truth), int(truth.sum()), points, point(shipped, scores, truth)
    )


def slicing(column: str, title: str, parts: list[tuple[str, int, float | None]]) -> Slicing:
    told = [value for _, n, value in parts if n >= 30 and value is not None]
    worst = min(told, default=None)
    slices = tuple(
        Slice(
            value,
            n,
            own,
            None if own is None else Interval(max(0, own - 1 / n**0.5), min(1, own + 1 / n**0.5)),
            n < 30,
            own == worst and n >= 30,
        )
        for value, n, own in parts
    )
    return Slicing(column, title, "macro_f1", "Macro-F1", 0.643, slices)


def case(row: int, text: str, **more: Any) -> ErrorCase:
    own = {
        "task": "stance",
        "target": "nuclear energy",
        "gold": "favor",
        "predicted": "against",
        "probability": 0.97,
        "gold_probability": 0.01,
    }
    return ErrorCase(row, text=text, **{**own, **more})


def stance_evaluation(**changes: Any) -> Evaluation:
    """One on a stance test set, with two baselines."""
    random = np.random.default_rng(1)
    matrix = [[640, 250, 128], [210, 700, 108], [170, 160, 640]]
    confidence = random.uniform(0.34, 1, 3006)
    right = (random.random(3006) < confidence - 0.08).astype(float)
    topics = ["nuclear energy", "gun control", "immigration", "home schooling", "vaccination"]
    targets = [(f"{t} {n}", 140 - 6 * n, 0.45 + 0.012 * n) for n, t in enumerate(2 * topics)]
    tiny = [("tidal power", 7, 0.21), ("a lone row", 1, None)]
    lists = tuple(
        ErrorList(kind, "stance", title, total, 3006, cases)
        for kind, title, total, cases in (
            (
                "confident",
                "Most confident mistakes",
                812,
                tuple(
                    case(
                        n,
                        f"They will never learn that nuclear energy is a gift, number {n}.",
                        spans=((27, 41),),
                        probability=0.99 - n / 100,
                    )
                    for n in range(20)
                ),
            ),
            ("near_threshold", "Closest calls", 61, (case(77, "Perhaps."), case(78, "Who knows?"))),
            ("label_error", "Likely label errors", 0, ()),
        )
    )
    differences = tuple(
        Difference(key, title, 3006, model, base, model - base, Interval(low, high), better)
        for key, title, model, base, low, high, better in (
            ("macro_f1", "Macro-F1", 0.643, 0.412, 0.205, 0.256, True),
            ("accuracy", "Accuracy", 0.659, 0.651, -0.011, 0.026, True),
            ("stance.ece", "Expected calibration error", 0.08, 0.05, 0.011, 0.052, False),
        )
    )
    content = {
        "model": MODEL,
        "data": "vast",
        "title": "VAST test, comments on New York Times debates",
        "split": "test",
        "counts": Counts(
            3006,
            2012,
            460,
            3,
            (LabelCount("stance", 3006, dict(zip(LABELS, (1018, 1018, 970), strict=True))),),
        ),
        "figures": (
            figure(
                "macro_f1",
                "Macro-F1",
                0.643,
                headline=True,
                published=(Published("BERT-joint", 0.653), Published("JointCL", 0.72)),
            ),
            figure("accuracy", "Accuracy", 0.659, headline=True),
            figure("macro_f1_seen", "Macro-F1, seen targets", 0.6, 1500),
            figure(
                "on_target.roc_auc", "ROC-AUC of relevance", None, note="only one class is there"
            ),
        ),
        "bootstrap": Bootstrap(1000, 1, "comment", 2012),
        "classifications": (classification("stance", "Stance", LABELS, matrix),),
        "reliabilities": (reliability("stance", "Stance", confidence, right),),
        "slicings": (
            slicing("target", "Target", targets + tiny),
            slicing(
                "length",
                "Comment length",
                [
                    ("up to 50 words", 800, 0.61),
                    ("51 to 200 words", 1900, 0.66),
                    ("over 200 words", 306, 0.63),
                ],
            ),
        ),
        "errors": lists,
        "comparisons": (
            Comparison(
                "TF-IDF + logistic regression",
                "trained on the 13,477 training rows",
                differences,
                (McNemar("stance", 1450, 531, 507, 518, 0.47),),
                tuple(
                    DifferingRow(
                        n,
                        "stance",
                        "What a waste!",
                        "solar power",
                        "against",
                        "against",
                        0.9,
                        "favor",
                        0.8,
                    )
                    for n in range(8)
                ),
                1038,
            ),
            Comparison(
                "majority class",
                "always says favor",
                (
                    Difference(
                        "macro_f1", "Macro-F1", 3006, 0.643, 0.169, 0.474, Interval(0.455, 0.49)
                    ),
                ),
            ),
        ),
        "skipped": (Skipped("stance: unknown label", 3, ("row 12: 'pro'", "row 19: 'PRO'")),),
        "notes": ("460 targets were never seen in training.",),
    }
    return Evaluation(**{**content, **changes})


def toxicity_evaluation(**changes: Any) -> Evaluation:
    """One on a toxicity test set, with identity terms, groups and functional tests."""
    random = np.random.default_rng(2)
    truth = (random.random(5000) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(random.normal(-2, 1.2, 5000) + 3 * truth)))
    labels = ("toxicity", "insult", "identity_attack")
    tables, curves, reliabilities = [], [], []
    for label in labels:
        limit = MODEL.thresholds[label]
        flagged = scores >= limit
        counts = [[int(((truth == i) & (flagged == j)).sum()) for j in (0, 1)] for i in (0, 1)]
        words = label.replace("_", " ")
        tables.append(
            classification(
                label, words.capitalize(), (f"not {words}", words), counts, threshold=limit
            )
        )
        curves.append(curve(label, limit, scores, truth))
        reliabilities.append(reliability(label, words.capitalize(), scores, truth))
    names = ("woman", "man", "gay", "straight", "muslim", "christian", "jewish", "blind", "trans")
    terms = tuple(
        TermBias(
            name,
            100 if n else 9,
            50 if n else 2,
            0.99 - n / 90,
            0.75 + n / 70,
            0.97 - n / 200,
            n == 0,
        )
        for n, name in enumerate(names)
    )
    summaries = tuple(
        BiasSummary(
            metric,
            title,
            figure(f"bias.{metric}.mean", f"Mean {title}", 0.9, 1300),
            figure(f"bias.{metric}.least", f"Least {title}", least, 100),
            "man",
            figure(f"bias.{metric}.generalised_mean", f"Generalised mean of {title}", 0.86, 1300),
        )
        for metric, title, least in (
            ("subgroup_auc", "Subgroup AUC", 0.845),
            ("bpsn_auc", "BPSN AUC", 0.764),
            ("bnsp_auc", "BNSP AUC", 0.905),
        )
    )
    tests = (
        (
            "derog_neg_emote_h",
            "Expression of strong negative emotions (explicit)",
            "hateful",
            140,
            132,
        ),
        ("slur_h", "Hate expressed using slur", "hateful", 144, 121),
        (
            "ident_neutral_nh",
            "Neutral statements using protected group identifiers",
            "not hateful",
            126,
            22,
        ),
        ("counter_quote_nh", "Denouncements of hate that quote it", "not hateful", 173, 17),
    )
    functions = tuple(
        FunctionRow(
            name,
            text,
            expected,
            n,
            passed,
            passed / n,
            Interval(wilson(passed, n).low, wilson(passed, n).high),
            name == "counter_quote_nh",
        )
        for name, text, expected, n, passed in tests
    )
    groups = (
        GroupRates("woman", 800, 240, 0.81, 0.12, False),
        GroupRates("man", 700, 200, 0.74, 0.22, False),
        GroupRates("nonbinary", 12, 3, 0.667, 0.111, True),
    )
    auc = float(roc_auc_score(truth, scores))
    content = {
        "model": MODEL,
        "data": "comments.csv",
        "title": "comments.csv",
        "split": None,
        "counts": Counts(
            5000,
            4990,
            0,
            0,
            (LabelCount("toxicity", 5000, {"1": int(truth.sum()), "0": int((1 - truth).sum())}),),
        ),
        "figures": (
            figure(
                "toxicity.roc_auc",
                "ROC-AUC of toxicity",
                auc,
                5000,
                headline=True,
                positives=int(truth.sum()),
                published=(Published("Perspective API", 0.939),),
            ),
            figure(
                "toxicity.average_precision",
                "Average precision of toxicity",
                float(average_precision_score(truth, scores)),
                5000,
                positives=int(truth.sum()),
                headline=True,
            ),
        ),
        "bootstrap": Bootstrap(1000, 1, "comment", 4990),
        "classifications": tuple(tables),
        "reliabilities": tuple(reliabilities),
        "threshold_curves": tuple(curves),
        "identity_bias": IdentityBias(
            "toxicity",
            5000,
            int(truth.sum()),
            figure("bias.overall_auc", "ROC-AUC, all rows", 0.93, 5000),
            terms,
            summaries,
        ),
        "equalised_odds": (
            EqualisedOdds(
                "gender",
                "toxicity",
                0.53,
                groups,
                figure("g.tpr", "True positive difference", 0.07, 1500, higher_is_better=False),
                figure("g.fpr", "False positive difference", 0.1, 1500, higher_is_better=False),
                figure("g.eod", "Equalised odds difference", 0.1, 1500, higher_is_better=False),
            ),
        ),
        "functions": functions,
        "errors": (
            ErrorList(
                "confident",
                "toxicity",
                "Most confident mistakes",
                2,
                5000,
                (
                    case(
                        5,
                        "You idiot!",
                        task="toxicity",
                        target=None,
                        gold="toxicity",
                        predicted="not toxicity",
                        spans=((4, 9),),
                        threshold=0.53,
                    ),
                    case(
                        6,
                        "Bless you.",
                        task="toxicity",
                        target=None,
                        gold="not toxicity",
                        predicted="toxicity",
                        threshold=0.53,
                    ),
                ),
            ),
        ),
    }
    return Evaluation(**{**content, **changes})


def whole_report(*evaluations: Evaluation, **changes: Any) -> Report:
    """A report of both, one requirement met and one not."""
    requirements = (
        Requirement("macro_f1", "vast", 0.6, 0.643, True),
        Requirement("macro_f1", "comments.csv", 0.65, None, False),
    )
    content = {
        "evaluations": evaluations or (stance_evaluation(), toxicity_evaluation()),
        "requirements": requirements,
        "stance_version": "0.1.0",
        "created": "2026-03-02T19:05Z",
    }
    return Report(**{**content, **changes})
