import base64
import dataclasses
import hashlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import browser, faults, needs_browser, shades
from evaluation_reports import (
    case,
    classification,
    figure,
    stance_evaluation,
    toxicity_evaluation,
    whole_report,
)
from lxml import html
from markdown_it import MarkdownIt
from timing import within

from stance.evaluation.results import (
    Counts,
    ErrorList,
    Evaluation,
    GroupRates,
    Interval,
    ModelFacts,
    Report,
    Requirement,
    Slice,
    Slicing,
)
from stance.reporting import evaluation as evaluation_report
from stance.reporting.evaluation import MAX_CASES, render_html, render_markdown
from stance.reporting.evaluation_tables import MAX_ROWS
from stance.reporting.evaluation_words import explain

ATTACKS = (
    "<script>alert(1)</script>",
    "</style><style>body{display:none}</style>",
    "</script><script>alert(1)</script>",
    "</details></main><h1>owned",
    '<img src=x onerror="alert(1)">',
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- <script>",
    "{{ 7 * 7 }}{% raw %}",
    "a | b || c \\| d",
    "` `` ``` `code`",
    "[x](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "www.evil.example https://evil.example a@evil.example @everyone",
    "# heading\n\n- list\n1. one\n---\n> quote\n\n    code\n```\nfence",
    "**bold** _it_ ~~no~~ $x^2$ &lt;b&gt; &#124;",
    "\u2028\u2029\x00\x1b[31m\u202eevil\ufffe",
)


@cache
def page_text() -> str:
    return render_html(whole_report())


@cache
def markdown() -> str:
    return render_markdown(whole_report())


def parsed(report: Report) -> Any:
    return html.document_fromstring(render_html(report))


def words(node: Any) -> str:
    return " ".join(" ".join(node.itertext()).split())


@pytest.fixture(scope="module")
def page() -> Any:
    return html.document_fromstring(page_text())


