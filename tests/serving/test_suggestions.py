import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running import SUGGEST, Running, error_of

from stance.data.labelled import read_labelled
from stance.errors import OutputError
from stance.serving import suggestions as module
from stance.serving.settings import Settings
from stance.serving.suggestions import FullError, Suggestions

Serve = Callable[..., Running]


def suggesting(**scores: Any) -> dict[str, Any]:
    return {
        "comment": {"text": "You fool."},
        "attributeScores": {
            name: {"summaryScore": {"value": value}} for name, value in scores.items()
        },
    }


def test_suggestions_are_refused_unless_they_are_wanted(serve: Serve) -> None:
    refused = serve().post(SUGGEST, suggesting(TOXICITY=1))
    assert refused.status_code == 403
    assert refused.json()["error"] == {
        "code": 403,
        "message": "this server takes no suggestions: it was started without --suggestions FILE",
        "status": "PERMISSION_DENIED",
    }


def test_a_suggestion_is_a_labelled_row(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    body = suggesting(TOXICITY=0.9, INSULT=1) | {"clientToken": "t", "languages": ["en"]}
    answer = serve(Settings(suggestions=file)).post(SUGGEST, body)
    assert answer.json() == {"clientToken": "t", "requestedLanguages": ["en"]}
    # Of the client itself nothing is kept.
    assert json.loads(file.read_text()) == {"text": "You fool.", "toxicity": 0.9, "insult": 1.0}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"comment": {"text": ""}}, "COMMENT_EMPTY", "Comment must be non-empty."),
        (
            {"attributeScores": {}},
            "INVALID_REQUEST",
            "attributeScores: no summaryScore; expected one for an attribute at least "
            "(scores of spans alone label no comment)",
        ),
        (
            {"attributeScores": {"TOXICITY": {"spanScores": [{"begin": 0, "end": 3}]}}},
            "INVALID_REQUEST",
            "attributeScores: no summaryScore; expected one for an attribute at least "
            "(scores of spans alone label no comment)",
        ),
        (
            {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1.5}}}},
            "INVALID_REQUEST",
            "attributeScores.TOXICITY.summaryScore: expected a value from 0 to 1 of the type "
            "PROBABILITY",
        ),
        (
            {"attributeScores": {"TOXICITY": {"summaryScore": {}}}},
            "INVALID_REQUEST",
            "attributeScores.TOXICITY.summaryScore: expected a value from 0 to 1 of the type "
            "PROBABILITY",
        ),
        (
            {"attributeScores": {"SPAM": {"summaryScore": {"value": 1}}}},
            "INVALID_REQUEST",
            "SPAM is not supported here; leave it out",  # suggestions have no way to drop it
        ),
        (
            {"attributeScores": {"TOXICTY": {"summaryScore": {"value": 1}}}},
            "INVALID_REQUEST",
            "Unknown requested attribute: TOXICTY; expected some of TOXICITY, SEVERE_TOXICITY, "
            "IDENTITY_ATTACK, INSULT, PROFANITY, THREAT",
        ),
    ],
)
def test_suggestions_that_label_nothing_are_refused(
    serve: Serve, tmp_path: Path, change: dict[str, Any], kind: str, message: str
) -> None:
    file = tmp_path / "suggestions.jsonl"
    refused = serve(Settings(suggestions=file)).post(SUGGEST, suggesting(TOXICITY=1) | change)
    assert error_of(refused) == (400, kind, message)
    assert file.read_text() == ""


def test_suggestions_of_many_clients_stay_whole_lines(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    server = serve(Settings(suggestions=file))
    texts = [f"{number} " + "word \u2028 \n" * 300 for number in range(60)]
    with ThreadPoolExecutor(12) as clients:
        answers = clients.map(
            lambda text: server.post(SUGGEST, suggesting(THREAT=0) | {"comment": {"text": text}}),
            texts,
        )
        assert {answer.status_code for answer in answers} == {200}
    read = read_labelled(str(file))
    assert not read.problems
    assert sorted(row.text for row in read.rows) == sorted(texts)


def test_two_servers_may_append_to_one_file(tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    writers = [Suggestions(file, 10**6) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            pool.submit(writers[number % 2].append, f"text {number}", {"toxicity": 0.5})
    assert sorted(json.loads(line)["text"] for line in file.read_text().splitlines()) == sorted(
        f"text {number}" for number in range(100)
    )


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    file.write_bytes(b'{"text": "whole", "toxicity": 1}\n{"text": "cut o')
    Suggestions(file, 10**6).append("next", {"toxicity": 0.0})
    read = read_labelled(str(file))
    assert [row.text for row in read.rows] == ["whole", "next"]
    assert sum(problem.count for problem in read.problems) == 1


def test_the_file_has_a_greatest_size(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "suggestions.jsonl"
    server = serve(Settings(suggestions=file, max_suggestions=100))
    assert server.post(SUGGEST, suggesting(TOXICITY=1)).status_code == 200
    assert server.post(SUGGEST, suggesting(TOXICITY=0)).status_code == 200
    before = file.read_text()
    refused = server.post(SUGGEST, suggesting(TOXICITY=0.123456789, INSULT=0.123456789))
    assert refused.status_code == 429
    assert refused.json()["error"]["message"] == "the file of suggestions is full"
    assert file.read_text() == before


def test_a_disk_that_is_full_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "suggestions.jsonl"
    writer = Suggestions(file, 10**6)
    writer.append("first", {"toxicity": 1.0})
    before = file.read_text()
    write = module.os.write
    monkeypatch.setattr(module.os, "write", lambda descriptor, data: write(descriptor, data[:9]))
    with pytest.raises(OSError, match="the disk is full"):
        writer.append("second", {"toxicity": 1.0})
    assert file.read_text() == before


def test_a_broken_disk_is_told_to_the_client(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    server = serve(Settings(suggestions=tmp_path / "suggestions.jsonl"))
    monkeypatch.setattr(module.os, "fsync", fail)
    failed = server.post(SUGGEST, suggesting(TOXICITY=1))
    assert failed.status_code == 503
    assert failed.json()["error"]["message"] == (
        "the suggestion could not be kept: Input/output error"
    )


def test_a_full_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FullError):
        Suggestions(tmp_path / "a.jsonl", 10).append("a text", {"toxicity": 1.0})


@pytest.mark.parametrize("name", ["suggestions.csv", "suggestions"])
def test_the_file_has_the_ending_that_says_what_it_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"expected a file that ends in \.jsonl"):
        Suggestions(tmp_path / name, 10)
