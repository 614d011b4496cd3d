"""What a whole thread says: shares with intervals, per target, per author, over time.

Every share carries its 95% interval after Wilson (1927), "Probable inference, the law of
succession, and statistical inference": unlike the textbook interval it stays within 0 and 1 and
holds for the dozen comments that most threads have. The interval speaks of sampling alone, not of
the model's mistakes.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stance.labels import StanceLabel
from stance.scoring.results import ScoredComment, ScoredThread, StanceScore, is_unread

RELEVANT = 0.5  # from this relevance on, a neutral comment speaks about the target
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """A count out of a total, with the 95% Wilson interval of its share.

    `share` lies in [`low`, `high`] within [0, 1]; of no comments at all it is 0, and anything
    between 0 and 1 is possible.
    """

    count: int
    total: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """How the comments stand to one target.

    Parameters
    ----------
    target : str
    comments : int
        Comments that were scored against it.
    favor, against, neutral : Share
        Of all these comments, by label; the three counts sum to `comments`.
    off_target : Share
        Of all these comments, the neutral ones that do not speak about the target.
    contested : float
        From 0 (all who take a side take the same) to 1 (all take a side, half of them each):
        twice the smaller side's share of the comments.
    """

    target: str
    comments: int
    favor: Share
    against: Share
    neutral: Share
    off_target: Share
    contested: float


@dataclass(frozen=True, slots=True)
class ReplySummary:
    """How the comments that answer another one stand to it.

    Parameters
    ----------
    replies : int
        Comments with a known parent.
    favor, against, neutral : Share
        Of these: those that agree, disagree, or do neither.
    """

    replies: int
    favor: Share
    against: Share
    neutral: Share


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """What some of the comments say: those of one author, or of one stretch of time.

    Parameters
    ----------
    name : str or None
        The author, None for comments without one; or the start of the stretch, ISO 8601.
    comments, toxic : int
        All of them, and those flagged as toxic.
    mean_toxicity : float
        Mean probability of the label toxicity; 0 where there are no comments.
    stance : dict of str to dict of str to int
        Target to label to comments.
    """

    name: str | None
    comments: int
    toxic: int
    mean_toxicity: float
    stance: dict[str, dict[StanceLabel, int]]


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """What the whole thread says.

    Parameters
    ----------
    comments : int
    authors : int
        Different names; comments without one are not counted.
    toxic : Share
        Comments flagged as toxic.
    targets : tuple of TargetSummary
        In the order of `ScoredThread.targets`; further targets of single comments follow.
    most_contested : str or None
        The target with the largest `contested`, None where no target has both sides.
    by_author : tuple of GroupSummary
        Most comments first, then in order of appearance.
    by_time : tuple of GroupSummary
        Equal stretches without gaps from the first comment to the last, by the page's clock.
    unit : str or None
        Length of a stretch: "hour", "day", "week", "month" or "year"; None without times.
    undated : int
        Comments without a time, which `by_time` leaves out.
    replies : ReplySummary
    unread : dict of str to int
        Comments in languages that the model does not read, by ISO 639-1 code.
    """

    comments: int
    authors: int
    toxic: Share
    targets: tuple[TargetSummary, ...]
    most_contested: str | None
    by_author: tuple[GroupSummary, ...]
    by_time: tuple[GroupSummary, ...]
    unit: str | None
    undated: int
    replies: ReplySummary
    unread: dict[str, int]


def wilson(count: int, total: int) -> Share:
    """Return the share of `count` in `total` with its 95% Wilson interval.

    Parameters
    ----------
    count, total : int
        0 <= `count` <= `total`.

    Examples
    --------
    >>> share = wilson(3, 12)
    >>> f"{share.share:.0%}, {share.low:.0%} to {share.high:.0%}"
    '25%, 9% to 53%'
    """
    if total == 0:
        return Share(0, 0, 0.0, 0.0, 1.0)
    share, z2 = count / total, _Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # Rounding must not push an end past the share itself at 0 and at 1.
    return Share(
        count,
        total,
        share,
        max(0.0, min(share, middle - half)),
        min(1.0, max(share, middle + half)),
    )


def summarize(scored: ScoredThread, *, max_stretches: int = 40) -> ThreadSummary:
    """Sum up a scored thread.

    Parameters
    ----------
    scored : ScoredThread
    max_stretches : int
        The time between the first and the last comment is cut into hours if that gives at most
        this many stretches, else days, weeks, months or years (years have no such limit).

    Examples
    --------
    >>> from stance.scoring.results import Prediction
    >>> from stance.thread import Comment, Thread
    >>> def scored(number, label, toxic):
    ...     shares = {name: float(name == label) for name in ("favor", "against", "neutral")}
    ...     prediction = Prediction(
    ...         (StanceScore("trams", label, **shares, relevance=1.0),),
    ...         {"toxicity": float(toxic)}, toxic, ())
    ...     return ScoredComment(Comment(str(number), "…", author="Ann"), prediction)
    >>> comments = (scored(1, "favor", False), scored(2, "against", True))
    >>> thread = Thread("page", "text", comments=tuple(item.comment for item in comments))
    >>> summary = summarize(ScoredThread(thread, ("trams",), comments, "model"))
    >>> summary.most_contested, summary.toxic.count, summary.by_author[0].comments
    ('trams', 1, 2)
    """
    comments = scored.comments
    targets = tuple(_summarize_target(*item) for item in _scores_by_target(scored).items())
    contested = max(targets, key=lambda target: target.contested, default=None)
    unit, by_time = _over_time(comments, max_stretches)
    return ThreadSummary(
        comments=len(comments),
        authors=len({item.comment.author for item in comments if item.comment.author}),
        toxic=wilson(sum(item.prediction.toxic for item in comments), len(comments)),
        targets=targets,
        most_contested=contested.target if contested and contested.contested > 0 else None,
        by_author=_by_author(comments),
        by_time=by_time,
        unit=unit,
        undated=sum(_clock(item.comment.published) is None for item in comments),
        replies=_summarize_replies(comments),
        unread=count_unread(scored),
    )


def count_unread(scored: ScoredThread) -> dict[str, int]:
    """Return the comments in languages that the model does not read, by ISO 639-1 code."""
    return dict(
        Counter(
            item.prediction.language or ""
            for item in scored.comments
            if is_unread(item.prediction, scored.languages)
        )
    )


def is_off_target(score: StanceScore) -> bool:
    """Whether a comment does not speak about the target at all."""
    return score.label == "neutral" and score.relevance < RELEVANT


def _scores_by_target(scored: ScoredThread) -> dict[str, list[StanceScore]]:
    scores: dict[str, list[StanceScore]] = {target: [] for target in scored.targets}
    for item in scored.comments:
        for score in item.prediction.stance:
            scores.setdefault(score.target, []).append(score)
    return scores


def _summarize_target(target: str, scores: Sequence[StanceScore]) -> TargetSummary:
    labels = Counter(score.label for score in scores)
    total = len(scores)
    smaller = min(labels["favor"], labels["against"])
    return TargetSummary(
        target=target,
        comments=total,
        favor=wilson(labels["favor"], total),
        against=wilson(labels["against"], total),
        neutral=wilson(labels["neutral"], total),
        off_target=wilson(sum(map(is_off_target, scores)), total),
        contested=2 * smaller / total if total else 0.0,
    )


def _summarize_replies(comments: Iterable[ScoredComment]) -> ReplySummary:
    labels = Counter(item.prediction.reply.label for item in comments if item.prediction.reply)
    total = labels.total()
    return ReplySummary(
        replies=total,
        favor=wilson(labels["favor"], total),
        against=wilson(labels["against"], total),
        neutral=wilson(labels["neutral"], total),
    )


def _summarize_group(name: str | None, comments: Sequence[ScoredComment]) -> GroupSummary:
    stance: dict[str, dict[StanceLabel, int]] = {}
    for item in comments:
        for score in item.prediction.stance:
            labels = stance.setdefault(score.target, {"favor": 0, "against": 0, "neutral": 0})
            labels[score.label] += 1
    toxicity = [item.prediction.toxicity["toxicity"] for item in comments]
    return GroupSummary(
        name=name,
        comments=len(comments),
        toxic=sum(item.prediction.toxic for item in comments),
        mean_toxicity=math.fsum(toxicity) / len(toxicity) if toxicity else 0.0,
        stance=stance,
    )


def _by_author(comments: Iterable[ScoredComment]) -> tuple[GroupSummary, ...]:
    groups: dict[str | None, list[ScoredComment]] = {}
    for item in comments:
        groups.setdefault(item.comment.author or None, []).append(item)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return tuple(_summarize_group(author, group) for author, group in ordered)


# Time


def _clock(published: str | None) -> datetime | None:
    """Read the page's own clock; an offset is dropped, since it is the same all over a page."""
    try:
        return datetime.fromisoformat(published).replace(tzinfo=None) if published else None
    except ValueError:
        return None


