"""A thread and its targets to a scored thread, with whatever scores texts."""

from collections.abc import Callable, Sequence

from stance.scoring.results import ScoredComment, ScoredThread
from stance.scoring.rows import Predictor
from stance.scoring.targets import choose_targets
from stance.thread import Comment, Thread


def score_thread(
    thread: Thread,
    analyzer: Predictor,
    targets: Sequence[str] | None = None,
    *,
    threshold: float | None = None,
    replies: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> ScoredThread:
    """Score every comment of a thread, as `Analyzer.score` does.

    Parameters
    ----------
    thread : Thread
    analyzer : Predictor
        What scores the texts.
    targets, threshold, replies, progress
        As for `Analyzer.score`.

    Raises
    ------
    TypeError
        `targets` is a single string.
    """
    if isinstance(targets, str):
        raise TypeError(f"targets is the string {targets!r}; expected a sequence: [{targets!r}]")
    chosen = choose_targets(thread) if targets is None else tuple(dict.fromkeys(targets))
    predictions = analyzer.predict(
        [comment.text for comment in thread.comments],
        [chosen] * len(thread.comments),
        parents=parent_texts(thread.comments) if replies else None,
        threshold=threshold,
        progress=progress,
    )
    comments = tuple(map(ScoredComment, thread.comments, predictions))
    return ScoredThread(thread, chosen, comments, analyzer.name, analyzer.languages)


def parent_texts(comments: Sequence[Comment]) -> list[str | None]:
    """Return the text that each comment answers, None where the thread does not hold it."""
    texts = {comment.id: comment.text for comment in comments}
    return [
        None
        if comment.parent_id is None or comment.parent_id == comment.id
        else texts.get(comment.parent_id)
        for comment in comments
    ]
