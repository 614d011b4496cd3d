import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from evaluation_reports import classification, figure, stance_evaluation, toxicity_evaluation
from lxml import etree

from stance.evaluation.results import (
    Comparison,
    Difference,
    IdentityBias,
    Interval,
    Reliability,
    ReliabilityBin,
    Slice,
    Slicing,
    TermBias,
    ThresholdCurve,
    ThresholdPoint,
)
from stance.reporting import plots

STANCE, TOXICITY = stance_evaluation(), toxicity_evaluation()
assert TOXICITY.identity_bias is not None
DRAWINGS: dict[str, Callable[[str], str]] = {
    "reliability": lambda i: plots.reliability_plot(STANCE.reliabilities[0], i),
    "threshold": lambda i: plots.threshold_plot(TOXICITY.threshold_curves[0], i),
    "confusion": lambda i: plots.confusion_plot(STANCE.classifications[0], i),
    "slices": lambda i: plots.slice_plot(STANCE.slicings[0], i),
    "terms": lambda i: plots.term_plot(TOXICITY.identity_bias, i),  # type: ignore[arg-type]
    "groups": lambda i: plots.group_plot(TOXICITY.equalised_odds[0], i),
    "functions": lambda i: plots.function_plot(TOXICITY.functions, i, "Functional tests"),
    "differences": lambda i: plots.difference_plot(STANCE.comparisons[0], i),
}


@cache
def drawing(name: str) -> str:
    return DRAWINGS[name]("e1-p2")


def parsed(svg: str) -> Any:
    return etree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in parsed(svg).iter("text")]


def told(svg: str) -> str:
    return str(parsed(svg).findtext("desc"))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_needs_no_style_and_no_file(name: str) -> None:
    root = parsed(drawing(name))
    assert root.get("viewBox", "").startswith("0 0 360 ")
    for node in root.iter():
        assert node.tag not in ("style", "image", "script", "metadata", "foreignObject")
        assert not {"style", "width", "height"} & set(node.attrib) or node.tag == "rect"
        assert node.get("href", "#").startswith("#")
        assert not any("http" in value or "data:" in value for value in node.attrib.values())
        for colour in (node.get("fill"), node.get("stroke")):
            assert colour in (None, "none")  # every colour is a class


