"""What a page holds: the article and the readers' comments below it."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Self, TypeVar


@dataclass(frozen=True, slots=True)
class Article:
    """The text that the comments are about; on a forum, the opening post.

    Parameters
    ----------
    title, author, url : str or None
        None where the page does not say.
    published : str or None
        ISO 8601 in the page's own clock and offset, a date alone where no clock is given.
    text : str
        Paragraphs parted by a blank line.
    """

    title: str | None = None
    author: str | None = None
    published: str | None = None
    text: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """One reader's comment.

    Parameters
    ----------
    id : str
        Unique within its thread; the page's own id where there is one, else its number from 1.
    text : str
        Paragraphs parted by a blank line.
    author : str or None
        None where the page does not say.
    published : str or None
        ISO 8601 in the page's own clock and offset, never converted.
    parent_id : str or None
        Id of the comment that this one answers.
    depth : int
        0 for a comment on the article, 1 for an answer to such a comment, and so on.
    likes : int or None
        Votes in its favor (or the net score where the page shows only that).
    published_text : str or None
        The page's own words for the time where `published` could not be resolved from them,
        such as "3 hours ago" without a reference time.
    """

    id: str
    text: str
    author: str | None = None
    published: str | None = None
    parent_id: str | None = None
    depth: int = 0
    likes: int | None = None
    published_text: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """An article and its comments, as read from one source.

    Parameters
    ----------
    source : str
        Path or name of what was read.
    format : str
        The kind of input, such as "html", "text" or "wxr".
    article : Article or None
    comments : tuple of Comment
        In the order of the page.
    deleted : int
        Comments that the page shows as deleted; they are counted, not listed.
    notes : tuple of str
        What a reader of the result should know, such as comments that are hosted elsewhere.
    bad_rows : int
        Rows of an export that could not be read and are left out, as a note says. It is about the
        reading and not about the thread: `to_dict` leaves it out, and equal threads may differ.

    Examples
    --------
    >>> thread = Thread("page.txt", "text", Article(title="Trams"), (Comment("1", "Good."),))
    >>> Thread.from_dict(thread.to_dict()) == thread
    True
    """

    source: str
    format: str
    article: Article | None = None
    comments: tuple[Comment, ...] = ()
    deleted: int = 0
    notes: tuple[str, ...] = ()
    bad_rows: int = field(default=0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and values, ready for JSON."""
        return {
            "source": self.source,
            "format": self.format,
            "article": None if self.article is None else asdict(self.article),
            "comments": [asdict(comment) for comment in self.comments],
            "deleted": self.deleted,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a thread from what `to_dict` returned, checking every value.

        Parameters
        ----------
        data : mapping
            What has a default may be left out; further names beside these are passed over.

        Raises
        ------
        TypeError
            A value is of another type than its field.
        ValueError
            A value is missing or below zero, or an article or a comment has an unknown name.

        Examples
        --------
        >>> comments = [{"id": "1", "text": 5}]
        >>> Thread.from_dict({"source": "-", "format": "text", "comments": comments})
        Traceback (most recent call last):
        TypeError: comment 1: text is int, expected str
        """
        article = data.get("article")
        comments = _sequence(data.get("comments"), "comments")
        notes = _sequence(data.get("notes", ()), "notes")
        for note in notes:
            _check("note", note, str)
        for name, kind in (("source", str), ("format", str), ("deleted", int)):
            _check(name, data.get(name, 0 if kind is int else None), kind)
        return cls(
            source=data["source"],
            format=data["format"],
            article=None if article is None else _part(Article, article, "article"),
            comments=tuple(
                _part(Comment, comment, f"comment {number}")
                for number, comment in enumerate(comments, 1)
            ),
            deleted=data.get("deleted", 0),
            notes=tuple(notes),
        )


_Part = TypeVar("_Part", Article, Comment)


def _part(kind: type[_Part], values: Any, place: str) -> _Part:
    _check(place, values, Mapping)
    known = fields(kind)
    for part in known:
        if part.name in values:
            _check(f"{place}: {part.name}", values[part.name], part.type)
        elif part.default is MISSING:
            raise ValueError(f"{place}: {part.name} is missing")
    if unknown := values.keys() - {part.name for part in known}:
        raise ValueError(f"{place}: unknown name {min(map(str, unknown))[:40]!r}")
    return kind(**values)


def _sequence(values: Any, name: str) -> Sequence[Any]:
    _check(name, values, list | tuple)
    return values  # type: ignore[no-any-return]


def _check(name: str, value: Any, kind: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        expected = kind.__name__ if isinstance(kind, type) else kind
        raise TypeError(f"{name} is {type(value).__name__}, expected {expected}")
    if kind is int and value < 0:
        raise ValueError(f"{name} is {str(value)[:20]}, expected at least 0")
