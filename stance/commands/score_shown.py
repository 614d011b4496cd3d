"""Comments that somebody looks at: `stance score` into a terminal or a report."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from stance.commands.common import say
from stance.commands.inputs import Inputs, Source, open_source, say_what_is_missing, thread_of
from stance.commands.score_messages import (
    no_row,
    say_bad_line,
    say_bad_lines,
    say_rows,
    say_unread,
    say_written,
)
from stance.errors import InputError, OutputError

if TYPE_CHECKING:
    from stance.scoring.results import Prediction, ScoredThread
    from stance.scoring.rows import Predictor
    from stance.tables import Row
    from stance.thread import Thread

MAX_SHOWN = 50_000  # comments that a terminal or a report takes; files of rows take any number


def score_to_look_at(
    args: argparse.Namespace, key: bytes | None, load: "Callable[[], Predictor]"
) -> int:
    """Score all inputs into a terminal or a report, and return the exit code.

    Parameters
    ----------
    args
        Those of `stance score`.
    key : bytes or None
        Of the pseudonyms.
    load : callable
        Loads the model.
    """
    inputs = Inputs(args.pages, args.output, tables=True)
    with _open_output(args.output) as output:
        scoring = _Scoring(args, output, key, load)
        for name in inputs:
            scoring.kept = 0
            with inputs.attempt(lambda: scoring.kept):
                source = open_source(name)
                if source.kind == "page":
                    scoring.score_page(source)
                elif source.kind == "threads":
                    inputs.bad_rows += scoring.score_threads(source)
                else:
                    inputs.bad_rows += scoring.score_rows(source)
        inputs.bad_rows += scoring.bad_rows
        # Raised inside: where nothing was scored, no file takes the place of an older one.
        code = inputs.exit_code()
    output.say_what_was_written()
    return code


class _Scoring:
    """Scores sources one by one into an output; the model is loaded at the first comment."""

    def __init__(
        self,
        args: argparse.Namespace,
        output: "_Output",
        key: bytes | None,
        load: "Callable[[], Predictor]",
    ) -> None:
        self._args = args
        self._targets = None if args.targets is None else tuple(dict.fromkeys(args.targets))
        self._output = output
        self._key = key
        self._load = load
        self._analyzer: Predictor | None = None
        self.kept = 0  # comments of the present source that are scored
        self.bad_rows = 0  # of exports, and comments of threads without a text

    @property
    def analyzer(self) -> "Predictor":
        if self._analyzer is None:
            self._analyzer = self._load()
        return self._analyzer

    def score_page(self, source: Source) -> None:
        """Score the threads of a page or an export."""
        for thread in source.threads(self._args.now):
            self._add_thread(thread)

    def score_threads(self, source: Source) -> int:
        """Score a file that `stance parse` printed and return how many of its lines are bad."""
        lines = bad = 0
        for row in source.rows(lambda share: None):
            lines += 1
            try:
                thread = thread_of(row)
            except (TypeError, ValueError) as error:
                bad += 1
                say_bad_line(source.name, row, error, bad)
            else:
                self._add_thread(thread)
        say_bad_lines(source.name, bad, lines)
        return bad

    def _add_thread(self, thread: "Thread") -> None:
        say_what_is_missing(thread)
        self.bad_rows += thread.bad_rows
        self._output.inputs += 1
        if thread.comments:
            self._output.check_room(len(thread.comments), thread.source)
            scored = self._score_thread(thread)
            if scored.comments:
                self._output.add_thread(scored)
            self.kept += len(scored.comments)
            self._count_empty(thread, len(thread.comments) - len(scored.comments))

    def _count_empty(self, thread: "Thread", empty: int) -> None:
        from stance.scoring.threads import empty_note

        self.bad_rows += empty
        if empty:
            say(f"{thread.source}: {empty_note(empty, len(thread.comments))}")

    def _score_thread(self, thread: "Thread") -> "ScoredThread":
        from stance.reporting.terminal import ProgressBar
        from stance.scoring.pseudonyms import pseudonymise
        from stance.scoring.summary import count_unread
        from stance.scoring.threads import score_thread

        with ProgressBar(thread.source) as progress:
            scored = score_thread(
                thread,
                self.analyzer,
                self._targets,
                threshold=self._args.threshold,
                replies=self._args.replies,
                progress=progress,
            )
        if scored.comments and not scored.targets:
            say(f"{thread.source}: no target named and none found: toxicity alone")
        unread = count_unread(scored)
        self._output.say_unread(unread, len(scored.comments), scored.languages, thread.source)
        return scored if self._key is None else pseudonymise(scored, self._key)

    def score_rows(self, source: Source) -> int:
        """Score a file of comments and return how many of its rows are bad."""
        from stance.reporting.terminal import ProgressBar
        from stance.scoring.rows import RowCounts, score_rows

        counts = RowCounts()
        unscored, failure = self._output.admit(source.rows(lambda share: None), source.name)
        if failure is not None and not unscored:
            raise failure
        rows = score_rows(
            unscored,
            self.analyzer,
            source.name,
            targets=self._targets or (),
            threshold=self._args.threshold,
            replies=self._args.replies,
            counts=counts,
        )
        with ProgressBar(source.name) as progress:
            self._output.add_rows(self._counted(rows, progress), source.name, self.analyzer)
        if counts.rows == counts.bad:
            raise failure or no_row(source.name, counts)
        self.kept = counts.rows - counts.bad
        self._output.inputs += 1
        say_rows(source.name, counts)
        self._output.say_unread(counts.unread, self.kept, self.analyzer.languages, source.name)
        if failure is not None:
            raise failure
        return counts.bad

    def _counted(
        self,
        rows: "Iterable[tuple[dict[str, Any], Prediction | None]]",
        progress: Callable[[int, int], None],
    ) -> "Iterator[tuple[dict[str, Any], Prediction | None]]":
        from stance.scoring.pseudonyms import pseudonym

        for number, (row, prediction) in enumerate(rows, 1):
            if self._key is not None and row["author"] is not None:
                row["author"] = pseudonym(str(row["author"]), self._key)
            yield row, prediction
            progress(number, 0)


# Outputs


class _Output:
    """Where scores go: a table in the terminal, which keeps nothing."""

    def __init__(self) -> None:
        self.inputs = 0
        self.comments = 0  # kept so far

    def check_room(self, comments: int, source: str) -> None:
        """Refuse, before any is scored, more comments than a reader can look at.

        Raises
        ------
        OutputError
            With those kept so far there are more than `MAX_SHOWN`.
        """
        if self.comments + comments > MAX_SHOWN:
            raise OutputError(
                f"{source}: more than {MAX_SHOWN:,} comments are too many to look at; "
                "write them with -o to .jsonl, .csv or .parquet"
            )

    def admit(
        self, rows: "Iterator[Row]", source: str
    ) -> "tuple[Sequence[Row], InputError | None]":
        """Return the rows, read just far enough for `check_room`, and why reading them failed."""
        ahead: list[Row] = []
        failure = None
        try:
            for row in islice(rows, MAX_SHOWN - self.comments + 1):
                ahead.append(row)
        except InputError as error:
            failure = error
        self.check_room(len(ahead), source)
        return ahead, failure

    def add_thread(self, scored: "ScoredThread") -> None:
        """Show a scored thread."""
        from stance.reporting.terminal import make_console, print_thread

        print_thread(scored, make_console(sys.stdout))

    def add_rows(
        self,
        rows: "Iterator[tuple[dict[str, Any], Prediction | None]]",
        source: str,
        analyzer: "Predictor",
    ) -> None:
        """Show or keep scored rows."""
        from stance.scoring.rows import thread_of_rows

        scored = thread_of_rows(rows, source, analyzer.name, analyzer.languages)
        if scored.comments:
            self.add_thread(scored)

    def say_unread(
        self, unread: Mapping[str, int], comments: int, languages: Sequence[str], source: str
    ) -> None:
        """Warn of comments that the model cannot read, unless what is shown says so itself."""

    def say_what_was_written(self) -> None:
        """Say in a line what is in the file, if there is one."""


class _ReportOutput(_Output):
    """Threads into one HTML report."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.threads: list[ScoredThread] = []

    def add_thread(self, scored: "ScoredThread") -> None:
        """Keep a thread for the report."""
        self.comments += len(scored.comments)
        self.threads.append(scored)

    def say_unread(
        self, unread: Mapping[str, int], comments: int, languages: Sequence[str], source: str
    ) -> None:
        """Warn of comments that the model cannot read."""
        say_unread(unread, comments, languages, source)

    def say_what_was_written(self) -> None:
        """Say in a line what is in the report."""
        say_written(self.path, self.comments, self.inputs)


@contextlib.contextmanager
def _open_output(path: str | None) -> Iterator[_Output]:
    if path is None:
        yield _Output()
        return
    report = _ReportOutput(path)
    yield report
    from stance.reporting.thread import render_threads
    from stance.tables import atomic_file

    with atomic_file(path) as stream:
        stream.write(render_threads(report.threads).encode("utf-8", "replace"))
