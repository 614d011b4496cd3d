"""The evaluation report: one HTML page to send to an editor, and the same figures as Markdown.

Both are made from the same sections of sentences, plots and tables, so that neither says what the
other does not. Texts of comments stay hidden until a reader asks for them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from stance.evaluation.results import (
    MAX_TEXT,
    Comparison,
    DifferingRow,
    ErrorCase,
    ErrorList,
    Evaluation,
    Figure,
    FunctionRow,
    Report,
    Slicing,
)
from stance.reporting import evaluation_tables as tables
from stance.reporting import evaluation_words as words
from stance.reporting.evaluation_tables import Table
from stance.reporting.page import render_page
from stance.reporting.visible import cut_at_spans, make_line
from stance.words import count_words

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_CASES = 50  # of one list; predictions.parquet has all rows
MAX_QUOTED = 300  # characters of a comment in a cell of Markdown

_SLICE_KEY = "● with its 95% interval · ◆ the worst · ○ too small to tell · dotted: all rows"


@dataclass(frozen=True, slots=True)
class _Block:
    """Some sentences with their plot and tables; `folded` ones are open only on demand."""

    title: str
    words: tuple[str, ...] = ()
    plot: Callable[[str], str] | None = None
    key: str = ""
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """A comment that is shown on demand."""

    row: int
    target: str
    told: str
    segments: list[tuple[str, bool]]
    cut: str


@dataclass(frozen=True, slots=True)
class _Texts:
    """A list of comments behind the switch."""

    title: str
    counted: str
    cases: tuple[_Case, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    words: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    blocks: tuple[_Block, ...] = ()
    texts: tuple[_Texts, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing under the title."""
        return not (self.words or self.tables or self.blocks or self.texts)


@dataclass(frozen=True, slots=True)
class _Card:
    """A headline figure."""

    title: str
    value: str
    interval: str
    rows: str
    meaning: str
    notes: list[str]
    beside: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _View:
    """An evaluation as both renderings show it."""

    title: str
    source: str
    facts: list[tuple[str, str]]
    notes: tuple[str, ...]
    labels: Table
    cards: list[_Card]
    figures: Table
    sections: list[_Section]


def render_html(report: Report) -> str:
    """Return an evaluation report as one HTML page that loads nothing and sends nothing.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        A whole page, to be stored as UTF-8.

    Examples
    --------
    >>> page = render_html(Report(evaluations=()))
    >>> page.startswith("<!doctype html>"), "No data set was evaluated." in page
    (True, True)
    """
    return render_page(
        "evaluation",
        heading=_heading(report),
        models=_model_facts(report),
        made=_made(report),
        outcome=_outcome(report),
        is_met=all(requirement.met for requirement in report.requirements),
        overview=tables.overview_table(report.evaluations),
        views=[_view(found) for found in report.evaluations],
        requirements=tables.requirement_table(report.requirements),
        draw=_draw,
    )


def _draw(plot: Callable[[str], str], ident: str) -> "Markup":
    """Return a plot for the page: our own markup, in which matplotlib has escaped all text."""
    from markupsafe import Markup

    return Markup(plot(ident))  # noqa: S704


# What both renderings say


def _heading(report: Report) -> str:
    names = list(dict.fromkeys(found.model.name for found in report.evaluations))
    return f"Evaluation of {' and '.join(names)}" if names else "Evaluation"


def _model_facts(report: Report) -> list[str]:
    """Return what is known of each model, a line each."""
    models = dict.fromkeys(
        (found.model.name, found.model.description, found.model.sha256)
        for found in report.evaluations
    )
    lines = []
    for name, description, digest in models:
        parts = [description, f"SHA-256 {digest[:12]}…" if digest else ""]
        told = ", ".join(filter(None, parts))
        lines.append((f"{name}: {told}" if len(models) > 1 else told) if told else "")
    return list(filter(None, lines))


def _made(report: Report) -> str:
    """Return when and by what the report was made."""
    by = f"by stance {report.stance_version}" if report.stance_version else "by stance"
    when = report.created.replace("T", " ").replace("Z", " UTC")
    return f"Made {when + ' ' if when else ''}{by}."


def _outcome(report: Report) -> str:
    """Return how many requirements are met; empty where none was asked for."""
    met = sum(requirement.met for requirement in report.requirements)
    whole = len(report.requirements)
    if not whole:
        return ""
    if whole == 1:
        return f"The requirement is {'met' if met else 'not met'}."
    if met == whole:
        return f"All {whole} requirements are met."
    return f"{whole - met} of {whole} requirements are not met."


