"""A scored thread as a table in the terminal, and a progress bar for longer work."""

import os
import string
import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from stance.reporting.visible import make_line, make_visible
from stance.scoring.language import language_name, say_unread
from stance.scoring.results import (
    Agreement,
    ScoredComment,
    ScoredThread,
    StanceScore,
    is_unread,
)
from stance.scoring.summary import (
    ReplySummary,
    Share,
    TargetSummary,
    ThreadSummary,
    is_off_target,
    summarize,
)
from stance.words import count_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

PIPED_WIDTH = 120  # columns where the output is no terminal and COLUMNS does not say
NARROW = 72  # columns below which intervals are left out
MAX_EXCERPT = 280  # characters of a comment that the table shows
MAX_LISTED = 12  # targets that get a line of their own
CHUNK = 200  # comments that are laid out at once

_STYLES = {"favor": "green", "against": "red", "neutral": "dim"}
_WARNING_STYLE = "bold yellow"
_TOXIC_STYLE = "bold red underline"
_TOXIC_LEGEND = "toxic: the highest of the six kinds of toxicity, ! where flagged"


def make_console(stream: TextIO) -> "Console":
    """Return a console that shows texts as they are: no markup, no emoji codes, no highlighting.

    Colours come on a terminal alone, and not where the environment variable NO_COLOR is set.
    """
    from rich.console import Console

    fixed = None if stream.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(file=stream, width=fixed, markup=False, emoji=False, highlight=False)


def print_thread(scored: ScoredThread, console: "Console") -> None:
    """Print what a thread says as a whole, then a line of scores for each comment.

    Parameters
    ----------
    scored : ScoredThread
    console : rich.console.Console
        Such as `make_console` returns.

    Examples
    --------
    >>> import sys
    >>> from stance.scoring.results import Prediction, ScoredComment
    >>> from stance.thread import Comment, Thread
    >>> comment = Comment("1", "I [red]love[/red] them.", author="Ann")
    >>> prediction = Prediction(
    ...     (StanceScore("trams", "favor", 0.9, 0.0, 0.1, 1.0),), {"toxicity": 0.02}, False, ())
    >>> thread = Thread("page.txt", "text", comments=(comment,))
    >>> items = (ScoredComment(comment, prediction),)
    >>> print_thread(ScoredThread(thread, ("trams",), items, "model"), make_console(sys.stdout))
    ... # doctest: +ELLIPSIS +NORMALIZE_WHITESPACE
    page.txt
    1 comment, 1 author, 0 flagged as toxic: 0% (0–79)
    ...
    1  Ann                            favor  90%     2%
       I [red]love[/red] them.
    ...
    """
    summary = summarize(scored)
    _print_heading(scored, summary, console)
    listed = [target.target for target in summary.targets[:MAX_LISTED]]
    if listed:
        console.print(_target_table(summary, console.width))
    if len(summary.targets) > len(listed):
        console.print(f"… and {count_words(len(summary.targets) - len(listed), 'more target')}")
    numbers = {comment.id: n for n, comment in enumerate(scored.thread.comments, 1)}
    layout = _Layout.fitting(console.width, len(scored.comments), listed, len(summary.targets))
    for table in layout.tables(scored, numbers):
        console.print(table)
    about = "– does not speak about the target; " if summary.targets else ""
    console.print(f"{about}{_TOXIC_LEGEND}", style="dim")
    console.print()


def _print_heading(scored: ScoredThread, summary: ThreadSummary, console: "Console") -> None:
    from rich.text import Text

    article = scored.thread.article
    console.print(Text(make_line(scored.thread.source), style="bold"))
    if article and article.title:
        console.print(Text(make_line(article.title)))
    toxic = f"{summary.toxic.count} flagged as toxic: {share_text(summary.toxic)}"
    counts = [
        count_words(summary.comments, "comment"),
        count_words(summary.authors, "author"),
        toxic,
    ]
    if summary.most_contested is not None and len(summary.targets) > 1:
        counts.append(f"most contested: {make_line(summary.most_contested)}")
    console.print(Text(", ".join(counts)))
    if summary.replies.replies:
        console.print(Text(reply_text(summary.replies)))
    if summary.unread:
        warning = say_unread(summary.unread, summary.comments, scored.languages)
        console.print(Text(warning, style=_WARNING_STYLE))


