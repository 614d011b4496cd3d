"""The thread report: one HTML file that says what a thread says, with every comment in its place.

The file loads nothing and sends nothing. All text of others is escaped by the template, and its
control characters are made visible.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stance.labels import StanceLabel
from stance.reporting.page import render_page, script_json
from stance.reporting.terminal import share_text
from stance.reporting.visible import cut_at_spans, make_line
from stance.scoring.language import language_name, say_unread
from stance.scoring.results import (
    Agreement,
    ScoredComment,
    ScoredThread,
    StanceScore,
    is_unread,
)
from stance.scoring.summary import (
    GroupSummary,
    Share,
    TargetSummary,
    ThreadSummary,
    is_off_target,
    summarize,
)

MAX_TARGETS = 12  # in the charts and the map; comments show all of theirs
MAX_MAPPED = 300  # comments in the map
MAX_AUTHORS = 100  # in the table
MAX_NAMED = 1000  # authors that the filter offers
MAX_LISTED = 500  # comments of a thread that stand in the page; the script brings in the others
MAX_STRETCHES = 400
OPEN_AUTHORS = 10
DEEPEST = 6  # deeper answers are not indented further
PAGE_LANGUAGE = "en"  # of the report itself
SHOWN_TOXICITY = 0.1  # labels below are not worth a word

_SIGNS = {"favor": "+", "against": "−", "neutral": "·", "off": ""}


def render_threads(threads: Sequence[ScoredThread], *, back: str | None = None) -> str:
    """Return the report of one or more threads as an HTML page.

    Parameters
    ----------
    threads : sequence of ScoredThread
    back : str, optional
        Address of the form that asked for the report, which then links to it.

    Returns
    -------
    str
        A whole page, to be stored as UTF-8.

    Examples
    --------
    >>> from stance.thread import Thread
    >>> page = render_threads([ScoredThread(Thread("page.txt", "text"), (), (), "model 1.0")])
    >>> page.startswith("<!doctype html>"), "page.txt" in page
    (True, True)
    """
    from markupsafe import Markup

    return render_page(
        "thread",
        views=[_view(number, scored) for number, scored in enumerate(threads, 1)],
        models=sorted({scored.model for scored in threads}),
        signs=_SIGNS,
        back=back,
        max_listed=MAX_LISTED,
        open_authors=OPEN_AUTHORS,
        # JSON that cannot end its script element.
        data=Markup(script_json([_data(scored) for scored in threads])),  # noqa: S704
    )


def _data(scored: ScoredThread) -> dict[str, object]:
    """Return what the page's script sorts, filters and exports."""
    targets = [target.target for target in summarize(scored).targets[:MAX_TARGETS]]
    return {"targets": targets, "rows": scored.rows()}


# What the template shows


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of a stacked bar, in percent of its width."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class _TargetView:
    name: str
    parts: list[_Part]
    cells: list[tuple[str, int, str]]  # kind, comments, share with interval
    comments: int
    is_most_contested: bool


@dataclass(frozen=True, slots=True)
class _StanceView:
    target: str
    kind: str
    words: str
    parts: list[_Part]


@dataclass(frozen=True, slots=True)
class _ReplyView:
    kind: str
    verb: str
    to: str | None
    share: str
    parts: list[_Part]


@dataclass(frozen=True, slots=True)
class _CommentView:
    number: int
    anchor: str
    depth: int
    author: str | None
    published: str | None
    parent: int | None
    parent_anchor: str | None
    likes: int | None
    is_toxic: bool
    toxicity: str
    segments: list[tuple[str, bool]]  # text, whether it is a toxic span
    stances: list[_StanceView]
    reply: _ReplyView | None
    language: str | None  # a code, where the text is not in the page's own language
    unread: str | None  # the name of a language that the model does not read


@dataclass(frozen=True, slots=True)
class _MapRow:
    name: str
    cells: list[tuple[str, int]]  # kind, strength from 1 to 4


@dataclass(frozen=True, slots=True)
class _Bar:
    kind: str
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class _Chart:
    """Stacked columns over time, and the same as rows of a table."""

    title: str
    kinds: list[tuple[str, str]]  # kind, its name
    bars: list[_Bar]
    peak: int
    rows: list[tuple[str, list[int]]]  # stretch, comments by kind
    means: list[str]  # mean toxicity in each stretch, in a chart of toxicity