def _view(found: Evaluation) -> _View:
    counts = found.counts
    facts = [
        ("Rows", f"{counts.rows:,}"),
        ("Different comments", f"{counts.comments:,}"),
        *([("Targets", f"{counts.targets:,}")] if counts.targets else []),
        ("Rows left out", f"{counts.skipped:,}"),
    ]
    sections = [
        _class_section(found),
        _calibration_section(found),
        _threshold_section(found),
        _slice_section(found),
        _bias_section(found),
        _function_section(found),
        _error_section(found),
        *(_comparison_section(own) for own in found.comparisons),
        _skipped_section(found),
        _method_section(found),
    ]
    return _View(
        title=found.title or found.data,
        source=_source(found),
        facts=facts,
        notes=found.notes,
        labels=tables.label_table(found),
        cards=[_card(found, figure) for figure in found.figures if figure.headline],
        figures=tables.figure_table(found),
        sections=[section for section in sections if not section.is_empty],
    )


def _source(found: Evaluation) -> str:
    """Return where the rows come from, as far as the title does not say it."""
    if found.title in ("", found.data):
        return f"Split “{found.split}”" if found.split else ""
    return f"{found.data}, split “{found.split}”" if found.split else found.data


def _card(found: Evaluation, figure: Figure) -> _Card:
    beside = []
    for comparison in found.comparisons:
        for item in comparison.differences:
            if item.key == figure.key and item.baseline is not None:
                gap = words.interval_words(item.interval, words.signed)
                told = f"{words.number(item.baseline)} (difference {words.signed(item.difference)}"
                told += f", 95%: {gap})" if item.interval else ")"
                beside.append((comparison.baseline, told))
    beside += [
        (f"{other.system}, published", words.number(other.value)) for other in figure.published
    ]
    rows = count_words(figure.n, "row")
    if figure.positives is not None:
        rows += f", {figure.positives:,} of them positive"
    return _Card(
        title=figure.title,
        value=words.number(figure.value),
        interval=f"95%: {words.interval_words(figure.interval)}" if figure.interval else "",
        rows=rows,
        meaning=words.explain(figure),
        notes=[
            *([figure.note] if figure.note and figure.value is not None else []),
            *filter(None, [words.few_words(figure)]),
        ],
        beside=beside,
    )


def _class_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    return _Section(
        "Class by class",
        blocks=tuple(
            _Block(
                own.title,
                plot=partial(plots.confusion_plot, own)
                if len(own.labels) <= plots.MAX_MATRIX
                else None,
                key="Outlined: model and label agree. The more of the label, the stronger.",
                tables=(tables.class_table(own),),
                folded=(tables.confusion_table(own),),
            )
            for own in found.classifications
        ),
    )


def _calibration_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    if not found.reliabilities:
        return _Section("Calibration")
    return _Section(
        "Calibration",
        words=(
            "Its probabilities can be taken at their word if, of all rows that it gives 70%, about "
            "70% are so.",
        ),
        tables=(tables.calibration_table(found.reliabilities),),
        blocks=tuple(
            _Block(
                own.title,
                words=(words.reliability_words(own), words.explain(own.brier_skill)),
                plot=partial(plots.reliability_plot, own),
                key="● rows of like probability, with 95% intervals · ○ fewer than "
                f"{plots.FEW} rows · below the dotted line: too sure",
                folded=(tables.bin_table(own),),
            )
            for own in found.reliabilities
        ),
    )


def _threshold_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    return _Section(
        "Thresholds",
        blocks=tuple(
            _Block(
                words.label_words(own.label).capitalize(),
                words=(words.threshold_words(own),),
                plot=partial(plots.threshold_plot, own),
                folded=(tables.threshold_table(own),),
            )
            for own in found.threshold_curves
        ),
    )


def _slice_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    return _Section(
        "Slices",
        blocks=tuple(
            _Block(
                own.title,
                words=(f"{own.figure_title}.", words.slicing_words(own), *_slices_drawn(own)),
                plot=partial(plots.slice_plot, own) if _slices_told(own) else None,
                key=_SLICE_KEY if _slices_told(own) else "",
                folded=(tables.slice_table(own),),
            )
            for own in found.slicings
        ),
    )