def share_text(share: Share) -> str:
    """Return a share with its 95% interval, in percent.

    Examples
    --------
    >>> from stance.scoring.summary import wilson
    >>> share_text(wilson(3, 12))
    '25% (9–53)'
    """
    return f"{share.share:.0%} ({100 * share.low:.0f}–{100 * share.high:.0f})"


def reply_text(replies: ReplySummary) -> str:
    """Return how many replies agree and disagree, with 95% intervals in percent.

    Examples
    --------
    >>> from stance.scoring.summary import ReplySummary, wilson
    >>> reply_text(ReplySummary(12, wilson(3, 12), wilson(8, 12), wilson(1, 12)))
    '12 replies: 25% (9–53) agree with the comment they answer, 67% (39–86) disagree'
    """
    counted = count_words(replies.replies, "reply", "replies")
    return (
        f"{counted}: {share_text(replies.favor)} agree with the comment they answer, "
        f"{share_text(replies.against)} disagree"
    )


def _target_table(summary: ThreadSummary, width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "target"):
        table.add_column(column, overflow="fold")
    for label in ("favor", "against", "neutral", "off-target"):
        table.add_column(label, justify="right", no_wrap=True)
    as_text = share_text if width >= NARROW else "{0.share:.0%}".format
    for letter, target in zip(_letters(), summary.targets[:MAX_LISTED], strict=False):
        table.add_row(
            letter,
            Text(make_line(target.target), style="bold"),
            *(Text(as_text(share), style=style) for share, style in _shares(target)),
        )
    return table


def _shares(target: TargetSummary) -> list[tuple[Share, str]]:
    return [
        (target.favor, _STYLES["favor"]),
        (target.against, _STYLES["against"]),
        (target.neutral, ""),
        (target.off_target, _STYLES["neutral"]),
    ]


def _letters() -> Iterator[str]:
    yield from string.ascii_uppercase


# Comments


