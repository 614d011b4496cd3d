"""What arguments name: labelled files with splits and slices, benchmarks, models, training rows."""

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="evaluation is not installed")
from stance.data.labelled import Names
from stance.errors import DataError, InputError, ModelError
from stance.evaluation.inputs import (
    load_contender,
    load_contenders,
    load_data_sets,
    training_rows,
)


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def split_file(tmp_path: Path) -> str:
    return write(
        tmp_path / "mine.csv",
        "text,target,stance,split,language,group,parent,site\n"
        "a,trams,favor,train,en,1,,x\nb,trams,against,test,en,2,,x\nc,cars,favor,test,,2,,y\n"
        "d,,favor,test,de,3,An answer.,\nb again,trams,favor,train,en,2,,x\n",
    )


def test_the_test_split_is_taken_and_its_targets_are_known_to_be_seen(split_file: str) -> None:
    [data] = load_data_sets([split_file], slices=["site"])
    assert [row.text for row in data.examples] == ["b", "c", "d"]
    assert (data.name, data.split, data.unit) == ("mine.csv", "test", "group")
    assert (list(data.groups), list(data.lines)) == (["2", "2", "3"], [3, 4, 5])
    assert data.columns["seen_target"] == ["in training", "not in training", "not in training"]
    assert data.columns["language"] == ["en", None, "de"]
    assert data.columns["site"] == ["x", "y", None]
    assert data.asked == ("site",)
    assert data.examples[2].target == "An answer."
    assert data.notes == (
        "Rows without a target of their own are judged by their stance to the parent.",
    )
    # A row of the same group as an evaluated one is not trained on.
    assert [row.text for row in data.training_rows()] == ["a"]


def test_splits_may_be_named_or_all_taken(split_file: str, tmp_path: Path) -> None:
    [data] = load_data_sets([split_file], split="train")
    assert ([row.text for row in data.examples], data.training_rows) == (["a", "b again"], None)
    [data] = load_data_sets([split_file], split="all")
    assert (len(data.examples), data.split) == (5, None)
    with pytest.raises(DataError) as error:
        load_data_sets([split_file], split="dev")
    assert str(error.value) == (
        "mine.csv: no row of the split 'dev'; found test (3), train (2); "
        "name one with --split, or all"
    )
    plain = write(tmp_path / "plain.csv", "text,toxicity\na,1\na,0\n")
    [data] = load_data_sets([plain])
    assert (len(data.examples), data.split, data.unit) == (2, None, "comment")
    assert list(data.groups) == ["a", "a"]


def test_data_sets_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    text = "text,toxicity\na,1\n"
    paths = [write(tmp_path / folder / "a.csv", text) for folder in ("one", "two")]
    assert [data.name for data in load_data_sets(paths)] == ["a.csv", "a.csv (2)"]


def test_what_is_not_there_says_what_there_is(tmp_path: Path, split_file: str) -> None:
    with pytest.raises(InputError, match="no such file or folder; the benchmarks are vast, arc"):
        load_data_sets(["wast"])
    with pytest.raises(InputError, match=r"none.csv: no such file$"):
        load_data_sets([str(tmp_path / "none.csv")])
    with pytest.raises(DataError, match="no column 'place'; found text, target"):
        load_data_sets([split_file], slices=["place"])
    vast = tmp_path / "vast"
    write(vast / "vast_train.csv", "post,new_topic,topic_str,label,type_idx\n")
    write(vast / "vast_dev.csv", "Tweet,Target 1,Stance 1,seen?\n")
    write(vast / "vast_test.csv", "Tweet,Target 1,Stance 1,seen?\na,b,FAVOR,1\n")
    with pytest.raises(
        DataError,
        match="no data set has the column 'place'; found length, on_target, seen_target, target",
    ):
        load_data_sets([f"vast={vast}"], slices=["place"])
    [data] = load_data_sets([f"vast={vast}"], slices=["target"])
    assert data.asked == ("target",)


def test_models_are_folders_or_baselines(tiny_model: Path, tmp_path: Path) -> None:
    found = load_contenders([str(tiny_model), "tfidf", str(tiny_model), "majority"])
    assert [each.key for each in found] == ["tiny", "tfidf", "majority"]
    assert len(found[0].sha256) == 64
    assert found[1].sha256 is None
    again = tmp_path / "again"
    again.symlink_to(tiny_model)
    assert [each.key for each in load_contenders([str(tiny_model), str(again)])] == [
        "tiny",
        "tiny_2",
    ]
    with pytest.raises(ModelError, match="no such folder"):
        load_contender(str(tmp_path / "none"))


def test_a_baseline_without_training_rows_says_how_to_name_some(tmp_path: Path) -> None:
    [data] = load_data_sets([write(tmp_path / "a.csv", "text,toxicity\na,1\n")])
    with pytest.raises(
        DataError, match=r"'tfidf' needs training rows and a.csv has none.*--train-"
    ):
        load_contender("tfidf").scorer_for(data)
    rows = list(data.examples)
    with pytest.raises(DataError, match=r"no label in a.csv, without the comments that are"):
        load_contender("majority", training=(rows, "a.csv")).scorer_for(data)


def test_training_rows_are_the_train_split_of_a_file_or_a_corpus(
    split_file: str, tmp_path: Path
) -> None:
    rows, words = training_rows(split_file)
    assert ([row.text for row in rows], words) == (["a", "b again"], "the train rows of mine.csv")
    plain = write(tmp_path / "plain.csv", "body,toxicity\na,1\n")
    rows, words = training_rows(plain, names=Names({"text": "body"}))
    assert ([row.text for row in rows], words) == (["a"], "plain.csv")
    with pytest.raises(DataError, match="'hatecheck' is a benchmark"):
        training_rows("hatecheck", root=tmp_path)
    with pytest.raises(DataError, match="where is the corpus 'vast'"):
        training_rows("vast")
    write(
        tmp_path / "toxicity/paradetox/paradetox.tsv",
        "toxic\tneutral1\tneutral2\tneutral3\na\tb\t\t\n",
    )
    rows, words = training_rows("paradetox", root=tmp_path)
    assert [row.text for row in rows] == ["a", "b"]
