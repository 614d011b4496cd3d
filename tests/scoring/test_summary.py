import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.scoring.results import (
    Agreement,
    Prediction,
    ScoredComment,
    ScoredThread,
    StanceScore,
)
from stance.scoring.summary import summarize, wilson
from stance.thread import Comment, Thread


def scored_thread(*comments: ScoredComment, targets: tuple[str, ...] = ("trams",)) -> ScoredThread:
    thread = Thread("page.txt", "text", comments=tuple(item.comment for item in comments))
    return ScoredThread(thread, targets, comments, "model 1.0")


def scored(
    number: int,
    labels: dict[str, str] | None = None,
    *,
    author: str | None = "Ann",
    published: str | None = None,
    toxicity: float = 0.1,
    relevance: float = 0.9,
) -> ScoredComment:
    stance = tuple(
        StanceScore(
            target,
            label,  # type: ignore[arg-type]
            *(0.8 if label == name else 0.1 for name in ("favor", "against", "neutral")),
            relevance=relevance,
        )
        for target, label in (labels or {}).items()
    )
    comment = Comment(str(number), f"text {number}", author=author, published=published)
    return ScoredComment(
        comment, Prediction(stance, {"toxicity": toxicity, "insult": 0.0}, toxicity >= 0.5, ())
    )


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # R: binom::binom.wilson, rounded to four digits
    [
        (0, 10, 0.0, 0.2775),
        (3, 12, 0.0889, 0.5323),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson(count: int, total: int, low: float, high: float) -> None:
    share = wilson(count, total)
    assert share.share == count / total
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)


def test_of_nothing_anything_is_possible() -> None:
    share = wilson(0, 0)
    assert (share.share, share.low, share.high) == (0.0, 0.0, 1.0)


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_the_interval_holds_the_share(count: int, rest: int) -> None:
    share = wilson(count, count + rest)
    assert 0 <= share.low <= share.share <= share.high <= 1


def test_targets_and_the_most_contested() -> None:
    summary = summarize(
        scored_thread(
            scored(1, {"trams": "favor", "buses": "favor"}),
            scored(2, {"trams": "favor", "buses": "against"}),
            scored(3, {"trams": "favor", "buses": "neutral"}, relevance=0.2),
            scored(4, {"trams": "against", "buses": "neutral"}, relevance=0.8),
            targets=("trams", "buses"),
        )
    )
    trams, buses = summary.targets
    assert (trams.favor.count, trams.against.count, trams.neutral.count) == (3, 1, 0)
    assert (buses.favor.count, buses.against.count, buses.neutral.count) == (1, 1, 2)
    assert buses.off_target.count == 1
    assert (trams.contested, buses.contested) == (0.5, 0.5)
    assert summary.most_contested == "trams"  # the first of equals


def test_one_side_alone_is_not_contested() -> None:
    summary = summarize(scored_thread(scored(1, {"trams": "favor"}), scored(2, {"trams": "favor"})))
    assert summary.most_contested is None


def test_targets_of_single_comments_count_their_own_comments() -> None:
    summary = summarize(
        scored_thread(
            scored(1, {"trams": "favor", "cats": "against"}), scored(2, {"trams": "favor"})
        )
    )
    assert [(target.target, target.comments) for target in summary.targets] == [
        ("trams", 2),
        ("cats", 1),
    ]


def test_authors() -> None:
    summary = summarize(
        scored_thread(
            scored(1, {"trams": "favor"}, author="Ann", toxicity=0.2),
            scored(2, {"trams": "favor"}, author=None),
            scored(3, {"trams": "neutral"}, author="Bo", toxicity=0.9),
            scored(4, {"trams": "against"}, author="Bo", toxicity=0.1),
            scored(5, {"trams": "favor"}, author=""),
        )
    )
    assert summary.authors == 2
    assert [(group.name, group.comments, group.toxic) for group in summary.by_author] == [
        (None, 2, 0),
        ("Bo", 2, 1),
        ("Ann", 1, 0),
    ]
    assert summary.by_author[1].mean_toxicity == pytest.approx(0.5)
    assert summary.by_author[1].stance == {"trams": {"favor": 0, "against": 1, "neutral": 1}}
    assert (summary.toxic.count, summary.toxic.total) == (1, 5)


