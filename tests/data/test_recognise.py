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
    assert (found.rows, found.units) == (4, 3)
    assert found.heads == {
        "stance": {"favor": 2, "against": 1},
        "toxicity": {"0": 2, "1": 1},
    }
    assert found.splits == {"train": 2, "dev": 1, "test": 1}


def test_our_own_names_need_no_mapping(tmp_path: Path) -> None:
    found = recognise(table(tmp_path, "text,target,stance,label\nMore!,trams,favor,x\n"))
    assert (found.names, found.unknown, found.splits) == (Names(), {}, {})


def test_zero_in_a_typed_table_is_a_label(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "toxicity": [0, 1]}), path)
    assert recognise(path).heads == {"toxicity": {"0": 1, "1": 1}}


def test_a_table_without_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'text' with the comment; found id, stance"):
        recognise(table(tmp_path, "id,stance\n1,favor\n"))
