"""Comments that a system exported: WordPress, Disqus, Reddit, YouTube, Hacker News, JSON, CSV.

XML is read as a stream, without entities and without the network. HTML inside comments becomes
text. A bad line or entry is counted in the thread's notes and costs nothing else.
"""

import html
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from stance.errors import InputError
from stance.parsing.dates import FIRST_YEAR, LAST_YEAR, parse_time
from stance.parsing.detect import Format, decode, detect_encoding, replace_surrogates
from stance.tables import Row, read_csv
from stance.thread import Article, Comment, Thread
from stance.words import count_words

LARGEST_JSON = 256 * 1024 * 1024  # bytes of a JSON document, which is read whole
LONGEST_LINE = 16 * 1024 * 1024  # bytes of one line of JSON Lines

_DISQUS_ID = "{http://disqus.com/disqus-internals}id"
_BLOCKS = frozenset(
    ("p", "div", "blockquote", "ul", "ol", "pre", "table", "article", "section", "figure", "hr")
) | {f"h{level}" for level in range(1, 7)}
_LINES = frozenset(("br", "li", "tr", "dt", "dd"))
_HIDDEN = frozenset(("script", "style", "template", "noscript", "head"))
_HTML = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>|&(?:#\d{1,7}|#x[\da-fA-F]{1,6}|\w{2,10});")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))
_DELETED_TEXTS = frozenset(("[deleted]", "[removed]", "[dead]", "[flagged]"))

_ALIASES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "comment", "comment_text", "body", "content", "message", "comment_content",
        "comment_body", "textoriginal", "textdisplay", "description",
    ),
    "author": (
        "author", "author_name", "user", "username", "user_name", "name", "screen_name", "by",
        "comment_author", "authordisplayname", "creator",
    ),
    "published": (
        # Older Reddit exports state `created` too, eight hours later.
        "published", "date", "created_at", "published_at", "created_utc", "created", "timestamp",
        "time", "datetime", "createdat", "publishedat", "comment_date", "date_created",
        "datecreated", "datepublished",
    ),
    "parent": (
        "parent_id", "parent", "reply_to", "in_reply_to", "in_reply_to_id", "replyto", "parentid",
        "comment_parent", "reply_to_id",
    ),
    "id": ("id", "comment_id", "commentid", "_id", "objectid", "@id"),
    "likes": (
        "likes", "score", "like_count", "likecount", "upvotes", "points", "votes", "ups",
        "upvotecount",
    ),
}  # fmt: skip


@dataclass(slots=True)
class _Entry:
    """A comment as exported; `kept` is False where it only holds its answers' place."""

    id: str | None
    parent: str | None
    text: str
    author: str | None = None
    published: str | None = None
    published_text: str | None = None
    likes: int | None = None
    kept: bool = True


def parse_export(
    stream: BinaryIO, kind: Format, *, source: str = "-", now: datetime | None = None
) -> Iterator[Thread]:
    r"""Read the threads of an export, one for each article that has comments.

    Parameters
    ----------
    stream : binary stream
        From the export's first byte.
    kind : str
        As `stance.parsing.detect.detect_format` names it.
    source : str
        Name for results and messages.
    now : datetime, optional
        Reference for relative times.

    Raises
    ------
    InputError
        If the export is broken, declares XML entities or holds no comments in a known form.

    Examples
    --------
    >>> stream = io.BytesIO(b'{"text": "Good.", "user": "Ada"}\n{broken\n')
    >>> [thread] = parse_export(stream, "jsonl")
    >>> thread.comments[0].author, thread.notes
    ('Ada', ('1 of 2 lines left out: no JSON (first: line 2)',))
    """
    if kind == "wxr":
        yield from _read_wxr(stream, source)
    elif kind == "disqus":
        yield from _read_disqus(stream, source)
    elif kind == "jsonl":
        yield from _read_json_lines(stream, source, now)
    elif kind == "csv":
        yield _read_csv(stream, source, now)
    else:
        document = load_json(stream, source)
        yield from _read_document(document, kind, source, now)


# WordPress and Disqus


def _read_wxr(stream: BinaryIO, source: str) -> Iterator[Thread]:
    """Yield a thread for each post of a WordPress export (WXR) that has comments.

    Format: https://wordpress.org/documentation/article/tools-export-screen/
    """
    found = False
    for item in _elements(stream, ("item",), source):
        thread = _wxr_thread(item, source)
        if thread is not None:
            found = True
            yield thread
    if not found:
        yield Thread(source, "wxr", notes=("no comments in this export",))


