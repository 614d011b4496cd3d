"""Mistakes that new users make in a labelled file, and the words that they get."""

from pathlib import Path

import pytest

from stance.data.labelled import Names, read_labelled
from stance.data.mending import label_hint
from stance.errors import DataError, InputError, StanceError

_SHARE = "expected 0, 1 or a share of raters between them, or nothing where unlabelled"
_STANCE = "expected favor, against or neutral, or nothing where unlabelled"
_LABELS = (
    "expected stance or one of toxicity, severe_toxicity, obscene, threat, insult, identity_attack"
)

# By file name: what is in it, and what is said about it.
REFUSED: dict[str, tuple[bytes, str]] = {
    "other-names.csv": (
        b"comment,topic,position\nMore trams!,trams,favor\n",
        "no column 'text' with the comment; found comment, topic, position; map them with "
        "--column text=comment --column target=topic --column stance=position",
    ),
    "capitals.csv": (
        b"Text,Target,Stance\nMore trams!,trams,favor\n",
        "no column 'text' with the comment; found Text, Target, Stance; map them with "
        "--column text=Text --column target=Target --column stance=Stance",
    ),
    "spaces.csv": (
        b"text, target, stance\nMore trams!,trams,favor\n",
        f"no column of labels; found text,  target,  stance; {_LABELS}; map them with "
        "--column target=' target' --column stance=' stance'",
    ),
    "nothing-alike.csv": (
        b"a,b\nMore trams!,trams\n",
        "no column 'text' with the comment; found a, b; "
        "map them with --column text=NAME --column stance=NAME",
    ),
    "no-labels.csv": (
        b"text,target\nMore trams!,trams\n",
        f"no column of labels; found text, target; {_LABELS}; map it with --column stance=NAME",
    ),
    "no-header.csv": (
        b"More trams!,trams,favor\nFewer trams!,trams,against\n",
        "its first line looks like a comment, found More trams!, trams, favor; expected a header; "
        "put a line such as text,target,stance above it",
    ),
    "header-alone.csv": (
        b"text,target,stance\n",
        "a header and no rows; expected one comment a row",
    ),
    "empty.csv": (b"", "empty; expected rows: a header and a line for each row"),
    "blank.csv": (b" \n\n", "empty; expected rows: a header and a line for each row"),
    "pro.csv": (
        b"text,target,stance\nMore trams!,trams,pro\n",
        f"line 2, column 'stance': found 'pro'; {_STANCE}; map it with --label stance.pro=favor",
    ),
    "one.csv": (
        b"text,target,stance\nMore trams!,trams,1\n",
        f"line 2, column 'stance': found '1'; {_STANCE}; map it with --label stance.1=favor",
    ),
    "favour.csv": (
        b"text,target,stance\nMore trams!,trams,Favour\n",
        f"line 2, column 'stance': found 'Favour'; {_STANCE}; "
        "map it with --label stance.Favour=favor",
    ),
    "contra.csv": (
        b"text,target,stance\nMore trams!,trams,contra\n",
        f"line 2, column 'stance': found 'contra'; {_STANCE}; "
        "map it with --label stance.contra=against",
    ),
    "odd-label.csv": (
        b"text,target,stance\nMore trams!,trams,well maybe\n",
        f"line 2, column 'stance': found 'well maybe'; {_STANCE}; "
        "map it with --label stance.'well maybe'=favor (or =against, =neutral)",
    ),
    "nan.csv": (
        b"text,target,stance\nMore trams!,trams,NaN\n",
        f"line 2, column 'stance': found 'NaN'; {_STANCE}; "
        "leave the cell empty where nobody labelled it",
    ),
    "nan.jsonl": (
        b'{"text": "More trams!", "toxicity": NaN}\n',
        f"line 1, column 'toxicity': found 'nan'; {_SHARE}; "
        "leave the cell empty where nobody labelled it",
    ),
    "rating.csv": (
        b"text,toxicity\nMore trams!,3\n",
        f"line 2, column 'toxicity': found '3'; {_SHARE}; divide a rating by the highest that "
        "there is, or map it with --label toxicity.3=1 (or =0)",
    ),
    "comma.csv": (
        b"text;toxicity\nMore trams!;0,5\n",
        f"line 2, column 'toxicity': found '0,5'; {_SHARE}; write it with a point: 0.5",
    ),
    "percent.csv": (
        b"text,toxicity\nMore trams!,40 %\n",
        f"line 2, column 'toxicity': found '40 %'; {_SHARE}; write it as a share: 0.4",
    ),
    "no.csv": (
        b"text,toxicity\nMore trams!,no\n",
        f"line 2, column 'toxicity': found 'no'; {_SHARE}; map it with --label toxicity.no=0",
    ),
    "training.csv": (
        b"text,target,stance,split\nMore trams!,trams,favor,training\n",
        "line 2, column 'split': found 'training'; expected train, dev or test, or nothing where "
        "unlabelled; map it with --label split.training=train",
    ),
    "no-target.csv": (
        b"text,stance\nMore trams!,favor\n",
        "none of its rows can be used: a stance and nothing that it is to: neither target nor "
        "parent (1); say in a column 'target' what the stance is to",
    ),
    "unlabelled.csv": (
        b"text,target,stance\nMore trams!,trams,\n",
        "none of its rows can be used: no label (1); "
        "label them or delete them; nothing is learnt from them",
    ),
    "twice.csv": (
        b"text,stance,stance,target\nMore trams!,favor,against,trams\n",
        "the column 'stance' stands twice (or there is one called 'stance.2'); "
        "found text, stance, stance.2, target; rename or remove one",
    ),
    "pipes.csv": (
        b"text|target|stance\nMore, more trams!|trams|favor\n",
        "none of its rows can be read (line 2: 2 cells where the header has 1); columns are "
        "separated by commas, semicolons or tabs; put a text that holds them or line breaks in "
        "quotation marks",
    ),
    "two-separators.csv": (
        b"text,target,stance\nMore trams!;trams;favor\n",
        "none of its rows can be used: its cells are separated by ';', those of the header "
        "otherwise: separate all lines alike (1)",
    ),
    "open-quote.csv": (
        b'text,target,stance\n"More trams!,trams,favor\nFewer trams!,trams,against\n',
        "none of its rows can be used: a quotation mark is never closed, so that the lines after "
        "it are taken for its text: close it, and double those that stand inside a text (1)",
    ),
    "list.jsonl": (
        b'[{"text": "More trams!", "toxicity": 0}]',
        "none of its rows can be read (line 1: expected a JSON object, found a list); "
        "write one JSON object a line",
    ),
    "renamed.csv": (
        b"PK\x03\x04\x14\x00\x06\x00",
        "found a spreadsheet (.xlsx, .ods) or another zip archive, expected a table as text; "
        "save it as CSV UTF-8",
    ),
    "parquet.jsonl": (
        b"PAR1\x15\x04",
        "found a Parquet file, expected a table as text; let its name end in .parquet",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_named_with_what_mends_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    with pytest.raises(StanceError) as error:
        read_labelled(name)
    assert isinstance(error.value, (DataError, InputError))
    assert str(error.value) == f"{name}: {message}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("labels.xlsx", "; this is a spreadsheet: save it there as CSV UTF-8"),
        ("labels.json", "; write one JSON object a line and let its name end in .jsonl"),
        ("labels.docx", ""),
    ],
)
def test_a_file_of_another_kind_says_how_to_convert_it(
    name: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError) as error:
        read_labelled(path)
    assert str(error.value) == (
        f"{path}: expected labelled rows as .jsonl, .ndjson, .csv, .tsv, .parquet, .jsonl.gz, "
        ".ndjson.gz, .csv.gz, .tsv.gz, .jsonl.zst, .ndjson.zst, .csv.zst, .tsv.zst, or a dataset "
        f"folder{hint}"
    )


