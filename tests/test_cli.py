"""What all commands have in common: arguments, help, and the process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stance.cli import COMMANDS, main

PAGE = """\
<html><body><h1>Trams</h1><p>The town council wants to build a tram to the old mill.</p>
<ol class="comment-list"><li id="comment-7" class="comment"><cite class="fn">Ann</cite>
<div class="comment-content"><p>I love it.</p></div></li><li id="comment-8" class="comment">
<cite class="fn">Bo</cite><div class="comment-content"><p>I hate it.</p></div></li></ol>
</body></html>
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    return path


# Arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score"], "the following arguments are required: PAGE"),
        (["score", "a", "--target", " "], "argument --target: the target is empty"),
        (
            ["score", "a", "--target", "x" * 501],
            "argument --target: the target has 501 characters, expected at most 500",
        ),
        (
            ["score", "a", "--target", "tram \udcff"],
            "argument --target: the target 'tram \\udcff' is no valid UTF-8",
        ),
        (["score", "a", "--threshold", "7"], "argument --threshold: '7' is no number from 0 to 1"),
        (
            ["score", "a", "--threshold", "nan"],
            "argument --threshold: 'nan' is no number from 0 to 1",
        ),
        (
            ["score", "a", "--threads", "0"],
            "argument --threads: '0' is no whole number from 1 to 1024",
        ),
        (
            ["parse", "a", "--now", "noon"],
            "argument --now: 'noon' is no time, expected one such as 2026-01-31T12:00",
        ),
        (["score", "a", "--thresh", "0.5"], "unrecognized arguments: --thresh 0.5"),
        (["score", "a", "--\x1b[31m"], "unrecognized arguments: --␛[31m"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, capfd: Any) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    command = " ".join(["stance", *arguments[:1]])
    assert capfd.readouterr().err.splitlines() == [
        f"{command}: error: {message}",
        f"see {command} --help",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_examples(command: str, capfd: Any) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])
    assert raised.value.code == 0
    assert f"stance {command} " in capfd.readouterr().out.partition("examples:")[2]


def test_the_help_names_all_commands(capfd: Any) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--help"])
    assert raised.value.code == 0
    shown = capfd.readouterr().out
    assert all(f" {name}" in shown.split("COMMAND")[2] for name in COMMANDS)


# The process


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stance", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def test_version() -> None:
    assert run("--version").stdout.startswith("stance 0.")


def test_standard_input() -> None:
    done = run("parse", "-", input=PAGE)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["comments"]) == 2


def test_a_reader_that_goes_away_is_no_error(page: Path) -> None:
    command = f"{sys.executable} -m stance parse {' '.join([str(page)] * 50)} | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_terminal_without_unicode_gets_a_result(page: Path) -> None:
    page.write_text(PAGE.replace("Ann", "Änn"), encoding="utf-8")
    done = run("parse", str(page), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Änn" in done.stdout  # JSON is UTF-8 whatever the terminal


def test_imports_wait_until_they_are_needed(page: Path) -> None:
    code = (
        "import sys\nfrom stance import cli, parse\nfrom stance.commands import score\n"
        "heavy = {'onnxruntime', 'tokenizers', 'pyarrow', 'rich', 'jinja2', 'numpy', 'torch'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
