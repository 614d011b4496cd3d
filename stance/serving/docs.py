"""The page at `/docs`: the OpenAPI document to read, with no script and nothing loaded."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from stance.reporting.page import content_policy, render_page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Field:
    """A parameter of a route, or a field of a message; `link` names a message that it holds."""

    name: str
    kind: str
    link: str | None
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: str
    description: str
    parameters: tuple[_Field, ...]
    request: str | None
    response: str | None


@router.get("/docs")
async def show(request: Request) -> Response:
    """Show what the server answers to."""
    document = request.app.openapi()
    page = render_page(
        "api",
        version=document["info"]["version"],
        description=document["info"]["description"],
        routes=list(_routes(document)),
        messages={name: list(_fields(schema)) for name, schema in _schemas(document).items()},
        about={
            name: schema.get("description", "").replace("`", "")
            for name, schema in _schemas(document).items()
        },
    )
    policy = f"{content_policy('api')}; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def _routes(document: Mapping[str, Any]) -> Iterator[_Route]:
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            parameters = tuple(
                _field(each["name"], each["schema"], each.get("required", False))
                for each in route.get("parameters", ())
            )
            yield _Route(
                method.upper(),
                path,
                route["description"].replace("`", ""),
                parameters,
                _message(route.get("requestBody")),
                _message(route["responses"]["200"]),
            )


def _message(content: Mapping[str, Any] | None) -> str | None:
    """Return the name of the message that a body holds."""
    kinds = {} if content is None else content.get("content", {})
    return _name(kinds.get("application/json", {}).get("schema", {}))


def _name(schema: Mapping[str, Any]) -> str | None:
    name = schema.get("$ref", "").rpartition("/")[2]
    return name or None


def _fields(schema: Mapping[str, Any]) -> Iterator[_Field]:
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        yield _field(name, each, name in required)


def _field(name: str, schema: Mapping[str, Any], required: bool) -> _Field:
    kind, link = _kind(schema)
    return _Field(name, kind, link, required, schema.get("description", "").replace("`", ""))


def _kind(schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what a value is, in words, and the message that it is or holds.

    Examples
    --------
    >>> _kind({"anyOf": [{"type": "array", "items": {"$ref": "#/components/schemas/A"}}]})
    ('list of', 'A')
    >>> _kind({"type": "string", "maxLength": 500})
    ('string, at most 500 characters', None)
    """
    if name := _name(schema):
        return "", name
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each.get("type") != "null"]
        links = (link for _, link in kinds if link)
        return " or ".join(kind for kind, _ in kinds), next(links, None)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(value) for value in values), None
    if schema.get("type") == "array":
        kind, link = _kind(schema.get("items", {}))
        return " ".join(filter(None, ("list of", kind))), link
    if "additionalProperties" in schema:
        inner = schema["additionalProperties"]
        kind, link = _kind(inner) if isinstance(inner, Mapping) else ("", None)
        return " ".join(filter(None, ("names to", kind))), link
    return ", ".join((schema.get("type", "any"), *_bounds(schema))), None


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']:,} characters"
    if "minimum" in schema:
        yield f"from {schema['minimum']:,}"
    if "maximum" in schema:
        yield f"to {schema['maximum']:,}"
