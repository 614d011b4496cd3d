"""What a check of labelled data found, as tables in the terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stance.data.findings import (
    Benchmarks,
    ClassCounts,
    Finding,
    Findings,
    LabelErrors,
    Languages,
    Lengths,
)
from stance.labels import STANCE_LABELS
from stance.reporting.visible import make_line, make_visible
from stance.scoring.language import language_name
from stance.words import count_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MAX_SUSPECTS = 20  # of a label column; JSON has more
MAX_TARGETS = 12
_MAX_EXCERPT = 160
_MAX_TARGET = 40
_SPLIT_COLUMNS = ("train", "dev", "test")
_STYLES = {"problem": "bold red", "warning": "bold yellow"}


def print_findings(found: Findings, console: "Console") -> None:
    """Print the counts, then what is to be mended, problems first.

    Parameters
    ----------
    found : Findings
    console : rich.console.Console
        Such as `stance.reporting.terminal.make_console` returns.

    Examples
    --------
    >>> import sys
    >>> from stance.reporting.terminal import make_console
    >>> found = Findings(
    ...     name="labels.csv", rows=2, left_out=1, unlabelled=0, texts=2,
    ...     classes=(ClassCounts("toxicity", None, {"0": 2, "1": 0}),), targets=(),
    ...     target_number=0, languages=Languages(2, {"en": 2}, ("en",)),
    ...     lengths=Lengths(2, 256, 12, 14, 14, 0, 0), benchmarks=Benchmarks(("vast",), ()),
    ...     label_errors=(),
    ...     findings=(Finding("repeat", "warning", "1 row repeats another", "delete it", 1,
    ...         ("line 3",)),))
    >>> print_findings(found, make_console(sys.stdout))  # doctest: +NORMALIZE_WHITESPACE
    labels.csv
    2 rows, 2 different texts, 1 left out
    label          rows    share
    toxicity  0       2     100%
              1       0       0%
    language    English 2
    tokens      median 12, 95% have at most 14, longest 14; longer than the window of 256: 0
    benchmarks  looked into vast
    <BLANKLINE>
    warning  1 row repeats another (line 3)
             → delete it
    <BLANKLINE>
    0 problems, 1 warning: nothing hinders training
    """
    from rich.text import Text

    console.print(Text(make_line(found.name), style="bold"))
    console.print(Text(_headline(found)))
    console.print(_class_table(found.classes))
    if found.targets:
        console.print(_target_table(found))
    console.print(_facts(found))
    for reason in dict.fromkeys(search.skipped for search in found.label_errors if search.skipped):
        columns = [search.column for search in found.label_errors if search.skipped == reason]
        words = f"wrong labels of {', '.join(columns)}: not searched, {reason}"
        console.print(Text(words, style="dim"))
    for search in found.label_errors:
        if not search.skipped:
            _print_suspects(search, console)
    console.print()
    for item in found.findings:
        console.print(_finding(item))
    console.print()
    console.print(Text(_verdict(found)))


def _headline(found: Findings) -> str:
    parts = [count_words(found.rows, "row"), count_words(found.texts, "different text")]
    if found.target_number:
        parts.append(count_words(found.target_number, "target"))
    if found.left_out:
        parts.append(f"{found.left_out:,} left out")
    if found.unlabelled:
        parts.append(f"{found.unlabelled:,} without a label")
    return ", ".join(parts)


def _class_table(classes: tuple[ClassCounts, ...]) -> "Table":
    table = _table()
    splits = [name for name in _SPLIT_COLUMNS if any(item.split == name for item in classes)]
    for name in ("label", ""):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "share", *splits):
        table.add_column(name, justify="right", no_wrap=True)
    by_split = {(item.column, item.split): item.counts for item in classes}
    for item in classes:
        if item.split is not None:
            continue
        total = sum(item.counts.values())
        for place, (name, count) in enumerate(item.counts.items()):
            parts = [
                f"{by_split[item.column, split][name]:,}"
                if (item.column, split) in by_split
                else ""
                for split in splits
            ]
            label = item.column if place == 0 else ""
            table.add_row(label, name, f"{count:,}", f"{count / total:.0%}", *parts)
    return table


def _target_table(found: Findings) -> "Table":
    from rich.text import Text

    table = _table()
    table.add_column("target", overflow="fold")
    for label in STANCE_LABELS:
        table.add_column(label, justify="right", no_wrap=True)
    for item in found.targets[:MAX_TARGETS]:
        numbers = (f"{item.counts[label]:,}" for label in STANCE_LABELS)
        table.add_row(Text(_cut(item.target, _MAX_TARGET)), *numbers)
    others = found.target_number - min(MAX_TARGETS, len(found.targets))
    if others > 0:
        table.add_row(Text(f"… and {count_words(others, 'more target')}", style="dim"))
    return table


def _facts(found: Findings) -> "Table":
    from rich.text import Text

    table = _table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in (
        ("language", _language_fact(found.languages, found.rows)),
        ("tokens", _length_fact(found.lengths, found.rows)),
        ("benchmarks", _benchmark_fact(found.benchmarks)),
    ):
        table.add_row(name, Text(fact))
    return table


def _language_fact(languages: Languages, rows: int) -> str:
    parts = [
        f"{language_name(code) if code else 'too short to tell'} {count:,}"
        for code, count in list(languages.counts.items())[:6]
    ]
    return ", ".join(parts) + _sampled(languages.looked_at, rows)


def _length_fact(lengths: Lengths, rows: int) -> str:
    return (
        f"median {lengths.median:,}, 95% have at most {lengths.percentile_95:,}, "
        f"longest {lengths.longest:,}; longer than the window of {lengths.window}: "
        f"{lengths.over:,}" + _sampled(lengths.looked_at, rows)
    )


def _sampled(looked_at: int, of: int) -> str:
    return f" (a random {looked_at:,} of {of:,} rows)" if looked_at < of else ""


def _benchmark_fact(benchmarks: Benchmarks) -> str:
    if not benchmarks.looked_into:
        return "not looked into: name the folder that holds them with --data-root"
    absent = f"; not at hand: {', '.join(benchmarks.absent)}" if benchmarks.absent else ""
    return f"looked into {', '.join(benchmarks.looked_into)}{absent}"


def _print_suspects(search: LabelErrors, console: "Console") -> None:
    from rich.text import Text

    console.print()
    sample = _sampled(search.searched, search.of)
    shown = search.suspects[:MAX_SUSPECTS]
    title = f"labels of {search.column} that other rows speak most against{sample}"
    console.print(Text(title if shown else f"{title}: none", style="bold"))
    table = _table()
    table.add_column("row", no_wrap=True)
    table.add_column("label", no_wrap=True)
    table.add_column("likely", no_wrap=True)
    table.add_column("text", overflow="fold")
    for suspect in shown:
        target = f"[{_cut(suspect.target, _MAX_TARGET)}] " if suspect.target else ""
        text = Text(target, style="dim").append(_cut(suspect.text, _MAX_EXCERPT), style="default")
        table.add_row(suspect.row, suspect.label, suspect.likely, text)
    if shown:
        console.print(table)
    if len(search.suspects) > len(shown):
        more = len(search.suspects) - len(shown)
        console.print(Text(f"… and {more:,} more with --json", style="dim"))


def _finding(item: Finding) -> "Table":
    from rich.text import Text

    table = _table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = f" ({', '.join(_named(item))})" if item.rows else ""
    text = Text(make_visible(item.message)).append(make_visible(rows), style="dim")
    table.add_row(Text(item.severity, style=_STYLES[item.severity]), text)
    table.add_row("", Text(f"→ {make_visible(item.mend)}"))
    return table


def _named(item: Finding) -> Iterator[str]:
    yield from map(make_line, item.rows)
    if item.count > len(item.rows):
        yield "…"


def _verdict(found: Findings) -> str:
    problems = len(found.problems)
    warnings = len(found.findings) - problems
    outcome = "mend the problems before training" if problems else "nothing hinders training"
    return f"{count_words(problems, 'problem')}, {count_words(warnings, 'warning')}: {outcome}"


def _cut(text: str, most: int) -> str:
    line = make_line(text[: 4 * most])
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[:most]}…"


def _table(*, header: bool = True) -> "Table":
    from rich.table import Table

    return Table(box=None, show_header=header, padding=(0, 2, 0, 0), header_style="dim")