@pytest.mark.parametrize("name", DRAWINGS)
def test_ids_are_the_drawings_own_and_used(name: str) -> None:
    root = parsed(drawing(name))
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert all(own.startswith("e1-p2-") for own in ids)
    used = set(re.findall(r"#([\w-]+)", etree.tostring(root, encoding="unicode")))
    used |= set(root.get("aria-labelledby").split())
    assert used == set(ids)


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_same_twice_and_whatever_the_user_styles(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl

    before = drawing(name)
    monkeypatch.setitem(mpl.rcParams, "axes.grid", True)
    monkeypatch.setitem(mpl.rcParams, "font.size", 30.0)
    assert DRAWINGS[name]("e1-p2") == before
    assert mpl.rcParams["font.size"] == 30.0
    assert len(before) < 30_000


def test_what_is_drawn_is_said() -> None:
    root = parsed(drawing("confusion"))
    assert root.get("role") == "img"
    assert root.findtext("title") == "Confusion matrix: Stance"
    assert told(drawing("confusion")).startswith("1,980 of 3,006 rows lie on the diagonal")
    assert "precision 0.892, recall 0.787" in told(drawing("threshold"))
    assert "Worst: nuclear energy 0, 0.450." in told(drawing("slices"))
    assert "Lowest BPSN AUC: man, 0.764." in told(drawing("terms"))
    assert "Lowest: Denouncements of hate that quote it, 17 of 173" in told(drawing("functions"))
    assert "3 figures" in told(drawing("differences"))


def test_a_confusion_matrix_has_counts_and_shares() -> None:
    drawn = texts(drawing("confusion"))
    for cell in ("640", "63%", "favor", "against", "neutral", "labelled ↓", "predicted →"):
        assert cell in drawn


def test_labels_without_rows() -> None:
    found = classification("stance", "Stance", ("favor", "against"), [[3, 0], [0, 0]])
    assert texts(plots.confusion_plot(found, "x")).count("–") == 2


def test_the_worst_and_the_small_do_not_differ_by_colour_alone() -> None:
    svg = drawing("slices")
    assert "0.450 · n 140 · worst" in texts(svg)
    assert "not defined · n 1" in texts(svg)
    marks = {node.get("href") for node in parsed(svg).iter("use") if node.get("y")}
    assert len(marks) >= 3  # plain, worst and small have a mark each
    assert 'stroke-dasharray="4,4"' in svg.replace(".00", "")


def test_many_slices_are_cut_but_never_the_worst() -> None:
    slices = tuple(
        Slice(f"number {n}", 100, 0.5, Interval(0.4, 0.6), False, n == 40) for n in range(50)
    )
    drawn = texts(plots.slice_plot(Slicing("target", "Target", "f1", "F1", 0.5, slices), "x"))
    assert sum(text.startswith("number ") for text in drawn) == plots.MAX_FOREST + 1
    assert "number 40" in drawn


def test_small_slices_give_way_to_those_that_tell() -> None:
    slices = tuple(Slice(f"number {n}", 100, 0.5, None, n >= 15, False) for n in range(20))
    found = Slicing("target", "Target", "f1", "F1", 0.5, slices)
    assert [part.value for part in plots.drawn_slices(found)] == [f"number {n}" for n in range(15)]


def test_points_of_few_rows_are_hollow() -> None:
    none = figure("ece", "ECE", 0.1, 9)
    bins = (ReliabilityBin(0, 0.5, 9, 0.3, 0.3), ReliabilityBin(0.5, 1, 90, 0.8, 0.8))
    svg = plots.reliability_plot(Reliability("stance", "S", 99, 0.5, bins, none, none, none), "x")
    classes = [node.get("class") for node in parsed(svg).iter("use") if node.get("y")]
    assert "fill-card stroke-first" in classes
    assert "fill-first stroke-first" in classes


def test_no_interval_crosses_a_word_of_the_reliability_curve() -> None:
    none = figure("ece", "ECE", 0.1, 9)
    bins = tuple(ReliabilityBin(n / 10, n / 10 + 0.1, 2, n / 10 + 0.05, n % 2) for n in range(10))
    svg = plots.reliability_plot(Reliability("stance", "S", 20, 0.5, bins, none, none, none), "x")
    (word,) = (node for node in parsed(svg).iter("text") if node.text == "perfect")
    bars = [
        float(y)
        for node in parsed(svg).iter("path")
        if node.get("clip-path") and node.get("class") == "stroke-first"
        for y in re.findall(r"[ML] \S+ (\S+)", node.get("d"))
    ]
    assert len(bars) > 20
    assert float(word.get("y")) < min(bars)


def test_differences_point_to_the_better_one() -> None:
    drawn = texts(drawing("differences"))
    assert "Expected calibration error (turned)" in drawn
    assert {"+0.231", "+0.008", "−0.030", "← baseline better", "model better →"} <= set(drawn)


def test_differences_that_are_not_defined_are_left_out() -> None:
    items = (
        Difference("a", "A", 9, None, 0.4, None, None),
        Difference("b", "B", 9, 0.5, 0.5, 0.0, None),
    )
    drawn = texts(plots.difference_plot(Comparison("base", "", items), "x"))
    assert "B" in drawn
    assert "A" not in drawn


def test_the_shipped_threshold_is_marked_where_nothing_is_flagged() -> None:
    points = tuple(ThresholdPoint(n / 10, 0.5 if n < 9 else None, 1 - n / 10, 9) for n in range(11))
    curve = ThresholdCurve("insult", 90, 9, points, ThresholdPoint(0.95, None, 0.0, 0))
    svg = plots.threshold_plot(curve, "x")
    assert "shipped 0.95" in texts(svg)
    assert "precision nothing flagged" in told(svg)


def test_a_reliability_curve_of_empty_bins() -> None:
    bins = tuple(ReliabilityBin(n / 2, n / 2 + 0.5, 0, None, None) for n in range(2))
    none = figure("ece", "ECE", None, 0)
    found = Reliability("toxicity", "Toxicity", 0, 0.0, bins, none, none, none)
    assert told(plots.reliability_plot(found, "x")).startswith("0 groups of 0 rows")


def test_terms_too_small_are_not_drawn() -> None:
    drawn = texts(drawing("terms"))
    assert "man" in drawn
    assert "woman" not in drawn  # nine rows


NAMES = [
    "$\\frac{1}{2}$ and $100",
    "<script>alert(1)</script> & </style>",
    "a\x00b\ufffec\udc00d\u202e",
    "漢字" * 40,
    "_underscore",
    "x" * 20_000,
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_drawn_as_text(name: str) -> None:
    found = Slicing(name, name, "f1", name, 0.5, (Slice(name, 9, 0.5, None, False, True),))
    terms = (TermBias(name, 100, 50, 0.9, 0.8, 0.7, False),)
    bias = IdentityBias("toxicity", 100, 50, figure("a", name, 0.9), terms, ())
    for svg in (plots.slice_plot(found, "x"), plots.term_plot(bias, "x")):
        root = parsed(svg)
        assert {node.tag for node in root.iter()} <= {
            "svg", "title", "desc", "defs", "g", "path", "use", "text", "clipPath", "rect", "tspan",
        }  # fmt: skip
        assert all(len(text) <= 60 for text in texts(svg))
        assert "\u202e" not in svg


def test_a_dollar_is_a_dollar() -> None:
    slices = (Slice("$x_1$", 9, 0.5, None, False, False),)
    svg = plots.slice_plot(Slicing("c", "C", "f1", "F1", 0.5, slices), "x")
    assert "$x_1$" in texts(svg)


def test_figures_below_zero_have_room() -> None:
    assert plots._hull([-0.35, 0.2]) == (-0.4, 0.25)
    assert plots._hull([np.float64(0.5)]) == (0.45, 0.55)
