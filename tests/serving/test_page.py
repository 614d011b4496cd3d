import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httptools")

import httpx
from lxml import html

from stance.parsing import parse_bytes
from stance.reporting.page import content_policy
from stance.reporting.thread import MAX_TARGETS, render_threads
from stance.serving.batching import OverloadedError
from stance.serving.page import _bare_name
from stance.serving.scoring import Scorer
from stance.serving.settings import Settings

EXAMPLE = (Path(__file__).parents[2] / "stance" / "example" / "page.txt").read_text("utf-8")
HOSTILE = (
    '<img src=x onerror="alert(1)">',
    "</textarea></script><script>alert(1)</script>",
    '" autofocus onfocus="alert(1)',
    "{{ 7 * 7 }}",
)


def words(node: Any) -> str:
    return " ".join(" ".join(node.itertext()).split())


def send(
    server: Any,
    text: str = "",
    targets: str = "",
    file: tuple[str, bytes] | None = None,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    """Send the form as a browser does: an empty file field comes without a name."""
    name, data = file or ("", b"")
    parts = {"text": (None, text), "targets": (None, targets), "file": (name, data)}
    parts |= {key: (None, value) for key, value in fields.items()}
    return server.post("/", files=parts, headers=headers)


def problem(response: httpx.Response) -> str:
    page = html.document_fromstring(response.text)
    (box,) = page.cssselect("#problem[role=alert]")
    assert page.cssselect("title")[0].text.startswith("Error: ")
    return words(box)


def field(response: httpx.Response, name: str) -> str:
    (node,) = html.document_fromstring(response.text).cssselect(f"textarea[name={name}]")
    # A browser leaves out the line end that a field begins with.
    return node.text_content().removeprefix("\n").replace("\r\n", "\n")


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    return serve()


def test_the_form(server: Any) -> None:
    response = server.get("/")
    assert response.status_code == 200
    page = html.document_fromstring(response.text)
    (form,) = page.cssselect("form")
    assert (form.get("method"), form.get("enctype")) == ("post", "multipart/form-data")
    assert form.get("action") is None  # this address, with the key that it was opened with
    for control in form.cssselect("textarea, input"):
        assert page.cssselect(f"label[for={control.get('id')}]")
        for hint in control.get("aria-describedby").split():
            assert page.cssselect(f"#{hint}")
    assert page.cssselect("#problem") == []
    assert "At most 4 MB and 5,000 comments." in words(form)


def test_the_drop_zone_says_what_it_is_for(server: Any) -> None:
    (zone,) = html.document_fromstring(server.get("/").text).cssselect(".zone")
    assert words(zone.cssselect("label[for=file]")[0]) == "or choose a saved file or drop it here"
    assert words(zone.cssselect("#file-hint")[0]).endswith("At most 4 MB and 5,000 comments.")
    assert [control.get("type") for control in zone.cssselect("input")] == ["file"]
    assert zone.get("class") == "zone"
    refused = html.document_fromstring(send(server, file=("empty.html", b" ")).text)
    assert refused.cssselect(".zone")[0].get("class") == "zone wrong"


def test_the_report_is_that_of_the_command(server: Any, fake_analyzer: Any) -> None:
    response = send(server, EXAMPLE, "Mayor Quill\r\n\r\n Main Street \r\nMayor Quill")
    assert response.status_code == 200
    (thread,) = parse_bytes(EXAMPLE.encode(), source="pasted text")
    scored = fake_analyzer.score(thread, ("Mayor Quill", "Main Street"))
    assert response.text == render_threads([scored], back="")
    assert len(html.document_fromstring(response.text).cssselect(".comments > li")) == 13


def test_a_file_is_read_by_its_name_and_targets_are_found(server: Any) -> None:
    data = b"text,author\r\nI love trams.,Ann\r\nI hate trams.,Bo\r\n"
    response = send(server, file=("C:\\saved\\comments.csv", data))
    page = html.document_fromstring(response.text)
    assert words(page.cssselect("h1")[0]) == "comments.csv"
    assert [words(text) for text in page.cssselect(".comments .text")] == [
        "I love trams.",
        "I hate trams.",
    ]
    assert [words(name) for name in page.cssselect(".comments b bdi")] == ["Ann", "Bo"]


def test_comments_may_have_targets_of_their_own(server: Any) -> None:
    data = b"text,target\nI love trams.,trams\n,trams\nI hate buses.,buses\n"
    for file, text in ((("mine.csv", data), ""), (None, data.decode())):
        response = send(server, text, "bikes", file=file)
        page = html.document_fromstring(response.text)
        stances = [
            [words(own) for own in item.cssselect(".scores li")[:-1]]
            for item in page.cssselect(".comments > li")
        ]
        assert stances == [
            ["trams in favor 80%", "bikes in favor 80%"],
            ["buses against 80%", "bikes against 80%"],
        ]
        (note,) = page.cssselect(".note")
        assert words(note) == "1 of 3 rows could not be scored: line 3: no text"


def test_no_row_can_be_scored(server: Any) -> None:
    response = send(server, file=("mine.csv", b"text,target\n,trams\n"))
    assert response.status_code == 400
    assert problem(response).startswith(
        "This could not be scored mine.csv: 1 of 1 rows could not be scored: line 2: no text."
    )


def test_threads_without_comments_are_left_out(server: Any) -> None:
    threads = [
        {"source": "a", "format": "html", "article": {"title": "Empty"}, "comments": []},
        {
            "source": "b",
            "format": "html",
            "article": {"title": "Full"},
            "comments": [{"id": "1", "text": "I love trams."}],
        },
    ]
    export = "".join(f"{json.dumps(thread)}\n" for thread in threads)
    response = send(server, file=("threads.jsonl", export.encode()))
    assert response.status_code == 200
    assert [words(node) for node in html.document_fromstring(response.text).cssselect("h1")] == [
        "Full"
    ]


def test_the_example(server: Any) -> None:
    response = send(server, targets="Main Street", example="yes")
    page = html.document_fromstring(response.text)
    assert words(page.cssselect("h1")[0]) == "Wendle Will Close Main Street to Cars From May"
    assert [words(row) for row in page.cssselect(".targets tbody th")] == ["Main Street"]


def test_the_report_as_a_file(server: Any, fake_analyzer: Any) -> None:
    response = send(server, EXAMPLE, "Main Street", save="yes")
    assert response.headers["content-disposition"] == 'attachment; filename="report.html"'
    (thread,) = parse_bytes(EXAMPLE.encode(), source="pasted text")
    assert response.text == render_threads([fake_analyzer.score(thread, ("Main Street",))])
    assert "content-disposition" not in send(server, save="yes").headers


# What goes wrong


def test_nothing_was_given(server: Any) -> None:
    response = send(server, " \r\n", "trams")
    assert response.status_code == 400
    assert problem(response) == (
        "This could not be scored Paste a page’s text or choose a saved file."
    )
    assert field(response, "targets") == "trams"
    (text,) = html.document_fromstring(response.text).cssselect("#text")
    assert text.get("aria-invalid") == "true"
    assert text.get("aria-describedby") == "text-hint problem"


def test_a_text_and_a_file(server: Any) -> None:
    response = send(server, "Hm.", file=("page.html", b"<p>Hm."))
    assert response.status_code == 400
    assert problem(response) == (
        "This could not be scored There is a text and a file, page.html: expected one of them. "
        "Choose the file page.html again: a browser does not keep it."
    )
    assert field(response, "text") == "Hm."


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("\n".join(map(str, range(13))), "13 targets are named: expected at most 12."),
        (
            "trams\n" + "x" * 501,
            f"A target of 501 characters begins “{'x' * 40}”: expected at most 500, a name or a "
            "claim in a line of its own.",
        ),
    ],
)
def test_targets_that_are_too_many_or_too_long(server: Any, targets: str, message: str) -> None:
    assert MAX_TARGETS == 12
    response = send(server, EXAMPLE, targets)
    assert response.status_code == 400
    assert problem(response) == f"This could not be scored {message}"
    assert (field(response, "text"), field(response, "targets")) == (EXAMPLE, targets)