class _Layout:
    """How wide the columns are; where they would leave no room for text, scores go in its cell."""

    def __init__(self, width: int, comments: int, targets: Sequence[str], column: int) -> None:
        self.targets = targets
        self.column = column  # width of a target's column, 0 for none
        self.number = max(2, len(str(comments)))
        # Two columns part each cell from the next, and six are for the toxicity.
        taken = self.number + 2 + len(targets) * (column + 2) * (column > 0) + 6 + 2 + 2
        self.text = max(20, width - taken)

    @classmethod
    def fitting(cls, width: int, comments: int, targets: Sequence[str], total: int) -> Self:
        for column in (len("against 100%"), len("against")):
            layout = cls(width, comments, targets, column)
            if layout.text >= 40 and total == len(targets):
                return layout
        return cls(width, comments, targets, 0)

    def tables(self, scored: ScoredThread, numbers: dict[str, int]) -> Iterator["Table"]:
        """Yield the table in parts, so that the first line of a long one comes at once."""
        for start in range(0, len(scored.comments), CHUNK):
            table = self._empty(with_header=start == 0)
            for number, item in enumerate(scored.comments[start : start + CHUNK], start + 1):
                byline = _byline(item, numbers)
                if is_unread(item.prediction, scored.languages):
                    language = language_name(item.prediction.language or "")
                    byline.append(f"  {language}?", style=_WARNING_STYLE)
                self._add(table, number, item, byline)
            yield table

    def _empty(self, *, with_header: bool) -> "Table":
        from rich.table import Table

        table = Table(box=None, show_header=with_header, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("#", width=self.number, justify="right")
        table.add_column("comment", width=self.text, overflow="fold")
        if self.column:
            for letter, _ in zip(_letters(), self.targets, strict=False):
                table.add_column(letter, width=self.column, no_wrap=True)
        table.add_column("toxic", width=6, justify="right", no_wrap=True)
        return table

    def _add(self, table: "Table", number: int, item: ScoredComment, byline: "Text") -> None:
        from rich.text import Text

        stance = {score.target: score for score in item.prediction.stance}
        text = Text("\n").join([byline, _excerpt(item)])
        if self.column:
            cells = [_stance_cell(stance.get(name), self.column) for name in self.targets]
        else:
            cells = []
            text.append("\n").append(_stance_line(item.prediction.stance, self.targets))
        table.add_row(str(number), text, *cells, _toxicity_cell(item))
        table.add_row()


def _byline(item: ScoredComment, numbers: dict[str, int]) -> "Text":
    from rich.text import Text

    comment = item.comment
    author = make_line(comment.author) if comment.author else "(no name)"
    line = Text().append("↳ " if comment.depth else "", style="dim").append(author, style="bold")
    parent = numbers.get(comment.parent_id) if comment.parent_id else None
    if parent is not None:
        line.append(f" to #{parent}", style="dim")
    if item.prediction.reply is not None:
        line.append(", ").append(_reply_words(item.prediction.reply))
    when = comment.published or comment.published_text
    if when:
        line.append(f"  {make_line(when)}", style="dim")
    return line


def _reply_words(reply: Agreement) -> "Text":
    from rich.text import Text

    words = {"favor": "agrees", "against": "disagrees", "neutral": "neutral"}
    share: float = getattr(reply, reply.label)
    return Text(f"{words[reply.label]} {share:.0%}", style=_STYLES[reply.label])


def _excerpt(item: ScoredComment) -> "Text":
    """Return the beginning of a comment in one paragraph, its toxic spans marked."""
    from rich.text import Text

    result = Text()
    text, end = item.comment.text[:MAX_EXCERPT], 0
    for start, stop in item.prediction.toxic_spans:
        result.append(_flow(text[end:start])).append(_flow(text[start:stop]), style=_TOXIC_STYLE)
        end = max(end, stop)
    result.append(_flow(text[end:]))
    return result.append("…") if len(item.comment.text) > MAX_EXCERPT else result


def _flow(text: str) -> str:
    return make_visible(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def _stance_cell(score: StanceScore | None, width: int) -> "Text":
    from rich.text import Text

    if score is None:
        return Text("")
    if is_off_target(score):
        return Text("–", style="dim")
    share = f"{getattr(score, score.label):.0%}"
    text = f"{score.label:<7} {share:>4}" if width > len("against") else score.label
    return Text(text, style=_STYLES[score.label])


def _toxicity_cell(item: ScoredComment) -> "Text":
    """Return the largest of the probabilities, since a comment is flagged by any of them."""
    from rich.text import Text

    share = f"{max(item.prediction.toxicity.values(), default=0.0):.0%}"
    return (
        Text(f"{share}!", style="bold red") if item.prediction.toxic else Text(share + " ", "dim")
    )


def _stance_line(stance: Sequence[StanceScore], listed: Sequence[str]) -> "Text":
    """Return the scores of one comment in a line, targets by letter where they have one."""
    from rich.text import Text

    letters = dict(zip(listed, _letters(), strict=False))
    parts = []
    for score in stance:
        name = letters.get(score.target) or make_line(score.target)
        cell = _stance_cell(score, len("against 100%"))
        parts.append(Text(f"{name} ").append(" ".join(cell.plain.split()), style=cell.style))
    return Text("  ").join(parts)


# Progress


class ProgressBar:
    """A bar on a terminal's standard error, from a second after the start until the end.

    Call it with what is done and what there is in all, 0 where that is not known.

    Parameters
    ----------
    what : str
        Shown before the bar.
    stream : text file, optional
        Standard error unless another is given.
    delay : float
        Seconds before the bar shows.
    """

    def __init__(self, what: str, stream: TextIO | None = None, delay: float = 1.0) -> None:
        self._what = make_line(what)
        self._stream = sys.stderr if stream is None else stream
        self._start = time.monotonic() + delay
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` comments are scored."""
        if self._bar is None:
            if time.monotonic() < self._start or done == total or not self._stream.isatty():
                return
            self._bar = self._show()
        self._bar.update(self._bar.task_ids[0], completed=done, total=total or None)

    def _show(self) -> "Progress":
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=make_console(self._stream),
            transient=True,
        )
        bar.add_task(self._what, total=None)
        bar.start()
        return bar
