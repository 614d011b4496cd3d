"""Users' labelled files: what is read, what is refused and with which words."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stance.data.labelled import Names, Problem, read_labelled
from stance.errors import DataError, InputError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_column_of_the_format_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "labels.csv",
        "text,target,stance,toxicity,insult,parent,group,split,site\n"
        "More trams!,trams,Favor,0,0.25,Trams?,g1,train,a\n"
        "You fool,,,1,,,,validation,\n"
        "I agree,,favor,,,Ban cars.,,test,b\n",
    )
    data = read_labelled(path, extras=["site"])
    first, second, third = data.rows
    assert (data.name, data.has_groups, data.problems, data.notes) == ("labels.csv", True, (), ())
    assert (first.number, first.target, first.stance, first.split) == (2, "trams", "favor", "train")
    assert first.toxicity == {"toxicity": 0.0, "insult": 0.25}
    assert (first.parent, first.group, first.extras) == ("Trams?", "g1", {"site": "a"})
    assert (second.stance, second.toxicity, second.split) == (None, {"toxicity": 1.0}, "dev")
    assert (second.group, second.extras) == ("youfool", {})
    assert third.target == "Ban cars."  # the parent stands in for the target
    assert third.example("own").corpus == "own"


def test_json_lines_parquet_and_datasets_give_the_same_rows(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="training is not installed")
    rows = [
        {"text": "a b", "target": "t", "stance": "against", "toxicity": None},
        {"text": "c d", "target": None, "stance": None, "toxicity": 0.5},
    ]
    write(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "folder"))
    read = [read_labelled(tmp_path / name).rows for name in ("a.jsonl", "a.parquet", "folder")]
    assert read[0] == read[1] == read[2]
    assert [row.number for row in read[0]] == [1, 2]


def test_a_dataset_gives_its_class_names_and_splits(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="training is not installed")
    features = datasets.Features(
        {
            "body": datasets.Value("string"),
            "target": datasets.Value("string"),
            "stance": datasets.ClassLabel(names=["against", "favor"]),
        }
    )
    part = {"body": ["a", "b"], "target": ["t", "t"], "stance": [1, 0]}
    datasets.DatasetDict(
        {
            "train": datasets.Dataset.from_dict(part, features=features),
            "validation": datasets.Dataset.from_dict(part, features=features),
        }
    ).save_to_disk(str(tmp_path / "d"))
    rows = read_labelled(tmp_path / "d", Names({"text": "body"})).rows
    assert [(row.number, row.text, row.stance, row.split) for row in rows] == [
        (1, "a", "favor", "train"),
        (2, "b", "against", "train"),
        (3, "a", "favor", "dev"),
        (4, "b", "against", "dev"),
    ]


def test_unknown_labels_name_row_column_and_what_is_allowed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv", "text,target,stance\na,t,favor\nb,t,pro\nc,t,pro\nd,t,contra side\n"
    )
    with pytest.raises(DataError) as error:
        read_labelled(path)
    assert str(error.value) == (
        f"{path}: line 3, column 'stance': found 'pro'; expected favor, against or neutral, or "
        "nothing where unlabelled; map it with --label stance.pro=favor; 3 rows have such labels, "
        "also 'contra side' in 'stance' (1, first line 5)"
    )
    names = Names.parse(labels=["stance.pro=favor", "stance.contra side=against"])
    assert [row.stance for row in read_labelled(path, names).rows] == [
        "favor",
        "favor",
        "favor",
        "against",
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.5, "often"])
def test_a_toxicity_that_is_no_share_is_refused(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path / "x.jsonl", json.dumps({"text": "a", "insult": value}))
    with pytest.raises(
        DataError,
        match=r"line 1, column 'insult': found '.*'; "
        "expected 0, 1 or a share of raters between them",
    ):
        read_labelled(path)


def test_nan_in_parquet_is_refused_and_null_is_unlabelled(tmp_path: Path) -> None:
    rows = [{"text": "a", "toxicity": 1.0}, {"text": "b", "toxicity": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "null.parquet")
    data = read_labelled(tmp_path / "null.parquet")
    assert data.problems == (Problem("no label", 1, ("row 2",), unlabelled=True),)
    pq.write_table(
        pa.Table.from_pylist([*rows, {"text": "c", "toxicity": math.nan}]), tmp_path / "x.parquet"
    )
    with pytest.raises(DataError, match="row 3, column 'toxicity': found 'nan'"):
        read_labelled(tmp_path / "x.parquet")


def test_rows_that_cannot_be_used_are_counted_and_cost_no_other(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        '{"text": "a", "stance": "favor", "target": "t"}\n{"text": \n'
        '{"text": " ", "toxicity": 1}\n{"text": "b", "stance": "favor"}\n{"text": "c"}\n'
        '{"text": "d", "toxicity": "high"}\n',
    )
    data = read_labelled(path, strict=False)
    assert len(data.rows) == 1
    assert [(problem.reason, problem.count) for problem in data.problems] == [
        ("cannot be read", 1),
        ("no text", 1),
        ("a stance and nothing that it is to: neither target nor parent", 1),
        ("toxicity is 'high', expected 0, 1 or a share of raters between them", 1),
        ("no label", 1),
    ]
    assert data.problems[0].rows == ("line 2: not JSON: Expecting value at character 9",)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "comment_text,stance,target",
            "no column 'text' with the comment; found comment_text, stance, target; "
            "map it with --column text=comment_text",
        ),
        (
            "text,Stance,target",
            "no column of labels; found text, Stance, target; expected stance or one of toxicity, "
            "severe_toxicity, obscene, threat, insult, identity_attack; "
            "map it with --column stance=Stance",
        ),
    ],
)
def test_missing_columns_say_how_to_map(tmp_path: Path, header: str, message: str) -> None:
    path = write(tmp_path / "x.csv", f"{header}\na,favor,t\n")
    with pytest.raises(DataError) as error:
        read_labelled(path)
    assert str(error.value) == f"{path}: {message}"


def test_what_is_asked_for_must_be_there(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "text,toxicity,toxicty,targets\na,1,0,t\n")
    with pytest.raises(DataError, match="no column 'site'; found text, toxicity, toxicty"):
        read_labelled(path, extras=["site"])
    with pytest.raises(DataError, match="no column 'body'; found"):
        read_labelled(path, Names({"text": "body"}))
    names = Names(labels={"toxicity": {"bad": "1"}})
    assert read_labelled(path, names).notes == (
        "the column 'targets' is not used; if it holds target, map it with --column target=targets",
        "no row has the mapped label 'bad' in 'toxicity'",
    )


def test_mappings_are_checked() -> None:
    with pytest.raises(DataError, match="'txt' is no column of ours; expected one of text, target"):
        Names.parse(["txt=comment"])
    with pytest.raises(DataError, match="'good' is no label; expected favor, against or neutral"):
        Names.parse(labels=["stance.pro=good"])
    with pytest.raises(DataError, match=r"'stance=x': expected COLUMN.THEIRS=OURS"):
        Names.parse(labels=["stance=x"])
    with pytest.raises(DataError, match="'text': expected OURS=THEIRS"):
        Names.parse(["text"])
    with pytest.raises(DataError, match="'target' is no column of labels"):
        Names.parse(labels=["target.a=b"])


def test_sources_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^none.csv: no such file$"):
        read_labelled("none.csv")
    with pytest.raises(InputError, match=r"^labels: no such file or folder$"):
        read_labelled("labels")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match=r"^data/labels: no such file or folder$"):
        read_labelled("data/labels")  # a mistaken path is not looked for in a network
    with pytest.raises(InputError, match="expected labelled rows as"):
        read_labelled(write(tmp_path / "x.txt", "text"))
    with pytest.raises(DataError, match="none of its rows can be used: no label"):
        read_labelled(write(tmp_path / "x.csv", "text,stance,target\na,,t\n"))
    pytest.importorskip("datasets", reason="training is not installed")
    write(tmp_path / "data" / "part.csv", "text\n")
    with pytest.raises(InputError, match=r"save_to_disk; name a file in it, such as data/part.csv"):
        read_labelled("data")


def test_a_name_that_is_no_file_is_asked_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="training is not installed")
    monkeypatch.chdir(tmp_path)
    asked = []

    def load(name: str) -> Any:
        asked.append(name)
        if name == "owner/none":
            raise ConnectionError("no network")
        return datasets.DatasetDict(
            {"test": datasets.Dataset.from_list([{"text": "a", "threat": 1}])}
        )

    monkeypatch.setattr(datasets, "load_dataset", load)
    data = read_labelled("owner/name")
    assert (data.name, data.rows[0].split, asked) == ("name", "test", ["owner/name"])
    with pytest.raises(InputError, match=r"no such dataset could be loaded .* \(no network\)"):
        read_labelled("owner/none")


def test_a_column_of_texts_taken_for_labels_does_not_fill_the_memory(tmp_path: Path) -> None:
    lines = "".join(f"a,t,opinion {number}\n" for number in range(500))
    with pytest.raises(DataError, match="500 rows have such labels") as error:
        read_labelled(write(tmp_path / "x.csv", f"text,target,stance\n{lines}"))
    assert len(str(error.value)) < 800
