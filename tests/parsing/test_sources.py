import base64
import gzip
import io
import quopri
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timing import within

from stance.errors import InputError, StanceError
from stance.parsing import find_sources, parse, parse_bytes, parse_threads
from stance.parsing.sources import LARGEST_DUMP

DUMP = """Trams return

The old trams are back on the streets of the town since Monday, to the joy of many people.

2 Comments

  1. Ada

    October 15, 2021 at 5:35 pm

    At last! I have waited for this for years.

  2. Ben

    October 15, 2021 at 6:02 pm

    Too slow, too loud and too expensive.

Leave a Reply
"""
TWO_POSTS = """<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel>
<item><title>A</title><wp:comment><wp:comment_content>One.</wp:comment_content></wp:comment></item>
<item><title>B</title><wp:comment><wp:comment_content>Two.</wp:comment_content></wp:comment></item>
</channel></rss>"""


def test_a_text_dump_is_parsed_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(DUMP)
    thread = parse(path)
    assert thread.source == str(path)
    assert thread.format == "text"
    assert [comment.author for comment in thread.comments] == ["Ada", "Ben"]


@pytest.mark.parametrize(
    "first", ["< Back to the news", "[                    ] [Search]", "[ ] Dark mode"]
)
def test_a_dump_whose_first_line_looks_like_code_is_a_text(first: str) -> None:
    dump = f"{first}\n\n{DUMP}".replace("At last!", "Put it into the <head> of your page!")
    [thread] = parse_bytes(dump.encode(), source="page.txt")
    assert thread.format == "text"
    assert [comment.author for comment in thread.comments] == ["Ada", "Ben"]


