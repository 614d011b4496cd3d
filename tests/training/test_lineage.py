"""What the records of models say of how they came about."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training is not installed")
from stance.errors import ConfigError
from stance.training.lineage import learnt_heads, record_of, stages_of, with_teachers

BOTH = {"stance": 9, "relevance": 9}


def stage(name: str, **run: Any) -> dict[str, Any]:
    return {"name": name, "runs": [{"constant_labels": [], **run}]}


def names(stages: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in stages]


def test_a_record_is_read_and_one_that_is_broken_is_refused(tmp_path: Path) -> None:
    assert record_of(tmp_path, "encoder here") == {}
    (tmp_path / "metrics.json").write_text('{"model": "m"}', encoding="utf-8")
    assert record_of(tmp_path, "encoder here") == {"model": "m"}
    (tmp_path / "metrics.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^encoder here: .*metrics\.json is not JSON .*"):
        record_of(tmp_path, "encoder here")


def test_the_stages_of_a_model_are_its_own_then_those_behind_it() -> None:
    record = {
        "stages": [stage("own"), {"name": "of long ago"}],
        "averaged_with": [{"model": "other", "stages": [stage("other")]}],
        "stages_before": [stage("first")],
    }
    assert names(stages_of(record)) == ["own", "other", "first"]
    assert stages_of({}) == []


def test_teachers_of_teachers_are_followed_and_each_stage_stands_once() -> None:
    root = stage("root")
    large = stage("large", teacher={"model": "root", "stages": [root]})
    own = stage(
        "own",
        teacher={"model": "large", "stages": [large]},
        toxicity_teacher={"model": "other", "stages": [stage("other")]},
    )
    assert names(with_teachers([own, large, stage("last")])) == [
        "own",
        "large",
        "root",
        "other",
        "last",
    ]
    assert names(with_teachers([own], known=[large, root])) == ["own", "other"]


@pytest.mark.parametrize(
    ("record", "learnt"),
    [
        ({}, None),
        ({"stages": [stage("own", labelled=BOTH)], "starting_model": None}, set(BOTH)),
        # Started from another, of which nothing is known, or whose record is of long ago.
        ({"stages": [stage("own", labelled=BOTH)], "starting_model": "a"}, None),
        (
            {
                "stages": [stage("own", labelled=BOTH)],
                "starting_model": "a",
                "stages_before": [stage("first")],
            },
            None,
        ),
        # A second generation knows what both learnt, and nothing else.
        (
            {
                "stages": [stage("own", labelled={"insult": 3}, constant_labels=["insult"])],
                "starting_model": "a",
                "stages_before": [stage("first", labelled={"stance": 9})],
            },
            {"stance"},
        ),
        (
            {
                "stages": [
                    stage(
                        "own",
                        labelled={},
                        toxicity_teacher={
                            "model": "t",
                            "heads": ["threat"],
                            "stages": [stage("large", labelled={"threat": 9})],
                        },
                    )
                ],
                "starting_model": None,
            },
            {"threat"},
        ),
    ],
)
def test_a_model_knows_what_it_and_those_behind_it_learnt(
    record: dict[str, Any], learnt: set[str] | None
) -> None:
    assert learnt_heads(record) == learnt


def test_few_held_out_rows_of_relevance_say_nothing_where_the_labels_are_known() -> None:
    record = {
        "stages": [stage("own", labelled=BOTH)],
        "starting_model": None,
        "calibrated_on": {"relevance": 0},
    }
    assert learnt_heads(record) == set(BOTH)
    del record["stages"][0]["runs"][0]["constant_labels"]
    assert learnt_heads(json.loads(json.dumps(record))) == {"stance"}