def test_no_comments_found(server: Any) -> None:
    article = "<h1>Trams</h1>" + "<p>The town has bought nine new trams for its old line.</p>" * 9
    page = (
        f"<html><head><title>Trams</title></head><body><article>{article}</article></body></html>"
    )
    response = send(server, file=("trams.html", page.encode()))
    assert response.status_code == 400
    assert problem(response) == (
        "This could not be scored trams.html: no comments found (the article is “Trams”). Copy the "
        "page with its comments unfolded, or save it when they are all there. "
        "Choose the file trams.html again: a browser does not keep it."
    )
    response = send(server, "Just a line of text.")
    assert problem(response) == (
        "This could not be scored pasted text: no comments found. Copy the page with its comments "
        "unfolded, or save it when they are all there."
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.html", b" \n", "empty.html: this file is empty."),
        ("photo.html", b"\x89PNG\r\n\x1a\n" + bytes(100), "photo.html: "),
        ("page.html.gz", b"\x1f\x8b" + bytes(20), "page.html.gz: compressed; expected the page"),
    ],
)
def test_files_that_cannot_be_read(server: Any, name: str, data: bytes, message: str) -> None:
    response = send(server, file=(name, data), targets="trams")
    assert response.status_code == 400
    assert problem(response).startswith(f"This could not be scored {message}")
    assert f"Choose the file {name} again" in problem(response)
    assert field(response, "targets") == "trams"


def test_too_many_comments(server: Any) -> None:
    data = b"text\n" + b"Good.\n" * 5_001
    response = send(server, file=("many.csv", data))
    assert response.status_code == 400
    assert "many.csv: 5,001 comments" in problem(response)


