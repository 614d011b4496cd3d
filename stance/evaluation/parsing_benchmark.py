"""Measure the parser on pages with checked gold, with trafilatura beside it on the same pages.

A predicted comment counts when its words agree with a gold comment's (word F1 of at least 0.9), in
order, each used once. The gold file is JSON Lines, one page a line: `file`, `comments` (each with
`text`, `author`, `timestamp`, `depth`), `body_snippets`, `comment_snippets`, `not_comment_snippets`
and `title`.

    python -m stance.evaluation.parsing_benchmark FOLDER [--gold FILE] [--only TEXT] [--no-compare]
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from stance.errors import DataError, InputError, StanceError
from stance.parsing import parse_bytes, parse_threads
from stance.parsing.detect import decode
from stance.thread import Comment, Thread

LEAST_AGREEMENT = 0.9  # word F1 from which a predicted comment counts as a gold one

_WORDS = re.compile(r"\w+")
_ROWS = (
    ("pages", "pages", None),
    ("failed", "failed", None),
    ("gold comments", "gold", None),
    ("comment precision", "matched", "predicted"),
    ("comment recall", "matched", "gold"),
    ("exact pages", "exact", "with comments"),
    ("author", "author right", "authors"),
    ("time", "time right", "times"),
    ("depth", "depth right", "depths"),
    ("false alarms", "false alarms", "without comments"),
    ("junk", "junk", "junk snippets"),
    ("title", "title right", "titles"),
)


@dataclass(frozen=True, slots=True)
class ParsingBenchmark:
    """What was counted on all pages: ours, and trafilatura's where it was run.

    `counts` holds sums under plain names; `figures` divides them.
    """

    counts: Counter[str]
    seconds: float
    other_counts: Counter[str] | None = None
    other_seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Return each figure by name: shares from 0 to 1, counts, and seconds a page."""
        counts = self.counts
        found = {name: _share(counts, top, bottom) for name, top, bottom in _ROWS}
        matched, either = counts["matched"], counts["predicted"] + counts["gold"]
        found["comment F1"] = 2 * matched / either if either else float("nan")
        found["body recall"] = _share(counts, "body found", "body snippets")
        found["body leak"] = _share(counts, "leaked", "leak snippets")
        found["seconds a page"] = self.seconds / max(1, counts["pages"])
        return found

    def other_figures(self) -> dict[str, float]:
        """Return the figures that trafilatura has too; empty where it was not run."""
        counts = self.other_counts
        if counts is None:
            return {}
        return {
            "body recall": _share(counts, "body found", "body snippets"),
            "body leak": _share(counts, "leaked", "leak snippets"),
            "seconds a page": self.other_seconds / max(1, counts["pages"]),
        }

    def to_markdown(self) -> str:
        """Return the figures as a Markdown table."""
        other = self.other_figures()
        lines = ["| figure | stance | trafilatura |", "|---|---:|---:|"]
        for name, value in self.figures().items():
            theirs = f"{other[name]:.4f}" if name in other else ""
            ours = (
                f"{value:.0f}" if name in ("pages", "failed", "gold comments") else f"{value:.4f}"
            )
            lines.append(f"| {name} | {ours} | {theirs} |")
        return "\n".join(lines)


def benchmark_parsing(
    folder: Path, *, gold: str = "gold.jsonl", only: str = "", compare: bool = True
) -> ParsingBenchmark:
    """Parse every page that the gold file names and count what agrees.

    Parameters
    ----------
    folder : Path
        Holds the gold file and the pages that it names.
    gold : str
        Name of the gold file, such as "text/gold.jsonl" for plain-text renderings.
    only : str
        Measure the pages whose file or platform contains this.
    compare : bool
        Run trafilatura, with comments on, on the same pages where they are HTML.

    Raises
    ------
    DataError
        If the gold file is missing or a line of it is not in its documented format.
    """
    records = [r for r in read_gold(folder / gold) if only in r["file"] + str(r.get("platform"))]
    counts: Counter[str] = Counter()
    other_counts: Counter[str] = Counter()
    seconds = other_seconds = 0.0
    _import_both()
    for record in records:
        path = folder / record["file"]
        start = time.perf_counter()
        thread = _parse_or_none(path)
        seconds += time.perf_counter() - start
        counts += count_page(record, thread)
        if compare and path.suffix in (".html", ".htm"):
            start = time.perf_counter()
            body = _body_by_trafilatura(path)
            other_seconds += time.perf_counter() - start
            other_counts += _count_body(record, body) + Counter(pages=1)
    return ParsingBenchmark(counts, seconds, other_counts if other_counts else None, other_seconds)


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Read the gold records of a benchmark.

    Raises
    ------
    DataError
        If the file is missing or a line names no page.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            records.append({**record, "file": str(record["file"])})
        except (ValueError, KeyError, TypeError):
            message = f"{path}: line {number} is no gold record; expected JSON with a file"
            raise DataError(message) from None
    return records


