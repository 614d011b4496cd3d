import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="evaluation is not installed")
from stance.cli import main
from stance.commands import calibrate
from stance.data.labelled import LabelledData, LabelledRow
from stance.errors import DataError, OutputError
from stance.labels import TOXICITY_LABELS
from stance.modeling.calibration import Calibration, sigmoid, uncalibrated
from stance.training.recalibrate import (
    LEAST_FLAGGED,
    Operation,
    choose_threshold,
    recalibrate,
    tuning_rows,
    write_copy,
)

CALIBRATION = uncalibrated("model", 256)


def row(number: int, group: str | None = None, split: Any = None, **toxicity: float) -> LabelledRow:
    text = f"comment {number}"
    labels: Any = toxicity
    return LabelledRow(number, text, None, None, labels, None, group or text, split, {})


def scored(value: float, **others: float) -> dict[str, float]:
    return {**dict.fromkeys(TOXICITY_LABELS, 0.0), "toxicity": value, **others}


def hundred() -> tuple[list[LabelledRow], list[dict[str, float]]]:
    """Rows of rising score, of which those from 60 on are toxic, but for every fifth."""
    rows = [row(n, toxicity=float(n >= 60 and n % 5 != 0)) for n in range(100)]
    return rows, [scored(n / 100) for n in range(100)]


def figures(operation: Operation) -> tuple[float, float, float]:
    return operation.precision.value, operation.recall.value, operation.flagged.value


def test_a_precision_is_reached_with_the_most_recall() -> None:
    rows, scores = hundred()
    result = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "precision", 0.75)
    (choice,) = result.choices
    # From 58 on 32 of 42 are toxic, from 57 on 32 of 43.
    assert (choice.threshold, choice.before) == (pytest.approx(0.575), 0.5)
    assert figures(choice.operation) == pytest.approx((32 / 42, 1.0, 0.42))
    assert (choice.operation.rows, choice.operation.positives) == (100, 32)
    assert result.is_reached
    assert result.calibration == replace(
        CALIBRATION,
        model="model+precision-0.75",
        thresholds={**CALIBRATION.thresholds, "toxicity": choice.threshold},
    )


def test_a_recall_is_reached_with_the_fewest_flags() -> None:
    rows, scores = hundred()
    (choice,) = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 0.5).choices
    # Of 32 toxic rows the 16 from 81 on.
    assert choice.threshold == pytest.approx(0.795 + 0.01)
    assert figures(choice.operation) == pytest.approx((16 / 19, 0.5, 0.19))
    everything = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 1.0).choices[0]
    assert everything.threshold == pytest.approx(0.605)


def test_a_precision_out_of_reach_names_the_nearest() -> None:
    rows, scores = hundred()
    result = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "precision", 0.9)
    (choice,) = result.choices
    assert (choice.is_reached, result.is_reached) == (False, False)
    # Four in five, or better where the last fifth is cut: 96 to 99 alone are too few to count.
    precision, _, flagged = figures(choice.operation)
    assert flagged >= LEAST_FLAGGED / 100
    assert precision == pytest.approx(12 / 14)


def test_intervals_hold_the_figure_and_widen_with_groups() -> None:
    rows, scores = hundred()
    alone = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 0.5).choices[0]
    assert alone.operation.recall.interval is not None
    low, high = alone.operation.recall.interval
    assert low < 0.5 < high
    # The interval of a share of 32 by the binomial distribution is 0.34 to 0.66.
    assert (low, high) == pytest.approx((0.33, 0.67), abs=0.03)
    grouped = [replace(item, group=f"g{item.number % 5}{item.number // 50}") for item in rows]
    together = recalibrate(CALIBRATION, grouped, scores, ["toxicity"], "recall", 0.5).choices[0]
    again = recalibrate(CALIBRATION, grouped, scores, ["toxicity"], "recall", 0.5).choices[0]
    assert together == again
    assert together.operation.recall.value == alone.operation.recall.value
    assert together.operation.recall.interval != alone.operation.recall.interval


