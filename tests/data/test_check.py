"""What a check of labelled data finds: each fault is planted, and found with the right count."""

import csv
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from stance.data import check as module
from stance.data.check import check
from stance.data.corpora import CORPORA, Corpus
from stance.data.examples import Example
from stance.data.findings import Finding, Findings
from stance.data.label_errors import LabelledText, find_label_errors
from stance.data.labelled import Names
from stance.errors import DataError
from stance.evaluation.suites import BENCHMARKS
from stance.modeling.encoding import InputEncoder

HEADER = ("text", "target", "stance", "toxicity", "split")
LABELS = ("favor", "against", "neutral")
Check = Callable[..., Findings]


@pytest.fixture(scope="module")
def encoder() -> InputEncoder:
    """One token a word."""
    tokenizer = Tokenizer(models.WordLevel({"[CLS]": 0, "[SEP]": 1, "[UNK]": 2}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
    )
    return InputEncoder(tokenizer, 160)


@pytest.fixture
def look(tmp_path: Path, encoder: InputEncoder) -> Check:
    """Check rows of HEADER."""

    def run(rows: Iterable[Sequence[Any]], **options: Any) -> Findings:
        path = tmp_path / "labels.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *rows])
        detect = options.pop("detect", lambda text: "de" if "nicht" in text else "en")
        return check(path, options.pop("names", None), encoder=encoder, detect=detect, **options)

    return run


def sound(number: int = 180) -> list[list[Any]]:
    """Rows without a fault: every class, every target, every split, each text once."""
    splits = ["train"] * 4 + ["dev", "test"]
    return [
        [
            f"comment {chr(97 + place % 26)} number {place}",
            ("trams", "cars")[place // 3 % 2],
            LABELS[place % 3],
            place // 3 % 2,
            splits[place // 6 % 6],
        ]
        for place in range(number * 2)
    ]


def kinds(found: Findings) -> dict[str, Finding]:
    return {item.kind: item for item in found.findings if item.kind != "label_error"}


def test_sound_data_have_no_fault_and_right_counts(look: Check) -> None:
    found = look(sound())
    assert kinds(found) == {}
    assert (found.rows, found.texts, found.left_out, found.unlabelled) == (360, 360, 0, 0)
    whole = {(item.column, item.split): item.counts for item in found.classes}
    assert whole["stance", None] == {"favor": 120, "against": 120, "neutral": 120}
    assert whole["stance", "dev"] == {"favor": 20, "against": 20, "neutral": 20}
    assert whole["toxicity", None] == {"0": 180, "1": 180}
    assert [(item.target, sum(item.counts.values())) for item in found.targets] == [
        ("cars", 180),
        ("trams", 180),
    ]
    assert found.target_number == 2
    assert found.languages.counts == {"en": 360}
    assert found.problems == ()
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.to_dict()["ok"] is True


@pytest.mark.parametrize(
    ("number", "severity", "mend"),
    [
        (34, None, None),
        (30, "warning", "label 67 or more, set dev and test to 0.17 each, or name the splits in a"),
        (10, "problem", "label 67 or more, or name the splits in a column 'split'"),
    ],
)
def test_too_few_to_draw_splits_from(
    look: Check, number: int, severity: str | None, mend: str | None
) -> None:
    found = kinds(look([[*row[:4], ""] for row in sound(number)])).get("few_to_split")
    assert (found and found.severity) == severity
    if found and mend:
        assert found.message.startswith(f"{2 * number} different comments, or groups of them, are")
        assert found.mend.startswith(mend)
    # Splits that are named may be small.
    assert "few_to_split" not in kinds(look(sound(number)))


def test_groups_larger_than_a_split_are_not_counted_as_something_to_draw(look: Check) -> None:
    rows = [[f"comment no {n}", "Trams", "favor", "", ""] for n in range(60)]
    rows += [["the same again", "Trams", "favor", "", ""]] * 30
    found = kinds(look(rows))["few_to_split"]
    assert found.message.startswith(
        "60 different comments, or groups of them no larger than a split, are few"
    )


def test_the_same_text_with_other_labels(look: Check) -> None:
    rows = sound()
    # The same but for case and signs, to the same target; to another target it may differ.
    rows += [[rows[0][0].upper() + "!", "Trams", "against", "", "train"]]
    rows += [[rows[1][0], "the weather", "favor", "", "train"]]
    item = kinds(look(rows))["contradiction"]
    assert (item.severity, item.count, item.rows) == ("warning", 2, ("line 2", "line 362"))
    assert "the same text and target as another and a different stance" in item.message
    many = rows + [[row[0], row[1], "neutral", "", row[4]] for row in rows[:9]]
    assert kinds(look(many))["contradiction"].severity == "problem"


def test_toxicity_contradicts_whatever_the_target(look: Check) -> None:
    rows = [*sound(), ["you fool", "a", "", 1, "train"], ["You fool.", "b", "", 0.4, "train"]]
    item = kinds(look(rows))["contradiction"]
    assert (item.count, item.rows) == (2, ("line 362", "line 363"))
    assert "share of raters" in item.mend


def test_repeats_are_counted_beyond_the_first(look: Check) -> None:
    rows = sound()
    rows += [rows[0], rows[0], [rows[1][0].title(), *rows[1][1:]]]
    found = look(rows)
    item = kinds(found)["repeat"]
    assert (item.count, item.rows) == (3, ("line 362", "line 363", "line 364"))
    assert (found.rows, found.texts) == (363, 360)


def test_texts_in_two_splits(look: Check) -> None:
    rows = sound()
    held_out = next(row for row in rows if row[4] == "test")
    rows.append([held_out[0].upper(), "other", "favor", "", "train"])
    item = kinds(look(rows))["split_leak"]
    assert (item.severity, item.count, item.rows) == ("problem", 1, ("line 362",))
    assert item.message == (
        "1 text stands in the splits train and test: figures measured on test are too good"
    )


def test_groups_in_two_splits(tmp_path: Path, encoder: InputEncoder) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": f"t{place}", "toxicity": place % 2, "group": f"g{place % 4}", "split": split}
        for place, split in enumerate(["train", "train", "test", "dev", "train", "dev"])
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = check(path, encoder=encoder, detect=lambda _: None)
    leaks = [item for item in found.findings if item.kind == "group_leak"]
    assert [(item.count, item.rows) for item in leaks] == [(1, ("line 2",))]
    assert "train and dev" in leaks[0].message


def test_rows_without_split_beside_others(look: Check) -> None:
    rows = [*sound(), ["no split", "trams", "favor", "", ""]]
    assert kinds(look(rows))["no_split"].rows == ("line 362",)
    assert "no_split" not in kinds(look([[*row[:4], ""] for row in sound()]))


def test_a_missing_class_hinders_and_is_said_once(look: Check) -> None:
    rows = [row for row in sound() if row[2] != "neutral"]
    found = look([[*row[:3], 0, row[4]] for row in rows])
    messages = [item.message for item in found.problems]
    assert messages == [
        "no row has stance neutral, of 240 with this label: "
        "a model trained on these forgets to say neutral",
        "no row has toxicity = 1, of 240 with this label: "
        "a model trained on these gives all comments the same answer",
    ]
    assert [item.mend for item in found.problems] == [
        "label comments that take no side, or speak of something else, as neutral",
        "label some that are so, or leave the column toxicity empty: what is not labelled is not "
        "learnt anew",
    ]
    ones = look([[*row[:3], 1, row[4]] for row in sound()])
    assert ones.problems[0].mend == (
        "write 0 where it is not so: an empty cell says that nobody looked"
    )


def test_a_class_missing_in_one_split(look: Check) -> None:
    rows = [row for row in sound() if (row[2], row[4]) != ("against", "test")]
    [problem] = look(rows).problems
    assert problem.message == (
        "no row of the split test has stance against, of 40 with this label: "
        "what is learnt about it cannot be measured"
    )


def test_thin_classes_say_how_many_and_why(look: Check) -> None:
    kept = [row for place, row in enumerate(sound()) if row[2] != "against" or place % 9 == 1]
    found = kinds(look(kept))
    learnt, measured = found["few_of_class"], found["few_to_measure"]
    in_train = sum(row[2] == "against" and row[4] == "train" for row in kept)
    in_dev = sum(row[2] == "against" and row[4] == "dev" for row in kept)
    assert 0 < in_train < module.FEW
    assert f"few rows to learn from: stance against {in_train} in train. " in learnt.message
    assert f"stance against {in_dev} in dev" in measured.message
    assert (learnt.severity, measured.severity) == ("warning", "warning")


def test_a_target_with_one_stance_alone(look: Check) -> None:
    rows = sound() + [[f"hurray {n}", "bikes", "favor", "", "train"] for n in range(20)]
    item = kinds(look(rows))["one_sided_target"]
    assert item.message.startswith(
        "1 of the targets have comments of one stance alone: 'bikes' (20 favor)"
    )
    assert "one_sided_target" not in kinds(look(rows[:-1]))


def test_rows_that_cannot_be_used(look: Check) -> None:
    rows = sound()
    rows[0][0] = " "
    rows[1][1] = ""
    rows[2][2] = "pro"
    found = look(rows)
    assert (found.rows, found.left_out) == (357, 3)
    by_message = {item.message: item for item in found.findings}
    wrong = by_message[
        "1 row is left out: stance is 'pro', expected favor, against or neutral: training refuses "
        "a label that it does not know"
    ]
    assert (wrong.severity, wrong.kind, wrong.rows) == ("problem", "unknown_label", ("line 4",))
    assert wrong.mend == "map it with --label stance.pro=favor"
    assert by_message["1 row is left out: no text"].severity == "warning"
    assert look(rows, names=Names.parse(labels=["stance.pro=neutral"])).left_out == 2
    for row in rows[3:30]:
        row[0] = ""
    [problem] = [item for item in look(rows).problems if item.kind == "unusable"]
    assert (problem.count, problem.mend) == (28, "write their text or delete them")


def test_languages_that_the_model_does_not_read(look: Check) -> None:
    rows = sound()
    rows[5][0] = "das ist nicht gut"
    found = look(rows)
    assert found.languages.unread == {"de": 1}
    assert kinds(found)["language"].severity == "warning"
    assert kinds(look(rows, languages=("en", "de"))).keys() == set()
    assert kinds(look(rows, detect=lambda _: "fr"))["language"].severity == "problem"
    assert kinds(look(rows, detect=lambda _: None)) == {}


def test_lengths_count_the_target_and_the_marks(look: Check) -> None:
    rows = sound()
    assert look(rows).lengths == module.Lengths(360, 160, 8, 8, 8, 0, 0)
    for row in rows[:10]:
        row[0] += " word" * 153  # 157 words, a target of one and three marks
    found = look(rows)
    assert (found.lengths.longest, found.lengths.over) == (161, 10)
    assert "10 of 360 texts looked at (2.8%) are longer than the window" in (
        kinds(found)["long_text"].message
    )
    rows[20][1] = "a target " * 33
    assert kinds(look(rows))["long_target"].count == 1


def test_rows_of_benchmarks_are_found(
    look: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sound()
    train = next(row for row in rows if row[4] == "train")
    test = next(row for row in rows if row[4] == "test")
    texts = [train[0].upper(), test[0], "something else"]

    def read(_: Path) -> Any:
        return iter([Example(text, "made", "test") for text in texts])

    def broken(_: Path) -> Any:
        raise DataError("not in its published format")

    for name in module._measured_on():
        monkeypatch.setitem(CORPORA, name, Corpus(f"no/{name}", broken, "none", True))
    monkeypatch.setitem(CORPORA, "vast", Corpus("vast", read, "none", test_is_benchmark=True))
    monkeypatch.setitem(CORPORA, "arc", Corpus("arc", broken, "none", test_is_benchmark=True))
    (tmp_path / "vast").mkdir()
    (tmp_path / "arc").mkdir()
    found = look(rows, root=tmp_path)
    assert found.benchmarks.looked_into == ("vast",)
    assert "arc" in found.benchmarks.absent
    assert "hatecheck" in found.benchmarks.absent
    item = kinds(found)["benchmark_leak"]  # a test row there is no harm
    assert (item.severity, item.count, item.rows) == ("problem", 1, ("line 2",))
    assert look(rows).benchmarks.looked_into == ()
    with pytest.raises(DataError, match="no such folder; expected the one that holds"):
        look(rows, root=tmp_path / "none")


def test_every_benchmark_that_evaluation_knows_is_looked_into() -> None:
    assert {benchmark.needs[0] for benchmark in BENCHMARKS.values()} <= set(module._measured_on())


def test_a_sample_is_looked_at_where_there_are_many(
    look: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 50)
    found, again, other = look(sound()), look(sound()), look(sound(), seed=2)
    assert found.languages.looked_at == found.lengths.looked_at == 50
    assert found == again
    assert found.rows == other.rows == 360
    draws = [module._Tally(seed, "line") for seed in (1, 2)]
    row = module.LabelledRow(1, "a", None, None, {"toxicity": 1.0}, None, "a", None, {})
    for tally in draws:
        for number in range(500):
            tally.add(replace(row, number=number))
    places = [[item.place for item in tally.sample] for tally in draws]
    assert [len(set(kept)) for kept in places] == [50, 50]
    assert places[0] != places[1]
    assert max(places[0]) > 400  # late rows too


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=30))
def test_contradictions_are_those_of_the_definition(pairs: list[tuple[int, int]]) -> None:
    hashes = np.array([first for first, _ in pairs], np.uint64)
    values = np.array([second for _, second in pairs], np.int8)
    expected = {
        place
        for place, (first, second) in enumerate(pairs)
        if any(other == first and value != second for other, value in pairs)
    }
    found = module._in_contradiction(hashes, values).tolist()
    assert set(found) == expected
    assert len(found) == len(expected)


def opinions(number: int, flipped: int) -> tuple[list[LabelledText], set[str]]:
    """Rows whose words tell the label, to two targets with opposite words; some are flipped."""
    draw = random.Random(7)  # noqa: S311
    words = {"trams": (["love", "great"], ["hate", "awful"], ["when", "where"])}
    words["cars"] = (words["trams"][1], words["trams"][0], words["trams"][2])
    wrong = set(draw.sample(range(number), flipped))
    items = []
    for place in range(number):
        target = ("trams", "cars")[place % 2]
        label = place // 2 % 3
        text = f"{draw.choice(words[target][label])} is what I say of {place} and {place % 13}"
        shown = (label + 1) % 3 if place in wrong else label
        items.append(LabelledText(f"line {place}", text, target, shown))
    return items, {f"line {place}" for place in wrong}


def test_flipped_labels_are_found() -> None:
    pytest.importorskip("cleanlab", reason="evaluation is not installed")
    items, wrong = opinions(300, 12)
    found = find_label_errors("stance", items, LABELS, 300)
    assert (found.searched, found.of, found.skipped) == (300, 300, "")
    named = [suspect.row for suspect in found.suspects]
    assert set(named) <= wrong
    assert len(named) >= 10
    for suspect in found.suspects:
        assert suspect.label == LABELS[(LABELS.index(suspect.likely) + 1) % 3]
        assert suspect.probability < 0.5
    assert found == find_label_errors("stance", items, LABELS, 300)


def test_a_class_too_thin_for_every_fold_is_left_out_of_the_search() -> None:
    pytest.importorskip("cleanlab", reason="evaluation is not installed")
    items, _ = opinions(300, 12)
    kept = [item for item in items if item.label != 2]
    kept += [replace(item, label=2) for item in items if item.label == 2][:9]
    found = find_label_errors("stance", kept, LABELS, len(kept))
    assert found.searched == len(kept) - 9
    assert {suspect.label for suspect in found.suspects} <= {"favor", "against"}


def test_why_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cleanlab", reason="evaluation is not installed")
    items, _ = opinions(300, 0)
    few = find_label_errors("stance", items[:99], LABELS, 99)
    assert few.skipped == "fewer than 100 rows: too few to learn from"
    one = find_label_errors("stance", [replace(item, label=0) for item in items], LABELS, 300)
    assert one.skipped == "fewer than two classes with 10 rows or more: nothing to compare"
    monkeypatch.setattr("stance.data.label_errors.find_spec", lambda name: None)
    without = find_label_errors("stance", items, LABELS, 300)
    assert without.searched == 0
    assert without.skipped == (
        "the package 'sklearn' is not installed: run pip install '.[evaluate]' in the project's "
        "folder"
    )


def test_texts_without_a_common_word_are_no_error() -> None:
    pytest.importorskip("cleanlab", reason="evaluation is not installed")
    items = [LabelledText(f"line {n}", f"w{n}x", None, n % 2) for n in range(120)]
    assert find_label_errors("toxicity", items, ("0", "1"), 120).searched == 120