def count_page(record: Mapping[str, Any], thread: Thread | None) -> Counter[str]:
    """Count what agrees between one gold record and the thread that was read (None: refused).

    Examples
    --------
    >>> record = {"comments": [{"text": "Trams are back", "author": "Ada"}]}
    >>> thread = Thread("page", "text", comments=(Comment("1", "Trams are back!", "Ada"),))
    >>> counts = count_page(record, thread)
    >>> counts["matched"], counts["author right"], counts["exact"]
    (1, 1, 1)
    """
    counts = Counter(pages=1, failed=thread is None)
    thread = thread or Thread("", "")
    article, comments = thread.article, thread.comments
    # A renderer can lose comments: gold says so with text_visible.
    wanted = [c for c in record.get("comments") or () if c.get("text_visible", True)]
    counts += _count_body(record, article.text if article else "")
    every = _fold(" ".join(comment.text for comment in comments))
    junk = record.get("not_comment_snippets") or ()
    counts += Counter({"junk snippets": len(junk), "junk": sum(_fold(s) in every for s in junk)})
    if record.get("title"):
        said, title = _fold(article.title if article else ""), _fold(record["title"])
        right = bool(said) and (title in said or said in title)
        counts += Counter({"titles": 1, "title right": right})
    if not record.get("has_comments", bool(wanted)):
        return counts + Counter({"without comments": 1, "false alarms": bool(comments)})
    pairs = match_comments(wanted, comments)
    for gold, comment in pairs:
        counts += _count_fields(gold, comment)
    return counts + Counter(
        {
            "with comments": 1,
            "gold": len(wanted),
            "predicted": len(comments),
            "matched": len(pairs),
            "exact": int(len(pairs) == len(wanted) == len(comments)),
        }
    )


def match_comments(
    gold: Sequence[Mapping[str, Any]], predicted: Sequence[Comment]
) -> list[tuple[Mapping[str, Any], Comment]]:
    """Pair gold with predicted comments, in order: the longest such matching there is."""
    wanted = [_words(comment["text"]) for comment in gold]
    said = [_words(comment.text) for comment in predicted]
    agree = [[_agree(a, b) for b in said] for a in wanted]
    # longest[i][j]: pairs among wanted[i:] and said[j:]
    longest = [[0] * (len(said) + 1) for _ in range(len(wanted) + 1)]
    for i in range(len(wanted) - 1, -1, -1):
        for j in range(len(said) - 1, -1, -1):
            skipped = max(longest[i + 1][j], longest[i][j + 1])
            longest[i][j] = max(skipped, longest[i + 1][j + 1] + 1 if agree[i][j] else 0)
    pairs, i, j = [], 0, 0
    while i < len(wanted) and j < len(said):
        if agree[i][j] and longest[i][j] == longest[i + 1][j + 1] + 1:
            pairs.append((gold[i], predicted[j]))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _count_fields(gold: Mapping[str, Any], comment: Comment) -> Counter[str]:
    """Count the fields that one matched comment has right, of those that gold has."""
    counts: Counter[str] = Counter()
    if gold.get("author") and gold.get("author_visible", True):
        right = _fold(gold["author"]) == _fold(comment.author)
        counts += Counter({"authors": 1, "author right": right})
    if gold.get("timestamp"):
        precision = 16 if "T" in gold["timestamp"] else 10  # to the minute, or the day
        right = (comment.published or "")[:precision] == gold["timestamp"][:precision]
        counts += Counter({"times": 1, "time right": right})
    if gold.get("depth") is not None:
        counts += Counter({"depths": 1, "depth right": gold["depth"] == comment.depth})
    return counts


def _count_body(record: Mapping[str, Any], body: str) -> Counter[str]:
    folded = _fold(body)
    wanted, leaks = record.get("body_snippets") or (), record.get("comment_snippets") or ()
    return Counter(
        {
            "body snippets": len(wanted),
            "body found": sum(_fold(snippet) in folded for snippet in wanted),
            "leak snippets": len(leaks),
            "leaked": sum(_fold(snippet) in folded for snippet in leaks),
        }
    )


def _import_both() -> None:
    """Parse a small page by both, so that no import counts as time for a page."""
    page = b"<!doctype html><html><body><p>A small page, read once before the clock starts.</p>"
    list(parse_bytes(page, source="page.html"))
    _extract_body(decode(page))


def _parse_or_none(path: Path) -> Thread | None:
    try:
        return next(islice(parse_threads(path), 1), None)
    except InputError:
        return None


def _body_by_trafilatura(path: Path) -> str:
    return _extract_body(decode(path.read_bytes(), source=str(path)))


def _extract_body(markup: str) -> str:
    """Return the body text that trafilatura finds, with its comments on, as ours are."""
    import trafilatura

    document = trafilatura.bare_extraction(markup, include_comments=True)
    return (getattr(document, "text", "") or "") if document is not None else ""


def _share(counts: Counter[str], top: str, bottom: str | None) -> float:
    if bottom is None:
        return float(counts[top])
    return counts[top] / counts[bottom] if counts[bottom] else float("nan")


def _agree(gold: Counter[str], said: Counter[str]) -> bool:
    both = gold.total() + said.total()
    if not gold or not said:
        return gold == said
    return 2 * (gold & said).total() / both >= LEAST_AGREEMENT


def _words(text: str) -> Counter[str]:
    return Counter(_WORDS.findall(text.lower()))


def _fold(text: str | None) -> str:
    return " ".join((text or "").lower().split())


def main() -> None:
    """Measure as the command line says and print the figures as a Markdown table."""
    parser = argparse.ArgumentParser(prog="benchmark parsing")
    parser.add_argument("folder", type=Path, help="holds the gold file and the pages it names")
    parser.add_argument("--gold", default="gold.jsonl", help="gold file in the folder")
    parser.add_argument("--only", default="", help="pages whose file or platform contains this")
    parser.add_argument("--no-compare", action="store_true", help="leave trafilatura out")
    options = parser.parse_args()
    try:
        result = benchmark_parsing(
            options.folder, gold=options.gold, only=options.only, compare=not options.no_compare
        )
    except StanceError as error:
        sys.exit(f"benchmark: {error}")
    print(result.to_markdown())


if __name__ == "__main__":
    main()