def _slices_told(own: Slicing) -> bool:
    return any(not part.too_small for part in own.slices)


def _slices_drawn(own: Slicing) -> Iterable[str]:
    from stance.reporting import plots

    drawn = len(plots.drawn_slices(own))
    if _slices_told(own) and drawn < len(own.slices):
        yield f"The plot has {drawn} of them, the table {len(own.slices)}."


def _drawn_words(count: int, most: int) -> str:
    return "" if count <= most else f"The plot has the first {most} of {count}, the table all."


def _bias_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    blocks = []
    if found.identity_bias is not None:
        own = found.identity_bias
        telling = sum(not term.too_small for term in own.terms)
        auc = f"{words.number(own.overall_auc.value)} on all {count_words(own.n, 'row')}"
        blocks.append(
            _Block(
                "Identity terms",
                words=(
                    f"ROC-AUC of {words.label_words(own.label)} is {auc}.",
                    words.bias_words(own),
                    _drawn_words(telling, plots.MAX_TERMS),
                ),
                plot=partial(plots.term_plot, own) if telling else None,
                key="subgroup: among the comments that name the term · BPSN: its harmless "
                "comments against toxic ones without it · BNSP: its toxic comments against "
                "harmless ones without it",
                tables=(tables.bias_table(own),),
                folded=(tables.term_table(own),),
            )
        )
    for odds in found.equalised_odds:
        telling = sum(not group.too_small for group in odds.groups)
        blocks.append(
            _Block(
                f"Flagged for {words.label_words(odds.label)}, by {odds.column}",
                words=(words.odds_words(odds), _drawn_words(telling, plots.MAX_TERMS)),
                plot=partial(plots.group_plot, odds) if telling else None,
                tables=(tables.odds_table(odds),),
                folded=(tables.group_table(odds),),
            )
        )
    return _Section("Bias", blocks=tuple(blocks))


def _function_section(found: Evaluation) -> _Section:
    from stance.reporting import plots

    kinds: dict[str, list[FunctionRow]] = {}
    for row in found.functions:
        kinds.setdefault(row.expected, []).append(row)
    blocks = []
    for expected, rows in kinds.items():
        title = f"Cases that should be found {words.label_words(expected)}"
        passed, whole = sum(row.passed for row in rows), sum(row.n for row in rows)
        worst = min(rows, key=lambda row: row.rate)
        blocks.append(
            _Block(
                title,
                words=(
                    f"Passed: {words.part_words(passed, whole)}.",
                    f"Lowest: “{worst.description or worst.function}”, "
                    f"{words.part_words(worst.passed, worst.n)}.",
                    _drawn_words(len(rows), plots.MAX_FOREST),
                ),
                plot=partial(plots.function_plot, rows[: plots.MAX_FOREST], title=title),
                key="● share passed with its 95% interval · ◆ the worst of all",
                folded=(tables.function_table(rows, title),),
            )
        )
    return _Section("Functional tests", blocks=tuple(blocks))


def _comparison_section(own: Comparison) -> _Section:
    from stance.reporting import plots

    drawn = [item for item in own.differences if item.difference is not None]
    block = _Block(
        "",
        words=tuple(words.mcnemar_words(test) for test in own.tests),
        plot=partial(plots.difference_plot, own) if drawn else None,
        key="● the 95% interval leaves out zero · ○ it does not: no clear difference",
        tables=(tables.difference_table(own),),
        folded=(tables.mcnemar_table(own),) if own.tests else (),
    )
    differing = _Texts(
        f"Rows where the model and {own.baseline} differ",
        _counted(len(own.differing), own.differing_total, "row"),
        tuple(_differing_case(row, own.baseline) for row in own.differing[:MAX_CASES]),
    )
    return _Section(
        f"Compared with {own.baseline}",
        words=(own.description,) if own.description else (),
        blocks=(block,),
        texts=(differing,) if own.differing else (),
    )


def _skipped_section(found: Evaluation) -> _Section:
    if not found.counts.skipped:
        return _Section("Rows left out", words=("None: every row could be used.",))
    whole = found.counts.rows + found.counts.skipped
    return _Section(
        "Rows left out",
        words=(f"{words.part_words(found.counts.skipped, whole)} could not be used.",),
        tables=(tables.skipped_table(found.skipped),),
    )