def test_labels_are_chosen_one_by_one_and_the_flag_is_of_any() -> None:
    rows = [row(n, toxicity=float(n >= 50), insult=float(n < 30)) for n in range(100)]
    rows.append(row(100, toxicity=1.0))  # nobody said whether it is an insult
    scores = [scored(n / 100, insult=(99 - n) / 100) for n in range(100)] + [scored(0.99)]
    result = recalibrate(CALIBRATION, rows, scores, ["insult", "toxicity"], "precision", 1.0)
    insult, toxicity = result.choices
    assert (insult.label, insult.operation.rows, insult.operation.positives) == ("insult", 100, 30)
    assert (toxicity.operation.rows, toxicity.operation.positives) == (101, 51)
    assert (insult.threshold, toxicity.threshold) == pytest.approx((0.695, 0.495))
    assert figures(result.flag) == pytest.approx((1.0, 1.0, 81 / 101))
    assert result.calibration.thresholds["threat"] == 0.5


def test_rows_are_weighed_to_the_share_of_toxic_comments() -> None:
    rows = [row(n, toxicity=float(n % 2)) for n in range(200)]
    scores = [scored(0.9 if n % 2 else 0.9 if n % 20 == 0 else 0.1) for n in range(200)]
    natural = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 0.9)
    rare = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 0.9, toxic_share=0.1)
    assert figures(natural.choices[0].operation) == pytest.approx((100 / 110, 1.0, 0.55))
    # One in ten is toxic and flagged, and a tenth of the nine others is flagged too.
    assert figures(rare.choices[0].operation) == pytest.approx((0.1 / 0.19, 1.0, 0.19))


def test_each_label_is_weighed_among_the_rows_that_have_it() -> None:
    rows = [row(n, toxicity=float(n % 2)) for n in range(200)]
    rows += [row(n, threat=0.0) for n in range(200, 800)]  # say nothing of how many are toxic
    scores = [scored(0.9 if n % 2 or n % 20 == 0 else 0.1) for n in range(200)] + [
        scored(0.1)
    ] * 600
    result = recalibrate(CALIBRATION, rows, scores, ["toxicity"], "recall", 0.9, toxic_share=0.1)
    assert figures(result.choices[0].operation) == pytest.approx((0.1 / 0.19, 1.0, 0.19))
    assert result.flag.rows == 800


def test_refitting_gives_the_probabilities_of_the_rows() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, 4000)
    toxic = random.random(4000) < sigmoid(0.5 * logits - 1.0)
    rows = [row(n, toxicity=float(value)) for n, value in enumerate(toxic)]
    # The model says σ(2 · raw + 1) of the raw logits.
    model = replace(CALIBRATION, toxicity={**CALIBRATION.toxicity, "toxicity": (2.0, 1.0)})
    scores = [scored(float(value)) for value in sigmoid(logits)]
    result = recalibrate(model, rows, scores, ["toxicity"], "precision", 0.5, refit=True)
    scale, bias = result.calibration.toxicity["toxicity"]
    raw = (logits - 1.0) / 2.0
    fitted = sigmoid(scale * raw + bias)
    assert fitted == pytest.approx(sigmoid(0.5 * logits - 1.0), abs=0.05)
    assert fitted.mean() == pytest.approx(toxic.mean(), abs=0.01)
    # The threshold is one of the new probabilities.
    (choice,) = result.choices
    flagged = fitted >= choice.threshold
    assert choice.operation.flagged.value == pytest.approx(float(flagged.mean()), abs=1e-3)
    assert result.calibration.toxicity["insult"] == (1.0, 0.0)
    # A comment has spans from the same raw logit on as before.
    gate = float(sigmoid(np.array(scale * (np.log(0.05 / 0.95) - 1.0) / 2.0 + bias)))
    assert result.calibration.span_gates["toxicity"] == pytest.approx(gate)
    assert result.calibration.span_gates["insult"] == 0.05


