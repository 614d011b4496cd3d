import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import InputError
from stance.parsing.detect import decode, detect_format

SENTENCE = "Die Straßenbahn fährt wieder – „endlich“, sagen viele. " * 4


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_text_is_decoded_whatever_its_encoding(encoding: str) -> None:
    assert decode(SENTENCE.encode(encoding)) == SENTENCE


def test_the_declared_charset_counts_where_utf_8_fails() -> None:
    page = '<meta charset="windows-1251"><p>Трамвай вернулся</p>'
    assert decode(page.encode("cp1251")) == page
    page = '<?xml version="1.0" encoding="iso-8859-2"?><p>Tramwaj wrócił, źle</p>'
    assert decode(page.encode("iso-8859-2")) == page


def test_utf_8_counts_where_the_declared_charset_is_wrong() -> None:
    page = '<meta charset="iso-8859-1"><p>Grüße</p>'
    assert decode(page.encode()) == page


@pytest.mark.parametrize(
    "charset",
    ["hex", "base64", "rot13", "zip", "undefined", "idna", "punycode", "unicode_escape",
     "raw_unicode_escape", "utf-7", "utf-16", "utf-32-le", "cp037", "no-such-charset"],
)  # fmt: skip
def test_a_declared_charset_that_the_page_cannot_be_in_is_ignored(charset: str) -> None:
    page = f'<meta charset="{charset}"><p>Grüße an die Straßenbahn</p>'
    assert decode(page.encode()) == page
    assert decode(page.encode("cp1252")) == page


def test_an_undeclared_cyrillic_page_is_guessed() -> None:
    text = "Трамвай вернулся на улицы города, и жители этому очень рады. " * 5
    assert decode(text.encode("cp1251")) == text


def test_broken_places_cost_nothing_else() -> None:
    assert decode(SENTENCE.encode() * 30 + b"\xff\xfe\xff").startswith(SENTENCE)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04rest", "a ZIP archive or an office document"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (bytes(range(256)) * 20, "binary data"),
        (b"\0" * 500, "binary data"),
    ],
)
def test_what_is_no_text_is_refused_by_name(head: bytes, name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(head, source="page.bin")
    assert str(caught.value) == (
        f"page.bin: this is {name}; expected a saved page (HTML or plain text), "
        "a WordPress or Disqus export, JSON, JSON Lines or CSV"
    )


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        ("<!DOCTYPE html><html>", "x", "html"),
        ("\ufeff\r\n  <html lang='de'>", "x.txt", "html"),
        ("<p>fragment</p>", "x", "html"),
        ("<?xml version='1.0'?><!DOCTYPE html><html>", "x", "html"),
        ("MIME-Version: 1.0\nContent-Type: multipart/related;\n", "x.mhtml", "mhtml"),
        ("Trams are back\n\nThey say 1 < 2 <3", "x", "text"),
        ("[1] Trams, a love story", "x", "text"),
        ("{ 38 comments… read them below }", "x", "text"),
        ("Comment, if you like", "x.txt", "text"),
        ("< Back to the news\n\nTrams are back", "x", "text"),
        ("<3 the trams", "x", "text"),
        ("Trams\n\nPut the script into the <head> of your page.", "x", "text"),
        ("Trams\n\nAfter <html> and <body> comes the text.", "x", "text"),
        ("Warning: no such file\n<!DOCTYPE html><html><head><title>Trams</title>", "x", "html"),
        ("Warning: no such file\n<html>\n<body><p>Trams</p>", "x", "html"),
        ("Menu " + "<div><p>Trams</p></div>" * 10, "x", "html"),
        ("[                    ] [Search]\n\nTrams are back", "x", "text"),
        ("[ ] Dark mode\n\nTrams are back", "x", "text"),
        ("{ } Code\n\nTrams are back", "x", "text"),
        ("[ ]\n", "x", "json"),
        ("{}", "x.json", "json"),
        ('{}\n{"text": "a"}\n', "x", "jsonl"),
        ('<rss xmlns:wp="http://wordpress.org/export/1.2/">', "x", "wxr"),
        ('<disqus xmlns="http://disqus.com">', "x.xml", "disqus"),
        ('[{"kind": "Listing", "data": {}}]', "x.json", "reddit"),
        ('{"kind": "youtube#commentThreadListResponse"}', "x.json", "youtube"),
        ('{"id": 1, "children": [], "story_id": 1}', "x.json", "hackernews"),
        ('{"by": "a", "id": 1, "parent": 2, "type": "comment"}', "x", "hackernews"),
        ('{"@context": "https://schema.org", "comment": []}', "x.json", "jsonld"),
        ('{"text": "a"}\n{"text": "b"}\n', "x", "jsonl"),
        ('{"text": "a"}', "x.jsonl", "jsonl"),
        ('[\n {"text": "a"}\n]', "x.json", "json"),
        ("text,author\na,b\n", "x", "csv"),
        ("id;body;user\n1;a;b\n", "x", "csv"),
        ("a,b\n1,2\n", "x.csv", "csv"),
    ],
)
def test_formats_are_told_apart(head: str, name: str, kind: str) -> None:
    assert detect_format(head, name) == kind


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ('<rss version="2.0">', "an RSS feed"),
        ('<feed xmlns="http://www.w3.org/2005/Atom">', "an Atom feed"),
    ],
)
def test_feeds_are_refused(head: str, name: str) -> None:
    with pytest.raises(InputError, match=f"^-: this is {name}; expected a saved page"):
        detect_format(head, "feed.xml")


@given(st.binary(max_size=400))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        text = decode(data)
    except InputError:
        return
    assert "\0" not in text


@given(st.text(max_size=300), st.sampled_from(["-", "x.json", "x.csv", "x.txt"]))
def test_any_text_has_a_format_or_is_refused(head: str, name: str) -> None:
    message = ""
    try:
        assert detect_format(head, name)
    except InputError as error:
        message = str(error)
    assert "\n" not in message
