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
