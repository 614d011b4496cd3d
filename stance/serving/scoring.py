"""What the routes score with: texts, lists of comments and whole pages, all through the batcher."""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol, TypeVar

from stance.errors import InputError
from stance.parsing import parse_bytes
from stance.scoring.results import Prediction, ScoredThread
from stance.scoring.rows import Predictor, score_rows
from stance.scoring.targets import choose_targets
from stance.scoring.threads import score_thread
from stance.serving.batching import Batcher, OverloadedError
from stance.tables import Row
from stance.thread import Thread

MAX_COMMENTS = 5_000  # of one request
MAX_COMMENT_CHARACTERS = 50_000
# Characters of one request, each counted once for every pass that reads it.
MAX_WORK = 8_000_000
MAX_TARGETS = 20
MAX_TARGET_CHARACTERS = 500
_MAX_THREADS = 100  # of one export
_WORKERS = 8  # requests with lists or pages that are worked at; as many again may wait for one
_GZIP = b"\x1f\x8b"

Answer = TypeVar("Answer")


class Model(Predictor, Protocol):
    """What a server scores with, such as `stance.Analyzer`."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The threshold of each toxicity label."""
        ...


class Scorer:
    """Scores for the routes of an application.

    Parameters
    ----------
    model : Model
    max_waiting, batch_seconds
        As in `Settings`.
    on_batch : callable, optional
        As for `Batcher`.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_waiting: int,
        batch_seconds: float,
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        self.model = model
        self._batcher = Batcher(
            model, max_waiting=max_waiting, wait=batch_seconds, on_batch=on_batch
        )
        # Parsing takes the time of a processor, so it must not keep the event loop.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="scorer")
        self._places = threading.BoundedSemaphore(2 * _WORKERS)

    @property
    def waiting(self) -> int:
        """The number of requests that wait for the model or are being scored."""
        return self._batcher.waiting

    def close(self) -> None:
        """Take nothing more, and finish what waits for the model; what parses is left alone."""
        # Nobody waits for a worker any more: requests are answered or dropped by now.
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._batcher.close()

    async def predict(
        self, texts: Sequence[str], targets: Sequence[Sequence[str]]
    ) -> list[Prediction]:
        """Score a few texts, each against its own targets, as `Analyzer.predict` does.

        Raises
        ------
        OverloadedError
            Too many requests are waiting.
        """
        return await asyncio.wrap_future(self._batcher.submit(texts, targets))

    async def score_page(
        self,
        page: bytes,
        source: str,
        targets: Sequence[str] | None = None,
        *,
        threshold: float | None = None,
        replies: bool = True,
    ) -> list[ScoredThread]:
        """Read a page, a text dump or an export and score its threads, as `stance score` does.

        Parameters
        ----------
        page : bytes
            In any encoding that `stance.parsing.parse_bytes` reads, uncompressed.
        source : str
            What the page is called; an ending such as ".csv" helps to tell its format.
        targets, threshold, replies
            As for `Analyzer.score`.

        Returns
        -------
        list of ScoredThread
            Some may have no comments.

        Raises
        ------
        InputError
            It is no page, or more than a server takes at once.
        OverloadedError
            Too many requests are waiting.
        """
        task = functools.partial(_score_page, page, source, targets, threshold, replies)
        return await self._work(task)

    async def score_comments(
        self,
        rows: Sequence[Row],
        source: str,
        targets: Sequence[str] = (),
        *,
        threshold: float | None = None,
        replies: bool = True,
    ) -> list[tuple[dict[str, Any], Prediction | None]]:
        """Score comments alone, as `stance score` does with a file of them.

        Parameters
        ----------
        rows, source, targets, threshold, replies
            As for `stance.scoring.rows.score_rows`.

        Returns
        -------
        list of tuple
            What `score_rows` yields.

        Raises
        ------
        InputError
            It is more than a server takes at once.
        OverloadedError
            Too many requests are waiting.
        """
        task = functools.partial(_score_comments, rows, source, targets, threshold, replies)
        return await self._work(task)

    async def _work(self, task: Callable[["_Shared"], Answer]) -> Answer:
        """Run a task in a thread; when nobody waits for it any more, its texts give up theirs."""
        if not self._places.acquire(blocking=False):
            raise OverloadedError(retry_after=5)
        shared = _Shared(self.model, self._batcher)
        future = self._workers.submit(task, shared)
        future.add_done_callback(lambda _: self._places.release())
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            shared.give_up()
            raise


class _Shared:
    """A predictor for one request, in a thread of its own, whose passes are shared with others."""

    def __init__(self, model: Model, batcher: Batcher) -> None:
        self.name = model.name
        self.languages = model.languages
        self._batcher = batcher
        self._pending: Future[list[Prediction]] | None = None
        self._given_up = False

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        """Score each text as `Analyzer.predict` does."""
        self._pending = self._batcher.submit(texts, targets, parents)
        if self._given_up:
            self._pending.cancel()
        predictions = self._pending.result()
        if progress is not None:
            progress(len(texts), len(texts))
        if threshold is None:
            return predictions
        return [
            replace(prediction, toxic=max(prediction.toxicity.values()) >= threshold)
            for prediction in predictions
        ]

    def give_up(self) -> None:
        """Make `predict` fail with CancelledError, now and later."""
        self._given_up = True
        if self._pending is not None:
            self._pending.cancel()


def _score_page(
    page: bytes,
    source: str,
    targets: Sequence[str] | None,
    threshold: float | None,
    replies: bool,
    predictor: _Shared,
) -> list[ScoredThread]:
    if page.startswith(_GZIP):
        raise InputError(f"{source}: compressed; expected the page as it is, uncompressed")
    threads = list(islice(parse_bytes(page, source=source), _MAX_THREADS + 1))
    if len(threads) > _MAX_THREADS:
        raise InputError(
            f"{source}: more than {_MAX_THREADS} threads; score this export with stance score"
        )
    asked = [(thread, _targets(thread, targets)) for thread in threads]
    passes = (
        (comment.text, 1 + len(chosen) + (replies and comment.parent_id is not None))
        for thread, chosen in asked
        for comment in thread.comments
    )
    _check_work(source, passes)
    return [
        score_thread(thread, predictor, chosen, threshold=threshold, replies=replies)
        for thread, chosen in asked
    ]


def _targets(thread: Thread, targets: Sequence[str] | None) -> tuple[str, ...]:
    return choose_targets(thread) if targets is None else tuple(dict.fromkeys(targets))


def _score_comments(
    rows: Sequence[Row],
    source: str,
    targets: Sequence[str],
    threshold: float | None,
    replies: bool,
    predictor: _Shared,
) -> list[tuple[dict[str, Any], Prediction | None]]:
    # A parent is looked for in every row that may name one.
    passes = (
        (str(row.values.get("text") or ""), 1 + len(targets) + _own_targets(row) + replies)
        for row in rows
    )
    _check_work(source, passes)
    return list(
        score_rows(rows, predictor, source, targets=targets, threshold=threshold, replies=replies)
    )


def _own_targets(row: Row) -> int:
    own = row.values.get("target")
    return len(own) if isinstance(own, list) else bool(own)


def _check_work(source: str, texts: Iterable[tuple[str, int]]) -> None:
    """Refuse more than a server takes at once.

    Parameters
    ----------
    source : str
    texts : iterable of (str, int)
        Each comment, and how many passes read it.

    Raises
    ------
    InputError
        A comment is too long, or all of them are too many or too much to read.
    """
    comments = work = 0
    for text, passes in texts:
        comments += 1
        work += len(text) * passes
        if len(text) > MAX_COMMENT_CHARACTERS:
            raise InputError(
                f"{source}: comment {comments} has {len(text):,} characters; "
                f"expected at most {MAX_COMMENT_CHARACTERS:,}"
            )
    if comments > MAX_COMMENTS or work > MAX_WORK:
        raise InputError(
            f"{source}: {comments:,} comments, which take reading {work:,} characters over all "
            f"targets and replies; a request may have {MAX_COMMENTS:,} and {MAX_WORK:,}: send "
            "fewer comments or targets at a time, or use stance score"
        )
