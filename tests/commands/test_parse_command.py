"""`stance parse`: what it prints and exits with."""

import json
from pathlib import Path
from typing import Any

import pytest
from pages import NO_COMMENTS

from stance.cli import main


def test_parse_prints_a_json_line_a_page(page: Path, capfdbinary: Any) -> None:
    quiet = page.with_name("quiet.html")
    quiet.write_text(NO_COMMENTS)
    assert main(["parse", str(page), str(quiet)]) == 0
    out, err = capfdbinary.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert list(first)[:4] == ["source", "format", "article", "comments"]
    assert (first["source"], first["article"]["title"]) == (str(page), "A tram for Port Ellis")
    assert [(c["author"], c["depth"]) for c in first["comments"]] == [("Ann", 0), ("Bo", 1)]
    assert second["comments"] == []
    assert err.decode().startswith(f"stance: {quiet}: no comment")


def test_parse_goes_on_after_a_bad_page(page: Path, capfd: Any) -> None:
    assert main(["parse", "gone.html", str(page), "void\x1b[31m\n.html"]) == 1
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 1
    assert err.splitlines() == [
        "stance: gone.html: no such file",
        "stance: void␛[31m .html: no such file",
        "stance: 2 of 3 inputs failed",
    ]


def test_nothing_that_can_be_read(capfd: Any) -> None:
    assert main(["parse", "gone.html", "gone.txt"]) == 2
    assert capfd.readouterr().err.endswith("stance: none of 2 inputs could be read\n")
    with pytest.raises(SystemExit) as raised:
        main(["parse", "gone.html"])
    assert raised.value.code == 2
    assert capfd.readouterr().err == "stance: gone.html: no such file\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "id,text\n1,Good.\n2\n"),
        ("rows.csv", 'id,text\n1,Good.\n2,"never closed\n3,another\n'),
        ("lines.jsonl", '{"text": "Good."}\n{broken\n'),
        ("lines.jsonl", '{"text": "Good."}\n{"id": 5}\n'),
        ("threads.jsonl", '{"comments": [{"text": "Good."}]}\n{broken\n'),
        ("list.json", '[{"text": "Good."}, {"text": ""}]'),
    ],
)
def test_rows_left_out_show_in_the_exit_code(
    tmp_path: Path, name: str, text: str, capfd: Any
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert main(["parse", str(path)]) == 1
    out, err = capfd.readouterr()
    assert json.loads(out.splitlines()[0])["comments"][0]["text"] == "Good."
    assert "bad_rows" not in out
    assert "left out" in err


@pytest.mark.parametrize("rows", ['1,"never closed\n2,another\n', "1\n"])
def test_an_export_of_which_no_row_can_be_read_fails(tmp_path: Path, rows: str, capfd: Any) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"id,text\n{rows}")
    with pytest.raises(SystemExit) as raised:
        main(["parse", str(path)])
    assert raised.value.code == 2
    assert capfd.readouterr().err.startswith(f"stance: {path}: no row holds a comment; ")


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["parse", "--help"])
    assert "exit code: 0 fine" in capsys.readouterr().out
