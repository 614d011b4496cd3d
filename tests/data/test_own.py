import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.data.corpora import CORPORA
from stance.data.examples import Example
from stance.data.labelled import Names, read_labelled
from stance.data.mix import Share, build_mix
from stance.data.own import OwnFile, read_own
from stance.errors import DataError, InputError

NAMES = Names({"text": "body"}, {"stance": {"pro": "favor"}}, "data.mine")
ROWS = """body,target,stance,toxicity,parent,group,split,source
More trams!,trams,pro,,,a,train,forum
You fool.,,,1,,b,train,forum
"Yes, indeed.",,pro,0.2,Trams are fine.,c,train,
I do not mind.,trams,neutral,0,,d,dev,blog
Never.,trams,against,,,e,test,blog
"""


def own(path: Path, content: str = ROWS, names: Names = NAMES) -> OwnFile:
    path.write_text(content, encoding="utf-8")
    return OwnFile("mine", str(path), names, 0.15, 0.15)


def test_a_row_with_a_target_is_a_pair_and_a_comment_alone(tmp_path: Path) -> None:
    data = read_own(own(tmp_path / "c.csv"), 1)
    assert list(data.examples())[:4] == [
        Example("More trams!", "mine", "train", "trams", "favor", 1.0),
        Example("More trams!", "mine", "train"),
        Example("You fool.", "mine", "train", toxicity={"toxicity": 1.0}),
        Example("Yes, indeed.", "mine", "train", "Trams are fine.", "favor", 1.0),
    ]
    assert data.counts() == {"train": 3, "dev": 1, "test": 1}


def test_the_splits_are_kept_in_a_file_that_is_read_without_any_mapping(tmp_path: Path) -> None:
    data = read_own(own(tmp_path / "c.csv"), 1)
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(data.to_json_lines())
    again = read_labelled(kept, optional=("source",))
    assert [(row.text, row.target, row.stance, row.toxicity, row.parent, row.group, row.split)
            for row in again.rows] == [
        (row.text, row.target, row.stance, row.toxicity, row.parent, row.group, row.split)
        for row in data.rows
    ]  # fmt: skip
    assert [row.extras.get("source") for row in again.rows] == [
        *("forum", "forum", None, "blog", "blog")
    ]
    assert json.loads(kept.read_text(encoding="utf-8").splitlines()[1]) == {
        "text": "You fool.",
        "toxicity": 1.0,
        "group": "b",
        "split": "train",
        "source": "forum",
    }


def test_splits_are_drawn_where_the_file_names_none_and_said_to_be(tmp_path: Path) -> None:
    lines = [f"comment {n},trams,{('pro', 'against')[n % 2]}" for n in range(100)]
    data = read_own(own(tmp_path / "c.csv", "\n".join(["body,target,stance", *lines])), 1)
    assert (data.counts(), data.drawn) == ({"train": 70, "dev": 15, "test": 15}, ("dev", "test"))
    assert data.to_dict()["drawn_splits"] == ["dev", "test"]
    # Without a column of groups none is made up.
    assert "group" not in json.loads(data.to_json_lines().splitlines()[0])


def test_a_label_that_is_not_known_says_what_to_write_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_own(own(tmp_path / "c.csv", ROWS.replace("against", "contra")), 1)
    assert str(caught.value) == (
        f"{tmp_path / 'c.csv'}: line 6, column 'stance': found 'contra'; expected favor, against "
        "or neutral, or nothing where unlabelled; map it in the configuration with "
        "data.mine.labels: {stance: {contra: against}}"
    )


def test_a_column_that_is_called_otherwise_says_so_too(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_own(own(tmp_path / "c.csv", names=Names(section="data.mine")), 1)
    assert str(caught.value).endswith(
        "no column 'text' with the comment; found body, target, stance, toxicity, parent, group, "
        "split, source; map it in the configuration with data.mine.columns: {text: body}"
    )


def test_a_missing_file_says_where_paths_count_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read_own(OwnFile("mine", "none.csv", Names(), 0.15, 0.15), 1)
    assert str(caught.value) == (
        f"none.csv: no such file; a path counts from the folder that stance is run in, {tmp_path}"
    )


def test_the_shipped_example_is_known_by_its_name() -> None:
    data = read_own(OwnFile("mine", "example", Names(), 0.15, 0.15), 1)
    assert (data.file, data.counts()) == ("labelled.csv", {"train": 12, "dev": 4, "test": 4})


def test_a_mix_of_own_rows_needs_no_public_corpus_and_leaves_held_out_texts_out(
    tmp_path: Path,
) -> None:
    leak = ROWS + "NEVER!,trams,against,,,f,train,\n"
    data = read_own(own(tmp_path / "c.csv", leak), 1)
    corpora = {**CORPORA, "mine": data.corpus()}
    examples, report = build_mix([Share("mine")], None, 1, corpora=corpora)
    assert {example.text for example in examples} == {"More trams!", "You fool.", "Yes, indeed."}
    assert report.in_benchmark == {"mine": 2}
    assert "hatecheck" in report.absent_benchmarks
    with pytest.raises(DataError, match=r"where is the corpus in stance/vast\? Name the folder"):
        build_mix([Share("vast")], None, 1, corpora=corpora)


def test_what_was_left_out_is_said_where_the_rest_is_too_little(tmp_path: Path) -> None:
    lines = [f"comment {n},trams,pro" for n in range(120)]
    lines.insert(40, '"never closed,trams,pro')
    with pytest.raises(DataError) as caught:
        read_own(own(tmp_path / "c.csv", "\n".join(["body,target,stance", *lines])), 1)
    assert "to split: of 40 the split test would have 6, expected at least 10" in str(caught.value)
    assert "; left out: 1 with a quotation mark is never closed" in str(caught.value)
    assert str(caught.value).endswith("(line 42)")