def test_a_page_is_parsed_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(DUMP.encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    thread = parse("-")
    assert (thread.source, len(thread.comments)) == ("-", 2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encoding_line_ends_and_trailing_spaces_change_nothing(encoding: str) -> None:
    plain = parse_bytes(DUMP.encode(), source="page.txt")
    changed = DUMP.replace("\n", "  \t\r\n").encode(encoding)
    assert list(parse_bytes(changed, source="page.txt")) == list(plain)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(encoding: str) -> None:
    data = 'author,text\nAda,"Good trams."\n\ufeffBen,Late again.\n'.encode(encoding)
    [thread] = parse_bytes(data, source="comments.csv")
    found = [(comment.author, comment.text) for comment in thread.comments]
    assert found == [("Ada", "Good trams."), ("\ufeffBen", "Late again.")]
    [thread] = parse_bytes("text\nGood trams.\n".encode(encoding), source="comments.csv")
    assert [comment.text for comment in thread.comments] == ["Good trams."]


def test_a_compressed_export_is_read() -> None:
    data = gzip.compress(b'{"text": "Good."}\n{"text": "Bad."}\n')
    [thread] = parse_bytes(data, source="comments.jsonl.gz")
    assert [comment.text for comment in thread.comments] == ["Good.", "Bad."]
    with pytest.raises(InputError, match="a broken gzip archive"):
        list(parse_bytes(data[:-12], source="comments.jsonl.gz"))


def test_an_export_of_several_threads_is_no_single_thread(tmp_path: Path) -> None:
    path = tmp_path / "export.xml"
    path.write_text(TWO_POSTS)
    with pytest.raises(InputError) as caught:
        parse(path)
    assert str(caught.value) == f"{path}: this export holds several threads; use parse_threads"
    assert [thread.comments[0].text for thread in parse_threads(path)] == ["One.", "Two."]


def test_relative_times_need_now() -> None:
    data = DUMP.replace("October 15, 2021 at 5:35 pm", "3 hours ago").encode()
    data = data.replace(b"October 15, 2021 at 6:02 pm", b"2 hours ago")
    [thread] = parse_bytes(data, source="page.txt")
    assert thread.comments[0].published is None
    assert thread.comments[0].published_text == "3 hours ago"
    [thread] = parse_bytes(data, source="page.txt", now=datetime(2021, 10, 15, 17, 35))
    assert thread.comments[0].published == "2021-10-15T14:35"
    assert thread.comments[0].published_text is None


def test_a_missing_file_a_folder_and_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        parse(tmp_path / "none.html")
    assert str(caught.value) == f"{tmp_path}/none.html: no such file"
    with pytest.raises(InputError, match="this is a folder; expected a file"):
        parse(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        parse("a\0b")
    (tmp_path / "empty.html").write_bytes(b"\xef\xbb\xbf \r\n")
    with pytest.raises(InputError, match=r"empty\.html: this file is empty; expected a saved page"):
        parse(tmp_path / "empty.html")


def test_folders_expand_to_their_pages_in_order(tmp_path: Path) -> None:
    for name in ("b.html", "a.txt", ".hidden.html", "picture.png", "c.JSONL"):
        (tmp_path / name).write_text("x")
    (tmp_path / "deeper").mkdir()
    pages = [str(tmp_path / name) for name in ("a.txt", "b.html", "c.JSONL")]
    assert find_sources(["-", str(tmp_path), "no-such"]) == ["-", *pages, "no-such"]
    with pytest.raises(InputError, match="'': an empty name; expected a file, a folder, or - for"):
        find_sources([""])
    with pytest.raises(InputError, match="'': an empty name"):
        parse("")
    with pytest.raises(InputError, match=r"deeper: no page in this folder; expected .html, .htm"):
        find_sources([str(tmp_path / "deeper")])


def test_a_page_beyond_all_measure_is_refused_quickly() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = b"word " * (len(buffer) // 5) + b"." * (len(buffer) % 5)
            return len(buffer)

    from stance.parsing.sources import parse_stream

    def refused() -> str:
        with pytest.raises(InputError) as caught:
            list(parse_stream(io.BufferedReader(Endless()), "huge.txt", None))
        return str(caught.value)

    assert within(5, refused) == (
        f"huge.txt: larger than {LARGEST_DUMP // 2**20} MB; expected a single page "
        "(split it, or give the comments as JSON Lines, which stream)"
    )


PIECES = st.sampled_from(
    ["<html>", "<p>", "</p>", "<div class='comment'>", "1. Ada", "October 15, 2021 at 5:35 pm",
     "\n", "\n\n", "  ", "Reply", "2 Comments", "Leave a Reply", "Ada says:", "text,author\n",
     '{"text": "x"}', "[", "<rss", "wordpress.org/export", "<disqus>", "&a;",
     "<!ENTITY a 'b'>", "é", "\x00", "\xff"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(PIECES | st.text(max_size=20), max_size=30).map("".join),
    st.sampled_from(["x", "x.csv"]),
)
def test_any_text_is_parsed_or_refused(text: str, name: str) -> None:
    message = ""
    try:
        list(parse_bytes(text.encode(), source=name))
    except StanceError as error:
        message = str(error)
    assert "\n" not in message


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    message = ""
    try:
        list(parse_bytes(data, source="x"))
    except StanceError as error:
        message = str(error)
    assert "\n" not in message


MHTML = """\
From: <Saved by a browser>
{date}MIME-Version: 1.0
Content-Type: multipart/related; boundary="b"

--b
Content-Type: text/html; charset=utf-8

<html><body><ol class="commentlist">
<li class="comment" id="comment-1"><cite class="fn">Ada</cite>
<span class="comment-date">3 hours ago
</span><div class="comment-content"><p>The trams are late again today.</p></div></li>
<li class="comment" id="comment-2"><cite class="fn">Bo</cite>
<span class="comment-date">2 hours ago
</span><div class="comment-content"><p>They were never on time before.</p></div></li>
</ol></body></html>
--b--
"""


@pytest.mark.parametrize(
    ("date", "now", "published"),
    [
        ("Date: Sun, 1 Mar 2026 12:00:00 -0000\n", None, "2026-03-01T09:00"),
        ("Date: Sun, 1 Mar 2026 12:00:00 -0000\n", datetime(2026, 5, 1, 18), "2026-05-01T15:00"),
        ("Date: some day\n", None, None),
        ("", None, None),
    ],
)
def test_relative_times_count_from_when_a_page_was_saved(
    date: str, now: datetime | None, published: str | None
) -> None:
    data = MHTML.format(date=date).encode()
    [thread] = parse_bytes(data, source="page.mhtml", now=now)
    assert len(thread.comments) == 2
    found = thread.comments[0].published
    assert (found and found[:16]) == published
    assert thread.comments[0].published_text == (None if published else "3 hours ago")


PART = "\n--b\nContent-Type: {kind}\nContent-Transfer-Encoding: {transfer}\n\n"
POLISH = MHTML.format(date="").partition("\n\n<html>")[2].replace("trams", "tramwaje są źle")
TRAMS = "The tramwaje są źle are late again today."


def saved_page(*parts: tuple[str, str, bytes]) -> bytes:
    """Return an MHTML file of parts: content type, transfer encoding and the encoded body."""
    head = 'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n'
    bodies = [PART.format(kind=k, transfer=t).encode() + body for k, t, body in parts]
    return head.encode() + b"".join(bodies) + b"\n--b--\n"


@pytest.mark.parametrize("transfer", ["8bit", "binary", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-2", "windows-1250"])
def test_a_part_of_mhtml_is_read_in_its_own_encoding(transfer: str, charset: str) -> None:
    body = ("<html>" + POLISH.removesuffix("--b--\n")).encode(charset)
    if transfer == "quoted-printable":
        body = quopri.encodestring(body)
    elif transfer == "base64":
        body = base64.encodebytes(body)
    data = saved_page((f"text/html; charset={charset}", transfer, body))
    [thread] = parse_bytes(data, source="page.mhtml")
    assert thread.comments[0].text == TRAMS


@pytest.mark.parametrize("charset", ["hex", "utf-16", "no-such", '"a\0b"', "é", ""])
def test_a_charset_that_a_part_cannot_be_in_is_ignored(charset: str) -> None:
    body = ("<html>" + POLISH.removesuffix("--b--\n")).encode()
    [thread] = parse_bytes(
        saved_page((f"text/html; charset={charset}", "8bit", body)), source="page.mhtml"
    )
    assert thread.comments[0].text == TRAMS


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_mhtml_saved_again_in_another_encoding_is_read(mark: str) -> None:
    data = MHTML.format(date="").encode(mark)
    [thread] = parse_bytes(data, source="page.mhtml")
    assert len(thread.comments) == 2


def test_comments_in_a_frame_of_mhtml_are_the_page_s() -> None:
    article = (
        b"<html><body><article><h1>Trams return</h1><p>The old trams are back on the streets of "
        b"the town since Monday, to the joy of many people.</p></article>"
        b'<div id="disqus_thread"></div></body></html>'
    )
    framed = ("<html>" + POLISH.removesuffix("--b--\n")).encode()
    page, junk = ("text/html", "8bit", article), ("text/html", "8bit", b"%PDF-1.7 no page")
    [alone] = parse_bytes(saved_page(page, junk), source="page.mhtml")
    assert not alone.comments
    assert alone.notes == ("comments are hosted by Disqus and are not part of the saved page",)
    frame = ("text/html; charset=utf-8", "8bit", framed)
    [thread] = parse_bytes(saved_page(page, junk, frame), source="page.mhtml")
    assert [comment.author for comment in thread.comments] == ["Ada", "Bo"]
    assert (thread.article, thread.notes) == (alone.article, ())
    [own] = parse_bytes(saved_page(frame, page), source="page.mhtml")
    assert own.article != alone.article


def test_mhtml_nested_without_end_is_refused() -> None:
    head = "From: x\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b0\n\n"
    parts = "".join(
        f"--b{n}\nContent-Type: multipart/related; boundary=b{n + 1}\n\n" for n in range(3_000)
    )
    with pytest.raises(InputError, match=r"^page\.mhtml: MHTML nested too deeply; expected"):
        list(parse_bytes((head + parts).encode(), source="page.mhtml"))
