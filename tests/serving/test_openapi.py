"""Requests made up from the OpenAPI document: whatever they hold, the server does not fail."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stance.serving.app import create_app
from stance.serving.settings import Settings

EXAMPLES = 25  # of each route
ROUTES = (
    ("POST", "/v1alpha1/comments:analyze"),
    ("POST", "/v1alpha1/comments:suggestscore"),
    ("GET", "/$discovery/rest"),
    ("POST", "/v1/score"),
    ("GET", "/v1/model"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
)


@pytest.fixture
def schema(fake_analyzer: Any, tmp_path: Path) -> Any:
    schemathesis = pytest.importorskip("schemathesis")
    limits = Settings(suggestions=tmp_path / "suggestions.jsonl", batch_seconds=0.0)
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(fake_analyzer, limits))


def test_the_document_names_every_route(schema: Any) -> None:
    assert {
        (method.upper(), path)
        for path, methods in schema.raw_schema["paths"].items()
        for method in methods
    } == set(ROUTES)


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        *(("POSITIVE", method, path) for method, path in ROUTES),
        # What the document does not allow, on the routes that take something.
        *(("NEGATIVE", method, path) for method, path in ROUTES[:4]),
    ],
)
def test_no_made_up_request_fails(schema: Any, kind: str, method: str, path: str) -> None:
    import schemathesis

    checks = schemathesis.checks
    wanted = [
        *(checks.not_a_server_error, checks.status_code_conformance),
        *(checks.content_type_conformance, checks.response_schema_conformance),
    ]
    cases = schema[path][method].as_strategy(generation_mode=schemathesis.GenerationMode[kind])

    @given(case=cases)
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=wanted)

    ask()