@pytest.mark.parametrize(("toxic", "said"), [(19, "have it"), (81, "do not have it")])
def test_too_few_rows_are_refused(toxic: int, said: str) -> None:
    rows = [row(n, toxicity=float(n < toxic)) for n in range(100)]
    with pytest.raises(DataError) as raised:
        recalibrate(CALIBRATION, rows, [scored(0.5)] * 100, ["toxicity"], "recall", 0.5)
    assert str(raised.value) == (
        f"toxicity: 19 of 100 labelled rows {said}; expected at least 20 to choose a threshold "
        "by; label more comments"
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.50001, 0.9, 1.0]), st.booleans()),
             min_size=20, max_size=80).filter(lambda rows: any(p for _, p in rows)),
    st.sampled_from(["precision", "recall"]),
    st.floats(0.01, 1.0),
)  # fmt: skip
def test_no_threshold_does_better(rows: Any, figure: Any, wanted: float) -> None:
    scores, positive = np.array([s for s, _ in rows]), np.array([p for _, p in rows])
    threshold, is_reached = choose_threshold(scores, positive, figure, wanted, np.ones(len(scores)))

    def measure(cut: float) -> tuple[float, float, int]:
        flagged = scores >= cut
        both = int((flagged & positive).sum())
        return both / max(1, flagged.sum()), both / positive.sum(), int(flagged.sum())

    precision, recall, flagged = measure(threshold)
    others = [measure(cut) for cut in np.unique(scores)]
    if figure == "recall":
        assert recall >= wanted - 1e-9
        assert flagged == min(n for _, r, n in others if r >= wanted - 1e-9)
    else:
        counted = [(p, r) for p, r, n in others if n >= LEAST_FLAGGED]
        reaching = [r for p, r in counted if p >= wanted - 1e-9]
        assert is_reached == bool(reaching)
        assert flagged >= LEAST_FLAGGED
        assert recall == max(reaching) if reaching else precision == max(p for p, _ in counted)


def test_test_rows_are_left_alone() -> None:
    rows = [row(1, split="train"), row(2, split="dev"), row(3, split="test"), row(4)]
    data = LabelledData("a.csv", rows, (), ())
    assert [item.number for item in tuning_rows(data)] == [2]
    assert [item.number for item in tuning_rows(data, "test")] == [3]
    assert len(tuning_rows(data, "all")) == 4
    assert len(tuning_rows(LabelledData("a.csv", rows[3:], (), ()))) == 1
    with pytest.raises(DataError) as raised:
        tuning_rows(LabelledData("a.csv", rows[2:], (), ()))
    assert str(raised.value) == (
        "a.csv: no row of the split 'dev'; found test; name one with --split, or all"
    )


# The copy


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "README.md").write_text("# card\n")
    CALIBRATION.save(folder)
    return folder