@dataclass(frozen=True, slots=True)
class _StanceCount:
    favor: int
    against: int
    neutral: int
    parts: list[_Part]


@dataclass(frozen=True, slots=True)
class _AuthorView:
    name: str | None
    first: int  # place of the author's first comment in the thread, from 0
    comments: int
    toxic: int
    mean_toxicity: float
    stance: list[_StanceCount | None]  # to each shown target


@dataclass(frozen=True, slots=True)
class _View:
    """A thread as the template shows it."""

    anchor: str
    heading: str
    source: str
    url: str | None
    byline: str
    notes: list[str]
    deleted: int
    summary: ThreadSummary
    warning: str | None
    toxic: str
    most_contested: str | None
    contested_by: str  # who takes which side of it
    names: list[str]
    hidden_targets: int
    targets: list[_TargetView]
    mapped: list[tuple[int, str, bool]]  # number, anchor, whether toxic
    map_rows: list[_MapRow]
    charts: list[_Chart]
    first: str
    last: str
    authors: list[_AuthorView]
    hidden_authors: int
    named_authors: list[tuple[int, str | None, int]]  # first comment, name, comments
    unnamed_authors: int
    comments: list[_CommentView]
    has_marks: bool


def _view(number: int, scored: ScoredThread) -> _View:
    anchor = f"t{number}"
    summary = summarize(scored)
    shown = [target.target for target in summary.targets[:MAX_TARGETS]]
    article = scored.thread.article
    stretches = summary.by_time if len(summary.by_time) <= MAX_STRETCHES else ()
    first = _first_comments(scored.comments)
    return _View(
        anchor=anchor,
        heading=make_line((article and article.title) or scored.thread.source),
        source=make_line(scored.thread.source),
        url=_web_address(article.url if article else None),
        byline=make_line(
            ", ".join(filter(None, (article.author, article.published)) if article else ())
        ),
        notes=[make_line(note) for note in scored.thread.notes],
        deleted=scored.thread.deleted,
        summary=summary,
        warning=say_unread(summary.unread, summary.comments, scored.languages)
        if summary.unread
        else None,
        toxic=share_text(summary.toxic),
        most_contested=summary.most_contested and make_line(summary.most_contested),
        contested_by=_contested_by(summary),
        names=[make_line(name) for name in shown],
        hidden_targets=len(summary.targets) - len(shown),
        targets=[_target_view(target, summary) for target in summary.targets[:MAX_TARGETS]],
        mapped=[
            (n, f"{anchor}-c{n}", item.prediction.toxic)
            for n, item in enumerate(scored.comments[:MAX_MAPPED], 1)
        ],
        map_rows=[_map_row(name, scored.comments[:MAX_MAPPED]) for name in shown],
        charts=_charts(stretches, shown),
        first=stretches[0].name or "" if stretches else "",
        last=stretches[-1].name or "" if stretches else "",
        authors=[_author_view(group, shown, first) for group in summary.by_author[:MAX_AUTHORS]],
        hidden_authors=max(0, len(summary.by_author) - MAX_AUTHORS),
        named_authors=_named_authors(summary.by_author[:MAX_NAMED], first),
        unnamed_authors=max(0, len(summary.by_author) - MAX_NAMED),
        comments=_comment_views(anchor, scored),
        has_marks=any(
            item.prediction.toxic or item.prediction.toxic_spans for item in scored.comments
        ),
    )