def _method_section(found: Evaluation) -> _Section:
    lines = [words.bootstrap_words(found.bootstrap)]
    if found.reliabilities:
        bins = len(found.reliabilities[0].bins)
        lines.append(
            f"Calibration: {bins} bins of equal width; intervals of the bins are Wilson’s."
        )
    if found.functions:
        lines.append("Intervals of pass rates are Wilson’s, from the counts alone.")
    if any(own.tests for own in found.comparisons):
        lines.append(
            "Differences are paired: both figures are computed on the same resamples. McNemar’s "
            "test is exact and two-sided, and takes rows as independent of each other."
        )
    if found.slicings or found.identity_bias or found.equalised_odds:
        lines.append(words.small_words())
    if found.model.thresholds:
        limits = ", ".join(
            f"{words.label_words(label)} {limit:.2f}"
            for label, limit in found.model.thresholds.items()
        )
        lines.append(f"Shipped thresholds: {limits}.")
    if found.model.sha256:
        lines.append(f"SHA-256 of the model file: {found.model.sha256}.")
    lines.append(
        "metrics.json has all figures unrounded, predictions.parquet the prediction of every row."
    )
    return _Section("How the figures were computed", words=tuple(lines))


# Comments behind the switch


def _error_section(found: Evaluation) -> _Section:
    lists = [own for own in found.errors if own.cases]
    if not lists:
        return _Section("Errors")
    return _Section(
        "Errors",
        words=("The comments are other people’s words, some of them offensive.",),
        texts=tuple(_texts(own) for own in lists),
    )


def _texts(own: ErrorList) -> _Texts:
    task = words.label_words(own.task)
    title = own.title if task in own.title.lower() else f"{own.title}, {task}"
    counted = f"{_counted(len(own.cases), own.total, 'row')}, of {own.n:,} in all"
    return _Texts(title, counted, tuple(map(_error_case, own.cases[:MAX_CASES])))


def _counted(cases: int, total: int, noun: str) -> str:
    shown = min(cases, MAX_CASES)
    if shown >= total:
        return count_words(total, noun)
    return f"the first {shown} of {count_words(total, noun)}"


def _error_case(case: ErrorCase) -> _Case:
    limit = "" if case.threshold is None else f" (threshold {case.threshold:.2f})"
    gold = _sure(case.gold, case.gold_probability)
    return _case(
        case, f"labelled {gold}, predicted {_sure(case.predicted, case.probability)}{limit}"
    )


def _differing_case(row: DifferingRow, baseline: str) -> _Case:
    model = _sure(row.model_label, row.model_probability)
    other = _sure(row.baseline_label, row.baseline_probability)
    gold = words.label_words(row.gold)
    return _case(row, f"labelled {gold}; the model says {model}, {baseline} {other}")


def _sure(label: str, probability: float) -> str:
    return f"{words.label_words(label)} ({words.share_words(probability)})"


def _case(case: ErrorCase | DifferingRow, told: str) -> _Case:
    text = case.text[:MAX_TEXT]
    spans = [(start, min(end, MAX_TEXT)) for start, end in case.spans if start < MAX_TEXT]
    is_cut = case.cut or len(case.text) > MAX_TEXT
    return _Case(
        row=case.row,
        target=words.shortened(case.target or ""),
        told=told,
        segments=cut_at_spans(text, spans),
        cut=f"… cut after {len(text):,} characters" if is_cut else "",
    )


# Markdown


