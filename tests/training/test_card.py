"""The card of a model that a user trained: what it says of their data, and claims nothing else."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic", reason="training is not installed")
from stance.training.card import write_card
from stance.training.config import TrainConfig


def metrics(start: str | None) -> dict[str, Any]:
    fitted = {"stance": 150, "relevance": 0, "spans": 0, "toxicity": 0}
    parity = dict.fromkeys(("stance", "relevance", "toxicity", "spans"), 0.001)
    return {
        "starting_model": start,
        "languages": ["de", "en"],
        "own_data": {
            "mine": {
                "file": "a|b <b>.csv",
                "rows": {"train": 700, "dev": 150, "test": 150},
                "drawn_splits": ["dev", "test"],
            }
        },
        "stages": [
            {
                "name": "own",
                "runs": [
                    {
                        "mix": {"kept": {"mine": 1400}, "dropped_in_benchmark": {"mine": 3}},
                        "labelled": {"stance": 700, "insult": 20},
                    }
                ],
            }
        ],
        "calibrated_on": fitted,
        "export": {"windows": 200, "float32": parity, "int8": parity},
        "before_and_after": [
            {
                "data": "mine.jsonl",
                "title": "Macro-F1",
                "n": 150,
                "before": 0.5,
                "after": 0.6,
                "difference": 0.1,
                "interval": [0.02, 0.18],
            }
        ],
    }


def card(folder: Path, start: str | None, learnt: dict[str, Any] | None = None) -> str:
    teacher = {"model": "runs/large/model"}
    config = TrainConfig.model_validate(
        {
            "name": "mine-1",
            "output": "out",
            "encoder": "some/folder/encoder",
            "data": {"mine": {"file": "c.csv"}},
            "stages": [{"name": "own", "mix": [{"corpus": "mine"}], "teacher": teacher}],
        },
        context={"own": ["mine"]},
    )
    write_card(config, learnt or metrics(start), folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_it_speaks_of_the_users_data(tmp_path: Path) -> None:
    text = card(tmp_path, "stance-minilm-0.2")
    assert text.startswith("---\nlicense: other\nlanguage: [de, en]\n")
    assert "trained from the model stance-minilm-0.2" in text
    assert "| own | mine | 1,400 | 3 | of your data |" in text
    assert "| mine | a\\|b \\<b\\>.csv | 700 | 150 | 150 | dev, test |" in text
    assert (
        "| mine.jsonl | Macro-F1 | 150 | 0.5000 | 0.6000 | +0.1000 (+0.0200 to +0.1800) |" in text
    )
    assert "fitted on dev rows: stance (150 rows)." in text
    assert (
        "Calibrated as the model that training started from, for want of dev rows: relevance, "
        "spans, toxicity." in text
    )
    assert "less\n  what it lost since" in text
    for claim in ("hatecheck", "Reddit", "Wikipedia", "apache", "Not measured"):
        assert claim not in text


def test_a_teacher_and_what_it_learnt_from_are_named(tmp_path: Path) -> None:
    learnt = metrics("stance-minilm-0.2")
    mix = {"kept": {"vast": 90}, "dropped_in_benchmark": {"vast": 2}}
    teacher = {"model": "large", "stages": [{"name": "claims", "runs": [{"mix": mix}]}]}
    learnt["stages"][0]["runs"][0]["teacher"] = teacher
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "Beside the labels it learnt what another model says: large." in text
    assert "Pairs that nobody" not in text
    assert "| own | mine | 1,400 | 3 | of your data |" in text
    assert "| claims | vast | 90 | 2 |" in text
    assert "targets alone" not in text
    learnt["stages"][0]["runs"][0]["mix"]["near_targets"] = {"mine": {"arc": 30, "vast": 0}}
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "large.\nPairs that nobody but such a model labelled are among the examples.\n" in text
    assert "| own | arc, targets alone | 30 of those above | – | " in text
    assert "vast, targets alone" not in text
    learnt["stages"][0]["runs"][0]["toxicity_teacher"] = {**teacher, "model": "larger"}
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "Beside the labels it learnt what other models say: large, larger." in text
    # Both learnt from the same rows, which stand there once; two of one name are two.
    assert text.count("| claims | vast | 90 | 2 |") == 1
    run = learnt["stages"][0]["runs"][0]
    run["teacher"], run["toxicity_teacher"] = {**teacher, "sha256": "1"}, {**teacher, "sha256": "2"}
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "Beside the labels it learnt what other models say: large, large." in text
    # Nor are those named again that its start came about in.
    learnt["stages_before"] = teacher["stages"]
    assert "| claims |" not in card(tmp_path, "stance-minilm-0.2", learnt)


def test_benchmarks_that_were_not_at_hand_are_named(tmp_path: Path) -> None:
    learnt = metrics("stance-minilm-0.2")
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "Texts of benchmarks and of other splits were left out of training.\n" in text
    learnt["stages"][0]["runs"][0]["mix"]["absent_benchmarks"] = ["vast", "hatecheck"]
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert (
        "left out of training, but for benchmarks that were not at hand: vast, hatecheck." in text
    )


def test_what_it_cannot_do_is_said_of_what_it_learnt_and_was_measured_on(tmp_path: Path) -> None:
    learnt = metrics(None)
    learnt["own_data"] = {}
    text = card(tmp_path, None, learnt)
    assert "It knows a target by its words alone" in text
    for claim in ("hatecheck", "identity contrasts", "(arc)", "Reddit"):
        assert claim not in text
    mix = learnt["stages"][0]["runs"][0]["mix"]
    mix["kept"] = {"arc": 9, "identity_contrasts": 9}
    learnt["benchmarks"] = {"hatecheck": {"n": 1}, "arc": None}
    text = card(tmp_path, None, learnt)
    assert "compare the two shares flagged under hatecheck.\n- The identity contrasts" in text
    assert "(arc)" not in text


def test_several_seeds_of_a_stage_are_named(tmp_path: Path) -> None:
    learnt = metrics("stance-minilm-0.2")
    [run] = learnt["stages"][0]["runs"]
    assert "mean of the weights" not in card(tmp_path, "stance-minilm-0.2", learnt)
    learnt["stages"][0]["runs"] = [{**run, "seed": seed} for seed in (4, 5)]
    text = card(tmp_path, "stance-minilm-0.2", learnt)
    assert "\nThe stage own ends in the mean of the weights of seeds 4, 5.\n" in text


def test_what_a_model_was_trained_on_before_is_named_where_the_data_are_public(
    tmp_path: Path,
) -> None:
    learnt = metrics("stance-minilm-0.2")
    mix = {"kept": {"vast": 90}, "dropped_in_benchmark": {"vast": 2}}
    learnt["stages_before"] = [{"name": "breadth", "runs": [{"mix": mix}]}]
    assert "breadth" not in card(tmp_path, "stance-minilm-0.2", learnt)
    learnt["own_data"] = {}
    assert "| breadth | vast | 90 | 2 | none stated" in card(tmp_path, "stance-minilm-0.2", learnt)


def test_what_was_the_same_in_all_rows_was_not_learnt(tmp_path: Path) -> None:
    learnt = metrics(None)
    run = learnt["stages"][0]["runs"][0]
    run["labelled"] = {"stance": 700, "relevance": 700, "insult": 20, "threat": 20}
    run["constant_labels"] = ["relevance", "threat"]
    never = "toxicity, severe_toxicity, obscene, threat, identity_attack, relevance, spans."
    assert f"scores mean nothing: {never}" in card(tmp_path, None, learnt)


def test_what_a_teacher_taught_was_learnt(tmp_path: Path) -> None:
    learnt = metrics(None)
    run = learnt["stages"][0]["runs"][0]
    run["labelled"] = {"insult": 20}
    run["teacher"] = {"model": "large", "heads": ["stance"], "stages": []}
    never = "toxicity, severe_toxicity, obscene, threat, identity_attack, relevance, spans."
    assert f"scores mean nothing: {never}" in card(tmp_path, None, learnt)


def test_heads_that_were_never_trained_are_named(tmp_path: Path) -> None:
    text = card(tmp_path, None)
    assert "encoder encoder with four heads" in text
    assert "some/folder" not in text
    assert (
        "these data label none of the following: their\n  scores mean nothing: toxicity, "
        "severe_toxicity, obscene, threat, identity_attack, relevance, spans.\n- A flag" in text
    )
    assert "Not calibrated, for want of dev rows: relevance, spans, toxicity." in text
