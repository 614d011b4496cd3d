from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.data.labelled import Names
from stance.data.recognise import recognise
from stance.errors import DataError

ROWS = """Comment Text;topic;position;toxic;thread_group;partition
Trams are fine.;trams;PRO;no;1;training
More trams!;trams;pro;no;1;training
You fool.;;;yes;2;validation
Never.;trams;contra;;3;testing
Hm.;trams;maybe;0;4;testing
Hm, hm.;trams;neutral;0,5;4;testing
"""


def table(folder: Path, content: str = ROWS) -> Path:
    path = folder / "labels.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_columns_and_labels_that_mean_ours_are_mapped_and_others_named(tmp_path: Path) -> None:
    found = recognise(table(tmp_path))
    assert found.names == Names(
        {
            "text": "Comment Text",
            "target": "topic",
            "stance": "position",
            "toxicity": "toxic",
            "group": "thread_group",
            "split": "partition",
        },
        {
            "stance": {"PRO": "favor", "pro": "favor", "contra": "against"},
            "toxicity": {"no": "0", "yes": "1"},
            "split": {"training": "train", "testing": "test"},
        },
    )
    assert found.unknown == {"stance": {"maybe": 1}, "toxicity": {"0,5": 1}}
    assert (found.rows, found.groups) == (4, (2,))  # of train alone, which is divided further
    assert found.heads == {
        "stance": {"favor": 2, "against": 1},
        "toxicity": {"0": 2, "1": 1},
    }
    assert found.splits == {"train": 2, "dev": 1, "test": 1}


def test_our_own_names_need_no_mapping(tmp_path: Path) -> None:
    found = recognise(table(tmp_path, "text,target,stance,label\nMore!,trams,favor,x\n"))
    assert (found.names, found.unknown, found.splits) == (Names(), {}, {})


def test_a_usual_name_goes_before_one_that_holds_ours(tmp_path: Path) -> None:
    found = recognise(table(tmp_path, "text,target_group,stance,topic\nMore!,fans,favor,trams\n"))
    assert found.names.columns == {"target": "topic"}
    assert found.unused == ("target_group",)


def test_of_two_columns_of_like_names_each_is_taken_for_its_own(tmp_path: Path) -> None:
    found = recognise(table(tmp_path, "text,Severe_Toxicity,Toxicity\nMore!,0,1\n"))
    assert found.names.columns == {"toxicity": "Toxicity", "severe_toxicity": "Severe_Toxicity"}
    found = recognise(table(tmp_path, "text,toxicity,severe_toxicity_score\nMore!,0,1\n"))
    assert found.names.columns == {"severe_toxicity": "severe_toxicity_score"}


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("text,target,label\nMore!,trams,pro\n", {"stance": "label"}),
        ("text,context,label\nMore!,Trams?,pro\n", {"parent": "context", "stance": "label"}),
        ("text,label\nMore!,0\nFool!,1\n", {"toxicity": "label"}),
        ("text,Label\nMore!,No\nFool!,yes\nHm,\n", {"toxicity": "Label"}),
        ("text,label\nMore!,FALSE\nFool!,TRUE\n", {"toxicity": "label"}),
        ("text,label\nMore!,non-toxic\nFool!,toxic\n", {"toxicity": "label"}),
        ("text,target,label,final_stance\nMore!,trams,x,pro\n", {"stance": "final_stance"}),
        ("text,toxic,label\nMore!,0,1\n", {"toxicity": "toxic"}),
    ],
)
def test_label_is_taken_for_what_the_columns_beside_it_and_its_values_say(
    content: str, columns: dict[str, str], tmp_path: Path
) -> None:
    assert recognise(table(tmp_path, content)).names.columns == columns


def test_a_label_that_may_be_anything_is_refused_after_the_names_were_told(tmp_path: Path) -> None:
    told: list[Names] = []
    path = table(tmp_path, "tweet,label\nMore!,funny\nFool!,dull\n")
    with pytest.raises(DataError) as error:
        recognise(path, told.append)
    assert str(error.value) == (
        f"{path}: the column 'label' may hold anything, found 'funny', 'dull'; for toxicity write "
        "0 and 1 there; for stance add a column 'target' that says to what"
    )
    assert told == [Names({"text": "tweet"})]


def test_zero_in_a_typed_table_is_a_label(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "toxicity": [0, 1]}), path)
    assert recognise(path).heads == {"toxicity": {"0": 1, "1": 1}}


def test_a_table_without_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'text' with the comment; found id, stance"):
        recognise(table(tmp_path, "id,stance\n1,favor\n"))