def render_markdown(report: Report) -> str:
    r"""Return an evaluation report as GitHub Markdown, with the figures of the page but no plots.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        Text of others is escaped: it breaks no table and brings no markup, link or HTML.

    Examples
    --------
    >>> render_markdown(Report(evaluations=(), stance_version="0.1.0"))
    '# Evaluation\n\nMade by stance 0.1.0.\n\nNo data set was evaluated.\n'
    """
    views = [_view(found) for found in report.evaluations]
    parts = [f"# {_escaped(_heading(report))}", *map(_escaped, _model_facts(report))]
    parts.append(_escaped(_made(report)))
    if report.requirements:
        parts.append(f"**{_escaped(_outcome(report))}**")
    if len(views) > 1:
        parts += [
            "## Headline figures",
            *_markdown_table(tables.overview_table(report.evaluations)),
        ]
    for view in views:
        parts += _markdown_view(view)
    if not views:
        parts.append("No data set was evaluated.")
    if report.requirements:
        found = tables.requirement_table(report.requirements)
        parts += ["## Requirements", *_markdown_table(found)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _markdown_view(view: _View) -> Iterable[str]:
    yield f"## {_escaped(view.title)}"
    yield _escaped(view.source)
    yield "; ".join(f"{name.lower()}: {value}" for name, value in view.facts) + "."
    yield from (f"> {_escaped(note)}" for note in view.notes)
    yield from _markdown_table(view.labels)
    if view.cards:
        yield "### Headline figures"
        yield "\n".join(_markdown_card(card) for card in view.cards)
    yield from _markdown_table(view.figures)
    for section in view.sections:
        yield f"### {_escaped(section.title)}"
        yield from map(_escaped, section.words)
        for table in section.tables:
            yield from _markdown_table(table)
        for block in section.blocks:
            yield f"#### {_escaped(block.title)}" if block.title else ""
            yield _escaped(" ".join(filter(None, block.words)))
            for table in (*block.tables, *block.folded):
                yield from _markdown_table(table)
        for texts in section.texts:
            yield from _markdown_texts(texts)


def _markdown_card(card: _Card) -> str:
    told = ", ".join(filter(None, (card.interval, card.rows)))
    beside = "; ".join(f"{name}: {value}" for name, value in card.beside)
    line = f"- **{_escaped(card.title)}: {card.value}** ({told}). {_escaped(card.meaning)}"
    line += "".join(f" **{_escaped(note)}**" for note in card.notes)
    return line + (f" Beside it: {_escaped(beside)}." if beside else "")


def _markdown_table(table: Table) -> Iterable[str]:
    if not table.rows:
        return
    if table.caption:
        yield f"*{_escaped(table.caption)}*"
    rule = " | ".join("---:" if is_number else "---" for is_number in table.numeric)
    head, *rows = (" | ".join(map(_escaped, row)) for row in (table.columns, *table.rows))
    yield "\n".join(f"| {line} |" for line in (head, rule, *rows))
    if table.left_out:
        yield f"{count_words(table.left_out, 'further row')} in metrics.json."


def _markdown_texts(texts: _Texts) -> Iterable[str]:
    """Yield a table of comments that opens on demand."""
    yield f"<details><summary>Show offensive text: {escape(make_line(texts.title))}</summary>"
    yield f"{_escaped(texts.counted)}."
    lines = ["| row | what was said | target | comment |", "| ---: | --- | --- | --- |"]
    for case in texts.cases:
        text = "".join(part for part, _ in case.segments)
        quoted = _quoted(text[:MAX_QUOTED] + ("…" if len(text) > MAX_QUOTED else ""))
        lines.append(f"| {case.row} | {_escaped(case.told)} | {_escaped(case.target)} | {quoted} |")
    yield "\n".join(lines)
    yield "</details>"


_SPECIAL = re.compile(r"[\\`*_\[\]~#$]")


def _escaped(text: str) -> str:
    r"""Return a text in one line in which nothing is Markdown or HTML, nor becomes a link.

    >>> _escaped("a|b `x` <b> *y* [z](http://evil) &amp;")
    'a&#124;b \\`x\\` &lt;b&gt; \\*y\\* \\[z\\](http:&#47;&#47;evil) &amp;amp;'
    >>> _escaped("- 1. @ann")
    '\\- 1. ` @ann `'
    """
    # A mention of a person, or an address, would become a link; code does not.
    parts = (_quoted(word) if "@" in word else _plain(word) for word in make_line(text).split(" "))
    line = " ".join(parts)
    # What would begin a list, a rule or a heading at the start of a line.
    return re.sub(r"^([-+=]+(?=\s|$)|\d{1,9}(?=\.(\s|$)))", _without_role, line)


def _plain(text: str) -> str:
    line = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\g<0>", line).replace("|", "&#124;").replace("://", ":&#47;&#47;")
    return re.sub(r"\b(www)\.", r"\1&#46;", line, flags=re.IGNORECASE)


def _without_role(match: re.Match[str]) -> str:
    return f"{match.group()}\\" if match.group().isdigit() else f"\\{match.group()}"


def _quoted(text: str) -> str:
    r"""Return a comment as a span of code for a cell: shown as it is, run by nobody.

    >>> _quoted("a|b `` c")
    '``` a\\|b `` c ```'
    """
    line = make_line(text)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}".replace("|", r"\|") if line else ""
