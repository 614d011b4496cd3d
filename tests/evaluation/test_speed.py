import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="training is not installed")
import torch
from timing import RUNS

from stance.errors import StanceError
from stance.evaluation import speed, speed_worker
from stance.evaluation.made_up_comments import BLOCK
from stance.evaluation.speed import Machine, Round, Run, SpeedBenchmark, Spread, benchmark_speed
from stance.evaluation.speed_worker import CONTENDERS, TASKS, encoder_operations


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """Give PyTorch its threads back: sums that other tests compare depend on their number."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_operations_are_those_that_pytorch_counts(tiny_encoder: Path) -> None:
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModel

    model = AutoModel.from_pretrained(tiny_encoder, attn_implementation="eager")
    model.pooler = None
    for length in (1, 17, 90):
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            model(torch.ones(1, length, dtype=torch.long))
        assert encoder_operations([length], model.config.to_dict()) == counter.get_total_flops()


def worker(*arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "stance.evaluation.speed_worker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_our_worker_says_when_it_has_scored_and_then_its_figures(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = speed_worker.Contender("stance", speed_worker._ours, {"toxicity": 1, "one target": 1})
    monkeypatch.setattr(speed_worker, "CONTENDERS", {"ours": few})
    for _ in range(RUNS):  # something else may run during one of the two measurements
        speed_worker.main(["ours", "--folder", str(tiny_model)])
        first, found = map(json.loads, capsys.readouterr().out.splitlines())
        if found["rates"]["toxicity"] > found["rates"]["one target"]:
            break
    assert first == {"scored": 1}
    assert list(found["rates"]) == ["toxicity", "one target"]
    # Two passes take longer than one.
    assert found["rates"]["toxicity"] > found["rates"]["one target"] > 0
    assert found["encoder"] > 0
    assert found["peak_memory"] > 50e6


def test_a_worker_that_ends_after_the_first_score(tiny_model: Path) -> None:
    assert worker("ours", "--folder", str(tiny_model), "--only-first") == [{"scored": 1}]


def test_our_worker_needs_nothing_that_is_slow_to_import(tiny_model: Path) -> None:
    code = (
        "import sys; from stance.evaluation.speed_worker import main;"
        f"main(['ours', '--folder', {str(tiny_model)!r}, '--only-first']);"
        "print(sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ['{"scored": 1}', "[]"]


def test_the_pipeline_scores_texts_and_pairs_with_the_same_encoder(tiny_model: Path) -> None:
    score = speed_worker._pipeline(tiny_model, 1)
    found: Any = score(["trams are good", "you fool"], ["trams", "cars"])
    assert len(found) == 2 + 2 * 2
    assert {len(labels) for labels in found} == {6}
    assert len(score(["you fool"], [])) == 1  # type: ignore[arg-type]


def test_the_bert_base_that_is_made_can_be_loaded(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    sizes = {"hidden_size": 24, "intermediate_size": 24, "num_hidden_layers": 1}
    small = partial(transformers.BertConfig, **sizes)  # 12 heads remain
    monkeypatch.setattr(transformers, "BertConfig", small)
    speed_worker.make_bert_base(tmp_path, tiny_model / "tokenizer.json")
    found: Any = speed_worker._pipeline(tmp_path, 1)(["you fool", "trams"], [])
    assert [len(labels) for labels in found] == [6, 6]


def test_tf_idf_scores_toxicity_and_every_target() -> None:
    pytest.importorskip("sklearn")
    score = speed_worker._tfidf(Path(), 1)
    found: Any = score(["you idiot"], ["trams", "cars"])
    [prediction] = found
    assert len(prediction.stance) == 2
    assert len(prediction.toxicity) == 6


def test_a_rate_counts_the_comments_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    clock = iter([0.0, 2.0, 10.0, 14.0])
    monkeypatch.setattr(speed_worker, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    contender = speed_worker.Contender("x", speed_worker._ours, {"toxicity": 2, "four targets": 1})
    rates = speed_worker.measure(
        contender,
        lambda texts, targets: asked.append((len(texts), len(targets))),
        [""] * 3 * BLOCK,
    )
    assert rates == {"toxicity": BLOCK, "four targets": BLOCK / 4}
    assert asked[1:] == [(2 * BLOCK, 0), (BLOCK, 4)]


def test_products_are_measured_in_every_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_worker, "_PRODUCT_SIZE", 64)
    monkeypatch.setattr(speed_worker, "_LEAST_SECONDS", 0.001)
    found = speed_worker.product_rates(1)
    assert list(found) == ["numpy", "torch", "onnxruntime"]
    assert min(found.values()) > 1e6


def test_a_run_measures_every_contender_in_every_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []

    def fake(what: str, folder: Path, threads: int, more: list[str]) -> list[dict[str, Any]]:
        calls.append((what, folder.name))
        assert threads == 3
        if what == "peak":
            return [{"products": {"numpy": 8.0, "torch": 4.0}}]
        if what == "make BERT-base":
            return [{"versions": {"torch": "1"}}]
        assert more in (["--only-first"], ["--lengths", "debate"])
        rates = {task: float(len(calls)) for task in CONTENDERS[what].blocks}
        figures = {"rates": rates, "peak_memory": 5} | ({"encoder": 6.0} if what == "ours" else {})
        return [{"scored": 1, "seconds": 0.5}, figures]

    monkeypatch.setattr(speed, "_worker", fake)
    said: list[str] = []
    result = benchmark_speed(tmp_path, threads=3, rounds=2, lengths="debate", progress=said.append)
    once = list(CONTENDERS)
    assert [what for what, _ in calls] == ["make BERT-base", *once, *[*once, "peak"] * 2]
    assert {folder == tmp_path.name for what, folder in calls if what == "BERT-base"} == {False}
    assert {folder for what, folder in calls if what == "ours"} == {tmp_path.name}
    assert said[-2:] == ["round 1 of 2", "round 2 of 2"]
    assert result.machine.threads == 3
    assert result.machine.versions == {"torch": "1"}
    assert result.encoder_share() == Spread(0.75, 0.75, 0.75)
    assert json.loads(json.dumps(result.to_dict()))["rounds"][0]["products"]["numpy"] == 8.0


def test_ratios_are_taken_within_a_round() -> None:
    def round_(slow: float) -> Round:
        ours = Run(0.5 * slow, dict.fromkeys(TASKS, 100 / slow), 1, 6.0)
        return Round(
            {"ours": ours, "BERT-base": Run(5.0 * slow, {"toxicity": 10 / slow}, 1)}, {"numpy": 8.0}
        )

    machine = Machine("a processor", 1, None, "Linux", {})
    result = SpeedBenchmark(machine, "news", (round_(1.0), round_(4.0), round_(2.0)))
    assert result.rate("ours", "toxicity") == Spread(50.0, 25.0, 100.0)
    assert result.rate_ratio("one target") == Spread(10.0, 10.0, 10.0)
    assert result.first_score_ratio() == Spread(0.1, 0.1, 0.1)


def test_a_contender_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    expected = r"measuring 'ours' failed \(1\): .*no calibration\.json"
    with pytest.raises(StanceError, match=expected):
        speed._worker("ours", tmp_path, 1, ["--only-first"])


def test_a_line_of_a_worker_has_the_seconds_after_which_it_came(tiny_model: Path) -> None:
    [line] = speed._worker("ours", tiny_model, 1, ["--only-first"])
    assert line["scored"] == 1
    assert 0.05 < line["seconds"] < 60
