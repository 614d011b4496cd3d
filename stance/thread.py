"""What a page holds: the article and the readers' comments below it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


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
        """Rebuild a thread from what `to_dict` returned."""
        article = data.get("article")
        return cls(
            source=data["source"],
            format=data["format"],
            article=None if article is None else Article(**article),
            comments=tuple(Comment(**comment) for comment in data["comments"]),
            deleted=data.get("deleted", 0),
            notes=tuple(data.get("notes", ())),
        )