def _start_of_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _start_of_day(time: datetime) -> datetime:
    return _start_of_hour(time).replace(hour=0)


def _start_of_week(time: datetime) -> datetime:
    day = _start_of_day(time)
    # Year 1 begins on a Monday, so the week of a valid date never starts before it.
    return day - timedelta(days=day.weekday())


def _start_of_month(time: datetime) -> datetime:
    return _start_of_day(time).replace(day=1)


def _start_of_year(time: datetime) -> datetime:
    return _start_of_month(time).replace(month=1)


# Unit, start of the stretch that holds a time, and a step that lands in the next stretch.
_UNITS: tuple[tuple[str, Callable[[datetime], datetime], timedelta], ...] = (
    ("hour", _start_of_hour, timedelta(hours=1)),
    ("day", _start_of_day, timedelta(days=1)),
    ("week", _start_of_week, timedelta(weeks=1)),
    ("month", _start_of_month, timedelta(days=31)),
    ("year", _start_of_year, timedelta(days=366)),
)


def _over_time(
    comments: Sequence[ScoredComment], max_stretches: int
) -> tuple[str | None, tuple[GroupSummary, ...]]:
    dated = [(time, item) for item in comments if (time := _clock(item.comment.published))]
    if not dated:
        return None, ()
    first, last = min(time for time, _ in dated), max(time for time, _ in dated)
    # A page that gives days alone has no hours to show.
    has_hours = any(len(item.comment.published or "") > len("2026-01-01") for _, item in dated)
    for unit, start_of, step in _UNITS if has_hours else _UNITS[1:]:
        if unit == "year" or (last - start_of(first)) / step < max_stretches:
            break
    groups: dict[datetime, list[ScoredComment]] = {}
    for time, item in dated:
        groups.setdefault(start_of(time), []).append(item)
    names = _starts(start_of(first), start_of(last), start_of, step)
    is_hour = unit == "hour"
    return unit, tuple(
        _summarize_group(
            start.isoformat(timespec="minutes") if is_hour else start.date().isoformat(),
            groups.get(start, []),
        )
        for start in names
    )


def _starts(
    first: datetime, last: datetime, start_of: Callable[[datetime], datetime], step: timedelta
) -> list[datetime]:
    starts = [first]
    while starts[-1] < last:
        starts.append(start_of(starts[-1] + step))
    return starts