@pytest.mark.parametrize(
    ("first", "last", "unit", "names"),
    [
        (
            "2026-05-01T22:10",
            "2026-05-02T00:50",
            "hour",
            ["2026-05-01T22:00", "2026-05-01T23:00", "2026-05-02T00:00"],
        ),
        # 47 hours are too many
        (
            "2026-02-27T10:00",
            "2026-03-01T09:00+02:00",
            "day",
            ["2026-02-27", "2026-02-28", "2026-03-01"],
        ),
        ("2026-02-27", "2026-03-01", "day", ["2026-02-27", "2026-02-28", "2026-03-01"]),
        ("2026-01-01T10:00", "2026-02-20T10:00", "week", None),
        ("2025-11-30T10:00", "2026-11-02T10:00", "month", None),
        ("2015-12-31T10:00", "2017-01-01T10:00", "month", None),
        ("2010-12-31T10:00", "2026-01-01T10:00", "year", None),
        ("0001-01-01", "0001-01-01", "day", ["0001-01-01"]),
        ("9999-12-31T23:59", "9999-12-31T23:59", "hour", ["9999-12-31T23:00"]),
    ],
)
def test_stretches_of_time(first: str, last: str, unit: str, names: list[str] | None) -> None:
    summary = summarize(
        scored_thread(scored(1, published=last), scored(2, published=first), scored(3))
    )
    if names is not None:
        assert [group.name for group in summary.by_time] == names
    assert summary.unit == unit
    assert summary.undated == 1
    assert summary.by_time[0].comments >= 1
    assert summary.by_time[-1].comments >= 1
    assert math.fsum(group.comments for group in summary.by_time) == 2


def test_months_and_years_have_no_gaps() -> None:
    months = summarize(
        scored_thread(scored(1, published="2025-10-31"), scored(2, published="2026-11-30"))
    )
    assert months.unit == "month"
    assert [group.name for group in months.by_time] == [
        *(f"2025-{month}-01" for month in (10, 11, 12)),
        *(f"2026-{month:02}-01" for month in range(1, 12)),
    ]
    years = summarize(
        scored_thread(scored(1, published="1970-01-01"), scored(2, published="2026-11-30"))
    )
    assert [group.name for group in years.by_time] == [
        f"{year}-01-01" for year in range(1970, 2027)
    ]


def test_no_comments() -> None:
    summary = summarize(scored_thread())
    assert (summary.comments, summary.authors, summary.by_time, summary.unit) == (0, 0, (), None)
    assert summary.targets[0].favor.total == 0
    assert summary.most_contested is None


def test_a_time_that_is_none_is_undated() -> None:
    summary = summarize(scored_thread(scored(1, published="yesterday")))
    assert (summary.undated, summary.by_time) == (1, ())


def test_replies_and_languages_are_summed_up() -> None:
    def reply(number: int, label: str | None, language: str | None) -> ScoredComment:
        item = scored(number)
        own = None if label is None else Agreement(label, 0.2, 0.3, 0.5)  # type: ignore[arg-type]
        return replace(item, prediction=replace(item.prediction, reply=own, language=language))

    thread = scored_thread(
        reply(1, None, "en"),
        reply(2, "against", "de"),
        reply(3, "against", None),
        reply(4, "favor", "fr"),
        reply(5, "neutral", "de"),
    )
    summary = summarize(thread)
    replies = summary.replies
    assert (replies.replies, replies.favor.count, replies.against.count) == (4, 1, 2)
    assert (replies.neutral.count, replies.against.share) == (1, 0.5)
    assert summary.unread == {"de": 2, "fr": 1}
    assert summarize(replace(thread, languages=("de", "en"))).unread == {"fr": 1}
    assert summarize(scored_thread()).replies.replies == 0