def test_bodies_that_are_no_form(server: Any) -> None:
    for body, kind in (
        (b"text=Hm.", "application/x-www-form-urlencoded"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"", ""),
    ):
        response = server.post("/", content=body, headers={"Content-Type": kind})
        assert response.status_code == 400
        assert problem(response).startswith("This could not be scored ")
    many = {f"field {n}": (None, "x") for n in range(50)}
    assert server.post("/", files=many).status_code == 400
    files = [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]
    assert server.post("/", files=files).status_code == 400


def test_a_busy_server_says_when_to_come_back(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise OverloadedError(7)

    monkeypatch.setattr(Scorer, "score_page", refuse)
    response = send(serve(), EXAMPLE)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert problem(response).startswith("The server is busy too many requests are waiting")
    assert field(response, "text") == EXAMPLE


def test_a_body_that_is_too_large_is_told_on_the_page(serve: Callable[..., Any]) -> None:
    server = serve(Settings(max_body=2_000_000))
    response = send(server, file=("page.html", bytes(2_100_000)))
    assert response.status_code == 413
    assert problem(response) == "This is too large the body is larger than 2,000,000 bytes"
    assert "content-security-policy" in response.headers
    assert server.post("/v1/score", {"page": "x" * 2_100_000}).json()["error"]["code"] == 413


def test_a_key_is_asked_for_on_the_page(serve: Callable[..., Any]) -> None:
    server = serve(Settings(api_keys=("k-1",)))
    for path in ("/", "/?key=wrong"):
        response = server.get(path)
        assert response.status_code in (400, 403)
        page = html.document_fromstring(response.text)
        (form,) = page.cssselect("form")
        assert (form.get("method"), [own.get("name") for own in form.cssselect("input")]) == (
            "get",
            ["key"],
        )
        assert page.cssselect("textarea") == []
    assert server.get("/?key=k-1").status_code == 200
    files = {"text": (None, EXAMPLE)}
    assert server.post("/", files=files).status_code == 403
    response = server.post("/?key=k-1", files=files)
    assert response.status_code == 200
    assert "k-1" not in response.text
    assert html.document_fromstring(response.text).cssselect("nav.back a")[0].get("href") == ""


# Safety


def test_what_is_sent_comes_back_as_text(server: Any) -> None:
    text = " ".join(HOSTILE)
    response = send(server, text, text, file=(f"{text}.html", b""))
    page = html.document_fromstring(response.text)
    assert page.cssselect("img") == []
    assert len(page.cssselect("script")) == 1
    assert all(not name.startswith("on") for node in page.iter() for name in node.attrib)
    assert (field(response, "text"), field(response, "targets")) == (text, text)
    assert "{{ 7 * 7 }}.html" in problem(response)


def test_headers(server: Any) -> None:
    for response, name in (
        (server.get("/"), "form"),
        (send(server), "form"),
        (send(server, EXAMPLE), "thread"),
    ):
        policy = response.headers["content-security-policy"]
        assert policy == f"{content_policy(name)}; frame-ancestors 'none'"
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        meta = html.document_fromstring(response.text).cssselect("meta[http-equiv]")[0]
        assert meta.get("content") == content_policy(name)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["content-type"] == "text/html; charset=utf-8"
    # A browser must say in Origin where the form was sent from; a report's links must not.
    assert server.get("/").headers["referrer-policy"] == "same-origin"
    assert send(server, EXAMPLE).headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"}, False),
        ({"Origin": "http://{host}"}, True),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "http://{host}.elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": ""}, False),
    ],
)
def test_another_site_cannot_send_the_form(
    server: Any, headers: dict[str, str], is_own: bool
) -> None:
    host = f"127.0.0.1:{server.port}"
    given = {name: value.format(host=host) for name, value in headers.items()}
    response = send(server, EXAMPLE, headers=given)
    assert response.status_code == (200 if is_own else 403)
    if not is_own:
        assert problem(response).startswith("This was not let in It was sent from another site")
        assert field(response, "text") == ""  # what another site sent is not shown either


def test_nothing_is_written_to_the_disk(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a temporary file")

    server = serve()
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    comments = b"text\n" + b"A rather long comment on the new tram line. " * 1000 + b"\n"
    data = comments + b"I love trams.\n" * 4_000 + b" " * 3_000_000
    response = send(server, "", file=("many.csv", data))
    assert response.status_code == 200, problem(response)


def test_names_of_files() -> None:
    assert _bare_name("/a/b/page.html") == "page.html"
    assert _bare_name("x" * 100 + ".csv") == "x" * 76 + ".csv"
    assert _bare_name("evil\u202e\n.html") == "evil⟨U+202E⟩ .html"
    assert re.fullmatch(r"\S*", _bare_name("..\\..\\"))
