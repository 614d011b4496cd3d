import json
from pathlib import Path

import pytest

from stance.evaluation.speed import Machine, Round, Run, SpeedBenchmark
from stance.evaluation.speed_worker import CONTENDERS
from stance.reporting import speed
from stance.reporting.speed import cost_lines, main, speed_markdown, write_report


def round_(slow: float) -> Round:
    rates = {"ours": 100.0, "same model": 40.0, "BERT-base": 10.0, "TF-IDF": 2500.0}
    seconds = {"ours": 0.5, "same model": 5.0, "BERT-base": 10.0, "TF-IDF": 1.0}
    runs = {
        name: Run(
            seconds[name] * slow,
            {task: rates[name] / slow / place for place, task in enumerate(contender.blocks, 1)},
            250_000_000,
            120e9 / slow if name == "ours" else None,
        )
        for name, contender in CONTENDERS.items()
    }
    return Round(runs, {"numpy": 100e9 / slow, "onnxruntime": 200e9 / slow})


@pytest.fixture
def result() -> SpeedBenchmark:
    machine = Machine("Processor 9 (model 2)", 2, None, "Linux", {"python": "3", "torch": "2"})
    return SpeedBenchmark(machine, "news", (round_(1.0), round_(2.0), round_(1.25)))


def test_the_table_has_medians_and_ranges_and_ratios(result: SpeedBenchmark) -> None:
    lines = speed_markdown(result).splitlines()
    assert lines[0] == (
        "Processor 9 (model 2), 2 threads; python 3, torch 2. Made-up comments as long as those of "
        "'news'. Median and range of 3 rounds. TF-IDF trains before its first score."
    )
    assert lines[4] == (
        "| stance, with spans | 0.62 (0.50–1.00) | 80.0 (50.0–100) | 40.0 (25.0–50.0) | "
        "26.7 (16.7–33.3) | 250 (250–250) |"
    )
    assert lines[6] == (
        "| BERT-base, transformers pipeline | 12.50 (10.00–20.00) | 8.0 (5.0–10.0) | – | – | "
        "250 (250–250) |"
    )
    assert lines[9:15] == [
        "| stance beside BERT-base, transformers pipeline, toxicity alone | ratio |",
        "|---|---:|",
        "| cold start | 0.05 (0.05–0.05) |",
        "| comments/s: toxicity and spans | 10.0 (10.0–10.0) |",
        "| – and stance to one target | 5.0 (5.0–5.0) |",
        "| – and stance to four targets | 3.3 (3.3–3.3) |",
    ]
    assert lines[16] == (
        "The encoder's matrix products reach 96 (60–120) GFLOP/s: 60% (60%–60%) of the fastest "
        "large float32 matrix product (numpy 80, onnxruntime 160)."
    )


def test_the_cost_of_many_comments(result: SpeedBenchmark) -> None:
    lines = cost_lines(result, comments=288_000_000, price=0.5, price_of="a cloud, in 2026")
    assert lines[:2] == [
        "288,000,000 comments on a machine like this one, 2 threads (a cloud, in 2026):",
        "  toxicity and spans: 1,000 hours at 80.0 comments a second, $500 at $0.5 an hour; "
        "on a hundred of them 10.0 hours",
    ]
    assert "$" not in "".join(cost_lines(result))


def test_a_report_is_three_files(result: SpeedBenchmark, tmp_path: Path) -> None:
    paths = write_report(result, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["speed.json", "speed.md", "speed.png"]
    assert json.loads(paths[0].read_text())["rounds"][1]["runs"]["ours"]["first_score"] == 1.0
    assert paths[1].read_text() == speed_markdown(result)
    assert paths[2].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(
        path.name for path in paths
    )


def test_the_command_measures_and_prints(
    result: SpeedBenchmark,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = {}

    def fake(model: Path, **options: object) -> SpeedBenchmark:
        asked.update(options, model=model)
        return result

    monkeypatch.setattr(speed, "benchmark_speed", fake)
    main(["--out", str(tmp_path), "--threads", "2", "--price", "0.1"])
    assert asked["model"] == speed.DEFAULT_MODEL
    assert (asked["threads"], asked["rounds"], asked["lengths"]) == (2, 5, "news")
    out = capsys.readouterr().out
    assert out.startswith("Processor 9")
    assert "at $0.1 an hour" in out
    assert out.endswith(f"{tmp_path / 'speed.png'}\n")


def test_no_thread_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", "x", "--threads", "0"])
    assert "argument --threads: 0 is not 1 or more" in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(speed, "find_spec", lambda name: None if name == "torch" else name)
    with pytest.raises(SystemExit) as caught:
        main(["--out", str(tmp_path / "out")])
    assert str(caught.value) == (
        "benchmark: benchmark speed needs the package 'torch', which is not installed: "
        "run pip install '.[train]' in the project's folder"
    )
    assert not (tmp_path / "out").exists()
