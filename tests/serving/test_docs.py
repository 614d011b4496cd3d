import re
from collections.abc import Callable

from lxml import html
from running import Running

Serve = Callable[..., Running]


def test_the_page_describes_every_route_and_message(serve: Serve) -> None:
    server = serve()
    document = server.get("/openapi.json").json()
    page = html.fromstring(server.get("/docs").text)
    headings = [heading.text_content() for heading in page.iter("h3")]
    routes = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    ]
    assert headings == [*routes, *document["components"]["schemas"]]
    for name, schema in document["components"]["schemas"].items():
        section = page.get_element_by_id(name).getparent()
        named = [cell.text for cell in section.iterfind(".//tbody//th/code")]
        assert named == list(schema["properties"])


def test_every_link_leads_somewhere_on_the_server(serve: Serve) -> None:
    server = serve()
    page = html.fromstring(server.get("/docs").text)
    ids = set(page.xpath("//@id"))
    links = set(page.xpath("//@href"))
    inner = {link[1:] for link in links if link.startswith("#")}
    assert {"AnalyzeCommentRequest", "ScoreRequest"} <= inner <= ids
    assert {link for link in links if not link.startswith("#")} == {"openapi.json"}


def test_the_page_loads_nothing(serve: Serve) -> None:
    answer = serve().get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"\bsrc=|https?://", answer.text)


def test_the_messages_of_the_perspective_api_are_explained(serve: Serve) -> None:
    schemas = serve().get("/openapi.json").json()["components"]["schemas"]
    for name in ("AnalyzeCommentRequest", "AttributeParameters", "SpanScore", "TextEntry"):
        for field, schema in schemas[name]["properties"].items():
            assert schema["description"].endswith("."), (name, field)
