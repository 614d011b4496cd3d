"""Any number of comments: `stance score` into a file of rows."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.commands.common import say
from stance.commands.inputs import (
    Inputs,
    Source,
    open_source,
    say_what_is_missing,
    sizes,
    thread_of,
)
from stance.commands.score_messages import (
    no_row,
    say_bad_line,
    say_bad_lines,
    say_rows,
    say_unread,
    say_written,
)
from stance.errors import InputError
from stance.reporting.progress import RunProgress
from stance.scoring.pseudonyms import pseudonym
from stance.scoring.rows import EMPTY_TEXT, CommentRow, Question, RowCounts, prepare_rows
from stance.scoring.shards import SUFFIX
from stance.scoring.stream import Item, Scorer, SourceEnd, score_stream
from stance.scoring.targets import choose_targets
from stance.scoring.threads import empty_note, parent_texts
from stance.words import is_empty

if TYPE_CHECKING:
    from stance.tables import Row
    from stance.thread import Comment, Thread


def score_into_file(args: argparse.Namespace, key: bytes | None, scorer: Scorer) -> int:
    """Score all inputs into a file of rows, and return the exit code.

    Parameters
    ----------
    args
        Those of `stance score`.
    key : bytes or None
        Of the pseudonyms.
    scorer : Scorer
    """
    reading = _Reading(args, key, scorer)
    output = Path(args.output)
    codes: list[int] = []
    score = _engine(args, scorer)
    try:
        rows = score(
            reading.items(),
            output,
            manifest=partial(_manifest, args, key),
            resume=args.resume,
            at_end=lambda: codes.append(reading.inputs.exit_code()),
            progress=reading.progress,
        )
    except (KeyboardInterrupt, SystemExit):
        reading.progress.clear()
        if output.with_name(output.name + SUFFIX).exists():
            say(f"{output} is not done: the same command with --resume goes on")
        raise
    finally:
        reading.progress.clear()
    say_written(args.output, rows, reading.written)
    return codes[0]


def _engine(args: argparse.Namespace, scorer: Scorer) -> Callable[..., int]:
    """Return what scores items into a file."""
    if args.engine == "ray":
        from stance.scoring.distributed import Cluster, RayShards, score_distributed

        cluster = Cluster(args.ray_address, args.workers, args.threads)
        return partial(score_distributed, score=RayShards(args.model, cluster, args.threshold))
    return partial(score_stream, scorer=scorer, threshold=args.threshold)


class _Reading:
    """Turns all inputs into what is to be scored, in order, and says what there is to say of each.

    Items are drawn in a thread that is ahead of what is written. So nothing is said when an input
    is read: it is left to the item after its rows, whose turn comes when they are written.
    """

    def __init__(self, args: argparse.Namespace, key: bytes | None, scorer: Scorer) -> None:
        self.inputs = Inputs(args.pages, args.output, tables=True)
        self.progress = RunProgress()
        self.written = 0  # inputs that are
        self._args = args
        self._targets = None if args.targets is None else tuple(dict.fromkeys(args.targets))
        self._key = key
        self._scorer = scorer
        self._bytes = dict(sizes(args.pages))
        self._bytes_before = 0  # of the inputs before the present one
        self._present_bytes = 0
        self._rows = 0

    def items(self) -> Iterator[Item]:
        """Yield all items."""
        for found in self.inputs.found():
            if isinstance(found, InputError):
                yield SourceEnd(partial(self._fail, found, 0))
                continue
            self._present_bytes = self._bytes.get(found) or 0
            kept = 0
            try:
                for item in self._source_items(open_source(found)):
                    kept += isinstance(item, Question) and item.row.error is None
                    yield item
            except InputError as error:
                yield SourceEnd(partial(self._fail, error, kept))
            self._bytes_before += self._present_bytes
            self._present_bytes = 0
            self._expect(0.0)

    def _source_items(self, source: Source) -> Iterator[Item]:
        if source.kind == "page":
            for thread in source.threads(self._args.now):
                yield from self._thread_items(thread)
        elif source.kind == "threads":
            yield from self._line_items(source)
        else:
            yield from self._row_items(source)

    def _fail(self, error: InputError, kept: int, _: Counter[str]) -> None:
        self.progress.clear()
        self.inputs.fail(error, kept)

    # Pages and threads

    def _line_items(self, source: Source) -> Iterator[Item]:
        lines = bad = 0
        for row in source.rows(self._expect):
            lines += 1
            try:
                thread = thread_of(row)
            except (TypeError, ValueError) as error:
                bad += 1
                yield SourceEnd(partial(self._finish_line, source.name, row, error, bad))
            else:
                yield from self._thread_items(thread)
        if bad == lines:
            say_bad_lines(source.name, bad, lines)
        yield SourceEnd(partial(self._finish_lines, source.name, bad, lines))

    def _finish_line(
        self, source: str, row: "Row", error: Exception, bad: int, _: Counter[str]
    ) -> None:
        self.progress.clear()
        say_bad_line(source, row, error, bad)

    def _finish_lines(self, source: str, bad: int, lines: int, _: Counter[str]) -> None:
        say_bad_lines(source, bad, lines)
        self.inputs.bad_rows += bad

    def _thread_items(self, thread: "Thread") -> Iterator[Item]:
        chosen = self._targets or ()
        if thread.comments and self._targets is None:
            chosen = choose_targets(thread)
        parents = parent_texts(thread.comments) if self._args.replies else None
        empty = 0
        for place, comment in enumerate(thread.comments):
            error = None
            if is_empty(comment.text):
                empty, error = empty + 1, f"comment {place + 1}: {EMPTY_TEXT}"
            row = CommentRow(self._columns(thread, comment), chosen, error)
            yield Question(row, None if parents is None else parents[place])
        self._rows += len(thread.comments)
        yield SourceEnd(partial(self._finish_thread, thread, chosen, empty))

    def _columns(self, thread: "Thread", comment: "Comment") -> dict[str, Any]:
        author = comment.author
        if author and self._key is not None:
            author = pseudonym(author, self._key)
        return {
            "source": thread.source,
            "id": comment.id,
            "author": author,
            "published": comment.published,
            "parent_id": comment.parent_id,
            "depth": comment.depth,
            "text": comment.text,
        }

    def _finish_thread(
        self, thread: "Thread", targets: tuple[str, ...], empty: int, unread: Counter[str]
    ) -> None:
        self.progress.clear()
        self.written += 1
        say_what_is_missing(thread)
        scored = len(thread.comments) - empty
        if scored and not targets:
            say(f"{thread.source}: no target named and none found: toxicity alone")
        say_unread(unread, scored, self._languages(unread), thread.source)
        self.inputs.bad_rows += thread.bad_rows + empty
        if empty:
            say(f"{thread.source}: {empty_note(empty, len(thread.comments))}")

    # Comments alone

    def _row_items(self, source: Source) -> Iterator[Item]:
        counts = RowCounts()
        chunks = prepare_rows(
            source.rows(self._expect),
            source.name,
            targets=self._targets or (),
            replies=self._args.replies,
            counts=counts,
        )
        try:
            for chunk in chunks:
                yield from map(self._with_pseudonym, chunk)
                self._rows += len(chunk)
        except InputError:
            if counts.rows:
                yield SourceEnd(partial(self._finish_rows, source.name, counts))
            raise
        if not counts.rows:
            raise no_row(source.name, counts)
        none = counts.rows == counts.bad
        finish = self._finish_unscored if none else self._finish_rows
        yield SourceEnd(partial(finish, source.name, counts))

    def _with_pseudonym(self, question: Question) -> Question:
        columns = question.row.columns
        if self._key is not None and columns["author"] is not None:
            columns["author"] = pseudonym(str(columns["author"]), self._key)
        return question

    def _finish_unscored(self, source: str, counts: RowCounts, _: Counter[str]) -> None:
        """Say that none of the rows could be scored; they come out with their errors."""
        self.progress.clear()
        self.written += 1
        self.inputs.unscored += 1
        self.inputs.bad_rows += counts.bad
        say(str(no_row(source, counts)))

    def _finish_rows(self, source: str, counts: RowCounts, unread: Counter[str]) -> None:
        self.progress.clear()
        self.written += 1
        say_rows(source, counts)
        say_unread(unread, counts.rows - counts.bad, self._languages(unread), source)
        self.inputs.bad_rows += counts.bad

    def _languages(self, unread: Counter[str]) -> tuple[str, ...]:
        return self._scorer.languages if unread else ()

    def _expect(self, share: float) -> None:
        """Reckon from the share of the present input that is read how many comments there are."""
        total = sum(size or 0 for size in self._bytes.values())
        done = self._bytes_before + share * self._present_bytes
        if done and None not in self._bytes.values():
            self.progress.expect(self._rows * total / done)


def _manifest(args: argparse.Namespace, key: bytes | None) -> dict[str, Any]:
    """Return what a run is: one that goes on with it must be the same."""
    from stance.scoring.analyzer import fingerprint

    return {
        "inputs": [list(item) for item in sizes(args.pages)],
        "model": fingerprint(args.model),
        "device": args.device,
        "targets": args.targets,
        "threshold": args.threshold,
        "replies": args.replies,
        "pseudonyms": None if key is None else blake2b(key, digest_size=8).hexdigest(),
        "now": None if args.now is None else args.now.isoformat(),
    }