def _wxr_thread(item: Any, source: str) -> Thread | None:
    entries, left_out, deleted = [], 0, 0
    for element in item.iterchildren():
        if _local_name(element) != "comment":
            continue
        fields = {_local_name(child): (child.text or "").strip() for child in element}
        approved = fields.get("comment_approved", "1")
        kept = approved in ("1", "approved", "approve") and _is_comment_type(fields)
        deleted += approved in ("trash", "post-trashed")
        left_out += not kept and approved not in ("trash", "post-trashed")
        # Either may be 0000-00-00 00:00:00, as imports leave it.
        local, gmt = fields.get("comment_date", ""), fields.get("comment_date_gmt", "")
        parent = fields.get("comment_parent", "0")
        entries.append(
            _Entry(
                id=fields.get("comment_id") or None,
                parent=None if parent in ("", "0") else parent,
                text=html_to_text(fields.get("comment_content", "")),
                author=html.unescape(fields.get("comment_author", "")) or None,
                published=parse_time(local) or parse_time(gmt),
                kept=kept,
            )
        )
    comments = _assemble(entries)
    if not comments and not deleted:
        return None
    notes = (f"{left_out} pingbacks, unapproved or spam comments left out",) if left_out else ()
    return Thread(source, "wxr", _wxr_article(item), comments, deleted, notes)


def _is_comment_type(fields: Mapping[str, str]) -> bool:
    return fields.get("comment_type", "") in ("", "comment", "review")


def _wxr_article(item: Any) -> Article:
    fields: dict[str, str] = {}
    for child in item.iterchildren():
        name = _local_name(child)
        if name == "encoded" and "excerpt" in str(child.tag):
            continue
        fields.setdefault(name, (child.text or "").strip())
    return Article(
        title=html.unescape(fields.get("title", "")) or None,
        author=fields.get("creator") or None,
        published=parse_time(fields.get("post_date") or fields.get("pubDate", "")),
        text=html_to_text(fields.get("encoded", "")),
        url=fields.get("link") or None,
    )


def _read_disqus(stream: BinaryIO, source: str) -> Iterator[Thread]:
    """Yield a thread for each page of a Disqus export that has comments.

    Format: https://help.disqus.com/en/articles/1717164-comments-export
    """
    articles: dict[str, Article] = {}
    entries: dict[str, list[_Entry]] = {}
    deleted: dict[str, int] = {}
    spam: dict[str, int] = {}
    for element in _elements(stream, ("thread", "post"), source):
        if _local_name(element) == "thread":
            if len(element):  # else a reference inside a post
                articles[element.get(_DISQUS_ID, "")] = _disqus_article(element)
            continue
        thread_id = next((c.get(_DISQUS_ID, "") for c in element if _local_name(c) == "thread"), "")
        entry, is_deleted = _disqus_entry(element)
        entries.setdefault(thread_id, []).append(entry)
        deleted[thread_id] = deleted.get(thread_id, 0) + is_deleted
        spam[thread_id] = spam.get(thread_id, 0) + (not entry.kept and not is_deleted)
    found = False
    for thread_id, posts in entries.items():
        comments = _assemble(posts)
        if comments or deleted[thread_id]:
            found = True
            left_out = spam[thread_id]
            notes = (f"{left_out} spam comments left out",) if left_out else ()
            article = articles.get(thread_id)
            yield Thread(source, "disqus", article, comments, deleted[thread_id], notes)
    if not found:
        yield Thread(source, "disqus", notes=("no comments in this export",))


def _disqus_article(element: Any) -> Article:
    fields = {_local_name(child): (child.text or "").strip() for child in element}
    return Article(
        title=html.unescape(fields.get("title", "")) or None,
        published=parse_time(fields.get("createdAt", "")),
        url=fields.get("link") or None,
    )


