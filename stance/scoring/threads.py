"""A thread and its targets to a scored thread, with whatever scores texts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from stance.scoring.results import ScoredComment, ScoredThread
from stance.scoring.rows import EMPTY_TEXT, Predictor
from stance.scoring.targets import choose_targets
from stance.thread import Comment, Thread
from stance.words import count_words, is_empty


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

    Comments without a text that can be seen are left out; a note counts them.

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
    read = _without_empty(thread)
    predictions = analyzer.predict(
        [comment.text for comment in read.comments],
        [chosen] * len(read.comments),
        parents=parent_texts(read.comments) if replies else None,
        threshold=threshold,
        progress=progress,
    )
    comments = tuple(map(ScoredComment, read.comments, predictions))
    return ScoredThread(read, chosen, comments, analyzer.name, analyzer.languages)


def _without_empty(thread: Thread) -> Thread:
    """Return a thread without the comments that say nothing, and with a note that counts them."""
    kept = tuple(comment for comment in thread.comments if not is_empty(comment.text))
    empty = len(thread.comments) - len(kept)
    if not empty:
        return thread
    note = empty_note(empty, len(thread.comments))
    return replace(thread, comments=kept, notes=(*thread.notes, note))


def empty_note(empty: int, comments: int) -> str:
    """Return the words for so many comments of a thread that could not be scored."""
    return f"{empty:,} of {count_words(comments, 'comment')} could not be scored: {EMPTY_TEXT}"


def parent_texts(comments: Sequence[Comment]) -> list[str | None]:
    """Return the text that each comment answers, None where the thread does not hold it."""
    texts = {comment.id: comment.text for comment in comments}
    answered = (
        None
        if comment.parent_id is None or comment.parent_id == comment.id
        else texts.get(comment.parent_id)
        for comment in comments
    )
    return [None if text is None or is_empty(text) else text for text in answered]