def test_the_copy_differs_in_its_calibration_alone(model: Path, tmp_path: Path) -> None:
    changed = replace(CALIBRATION, model="mine")
    write_copy(model, tmp_path / "copy", changed, "\n## More\n")
    copy = tmp_path / "copy"
    assert sorted(path.name for path in copy.iterdir()) == [
        *("README.md", "calibration.json", "model.onnx")
    ]
    assert (copy / "model.onnx").read_bytes() == b"weights"
    assert (copy / "README.md").read_text() == "# card\n\n## More\n"
    assert Calibration.load(copy) == changed
    assert Calibration.load(model) == CALIBRATION
    (tmp_path / "empty").mkdir()
    write_copy(model, tmp_path / "empty", changed)
    assert Calibration.load(tmp_path / "empty") == changed


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("model", "the model is there; name another folder"),
        ("model/inner", "the model is there; name another folder"),
        ("full", "there is something already; name a new folder"),
        ("file", "there is something already; name a new folder"),
        ("no/where", "does not exist; create it first"),
    ],
)
def test_nothing_is_overwritten(model: Path, tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").touch()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=reason):
        write_copy(model, tmp_path / place, CALIBRATION)


def test_a_copy_that_fails_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_copy(model, tmp_path / "copy", CALIBRATION)
    assert list(tmp_path.iterdir()) == [model]


# The command


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_analyzer: Any) -> Path:
    """Comments that the fake model scores 0.9 and 0.1: of 40 of the former 30 are toxic."""
    fake_analyzer.calibration = uncalibrated("fake 1.0", 256)
    monkeypatch.setattr(calibrate, "load_analyzer", lambda model, threads: fake_analyzer)
    path = tmp_path / "labelled.jsonl"
    lines = [
        {"body": f"{'idiot' if n < 40 else 'fine'} {n}", "toxicity": "yes" if n < 30 else "0"}
        for n in range(100)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


NAMED = ["--column", "text=body", "--label", "toxicity.yes=1", "--label", "toxicity"]


def test_the_command_writes_a_copy(labelled: Path, model: Path, tmp_path: Path, capfd: Any) -> None:
    out = tmp_path / "out"
    options = ["--model", str(model), "--out", str(out), "--precision", "0.75"]
    assert main(["calibrate", "--data", str(labelled), *NAMED, *options]) == 0
    said = capfd.readouterr()
    assert said.out.splitlines()[0] == (
        "toxicity: threshold 0.500 (was 0.500) for a precision of at least 0.75"
    )
    assert said.out.splitlines()[1].startswith("  precision 0.750 (0.")
    assert said.out.splitlines()[1].endswith("of 100 rows, 30 positive")
    assert said.out.splitlines()[-1] == str(out)
    assert said.err == ""
    assert Calibration.load(out).model == "fake 1.0+precision-0.75"
    assert "| toxicity | 0.5000 | 0.5000 | 0.750 (" in (out / "README.md").read_text()


def test_without_a_folder_it_only_says(labelled: Path, tmp_path: Path, capfd: Any) -> None:
    assert main(["calibrate", "--data", str(labelled), *NAMED, "--recall", "0.9"]) == 0
    assert capfd.readouterr().err == (
        "stance: nothing is written: name a folder for a copy of the model with --out\n"
    )
    assert list(tmp_path.iterdir()) == [labelled]


def test_what_is_out_of_reach_is_not_written(
    labelled: Path, model: Path, tmp_path: Path, capfd: Any
) -> None:
    out = tmp_path / "out"
    options = ["--model", str(model), "--out", str(out), "--precision", "0.9"]
    assert main(["calibrate", "--data", str(labelled), *NAMED, *options]) == 1
    said = capfd.readouterr()
    assert said.out.startswith(
        "toxicity: a precision of 0.9 is out of reach; the nearest is at threshold 0.500"
    )
    assert said.err == "stance: nothing is written: what was asked for is out of reach\n"
    assert not out.exists()


def test_rows_that_cannot_be_used_are_named(labelled: Path, capfd: Any) -> None:
    with labelled.open("a") as file:
        file.write('\n{"body": "", "toxicity": "0"}\n{"body": "no label"}\n')
    assert main(["calibrate", "--data", str(labelled), *NAMED, "--recall", "0.9"]) == 1
    assert "stance: labelled.jsonl: 1 row left out: no text (line 101)" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--label", "stance"], "--label stance: expected one of toxicity, severe_toxicity"),
        ([], "no label whose threshold to choose; name some of toxicity, severe_toxicity"),
        (["--label", "insult"], "insult: 0 of 0 labelled rows have it; expected at least 20"),
    ],
)
def test_a_label_must_be_one_of_ours(
    labelled: Path, capfd: Any, options: list[str], said: str
) -> None:
    names = NAMED[:-2]
    assert main(["calibrate", "--data", str(labelled), *names, *options, "--recall", "1"]) == 2
    assert said in capfd.readouterr().err


def test_data_without_toxicity_is_refused(tmp_path: Path, labelled: Path, capfd: Any) -> None:
    path = tmp_path / "stance.csv"
    path.write_text("text,target,stance\nYes!,trams,favor\n")
    options = ["--label", "toxicity", "--recall", "0.5"]
    assert main(["calibrate", "--data", str(path), *options]) == 2
    assert capfd.readouterr().err == (
        "stance: stance.csv: no row has a toxicity label; expected toxicity\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one of the arguments --precision --recall is required"),
        (["--precision", "0.9", "--recall", "0.9"], "not allowed with argument --precision"),
        (["--precision", "0"], "'0' is no number above 0, up to 1"),
        (["--recall", "1.1"], "'1.1' is no number from 0 to 1"),
        (["--recall", "0.5", "--toxic-share", "1"], "'1' is no number between 0 and 1"),
    ],
)
def test_wrong_use(options: list[str], message: str, capfd: Any) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["calibrate", "--data", "a.csv", *options])
    assert raised.value.code == 2
    assert message in capfd.readouterr().err
