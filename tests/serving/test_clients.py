"""Real clients of the Perspective API, unmodified but for the address."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import ANALYZE, SUGGEST, Running

from stance.data.labelled import read_labelled
from stance.serving.discovery import discovery_document
from stance.serving.perspective_models import (
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    ArticleAndParentComment,
    AttributeParameters,
    AttributeScores,
    Context,
    Score,
    SpanScore,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
    TextEntry,
)
from stance.serving.settings import Settings

Serve = Callable[..., Running]
NODE_MODULES = (
    "STANCE_NODE_MODULES"  # a folder with what npm installed, for the clients in JavaScript
)


def google_client(url: str, key: str | None = None) -> Any:
    discovery = pytest.importorskip("googleapiclient.discovery")
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
        cache_discovery=False,
    )


def test_the_client_for_python_analyses(serve: Serve) -> None:
    server = serve(Settings(api_keys=("k-1",)))
    client = google_client(server.url, "k-1")
    body = {
        "comment": {"text": "You idiot! Have a nice day."},
        "requestedAttributes": {"TOXICITY": {}, "SEVERE_TOXICITY": {}},
        "languages": ["en"],
        "spanAnnotations": True,
        "doNotStore": True,
        "clientToken": "comment-1",
    }
    answer = client.comments().analyze(body=body).execute()
    assert answer["clientToken"] == "comment-1"
    toxicity = answer["attributeScores"]["TOXICITY"]
    assert toxicity["summaryScore"] == {"value": 0.9, "type": "PROBABILITY"}
    assert [(span["begin"], span["end"]) for span in toxicity["spanScores"]] == [(0, 10), (11, 27)]


def test_the_client_for_python_reads_the_errors(serve: Serve) -> None:
    errors = pytest.importorskip("googleapiclient.errors")
    client = google_client(serve().url)
    body = {"comment": {"text": ""}, "requestedAttributes": {"TOXICITY": {}}}
    with pytest.raises(errors.HttpError) as refused:
        client.comments().analyze(body=body).execute()
    assert refused.value.status_code == 400
    assert refused.value.reason == "Comment must be non-empty."
    assert refused.value.error_details[0]["errorType"] == "COMMENT_EMPTY"


def test_the_client_for_python_suggests_what_training_reads(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    client = google_client(serve(Settings(suggestions=file)).url)
    for text, toxicity in (
        ("Get busy living, or get busy dying.", 0),
        ("You\u2028 fool \U0001f600", 0.8),
    ):
        body = {
            "comment": {"text": text},
            "attributeScores": {
                "TOXICITY": {"summaryScore": {"value": toxicity}},
                "PROFANITY": {"summaryScore": {"value": 1, "type": "PROBABILITY"}},
            },
            "communityId": "/forum/movies",
            "clientToken": "comment-53922",
        }
        answer = client.comments().suggestscore(body=body).execute()
        assert answer == {"clientToken": "comment-53922"}
    read = read_labelled(str(file))
    assert not read.problems
    assert [(row.text, row.toxicity) for row in read.rows] == [
        ("Get busy living, or get busy dying.", {"toxicity": 0.0, "obscene": 1.0}),
        ("You\u2028 fool \U0001f600", {"toxicity": 0.8, "obscene": 1.0}),
    ]


# The client for Node has the original's address in its code: a hook of axios, the library that it
# sends its requests with, sends them elsewhere.
NODE_PROGRAM = """
const axios = require('axios');
const Perspective = require('perspective-api-client');
axios.interceptors.request.use(config => {
  config.url = config.url.replace('https://commentanalyzer.googleapis.com', process.env.SERVER);
  return config;
});
const perspective = new Perspective({apiKey: 'k-1'});
(async () => {
  const attributes = ['toxicity', 'threat'];
  const found = await perspective.analyze('<b>You</b> idiot, you.', {attributes});
  let refused;
  try {
    await perspective.analyze('Hm.', {attributes: ['flirtation']});
  } catch (error) {
    refused = {name: error.name, message: error.message, status: error.response.status};
  }
  console.log(JSON.stringify({found, refused}));
})();
"""


def node_modules() -> str:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    folder = os.environ.get(NODE_MODULES, "")
    if not (Path(folder) / "perspective-api-client").is_dir():
        pytest.skip(
            f"npm's perspective-api-client is not at hand: install it, and name its node_modules "
            f"in {NODE_MODULES}"
        )
    return folder


def test_the_client_for_node_analyses(serve: Serve) -> None:
    modules = node_modules()
    server = serve(Settings(api_keys=("k-1",)))
    done = subprocess.run(
        ["node", "-e", NODE_PROGRAM],
        env={"PATH": os.environ["PATH"], "NODE_PATH": modules, "SERVER": server.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    scores = answer["found"]["attributeScores"]
    assert {name: item["summaryScore"]["value"] for name, item in scores.items()} == {
        "TOXICITY": 0.9,
        "THREAT": 0.01,
    }
    # The client strips the tags itself.
    assert scores["TOXICITY"]["spanScores"][0]["end"] == len("You idiot, you.")
    assert answer["refused"]["name"] == "ResponseError"
    assert answer["refused"]["status"] == 400
    assert answer["refused"]["message"].startswith("FLIRTATION is not supported here;")


# The document


def test_the_document_has_the_address_that_was_asked(serve: Serve) -> None:
    server = serve()
    document = server.get("/$discovery/rest", params={"version": "v1alpha1"}).json()
    assert document["rootUrl"] == document["baseUrl"] == f"{server.url}/"
    named = server.get("/$discovery/rest", headers={"Host": "scores.example"}).json()
    assert named["rootUrl"] == "http://scores.example/"
    other = server.get("/$discovery/rest", params={"version": "v2"})
    assert other.status_code == 400


def test_the_document_is_open_where_a_key_is_asked_for(serve: Serve) -> None:
    server = serve(Settings(api_keys=("k-1",)))
    assert server.get("/$discovery/rest").status_code == 200
    assert server.post(ANALYZE, {}).status_code == 403


@pytest.mark.parametrize(
    "message",
    [
        *(AnalyzeCommentRequest, AnalyzeCommentResponse, ArticleAndParentComment),
        *(AttributeParameters, AttributeScores, Context, Score, SpanScore, TextEntry),
        *(SuggestCommentScoreRequest, SuggestCommentScoreResponse),
    ],
)
def test_the_messages_are_those_of_the_document(message: Any) -> None:
    schemas = discovery_document("http://localhost/")["schemas"]
    properties = schemas[message.__name__]["properties"]
    assert {field.alias for field in message.model_fields.values()} == set(properties)
    assert len(schemas) == 11


def strict(schema: Any) -> Any:
    """Return a schema of the document as JSON Schema that allows no further field."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(value) for name, value in schema.items()}
    if "$ref" in found:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    if "properties" in schema:
        found["additionalProperties"] = False
        found.pop("id", None)
    return found


@pytest.mark.parametrize(
    "further",
    [
        {},
        {"spanAnnotations": True, "clientToken": "t"},
        {"languages": ["en"]},
        {"requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.99}}},
    ],
)
def test_answers_fit_the_document(serve: Serve, tmp_path: Path, further: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    server = serve(Settings(suggestions=tmp_path / "suggestions.jsonl"))
    schemas = strict(server.get("/$discovery/rest").json()["schemas"])
    asked = {
        "comment": {"text": "You idiot. \U0001f600 Fine."},
        "requestedAttributes": {"TOXICITY": {}, "PROFANITY_EXPERIMENTAL": {}},
        **further,
    }
    suggested = {
        "comment": asked["comment"],
        "attributeScores": {"INSULT": {"summaryScore": {"value": 0.5}}},
        "languages": ["en"],
    }
    for path, body, name in (
        (ANALYZE, asked, "AnalyzeComment"),
        (SUGGEST, suggested, "SuggestCommentScore"),
    ):
        answer = server.post(path, body)
        assert answer.status_code == 200
        for value, kind in ((body, "Request"), (answer.json(), "Response")):
            jsonschema.validate(value, {"$ref": f"#/$defs/{name}{kind}", "$defs": schemas})