def _web_address(url: str | None) -> str | None:
    """Return an address only if following it is all that it can do."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _stacked(shares: Iterable[tuple[str, float]]) -> list[_Part]:
    """Lay shares that sum to one side by side.

    >>> [(part.x, part.width) for part in _stacked([("favor", 0.25), ("against", 0.75)])]
    [(0.0, 25.0), (25.0, 75.0)]
    """
    parts, x = [], 0.0
    for kind, share in shares:
        if share > 0:
            parts.append(_Part(kind, round(x, 2), round(100 * share, 2)))
        x += 100 * share
    return parts


# Targets


def _target_view(target: TargetSummary, summary: ThreadSummary) -> _TargetView:
    on_target = target.neutral.count - target.off_target.count
    counts = [
        ("favor", target.favor.count),
        ("neutral", on_target),
        ("off", target.off_target.count),
        ("against", target.against.count),
    ]
    total = max(target.comments, 1)
    cells: list[tuple[str, Share]] = [
        ("favor", target.favor),
        ("against", target.against),
        ("neutral", target.neutral),
        ("off", target.off_target),
    ]
    return _TargetView(
        name=make_line(target.target),
        parts=_stacked((kind, count / total) for kind, count in counts),
        cells=[(kind, share.count, share_text(share)) for kind, share in cells],
        comments=target.comments,
        is_most_contested=target.target == summary.most_contested and len(summary.targets) > 1,
    )


def _contested_by(summary: ThreadSummary) -> str:
    """Return the sides of the most contested target, such as "7 in favor, 4 against"."""
    for target in summary.targets:
        if target.target == summary.most_contested:
            return f"{target.favor.count:,} in favor, {target.against.count:,} against"
    return ""


def _kind(score: StanceScore) -> str:
    return "off" if is_off_target(score) else score.label


def _map_row(target: str, comments: Sequence[ScoredComment]) -> _MapRow:
    cells = []
    for item in comments:
        score = next((own for own in item.prediction.stance if own.target == target), None)
        cells.append(("none", 1) if score is None else (_kind(score), _strength(score)))
    return _MapRow(make_line(target), cells)


def _strength(score: StanceScore) -> int:
    """Return how sure the label is, from 1 (no surer than chance) to 4."""
    share: float = getattr(score, score.label)
    return 1 + min(3, max(0, int((share - 1 / 3) * 6)))


# Time


def _charts(stretches: Sequence[GroupSummary], targets: Sequence[str]) -> list[_Chart]:
    if not stretches:
        return []

    def by_toxicity(group: GroupSummary) -> list[int]:
        return [group.toxic, group.comments - group.toxic]

    def by_stance(target: str) -> Callable[[GroupSummary], list[int]]:
        def counts(group: GroupSummary) -> list[int]:
            labels = group.stance.get(target)
            return [labels["favor"], labels["neutral"], labels["against"]] if labels else [0, 0, 0]

        return counts

    toxicity = [("toxic", "flagged as toxic"), ("other", "other comments")]
    stance = [("favor", "in favor"), ("neutral", "neutral"), ("against", "against")]
    means = [f"{group.mean_toxicity:.0%}" if group.comments else "–" for group in stretches]
    return [
        _chart("Comments and toxicity", toxicity, stretches, by_toxicity, means),
        *(_chart(make_line(name), stance, stretches, by_stance(name)) for name in targets),
    ]


def _chart(
    title: str,
    kinds: list[tuple[str, str]],
    stretches: Sequence[GroupSummary],
    counts: Callable[[GroupSummary], list[int]],
    means: Sequence[str] = (),
) -> _Chart:
    rows = [(group.name or "", counts(group)) for group in stretches]
    peak = max((sum(row) for _, row in rows), default=0)
    return _Chart(title, kinds, list(_columns(rows, kinds, peak)), peak, rows, list(means))


def _columns(
    rows: Sequence[tuple[str, list[int]]], kinds: Sequence[tuple[str, str]], peak: int
) -> Iterator[_Bar]:
    """Yield the pieces of stacked columns in a field of 100 by 100."""
    step = 100 / len(rows)
    for number, (name, counts) in enumerate(rows):
        y = 100.0
        words = ", ".join(
            f"{count} {kind}" for (_, kind), count in zip(kinds, counts, strict=True) if count
        )
        for (kind, _), count in zip(kinds, counts, strict=True):
            if count:
                height = 100 * count / max(peak, 1)
                y -= height
                yield _Bar(
                    kind=kind,
                    x=round((number + 0.08) * step, 3),
                    y=round(y, 3),
                    width=round(0.84 * step, 3),
                    height=round(height, 3),
                    words=f"{name}: {words}",
                )


# Authors and comments


def _first_comments(comments: Iterable[ScoredComment]) -> dict[str | None, int]:
    """Return the place of each author's first comment: a name for them that is free of text."""
    first: dict[str | None, int] = {}
    for place, item in enumerate(comments):
        first.setdefault(item.comment.author or None, place)
    return first


