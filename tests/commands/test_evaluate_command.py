"""`stance evaluate`: what it writes, prints and exits with."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("cleanlab", reason="evaluation is not installed")
from sklearn.metrics import f1_score

from stance.cli import main
from stance.evaluation.results import Report

ROWS = [
    ("I love trams", "trams", "favor", 0),
    ("I hate trams, <script>alert(1)</script> </style>", "trams", "favor", 0),
    ("we hate trams, you idiot", "trams", "against", 1),
    ("they love trams, idiot that you are", "trams", "against", 0),
    ("the weather", "trams", "neutral", 0),
    ("rain", "cars", "neutral", 1),
]


@pytest.fixture(autouse=True)
def _analyzer(monkeypatch: pytest.MonkeyPatch, fake_analyzer: Any) -> None:
    monkeypatch.setattr("stance.evaluation.inputs.Analyzer", lambda *_, **__: fake_analyzer)
    monkeypatch.delenv("STANCE_DATA", raising=False)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Sixty rows of thirty comments, half of them for training."""
    path = tmp_path / "labelled.jsonl"
    lines = [
        {
            "text": f"{text} {number}",
            "target": target,
            "stance": stance,
            "toxicity": toxic,
            "site": "abc"[number % 3],
            "split": "test" if number < 5 else "train",
        }
        for number in range(10)
        for text, target, stance, toxic in ROWS
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_report_is_written_and_its_figures_are_those_of_the_predictions(
    labelled: Path, tmp_path: Path, capfd: Any
) -> None:
    out = tmp_path / "deep" / "out"
    arguments = ["--data", str(labelled), "--out", str(out), "--slice", "site", "--bootstrap", "50"]
    assert main(["evaluate", *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {
        "report.html",
        "report.md",
        "metrics.json",
        "predictions.parquet",
    }
    report = Report.from_dict(json.loads((out / "metrics.json").read_text(encoding="utf-8")))
    [evaluation] = report.evaluations
    rows = pq.read_table(out / "predictions.parquet").to_pylist()
    assert len(rows) == evaluation.counts.rows == 30
    macro = f1_score(
        [row["gold_stance"] for row in rows], [row["stance"] for row in rows], average="macro"
    )
    figure = evaluation.figure("macro_f1")
    assert figure.value == pytest.approx(macro)
    assert figure.interval.low < macro < figure.interval.high
    assert evaluation.model.name == "fake 1.0"
    assert len(evaluation.model.sha256) == 64
    assert "site" in {slicing.column for slicing in evaluation.slicings}
    printed = capfd.readouterr()
    low, high = figure.interval.low, figure.interval.high
    assert f"labelled.jsonl: macro_f1 {macro:.4f} ({low:.4f} to {high:.4f}), n = 30" in printed.out
    assert printed.out.splitlines()[-1] == str(out / "report.html")


def test_hostile_comments_are_shown_as_text(labelled: Path, tmp_path: Path) -> None:
    main(["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "alert(1)" in page  # among the mistakes
    assert "<script>alert(1)" not in page
    assert " </style> 0" not in page
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    cases = metrics["evaluations"][0]["errors"][0]["cases"]
    assert any("<script>alert(1)</script> </style>" in case["text"] for case in cases)


def test_a_requirement_that_is_not_met_exits_with_3_and_is_named(
    labelled: Path, tmp_path: Path, capfd: Any
) -> None:
    arguments = ["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"]
    met = ["--require", "macro_f1=0.1", "--require", "expected_calibration_error=0.9"]
    assert main([*arguments, *met]) == 0
    capfd.readouterr()
    missed = ["--require", "macro_f1=0.99", "--require", "toxicity.brier=0.01"]
    assert main([*arguments, *met, *missed]) == 3
    said = capfd.readouterr().err.splitlines()
    assert [line.split(" is ")[0] for line in said] == [
        "stance: not met: macro_f1 of labelled.jsonl",
        "stance: not met: toxicity.brier of labelled.jsonl",
    ]
    assert said[0].endswith(", required at least 0.99")
    assert said[1].endswith(", required at most 0.01")
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert [each["met"] for each in metrics["requirements"]] == [True, True, False, False]


def test_a_requirement_of_what_is_not_measured_exits_with_2_and_says_what_is(
    labelled: Path, tmp_path: Path, capfd: Any
) -> None:
    arguments = ["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"]
    assert main([*arguments, "--require", "macro_f1=0.99", "--require", "f=0"]) == 2
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("stance: not met: macro_f1 of labelled.jsonl is ")
    assert said[1].startswith("stance: --require f: no such figure was measured; expected macro_f1")
    assert " or " in said[1]


def test_a_requirement_of_data_that_are_not_evaluated_stops_before_the_run(
    labelled: Path, tmp_path: Path, capfd: Any
) -> None:
    arguments = ["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"]
    assert main([*arguments, "--require", "vast:macro_f1=0.5"]) == 2
    assert capfd.readouterr().err == (
        "stance: --require vast:macro_f1: 'vast' is not evaluated; expected labelled.jsonl\n"
    )
    assert not (tmp_path / "report.html").exists()


def test_rows_that_cannot_be_used_are_counted_and_exit_with_1(
    labelled: Path, tmp_path: Path, capfd: Any
) -> None:
    with labelled.open("a", encoding="utf-8") as file:
        file.write('{"text": "", "toxicity": 1}\n{"text": "not labelled"}\n{"text":\n')
    arguments = ["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"]
    assert main(arguments) == 1
    assert capfd.readouterr().err.splitlines() == [
        "stance: labelled.jsonl: 1 row left out: no text (line 61)",
        "stance: labelled.jsonl: 1 row left out: cannot be read "
        "(line 63: not JSON: Expecting value at character 9)",
        "stance: labelled.jsonl: 1 row left out: no label (line 62)",
    ]


@pytest.mark.parametrize(
    ("row", "column", "found", "allowed"),
    [
        ({"stance": "pro", "target": "t"}, "stance", "pro", "favor, against or neutral"),
        ({"toxicity": float("nan")}, "toxicity", "nan", "0, 1 or a share of raters between them"),
    ],
)
def test_unknown_labels_stop_the_run_before_anything_is_written(
    labelled: Path,
    tmp_path: Path,
    capfd: Any,
    row: dict[str, Any],
    column: str,
    found: str,
    allowed: str,
) -> None:
    with labelled.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "one more", **row}) + "\n")
    out = tmp_path / "out"
    assert main(["evaluate", "--data", str(labelled), "--out", str(out)]) == 2
    assert capfd.readouterr().err.startswith(
        f"stance: {labelled}: line 61, column '{column}': found '{found}'; expected {allowed}, "
        "or nothing where unlabelled; "
    )
    assert list(out.iterdir()) == []


def test_other_names_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    lines = "".join(f"I love trams {number},pro,trams\n" for number in range(12))
    path.write_text(f"body,side,about\n{lines}", encoding="utf-8")
    mapping = ["--column", "text=body", "--column", "stance=side", "--column", "target=about"]
    arguments = ["--data", str(path), "--out", str(tmp_path), "--label", "stance.pro=favor"]
    assert main(["evaluate", *arguments, *mapping, "--require", "accuracy=1"]) == 0


def test_two_models_and_a_baseline_are_compared(labelled: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "20"]
    baselines = ["--baseline", "tfidf", "--baseline", "majority"]
    assert main(["evaluate", *arguments, *baselines]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    first, second = metrics["evaluations"][0]["comparisons"]
    assert first["baseline"] == "TF-IDF + logistic regression"
    assert first["description"] == "trained on 30 rows: the train rows of labelled.jsonl"
    assert second["baseline"] == "majority class"
    assert {"stance", "toxicity"} == {test["task"] for test in first["tests"]}
    columns = pq.read_schema(tmp_path / "predictions.parquet").names
    assert {"tfidf_stance", "majority_favor", "tfidf_toxicity"} <= set(columns)
    assert main(["evaluate", *arguments, "--model", "majority"]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["evaluations"][0]["model"]["name"] == "majority class"


def test_a_benchmark_beside_a_file(labelled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vast"
    folder.mkdir()
    head = "post,new_topic,topic_str,label,type_idx\n"
    (folder / "vast_train.csv").write_text(head, encoding="utf-8")
    (folder / "vast_dev.csv").write_text("Tweet,Target 1,Stance 1,seen?\n", encoding="utf-8")
    (folder / "vast_test.csv").write_text(
        "Tweet,Target 1,Stance 1,seen?\nI love it,cars,FAVOR,1\nI hate it,cars,AGAINST,0\n",
        encoding="utf-8",
    )
    data = [f"vast={folder}", str(labelled)]
    requirement = ["--require", "vast:macro_f1=1", "--require", "labelled.jsonl:macro_f1=0.2"]
    arguments = ["evaluate", "--data", *data, "--out", str(tmp_path / "out"), *requirement]
    assert main(arguments) == 0
    rows = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pylist()
    assert [row["data"] for row in rows[:3]] == ["vast", "vast", "labelled.jsonl"]
    assert [row["row"] for row in rows[:3]] == [0, 1, 0]
    assert [row["line"] for row in rows[:3]] == [None, None, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "vast"], "where is the corpus 'vast'? Name the folder that holds the corpora"),
        (["--data", "nothing"], "nothing: no such file or folder; the benchmarks are vast, arc"),
        (["--data", "x.csv", "--column", "body=text"], "'body' is no column of ours"),
        (["--data", "x.csv", "--train-data", "nothing"], "nothing: No such file or directory"),
    ],
)
def test_wrong_use_is_said_in_a_line(
    tmp_path: Path,
    capfd: Any,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("text,toxicity\na,1\n", encoding="utf-8")
    assert main(["evaluate", *arguments, "--out", "out"]) == 2
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--require", "macro_f1"],
        ["--require", "macro_f1=high"],
        ["--bootstrap", "-1"],
        ["--seed", "x"],
    ],
)
def test_arguments_that_cannot_be_read(arguments: list[str], capfd: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--data", "x.csv", "--out", "out", *arguments])
    assert stopped.value.code == 2
    assert arguments[1] in capfd.readouterr().err


def test_a_file_in_the_place_of_the_folder_is_refused(labelled: Path, capfd: Any) -> None:
    assert main(["evaluate", "--data", str(labelled), "--out", str(labelled)]) == 2
    assert f"cannot make the folder {labelled}: File exists" in capfd.readouterr().err


def test_a_report_that_cannot_be_made_leaves_the_old_one(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["evaluate", "--data", str(labelled), "--out", str(tmp_path), "--bootstrap", "0"]
    main(arguments)
    names = ("report.html", "report.md", "metrics.json", "predictions.parquet")
    before = [(tmp_path / name).read_bytes() for name in names]

    def fail(_: Report) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr("stance.reporting.evaluation.render_html", fail)
    with pytest.raises(RuntimeError):
        main([*arguments, "--split", "train"])
    assert [(tmp_path / name).read_bytes() for name in names] == before