@pytest.mark.parametrize(
    "content",
    [
        "\ufefftext,target,stance\nÖfter “Trams”!,trams,favor\n".encode(),
        "text;target;stance\nÖfter “Trams”!;trams;favor\n".encode("cp1252"),
        "text\ttarget\tstance\nÖfter “Trams”!\ttrams\tfavor\n".encode("utf-16"),
        "sep=;\r\ntext;target;stance\r\nÖfter “Trams”!;trams;Favor\r\n".encode("cp1252"),
        "\n\ntext,target,stance\n\nÖfter “Trams”!,trams,favor\n,,\n\n".encode(),
    ],
)
def test_what_spreadsheets_write_is_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    data = read_labelled(path)
    assert [(row.text, row.target, row.stance) for row in data.rows] == [
        ("Öfter “Trams”!", "trams", "favor")
    ]
    assert data.problems == ()


def test_the_mapping_that_is_named_mends_the_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("comment,topic, position\nMore trams!,trams,well maybe\n")
    names = Names.parse(
        ["text=comment", "target=topic", "stance= position"], ["stance.well maybe=favor"]
    )
    [row] = read_labelled(path, names).rows
    assert (row.text, row.target, row.stance) == ("More trams!", "trams", "favor")


def test_one_row_with_an_open_quote_or_too_many_cells_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "text,target,stance\nMore, more trams!,trams,favor\nTrams!,trams,favor\n"
        '"No trams,trams,against\nNever,trams,against\n'
    )
    data = read_labelled(path)
    assert [row.text for row in data.rows] == ["Trams!"]
    assert [(problem.count, problem.rows) for problem in data.problems] == [
        (1, ("line 2: 4 cells where the header has 3",)),
        (1, ("line 4",)),
    ]
    assert data.problems[0].mend.startswith("columns are separated by commas")


@pytest.mark.parametrize("value", ["null", "N/A", "?", "inf"])
def test_what_stands_for_nothing_is_to_be_left_empty(value: str) -> None:
    for column in ("stance", "toxicity", "split"):
        assert label_hint(column, value) == "leave the cell empty where nobody labelled it"