def _disqus_entry(element: Any) -> tuple[_Entry, bool]:
    fields = {_local_name(child): child for child in element}

    def text_of(name: str) -> str:
        return (fields[name].text or "").strip() if name in fields else ""

    deleted = text_of("isDeleted") == "true"
    author = {}
    if "author" in fields:
        author = {_local_name(c): (c.text or "").strip() for c in fields["author"]}
    entry = _Entry(
        id=element.get(_DISQUS_ID) or None,
        parent=fields["parent"].get(_DISQUS_ID) if "parent" in fields else None,
        text=html_to_text(text_of("message")),
        author=author.get("name") or author.get("username") or None,
        published=parse_time(text_of("createdAt")),
        kept=not deleted and text_of("isSpam") != "true" and text_of("isApproved") != "false",
    )
    return entry, deleted


def _elements(stream: BinaryIO, names: tuple[str, ...], source: str) -> Iterator[Any]:
    """Yield each finished top-level element of these names, freeing the ones before it."""
    from lxml import etree

    events = etree.iterparse(
        _WithoutControls(stream),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    checked = False
    try:
        for event, element in events:
            if not checked:
                _refuse_entities(element, source)
                checked = True
            if event == "start" or _local_name(element) not in names:
                continue
            parent = element.getparent()
            if parent is None or _local_name(parent) in names:
                continue  # a reference inside a post
            yield element
            element.clear()
            while element.getprevious() is not None and parent[0] is not element:
                del parent[0]
    except etree.XMLSyntaxError as error:
        place = f"line {error.lineno}" if error.lineno else "its beginning"
        raise InputError(
            f"{source}: broken XML at {place}; what stands before it was read, export it again"
        ) from None


def _refuse_entities(element: Any, source: str) -> None:
    dtd = element.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise InputError(f"{source}: this XML declares entities, which no export does; refused")


def _local_name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class _WithoutControls:
    """A binary stream without the control characters that XML forbids but exports contain."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        clean = data.translate(None, _CONTROLS)
        return clean if clean or not data else self.read(size)


# JSON documents


def load_json(stream: BinaryIO, source: str) -> Any:
    """Return what a JSON document holds.

    Raises
    ------
    InputError
        It is broken, nested too deeply or too large.
    """
    data = stream.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise InputError(
            f"{source}: JSON of more than {LARGEST_JSON // 2**20} MB; expected JSON Lines"
        )
    try:
        return json.loads(decode(data, source=source).lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: broken JSON at line {error.lineno} ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{source}: JSON nested too deeply; expected an export") from None
    except ValueError as error:  # a number of too many digits
        raise InputError(f"{source}: broken JSON ({error})") from None


def _read_document(
    document: Any, kind: Format, source: str, now: datetime | None
) -> Iterator[Thread]:
    readers: dict[str, Callable[[Any, str, datetime | None], list[Thread]]] = {
        "reddit": _read_reddit,
        "youtube": _read_youtube,
        "hackernews": _read_hacker_news,
        "jsonld": _read_json_ld,
    }
    threads = readers[kind](document, source, now) if kind in readers else []
    if not threads:
        threads = _read_plain_json(document, source, now)
    if not threads:
        raise InputError(
            f"{source}: JSON without comments in a known form; expected objects with a text field, "
            "or an export of Reddit, YouTube, Hacker News or schema.org"
        )
    yield from threads


def _read_reddit(document: Any, source: str, now: datetime | None) -> list[Thread]:
    """Read a page of Reddit's JSON: a listing with the post and one with its comments.

    Format: https://www.reddit.com/dev/api/#GET_comments_{article}
    """
    article, entries, deleted, more = None, [], 0, 0
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
            continue
        data = node.get("data") if isinstance(node, dict) else None
        if not isinstance(data, dict):
            continue
        kind = node.get("kind")
        if kind == "Listing":
            waiting.append(_list(data.get("children")))
        elif kind == "more":
            more += _integer(data.get("count")) or 0
        elif kind == "t3" and article is None:
            article = Article(
                title=_string(data.get("title")),
                author=_string(data.get("author")),
                published=_time(data.get("created_utc"), now)[0],
                text=html.unescape(_string(data.get("selftext")) or ""),
                url=_string(data.get("url")),
            )
        elif kind == "t1":
            entry = _mapping_entry(data, now, lambda text: html.unescape(text).strip())
            gone = entry.text in _DELETED_TEXTS
            entry.kept = not gone
            deleted += gone
            entries.append(entry)
            waiting.append(data.get("replies"))
    if not entries and article is None:
        return []
    notes = (f"{more} more comments are not in this export",) if more else ()
    return [Thread(source, "reddit", article, _assemble(entries), deleted, notes)]


def _read_youtube(document: Any, source: str, now: datetime | None) -> list[Thread]:
    """Read answers of YouTube's commentThreads and comments endpoints.

    Format: https://developers.google.com/youtube/v3/docs/commentThreads
    """
    entries, missing, known = [], 0, False
    for page in _list(document):
        if not isinstance(page, dict):
            continue
        known = known or "youtube#comment" in str(page.get("kind"))
        for item in _list(page.get("items", page)):
            snippet = _dict(_dict(item).get("snippet"))
            top = _dict(snippet.get("topLevelComment")) or _dict(item)
            entries.append(_youtube_entry(top, None, now))
            answers = _list(_dict(_dict(item).get("replies")).get("comments"))
            entries.extend(_youtube_entry(_dict(answer), entries[-1].id, now) for answer in answers)
            missing += max(0, (_integer(snippet.get("totalReplyCount")) or 0) - len(answers))
    entries = [entry for entry in entries if entry.text]
    if not entries and not known:
        return []
    notes = (f"{missing} replies are not in this export",) if missing else ()
    return [Thread(source, "youtube", None, _assemble(entries), 0, notes)]


def _youtube_entry(item: Mapping[str, Any], parent: str | None, now: datetime | None) -> _Entry:
    snippet = _dict(item.get("snippet"))
    original = _string(snippet.get("textOriginal"))
    published, published_text = _time(snippet.get("publishedAt"), now)
    return _Entry(
        id=_string(item.get("id")),
        parent=_string(snippet.get("parentId")) or parent,
        text=original if original else html_to_text(_string(snippet.get("textDisplay")) or ""),
        author=_string(snippet.get("authorDisplayName")),
        published=published,
        published_text=published_text,
        likes=_integer(snippet.get("likeCount")),
    )


def _read_hacker_news(document: Any, source: str, now: datetime | None) -> list[Thread]:
    """Read a tree of items (Algolia), a list of items (Firebase) or of search hits.

    Formats: https://hn.algolia.com/api and https://github.com/HackerNews/API
    """
    article, entries, deleted = None, [], 0
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        if "hits" in node:
            waiting.append(node["hits"])
            continue
        if node.get("title") and article is None and node.get("type", "story") != "comment":
            article = Article(
                title=_string(node["title"]),
                author=_string(node.get("author") or node.get("by")),
                published=_time(node.get("created_at") or node.get("time"), now)[0],
                text=html_to_text(_string(node.get("text")) or ""),
                url=_string(node.get("url")),
            )
        elif node.get("type") != "story":
            entry = _mapping_entry(node, now, html_to_text)
            entry.kept = bool(entry.text) and not node.get("deleted") and not node.get("dead")
            entry.kept = entry.kept and entry.text not in _DELETED_TEXTS
            deleted += not entry.kept
            entries.append(entry)
        waiting.append(_list(node.get("children")))
    if article is None and not any(entry.kept for entry in entries):
        return []
    return [Thread(source, "hackernews", article, _assemble(entries), deleted)]


def _read_json_ld(document: Any, source: str, now: datetime | None) -> list[Thread]:
    """Read schema.org data: each work that has comments (https://schema.org/Comment)."""
    threads, waiting = [], [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        answers = _json_ld_answers(node)
        if answers:
            entries = _json_ld_entries(answers, now)
            article = Article(
                title=_string(node.get("headline") or node.get("name")),
                author=_name(node.get("author")),
                published=_time(node.get("datePublished") or node.get("dateCreated"), now)[0],
                text=html_to_text(_string(node.get("articleBody") or node.get("text")) or ""),
                url=_string(node.get("url") or node.get("@id")),
            )
            threads.append(Thread(source, "jsonld", article, _assemble(entries)))
            continue
        waiting.extend(value for value in node.values() if isinstance(value, dict | list))
    return threads


def _json_ld_answers(node: Mapping[str, Any]) -> list[Any]:
    return [
        answer
        for key in ("comment", "comments", "acceptedAnswer", "suggestedAnswer")
        for answer in _list(node.get(key))
        if isinstance(answer, dict)
    ]


def _json_ld_entries(answers: Sequence[Any], now: datetime | None) -> list[_Entry]:
    entries: list[_Entry] = []
    waiting: list[tuple[Any, str | None]] = [(answer, None) for answer in reversed(answers)]
    while waiting:
        node, parent = waiting.pop()
        entry = _mapping_entry(node, now, html_to_text)
        entry.id = entry.id or _string(node.get("url") or node.get("identifier"))
        entry.id = entry.id or str(len(entries) + 1)
        entry.parent = _string(_dict(node.get("parentItem")).get("@id")) or parent
        entry.kept = bool(entry.text)
        entries.append(entry)
        waiting.extend((answer, entry.id) for answer in reversed(_json_ld_answers(node)))
    return entries


def _read_plain_json(document: Any, source: str, now: datetime | None) -> list[Thread]:
    """Read a list of comments, an object that holds one, or threads as `stance parse` prints."""
    rows = document
    if isinstance(document, dict):
        lists = [value for value in document.values() if _has_comments(value)]
        if isinstance(document.get("comments"), list):
            return [_thread_of(document, source, now)]
        rows = lists[0] if lists else [document]
    if not isinstance(rows, list):
        return []
    if rows and all(
        isinstance(row, dict) and isinstance(row.get("comments"), list) for row in rows
    ):
        return [_thread_of(row, source, now) for row in rows]
    if not _has_comments(rows):
        return []
    return [_thread_of_rows(enumerate(rows, 1), source, "json", now, "entries")]


def _has_comments(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(row, dict) and _find(row, "text") not in (None, "") for row in value
    )


def _thread_of(document: Mapping[str, Any], source: str, now: datetime | None) -> Thread:
    """Read one object with an article and its comments."""
    about = _dict(document.get("article"))
    article = None
    if about:
        article = Article(
            title=_string(about.get("title")),
            author=_name(about.get("author")),
            published=_time(about.get("published"), now)[0],
            text=_string(about.get("text")) or "",
            url=_string(about.get("url")),
        )
    rows = enumerate(_list(document.get("comments")), 1)
    thread = _thread_of_rows(rows, source, "json", now, "entries")
    deleted = _integer(document.get("deleted")) or 0
    return replace(thread, article=article, deleted=deleted)


# JSON Lines and CSV


def _read_json_lines(stream: BinaryIO, source: str, now: datetime | None) -> Iterator[Thread]:
    """Read a comment a line, or a thread a line as `stance parse` writes them."""
    bad: list[int] = []
    lines = _json_lines(stream, bad, source)
    first = next(lines, None)
    if first is not None and isinstance(first[1].get("comments"), list):
        yield _thread_of(first[1], source, now)
        for _, row in lines:
            yield _thread_of(row, source, now)
        if bad:
            note = f"{len(bad)} lines left out: no JSON (first: line {bad[0]})"
            yield Thread(source, "jsonl", notes=(note,), bad_rows=len(bad))
        return
    rows = _chain(first, lines)
    thread = _thread_of_rows(rows, source, "jsonl", now, "lines")
    if not thread.comments:
        raise InputError(
            f"{source}: no line holds a comment; expected JSON objects with a text field"
        )
    if bad:
        total = len(thread.comments) + len(bad)
        note = f"{len(bad)} of {total} lines left out: no JSON (first: line {bad[0]})"
        thread = _with_bad_rows(thread, note, len(bad))
    yield thread


def _chain(
    first: tuple[int, dict[str, Any]] | None, rest: Iterator[tuple[int, dict[str, Any]]]
) -> Iterator[tuple[int, Any]]:
    if first is not None:
        yield first
        yield from rest


def _json_lines(
    stream: BinaryIO, bad: list[int], source: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and object of each line; note the numbers of lines that hold none."""
    for number, line in enumerate(_text_lines(stream, source), 1):
        text = line.strip("\ufeff \t\r\n\0")
        if not text:
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield number, row
        else:
            bad.append(number)


def _text_lines(stream: BinaryIO, source: str) -> Iterator[str]:
    """Yield lines in the stream's encoding; of a line beyond all measure, its beginning."""
    head = stream.peek(65536) if isinstance(stream, io.BufferedReader) else b""
    encoding = detect_encoding(head)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=None)
    mark = "\ufeff"  # of the encoding, and no part of the first column's name
    while line := text.readline(LONGEST_LINE):
        yield line.removeprefix(mark)
        mark = ""
        while line and not line.endswith("\n") and len(line) >= LONGEST_LINE:
            line = text.readline(LONGEST_LINE)
    text.detach()


def _read_csv(stream: BinaryIO, source: str, now: datetime | None) -> Thread:
    lines = (line.replace("\0", "") for line in _text_lines(stream, source))
    names, rows = read_csv(lines, source)
    if _find(dict.fromkeys(names, "x"), "text") is None:
        raise InputError(
            f"{source}: no text column among {', '.join(names)[:100]!r}; "
            "expected a first line that names a column text"
        )
    bad: list[Row] = []
    thread = _thread_of_rows(_good_rows(rows, bad), source, "csv", now, "rows")
    if bad:
        note = (
            f"{count_words(len(bad), 'row')} left out (first: line {bad[0].number}: {bad[0].error})"
        )
        thread = _with_bad_rows(thread, note, len(bad))
    if thread.bad_rows and not thread.comments and not thread.deleted:
        raise InputError(f"{source}: no row holds a comment; {'; '.join(thread.notes)}")
    return thread


def _with_bad_rows(thread: Thread, note: str, count: int) -> Thread:
    return replace(thread, notes=(note, *thread.notes), bad_rows=thread.bad_rows + count)


def _good_rows(rows: Iterable[Row], bad: list[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and values of rows that could be read, and note down the others."""
    for row in rows:
        if row.error is not None:
            bad.append(row)
        else:
            yield row.number, row.values


def _thread_of_rows(
    rows: Iterable[tuple[int, Any]], source: str, kind: str, now: datetime | None, unit: str
) -> Thread:
    entries, empty, first_empty = [], 0, 0
    for number, row in rows:
        entry = _mapping_entry(row, now, str.strip) if isinstance(row, dict) else None
        if entry is None or not entry.text:
            empty += 1
            first_empty = first_empty or number
            continue
        entries.append(entry)
    deleted = sum(entry.text in _DELETED_TEXTS for entry in entries)
    for entry in entries:
        entry.kept = entry.text not in _DELETED_TEXTS
    total = empty + len(entries)
    note = f"{empty} of {total} {unit} left out: no text (first: {first_empty})"
    comments = _assemble(entries)
    return Thread(source, kind, None, comments, deleted, (note,) if empty else (), empty)


# Fields


def _mapping_entry(
    row: Mapping[str, Any], now: datetime | None, to_text: Callable[[str], str]
) -> _Entry:
    """Read a comment's fields under their usual names."""
    published, published_text = _time(_find(row, "published"), now)
    return _Entry(
        id=_identity(_find(row, "id")),
        parent=_identity(_find(row, "parent")),
        text=to_text(_string(_find(row, "text")) or ""),
        author=_name(_find(row, "author")),
        published=published,
        published_text=published_text,
        likes=_integer(_find(row, "likes")),
    )


def _find(row: Mapping[str, Any], field: str) -> Any:
    """Return the value under the first known name of `field`, whatever its case."""
    folded = {str(key).strip().lower(): value for key, value in row.items()}
    for alias in _ALIASES[field]:
        if folded.get(alias) not in (None, ""):
            return folded[alias]
    return None


def _identity(value: Any) -> str | None:
    """Return an id as text; Reddit's "t1_" means a comment, "t3_" the post itself."""
    text = _string(value)
    if text is None or text.startswith("t3_") or text in ("0", "None", "null"):
        return None
    return text.removeprefix("t1_")


def _time(value: Any, now: datetime | None) -> tuple[str | None, str | None]:
    """Return ISO 8601 of a time as exported, or None and its own words."""
    text = _string(value)
    if text is None:
        return None, None
    if re.fullmatch(r"\d{9,13}(?:\.\d{1,6})?", text):
        seconds = float(text)
        seconds = seconds / 1000 if seconds > 1e11 else seconds
        return datetime.fromtimestamp(int(seconds), UTC).isoformat(), None
    parsed = parse_time(text, now=now)
    if parsed is not None and FIRST_YEAR <= int(parsed[:4]) <= LAST_YEAR:
        return parsed, None
    return None, text[:100]


def _name(value: Any) -> str | None:
    """Return a person's name from a string or from an object that holds one."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        keys = ("name", "username", "displayName", "screen_name", "login", "id")
        value = next((value[key] for key in keys if value.get(key)), None)
    name = _string(value)
    return name if name not in ("[deleted]", "[removed]") else None


def _string(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = replace_surrogates(str(value)).strip()
    return text or None


def _integer(value: Any) -> int | None:
    text = _string(value)
    return int(float(text)) if text and re.fullmatch(r"-?\d{1,12}(?:\.\d{1,6})?", text) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def html_to_text(markup: str) -> str:
    r"""Turn the HTML inside an exported comment into text, paragraphs parted by a blank line.

    Examples
    --------
    >>> html_to_text("<p>Trams &amp; buses.</p><p>At<br>last!</p><script>x()</script>")
    'Trams & buses.\n\nAt\nlast!'
    """
    if not _HTML.search(markup):
        return _tidy(markup)
    from lxml import etree
    from lxml import html as lxml_html

    try:
        root = lxml_html.document_fromstring(f"<div>{markup}</div>")
    except (etree.LxmlError, ValueError):
        return _tidy(html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", markup)))
    parts: list[str] = []
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in ("comment", "pi"):
            parts.append((element.tail or "") if not hidden else "")
            continue
        tag = element.tag
        break_text = "\n\n" if tag in _BLOCKS else "\n" if tag in _LINES else ""
        if event == "start":
            hidden += tag in _HIDDEN
            parts.append(break_text if tag != "br" else "")
            parts.append((element.text or "") if not hidden else "")
        else:
            hidden -= tag in _HIDDEN
            parts.append(break_text)
            parts.append((element.tail or "") if not hidden else "")
    return _tidy("".join(parts))


def _tidy(text: str) -> str:
    """Strip each line, and keep one blank line between paragraphs."""
    lines = [" ".join(line.split()) for line in text.replace("\r\n", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _assemble(entries: Sequence[_Entry]) -> tuple[Comment, ...]:
    """Make comments of the kept entries; an answer to one left out answers its parent instead."""
    by_id = {entry.id: entry for entry in entries if entry.id is not None}
    used: set[str] = set()
    names: dict[int, str] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.id if entry.id is not None and entry.id not in used else f"{number}"
        while name in used:
            name += "'"
        used.add(name)
        names[id(entry)] = name
    known: dict[int, _Entry | None] = {}
    depths: dict[int, int] = {}
    comments = []
    for entry in entries:
        if not entry.kept or not entry.text:
            continue
        parent = _kept_parent(entry, by_id, known)
        comments.append(
            Comment(
                id=names[id(entry)],
                text=entry.text,
                author=entry.author,
                published=entry.published,
                parent_id=names[id(parent)] if parent is not None else None,
                depth=_depth(entry, by_id, known, depths),
                likes=entry.likes,
                published_text=entry.published_text,
            )
        )
    return tuple(comments)


def _kept_parent(
    entry: _Entry, by_id: Mapping[str, _Entry], known: dict[int, _Entry | None]
) -> _Entry | None:
    """Return the nearest other ancestor of a kept entry that is kept; a circle may have none.

    `known` remembers the answer for every entry left out on the way.
    """
    path: list[_Entry] = []
    seen: set[int] = set()
    parent = by_id.get(entry.parent) if entry.parent is not None else None
    while parent is not None and not (parent.kept and parent.text):
        if id(parent) in known or id(parent) in seen:
            parent = known.get(id(parent))
            break
        seen.add(id(parent))
        path.append(parent)
        parent = by_id.get(parent.parent) if parent.parent is not None else None
    for passed in path:
        known[id(passed)] = parent
    return None if parent is entry else parent


def _depth(
    entry: _Entry,
    by_id: Mapping[str, _Entry],
    known: dict[int, _Entry | None],
    depths: dict[int, int],
) -> int:
    """Return how many kept ancestors an entry has, remembering every depth on the way."""
    path: list[_Entry] = []
    seen: set[int] = set()
    current: _Entry | None = entry
    while current is not None and id(current) not in depths and id(current) not in seen:
        seen.add(id(current))
        path.append(current)
        current = _kept_parent(current, by_id, known)
    depth = depths[id(current)] if current is not None and id(current) in depths else -1
    for ancestor in reversed(path):
        depth += 1
        depths[id(ancestor)] = depth
    return depths[id(entry)]