def _author_view(
    group: GroupSummary, targets: Sequence[str], first: Mapping[str | None, int]
) -> _AuthorView:
    return _AuthorView(
        name=None if group.name is None else make_line(group.name),
        first=first[group.name],
        comments=group.comments,
        toxic=group.toxic,
        mean_toxicity=group.mean_toxicity,
        stance=[_stance_count(group.stance.get(target)) for target in targets],
    )


def _stance_count(labels: Mapping[StanceLabel, int] | None) -> _StanceCount | None:
    if labels is None:
        return None
    total = sum(labels.values())
    kinds: tuple[StanceLabel, ...] = ("favor", "neutral", "against")
    return _StanceCount(
        favor=labels["favor"],
        against=labels["against"],
        neutral=labels["neutral"],
        parts=_stacked((kind, labels[kind] / total) for kind in kinds),
    )


def _named_authors(
    groups: Iterable[GroupSummary], first: Mapping[str | None, int]
) -> list[tuple[int, str | None, int]]:
    """Return the authors by name; those without one come last."""
    named = [
        (first[group.name], None if group.name is None else make_line(group.name), group.comments)
        for group in groups
    ]
    return sorted(named, key=lambda item: (item[1] is None, (item[1] or "").casefold()))


def _comment_views(anchor: str, scored: ScoredThread) -> list[_CommentView]:
    numbers = {item.comment.id: number for number, item in enumerate(scored.comments, 1)}
    return [
        _comment_view(anchor, number, scored, numbers)
        for number in range(1, len(scored.comments) + 1)
    ]


def _comment_view(
    anchor: str, number: int, scored: ScoredThread, numbers: Mapping[str, int]
) -> _CommentView:
    comment, prediction = (
        scored.comments[number - 1].comment,
        scored.comments[number - 1].prediction,
    )
    parent = numbers.get(comment.parent_id) if comment.parent_id else None
    language = prediction.language
    when = comment.published or comment.published_text
    return _CommentView(
        number=number,
        anchor=f"{anchor}-c{number}",
        depth=min(comment.depth, DEEPEST),
        author=make_line(comment.author) if comment.author else None,
        published=make_line(when.replace("T", " ") if comment.published else when)
        if when
        else None,
        parent=parent,
        parent_anchor=None if parent is None else f"{anchor}-c{parent}",
        likes=comment.likes,
        is_toxic=prediction.toxic,
        toxicity=_toxicity_words(prediction.toxicity),
        segments=cut_at_spans(comment.text, prediction.toxic_spans),
        stances=[_stance_view(score) for score in prediction.stance],
        reply=_reply_view(prediction.reply, parent, scored) if prediction.reply else None,
        language=None if language == PAGE_LANGUAGE else language,
        unread=language_name(language)
        if language and is_unread(prediction, scored.languages)
        else None,
    )


def _reply_view(reply: Agreement, parent: int | None, scored: ScoredThread) -> _ReplyView:
    verbs = {
        "favor": "agrees with",
        "against": "disagrees with",
        "neutral": "neither agrees nor disagrees with",
    }
    author = None if parent is None else scored.comments[parent - 1].comment.author
    share: float = getattr(reply, reply.label)
    return _ReplyView(
        kind=reply.label,
        verb=verbs[reply.label],
        to=make_line(author) if author else None,
        share=f"{share:.0%}",
        parts=_stacked(
            (("favor", reply.favor), ("neutral", reply.neutral), ("against", reply.against))
        ),
    )


def _toxicity_words(toxicity: Mapping[str, float]) -> str:
    """Return the labels worth a word, such as "toxicity 82%, insult 71%".

    >>> _toxicity_words({"toxicity": 0.03, "severe_toxicity": 0.0, "insult": 0.2})
    'toxicity 3%, insult 20%'
    """
    return ", ".join(
        f"{label.replace('_', ' ')} {value:.0%}"
        for label, value in toxicity.items()
        if label == "toxicity" or value >= SHOWN_TOXICITY
    )


def _stance_view(score: StanceScore) -> _StanceView:
    kind = _kind(score)
    share: float = getattr(score, score.label)
    words = {"favor": "in favor", "against": "against", "neutral": "neutral", "off": "not about it"}
    return _StanceView(
        target=make_line(score.target),
        kind=kind,
        words=words[kind] if kind == "off" else f"{words[kind]} {share:.0%}",
        parts=_stacked(
            (("favor", score.favor), ("neutral", score.neutral), ("against", score.against))
        ),
    )
