"""`stance check-data`: what it prints, writes and exits with."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stance.example
from stance.cli import main
from stance.data.labelled import COLUMNS, read_labelled

EXAMPLE = Path(stance.example.__file__).parent / "labelled.csv"


@pytest.fixture(autouse=True)
def _no_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STANCE_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def write(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", "target", "stance", "toxicity", "split"], *rows])
    return path


def test_the_shipped_example_has_every_kind_of_row_and_no_problem(capfd: Any) -> None:
    data = read_labelled(EXAMPLE)
    assert (data.problems, data.notes, len(data.rows)) == ((), (), 20)
    assert set(data.columns) <= set(COLUMNS)
    assert {row.stance for row in data.rows} == {"favor", "against", "neutral", None}
    assert {row.split for row in data.rows} == {"train", "dev", "test"}
    assert any(row.parent and row.target == row.parent for row in data.rows)
    assert any(0 < share < 1 for row in data.rows for share in row.toxicity.values())
    assert main(["check-data", str(EXAMPLE)]) == 0
    printed = capfd.readouterr().out
    assert "20 rows, 20 different texts, 4 targets" in printed
    assert "0 problems, 2 warnings: nothing hinders training" in printed
    assert "not searched, fewer than 100 rows" in printed
    assert "not looked into: name the folder that holds them with --data-root" in printed


def test_problems_are_printed_first_and_written(tmp_path: Path, capfd: Any) -> None:
    path = write(
        tmp_path / "l.csv",
        [
            ["More \x1b[31mtrams", "trams", "favor", 0, "train"],
            ["more \x1b[31mtrams!", "trams", "against", 0, "test"],
            ["no [bold]trams", "trams", "pro", 0, "train"],
        ],
    )
    written = tmp_path / "found.json"
    assert main(["check-data", str(path), "--json", str(written)]) == 1
    printed = capfd.readouterr().out
    assert "\x1b" not in printed
    lines = printed.splitlines()
    severities = [line.split()[0] for line in lines if line.startswith(("problem", "warning"))]
    assert severities == sorted(severities)
    assert "→ map it with --label stance.pro=favor" in printed
    assert lines[-1].strip().endswith("mend the problems before training")
    found = json.loads(written.read_text(encoding="utf-8"))
    assert found["ok"] is False
    assert (found["rows"], found["left_out"], found["texts"]) == (2, 1, 1)
    assert {item["kind"] for item in found["findings"] if item["severity"] == "problem"} == {
        "unknown_label",
        "missing_class",
        "contradiction",
        "split_leak",
    }
    assert all(item["mend"] for item in found["findings"])


def test_mapped_names_and_a_window_of_ones_own(tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("body,about,view\n" + f"{'word ' * 180},trams,pro\n" * 3)
    names = ["--column", "text=body", "--column", "target=about", "--column", "stance=view"]
    names += ["--label", "stance.pro=favor"]
    assert main(["check-data", str(path), *names, "--max-length", "160"]) == 1
    assert "longer than the window of 160: 3" in capfd.readouterr().out
    assert main(["check-data", str(path), *names]) == 1
    assert "longer than the window of 256: 0" in capfd.readouterr().out


def test_wrong_use_is_two_and_leaves_no_file(tmp_path: Path, capfd: Any) -> None:
    written = tmp_path / "found.json"
    assert main(["check-data", str(tmp_path / "none.csv"), "--json", str(written)]) == 2
    assert "none.csv: no such file" in capfd.readouterr().err
    assert main(["check-data", str(EXAMPLE), "--json", str(tmp_path / "found.txt")]) == 2
    assert "unknown ending, expected .json\n" in capfd.readouterr().err
    assert main(["check-data", str(EXAMPLE), "--data-root", str(tmp_path / "none")]) == 2
    assert "no such folder; expected the one that holds the benchmarks" in capfd.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["check-data", str(EXAMPLE), "--max-length", "100"])
    assert stop.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_was_skipped(tmp_path: Path) -> None:
    rows = [[f"comment {n}", "trams", ("favor", "against", "neutral")[n % 3], n % 2, ""]
            for n in range(150)]  # fmt: skip
    path = write(tmp_path / "l.csv", rows)
    blocked = (
        "import sys\n"
        "for name in ('sklearn', 'cleanlab', 'torch', 'pandas', 'scipy', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: (\n"
        "    None if name in sys.modules and sys.modules[name] is None else find(name, *rest))\n"
        "from stance.cli import main\n"
        f"sys.exit(main(['check-data', {str(path)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "wrong labels of stance, toxicity: not searched, the package" in done.stdout