def poisoned(value: Any, text: str) -> Any:
    """Return a report in which every string is another's, but for those that name a kind."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)
    if isinstance(value, dict):
        return {f"{text} {n}": item for n, item in enumerate(value.values())}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return type(value)(
            **{
                name: getattr(value, name)
                if name in ("metric", "spans")
                else poisoned(getattr(value, name), text)
                for name in names
            }
        )
    return value


@cache
def hostile_report() -> Report:
    report: Report = poisoned(whole_report(), " ".join(ATTACKS))
    return report


# What it says


def test_what_was_evaluated_stands_first(page: Any) -> None:
    assert words(page.cssselect("h1")[0]) == "Evaluation of stance-test-0.1"
    header = words(page.cssselect("header.page")[0])
    assert "22 million parameters, 8-bit, SHA-256 4f4f4f4f4f4f…" in header
    assert "Made 2026-03-02 19:05 UTC by stance 0.1.0." in header
    assert "✗ 1 of 2 requirements are not met." in header
    facts = [words(item) for item in page.cssselect("#e1 .facts > div")]
    assert facts == ["Rows 3,006", "Different comments 2,012", "Targets 460", "Rows left out 3"]
    assert words(page.cssselect("#e1 .note")[0]) == "460 targets were never seen in training."


def test_headline_figures_have_intervals_counts_baselines_and_a_meaning(page: Any) -> None:
    first, second = [words(item) for item in page.cssselect("#e1 .headlines > li")]
    assert first == (
        "Macro-F1 0.643 95%: 0.625 to 0.661 · 3,006 rows Misses and false alarms in one figure, "
        "rare labels counting like common ones: 1 would be none of either, 0 nothing right. "
        "TF-IDF + logistic regression 0.412 (difference +0.231, 95%: +0.205 to +0.256) "
        "majority class 0.169 (difference +0.474, 95%: +0.455 to +0.490) "
        "BERT-joint, published 0.653 JointCL, published 0.720"
    )
    assert "It labels 66 in 100 rows as people did." in second
    third = words(page.cssselect("#e2 .headlines > li")[0])
    assert "5,000 rows, 1,517 of them positive" in third


HEADLINES = (
    "macro_f1",
    "macro_f1_zero_shot",
    "on_target_macro_f1",
    "four_way_macro_f1",
    "f_avg",
    "accuracy",
    "expected_calibration_error",
    "toxicity.roc_auc",
    "toxicity.average_precision",
    "toxicity.f1",
    "toxicity.brier_skill",
    "hateful.recall",
    "hateful.false_positive_rate",
    "hateful.balanced_accuracy",
    "toxic_spans.character_f1",
    "bias.bpsn_auc.mean",
    "bias.bpsn_auc.least",
    "gender.toxicity.equalised_odds_difference",
)


@pytest.mark.parametrize("key", HEADLINES)
def test_every_headline_is_explained(key: str) -> None:
    for value in (0.0, 0.004, 0.62, 1.0):
        meaning = explain(figure(key, "title", value))
        assert meaning.endswith(".")
        assert meaning[0].isupper()
    assert explain(figure(key, "title", None, note="no row is so")) == (
        "Not defined here: no row is so."
    )


def test_what_figures_mean() -> None:
    said = {
        "toxicity.roc_auc": "Of a row that is so and one that is not, it puts the first above the "
        "other 80 in 100 times; a coin would 50.",
        "bias.bpsn_auc.least": "For the term that is worst off: of a harmless comment that names "
        "it and a toxic one that does not, the toxic one is put above the other 80 in 100 times; "
        "a coin would 50.",
        "toxicity.expected_calibration_error": "Its probabilities are off by 80 percentage points "
        "on average.",
        "toxicity.brier_skill": "Its squared error is 80% smaller than that of always giving the "
        "base rate; 100% would be perfect.",
    }
    for key, meaning in said.items():
        assert explain(figure(key, "title", 0.8)) == meaning
    assert explain(figure("brier_skill", "title", -0.35)).startswith("Worse than no model")


def test_sections_in_the_order_that_an_editor_reads(page: Any) -> None:
    assert [words(node) for node in page.cssselect("#e2 h3")] == [
        "Headline figures",
        "Class by class",
        "Calibration",
        "Thresholds",
        "Bias",
        "Functional tests",
        "Errors",
        "Rows left out",
        "How the figures were computed",
    ]
    assert [words(node) for node in page.cssselect("#e1 h3")][3:7] == [
        "Slices",
        "Errors",
        "Compared with TF-IDF + logistic regression",
        "Compared with majority class",
    ]
    assert words(page.cssselect("h2")[-1]) == "Requirements"


def table(page: Any, caption: str) -> list[str]:
    (found,) = [
        own for own in page.cssselect("table") if words(own.cssselect("caption")[0]) == caption
    ]
    return [words(row) for row in found.cssselect("tbody tr")]


def test_counts_stand_beside_shares(page: Any) -> None:
    assert table(page, "Stance: precision, recall and F1 by class")[0] == (
        "favor 0.627 640 of 1,020 0.629 640 of 1,018 0.628"
    )
    assert table(page, "Stance: labels against predictions")[1] == (
        "against 210 (21%) 700 (69%) 108 (11%) 1,018"
    )
    assert (
        "17 of 173 0.098 0.062 to 0.152"
        in table(page, "Cases that should be found not hateful")[-1]
    )
    assert "shipped threshold of 0.53 it flags 1,339 of 5,000 (27%)" in words(page)


def test_the_worst_slice_is_named_and_small_ones_are_marked(page: Any) -> None:
    said = words(page)
    assert "Worst: “nuclear energy 0” with 0.450 (0.365 to 0.535, 140 rows), against 0.643" in said
    assert "Worst: “up to 50 words” with 0.610 (0.575 to 0.645, 800 rows)" in said
    assert "Its interval holds the figure of all rows, so this may be chance." in said
    rows = table(page, "Target: Macro-F1")
    assert rows[0] == "nuclear energy 0 0.450 0.365 to 0.535 140 worst"
    assert rows[-1] == "a lone row – – 1 too small to tell"
    assert sum(row.endswith("too small to tell") for row in rows) == 2
    assert "2 of 12 slices too small to tell." in said
    assert "Too small to tell are slices under 30 rows" in said


def test_comparison_says_who_is_better_and_how_sure(page: Any) -> None:
    rows = table(page, "Model and TF-IDF + logistic regression, on the same 3,006 rows")
    assert rows == [
        "Macro-F1 0.643 0.412 model better +0.231 +0.205 to +0.256",
        "Accuracy 0.659 0.651 no clear difference +0.008 −0.011 to +0.026",
        "Expected calibration error (lower is better) 0.080 0.050 baseline better +0.030 "
        "+0.011 to +0.052",
    ]
    assert (
        "of the 1,038 rows that one alone gets right, the model gets 531 of 1,038 (51%), which may "
        "be chance (p = 0.47)"
    ) in words(page)


def test_how_the_figures_were_computed(page: Any) -> None:
    said = words(page.cssselect("#e1")[0])
    assert "1,000 resamples (percentile bootstrap, seed 1). A resample draws 2,012 comments" in said
    assert "SHA-256 of the model file: " + "4f" * 32 in said
    assert "3 of 3,009 (under 1%) could not be used." in said
    assert "stance: unknown label 3 row 12: 'pro'; row 19: 'PRO'" in said
    assert "None: every row could be used." in words(page.cssselect("#e2")[0])


def test_requirements_and_their_outcome(page: Any) -> None:
    assert table(page, "Requirements") == [
        "macro_f1 vast at least 0.6 0.643 met",
        "macro_f1 comments.csv at least 0.65 – not met",
    ]
    met = whole_report(requirements=(Requirement("ece", "vast", 0.1, 0.08, True, False),))
    report = parsed(met)
    assert words(report.cssselect(".outcome.met")[0]) == "✓ The requirement is met."
    assert table(report, "Requirements") == ["ece vast at most 0.1 0.080 met"]


# Errors behind the switch


def test_comments_are_hidden_until_asked_for(page: Any) -> None:
    lists = page.cssselect("details.hidden-text")
    assert [words(own.cssselect("summary")[0]) for own in lists] == [
        "Show offensive text: Most confident mistakes, stance "
        "(the first 20 of 812 rows, of 3,006 in all)",
        "Show offensive text: Closest calls, stance (the first 2 of 61 rows, of 3,006 in all)",
        "Show offensive text: Rows where the model and TF-IDF + logistic regression differ "
        "(the first 8 of 1,038 rows)",
        "Show offensive text: Most confident mistakes, toxicity (2 rows, of 5,000 in all)",
    ]
    assert all(own.get("open") is None for own in lists)
    for text in page.cssselect(".text"):
        assert any(parent.tag == "details" for parent in text.iterancestors())
    for switch in page.cssselect('[data-tool="reveal"]'):  # of no use without its script
        assert switch.getparent().get("hidden") is not None


def test_a_case_has_both_labels_and_marks(page: Any) -> None:
    first = page.cssselect(".cases li")[0]
    assert words(first) == (
        "Row 0, target “ nuclear energy ”: labelled favor (1%), predicted against (99%) "
        "They will never learn that nuclear energy is a gift, number 0."
    )
    assert first.cssselect("mark")[0].text == "nuclear energy"
    last = page.cssselect("#e2 .cases li")[0]
    assert "labelled toxicity (1%), predicted not toxicity (97%) (threshold 0.53)" in words(last)
    assert last.cssselect("mark")[0].text == "idiot"


def test_long_comments_say_that_they_are_cut() -> None:
    long = case(1, "word " * 4000, spans=((0, 4), (19_990, 19_994)))
    lists = (ErrorList("confident", "stance", "Mistakes", 1, 9, (long,)),)
    page = parsed(whole_report(stance_evaluation(errors=lists)))
    (item,) = page.cssselect("#e1-s4 ~ details .cases li")
    assert len(item.cssselect(".text")[0].text_content()) == 2000
    assert words(item).endswith("… cut after 2,000 characters")
    assert [mark.text for mark in item.cssselect("mark")] == ["word"]


# A page that needs nothing and runs nothing but its own


def test_ids_are_unique_and_links_lead_somewhere(page: Any) -> None:
    ids = [node.get("id") for node in page.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    for link in page.cssselect("a"):
        assert link.get("href")[1:] in ids
    for name in ("aria-labelledby", "aria-describedby"):
        for node in page.cssselect(f"[{name}]"):
            assert set(node.get(name).split()) <= set(ids)
    for svg in page.cssselect("svg"):
        for used in re.findall(r"(?:url\(|href=\")#([\w-]+)", html.tostring(svg).decode()):
            assert used in ids


@pytest.mark.parametrize("report", ["plain", "hostile"])
def test_no_style_attribute_and_no_address(report: str) -> None:
    source = page_text() if report == "plain" else render_html(hostile_report())
    page = html.document_fromstring(source)
    for node in page.iter():
        for name, value in node.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in ("href", "src", "action", "formaction", "xlink:href", "data"):
                assert value.startswith("#")
    allowed = {"script", "style"}
    assert len(page.cssselect("style")) == 1
    assert len(page.cssselect("script")) == 1
    assert page.cssselect("img, iframe, object, embed, base, form, link, foreignObject") == []
    if report == "plain":
        assert "http" not in re.sub(r'content="[^"]*"|http-equiv', "", source)
    assert allowed


def test_the_policy_allows_our_script_and_style_alone(page: Any) -> None:
    policy = page.cssselect("meta[http-equiv]")[0].get("content")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    for kind, node in (("style-src", "style"), ("script-src", "script")):
        digest = hashlib.sha256(page.cssselect(node)[0].text.encode()).digest()
        assert allowed[kind] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_hostile_text_is_shown_as_it_is() -> None:
    source = render_html(hostile_report())
    page = html.document_fromstring(source)
    assert len(page.cssselect("h1")) == 1
    shown = page.cssselect(".text")[0].text_content()
    for attack in ATTACKS[:-1]:
        assert attack in shown
    assert "⟨U+2028⟩⟨U+2029⟩␀␛[31m⟨U+202E⟩evil" in shown
    assert "\u202e" not in source
    assert "\x1b" not in source
    assert not list(page.iter(html.etree.Comment))
    assert "7 * 7" in words(page.cssselect("h2")[1])


# For everyone


def test_headings_go_down_one_level_at_a_time(page: Any) -> None:
    levels = [int(node.tag[1]) for node in page.cssselect("h1, h2, h3, h4, h5, h6")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_headings_and_a_region_to_scroll(page: Any) -> None:
    found = page.cssselect("table")
    assert len(found) > 20
    for own in found:
        assert words(own.cssselect("caption")[0])
        assert all(cell.get("scope") == "col" for cell in own.cssselect("thead th"))
        rows = own.cssselect("tbody tr:not(.group)")
        assert all(row[0].get("scope") == "row" for row in rows)
        for group in own.cssselect(".group"):
            assert [cell.get("scope") for cell in group] == ["rowgroup"]
        region = own.getparent()
        assert (region.get("role"), region.get("tabindex")) == ("group", "0")
        assert region.get("aria-label")
        widths = {len(row) for row in (own.cssselect("thead tr")[0], *rows)}
        assert len(widths) == 1


def test_every_drawing_has_a_name_a_description_and_a_table(page: Any) -> None:
    drawings = page.cssselect("svg")
    assert len(drawings) > 12
    for svg in drawings:
        assert svg.get("role") == "img"
        assert words(svg.cssselect("title")[0])
        assert words(svg.cssselect("desc")[0])
        block = svg.getparent().getparent()
        assert block.cssselect("table")


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def blend(over: str, under: str, share: float) -> str:
    parts = [
        round(share * int(over[n : n + 2], 16) + (1 - share) * int(under[n : n + 2], 16))
        for n in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_the_contrast_that_wcag_asks_for(scheme: str, page: Any) -> None:
    style = page.cssselect("style")[0].text
    roots = re.findall(r"(@media[^{]*dark[^{]*\{\s*)?:root \{([^}]*)\}", style)
    colours: dict[str, str] = {}
    for is_dark, content in roots:
        if not is_dark or scheme == "dark":
            colours |= dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6})", content))
    for ground in ("paper", "card"):
        for text in ("ink", "quiet", "link", "toxic"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for mark in ("first", "second", "ink", "quiet", "met"):
            assert contrast(colours[mark], colours[ground]) >= 3, (mark, ground)
    assert contrast(colours["ink"], colours["mark"]) >= 4.5
    for cell in ("first", "second"):  # the strongest cell of a confusion matrix
        assert contrast(colours["ink"], blend(colours[cell], colours["card"], 0.55)) >= 4.5


# Markdown

_GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def md_tables(text: str) -> list[list[list[str]]]:
    found: list[list[list[str]]] = []
    tokens = _GFM.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(inline_text(tokens[place + 1]))
    return found


def inline_text(token: Any) -> str:
    return "".join(child.content for child in token.children)


def test_markdown_has_the_figures_of_the_page(page: Any) -> None:
    in_markdown = {
        tuple(map(tuple, own)) for own in md_tables(markdown()) if own[0][1] != "what was said"
    }
    on_page = {
        tuple(tuple(words(cell) for cell in row) for row in own.cssselect("tr"))
        for own in page.cssselect("table")
        if not own.cssselect(".group")
    }
    (overview,) = in_markdown - on_page
    assert on_page < in_markdown
    groups = {words(row) for row in page.cssselect(".group")}
    assert {row[0] for row in overview[1:]} == groups
    rows = [" ".join(filter(None, row[1:])) for row in overview[1:]]
    assert rows == [words(row) for row in page.cssselect("#overview ~ div tbody tr:not(.group)")]
    for card in page.cssselect(".headlines > li"):
        value = words(card.cssselect(".value")[0])
        assert f"- **{words(card.cssselect('.name')[0])}: {value}**" in markdown()


def test_markdown_reads_well_as_it_is() -> None:
    lines = markdown().splitlines()
    assert lines[0] == "# Evaluation of stance-test-0.1"
    assert "**1 of 2 requirements are not met.**" in lines
    assert "| favor | 0.627 | 640 of 1,020 | 0.629 | 640 of 1,018 | 0.628 |" in lines
    assert "<details><summary>Show offensive text: Closest calls, stance</summary>" in lines
    assert (
        "| 77 | labelled favor (1%), predicted against (97%) | nuclear energy | ` Perhaps. ` |"
    ) in lines


@pytest.mark.parametrize("attack", [*ATTACKS, " ".join(ATTACKS), "x" * 20_000 + "|"])
def test_hostile_text_breaks_no_table_and_brings_no_markup(attack: str) -> None:
    plain = render_markdown(whole_report(stance_evaluation()))
    hostile: Report = poisoned(whole_report(stance_evaluation()), attack)
    text = render_markdown(hostile)
    shape = [[len(row) for row in own] for own in md_tables(plain)]
    assert [[len(row) for row in own] for own in md_tables(text)] == shape
    kinds, blocks = set(), []
    for token in _GFM.parse(text):
        blocks.append(token.type)
        for child in token.children or ():
            kinds.add(child.type)
    assert kinds <= {
        "text",
        "strong_open",
        "strong_close",
        "em_open",
        "em_close",
        "code_inline",
        "text_special",
    }
    # What the blocks are does not hang on what the texts say.
    assert blocks == [token.type for token in _GFM.parse(plain)]
    raw = [token.content for token in _GFM.parse(text) if token.type == "html_block"]
    for content in raw:
        assert re.fullmatch(r"(<details><summary>[^<>]*</summary>|</details>)\n?", content)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_quoted_comments_are_read_as_they_are() -> None:
    for attack in ATTACKS[:-1]:
        lists = (ErrorList("confident", "stance", "Mistakes", 1, 9, (case(1, attack),)),)
        text = render_markdown(whole_report(stance_evaluation(errors=lists, comparisons=())))
        (found,) = [own for own in md_tables(text) if own[0][1] == "what was said"]
        assert found[1][3] == " ".join(attack.split())


# Extremes


def bare(**changes: Any) -> Evaluation:
    content = {
        "model": ModelFacts("m"),
        "data": "one.csv",
        "title": "one.csv",
        "split": None,
        "counts": Counts(1, 1, 0, 0, ()),
        "figures": (),
    }
    return Evaluation(**{**content, **changes})


def test_nothing_was_evaluated() -> None:
    page = parsed(Report(()))
    assert words(page.cssselect("h1")[0]) == "Evaluation"
    assert "No data set was evaluated." in words(page)


@pytest.mark.parametrize(
    ("title", "split", "lines"),
    [
        ("one.csv", None, ["one.csv"]),
        ("", None, ["one.csv"]),
        ("one.csv", "test", ["one.csv", "Split “test”"]),
        ("Comments of one page", None, ["Comments of one page", "one.csv"]),
        ("Comments of one page", "test", ["Comments of one page", "one.csv, split “test”"]),
    ],
)
def test_the_name_of_the_data_is_said_once(title: str, split: str | None, lines: list[str]) -> None:
    report = Report((bare(title=title, split=split),))
    (section,) = parsed(report).cssselect(".evaluation")
    assert [words(node) for node in section.cssselect(":scope > h2, :scope > p")] == lines
    assert render_markdown(report).split("\n\n")[2 : 2 + len(lines)] == [
        f"## {lines[0]}",
        *lines[1:],
    ]


def test_one_row_without_a_bootstrap() -> None:
    one = bare(
        figures=(
            figure("accuracy", "Accuracy", 1.0, 1, headline=True, interval=None),
            figure("insult.roc_auc", "ROC-AUC", None, 1, headline=True, note="one class only"),
        ),
        classifications=(
            classification("stance", "Stance", ("favor", "against"), [[1, 0], [0, 0]]),
        ),
    )
    report = Report((one,))
    page = parsed(report)
    said = words(page)
    assert "Accuracy 1.000 1 row It labels 100 in 100 rows as people did." in said
    assert "ROC-AUC – 1 row Not defined here: one class only." in said
    assert "No bootstrap was run, so figures stand without intervals." in said
    assert (
        table(page, "Stance: precision, recall and F1 by class")[1] == "against – 0 of 0 – 0 of 0 –"
    )
    assert "- **ROC-AUC: –** (1 row). Not defined here: one class only." in render_markdown(report)


def test_all_slices_too_small() -> None:
    slices = (Slice("a", 3, 0.5, None, True, False), Slice("b", 2, None, None, True, False))
    found = bare(slicings=(Slicing("source", "Source", "f1", "F1", None, slices, 7, 9),))
    page = parsed(Report((found,)))
    said = words(page)
    assert (
        "Fewer than two slices are large enough to name a worst. 2 of 2 slices too small to tell. "
        "7 smaller slices with 9 rows are not listed."
    ) in said
    assert page.cssselect("svg") == []


def test_a_large_evaluation_gives_a_bounded_page() -> None:
    text = "They said <b>so</b> & more. " * 200
    cases = tuple(case(n, text[:2000], cut=True) for n in range(300))
    lists = tuple(ErrorList(kind, "stance", kind, 10**5, 2 * 10**5, cases) for kind in "abc")
    groups = tuple(GroupRates(f"author {n}", 9, 3, 0.5, 0.5, False) for n in range(5_000))
    source = toxicity_evaluation()
    odds = tuple(dataclasses.replace(own, groups=groups) for own in source.equalised_odds)
    report = Report((dataclasses.replace(source, errors=lists, equalised_odds=odds),) * 2)
    page, text = within(60, lambda: (render_html(report), render_markdown(report)))
    assert len(page) < 4_000_000
    assert len(text) < 1_000_000
    parsed_page = html.document_fromstring(page)
    assert [len(own.cssselect("li")) for own in parsed_page.cssselect(".cases")] == [MAX_CASES] * 6
    assert f"the first {MAX_CASES} of 100,000 rows, of 200,000 in all" in words(parsed_page)
    assert f"{5_000 - MAX_ROWS:,} further rows in metrics.json." in words(parsed_page)
    assert "4,800 further rows in metrics.json." in text


def test_figures_of_few_rows_are_marked() -> None:
    few = figure("roc_auc", "ROC-AUC", 1.0, 150, positives=2, headline=True)
    most = figure("insult.roc_auc", "Insult", 0.9, 150, positives=145, headline=True)
    report = Report((bare(figures=(few, most)), bare()))
    page = parsed(report)
    assert [words(note) for note in page.cssselect(".headlines .note")] == [
        "Only 2 of 150 rows are positive: too few to tell.",
        "Only 5 of 150 rows are not positive: too few to tell.",
    ]
    (first, _) = table(page, "Headline figures of all data sets")[1:]
    assert first.endswith("150, 2 positive: too few to tell")
    assert "**Only 2 of 150 rows are positive: too few to tell.**" in render_markdown(report)


def test_intervals_are_never_made_up() -> None:
    found = bare(figures=(figure("f1", "F1", 0.5, 9, interval=Interval(0.4, 0.6), headline=True),))
    assert "95%: 0.400 to 0.600" in words(parsed(Report((found,))))
    assert evaluation_report._view(found).cards[0].rows == "9 rows"


# In a browser


@needs_browser
def test_in_a_browser(tmp_path: Path) -> None:
    file, bad = tmp_path / "report.html", tmp_path / "hostile.html"
    file.write_text(page_text(), encoding="utf-8")
    bad.write_text(render_html(hostile_report()), encoding="utf-8")
    with browser() as (page, seen):
        for path in (file, bad):
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(path.as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate("window.scrollTo(1e4, 0), window.scrollX") == 0
        assert seen.messages == []  # nothing was refused, nothing ran
        assert {url.split("/")[-1] for url in seen.requests} == {"report.html", "hostile.html"}

        page.goto(file.as_uri())
        shown = page.locator(".text:visible")
        assert shown.count() == 0
        page.locator("[data-tool=reveal]").first.press(" ")
        assert shown.count() == page.locator(".text").count()
        assert page.evaluate("document.activeElement.textContent") == "Hide offensive text"
        page.keyboard.press("Enter")
        assert shown.count() == 0
        page.locator(".hidden-text summary").first.press("Enter")
        assert shown.count() == 20

        ink = "getComputedStyle(document.querySelector('.chart text')).fill"
        page.set_viewport_size({"width": 390, "height": 900})
        page.emulate_media(color_scheme="light")
        light = page.evaluate(ink)
        page.emulate_media(color_scheme="dark")
        assert (light, page.evaluate(ink)) == ("rgb(27, 31, 36)", "rgb(232, 235, 238)")
        page.emulate_media(color_scheme="dark", media="print")  # paper is white
        assert page.evaluate(ink) == light


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_says_so(tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_text(), encoding="utf-8")
    with browser(viewport={"width": 390, "height": 900}, color_scheme=scheme) as (page, _):
        page.goto(file.as_uri())
        goes_on = set()
        for region in page.locator("#e1 .scroll:visible").all():
            more = region.evaluate("(node) => node.scrollWidth - node.clientWidth")
            if more == 0 or more > 30:  # where little is left to see, little is shaded
                goes_on.add(more > 0)
                assert shades(region) == (False, more > 0)
        assert goes_on == {True, False}


@needs_browser
def test_the_table_of_labels_fits_a_phone(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_text(), encoding="utf-8")
    with browser(viewport={"width": 390, "height": 900}) as (page, _):
        page.goto(file.as_uri())
        for region in page.get_by_role("group", name="Labels in the data").all():
            assert region.evaluate("(node) => node.scrollWidth - node.clientWidth") == 0


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reader_with_a_screen_reader_finds_no_serious_fault(tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_text(), encoding="utf-8")
    with browser(color_scheme=scheme) as (page, _):
        page.goto(file.as_uri())
        assert faults(page) == []
        page.locator("[data-tool=reveal]").first.click()
        page.locator("details").evaluate_all("(nodes) => nodes.forEach((n) => { n.open = true; })")
        assert faults(page) == []
