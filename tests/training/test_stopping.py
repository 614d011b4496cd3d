import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from safetensors.torch import load_file  # noqa: E402
from sklearn.metrics import f1_score, log_loss, roc_auc_score  # noqa: E402

from stance.data.examples import Example  # noqa: E402
from stance.errors import ConfigError  # noqa: E402
from stance.modeling.encoding import InputEncoder  # noqa: E402
from stance.modeling.network import CommentModel  # noqa: E402
from stance.training.config import EarlyStoppingConfig, load_config  # noqa: E402
from stance.training.stopping import DevRows, is_over  # noqa: E402
from stance.training.train import train  # noqa: E402

STOPPING = "stages.0.early_stopping"


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> InputEncoder:
    return InputEncoder.from_folder(tiny_model, 160)


def stances(labels: list[Any]) -> list[Example]:
    texts = ["we love trams", "we hate trams !", "town hall", "you and they are against trams"]
    return [
        Example(texts[number % 4], "c", "dev", target="trams", stance=label, relevance=number % 2)
        for number, label in enumerate(labels)
    ]


def test_the_figures_are_those_of_scikit_learn(tiny_model: Path, encoder: InputEncoder) -> None:
    labels: list[Any] = ["favor", "against", "neutral", "against", None, "favor"] * 20
    toxic = [
        Example(text, "c", "dev", toxicity={"toxicity": float(number % 3 == 0), "threat": 0.0})
        for number, text in enumerate(["you fool", "good trams", "you idiot !"] * 7 + ["bad ."])
    ]
    model = CommentModel.load(tiny_model)
    dev = DevRows([*stances(labels), *toxic], encoder, pad_id=0)
    figures = dev.measure(model, torch.device("cpu"))
    assert sorted(figures) == [
        "relevance_roc_auc",
        "stance_log_loss",
        "stance_macro_f1",
        "toxicity_roc_auc",
    ]

    def logits(example: Example) -> dict[str, torch.Tensor]:
        [text] = encoder.tokenize([example.text])
        [target] = encoder.tokenize([example.target or ""])
        window = encoder.pair(target, text)[0] if example.target else encoder.single(text)[0]
        with torch.no_grad():
            return model(
                torch.tensor([window.input_ids]),
                torch.ones(1, len(window), dtype=torch.long),
                torch.tensor([window.token_type_ids]),
            )

    known = [example for example in stances(labels) if example.stance]
    gold = [("favor", "against", "neutral").index(example.stance or "") for example in known]
    shares = torch.cat([logits(example)["stance"] for example in known]).double().softmax(dim=1)
    assert figures["stance_macro_f1"] == pytest.approx(
        f1_score(gold, shares.argmax(dim=1), average="macro")
    )
    assert figures["stance_log_loss"] == pytest.approx(log_loss(gold, shares), abs=1e-5)
    scores = [float(logits(example)["toxicity"][0, 0]) for example in toxic]
    # No row has a threat: of it there is no area.
    assert figures["toxicity_roc_auc"] == pytest.approx(
        roc_auc_score([example.toxicity["toxicity"] for example in toxic], scores), abs=1e-3
    )


@pytest.mark.parametrize("labels", [[], [None, None], ["favor", "favor"]])
def test_rows_that_cannot_measure_the_metric_are_refused(
    encoder: InputEncoder, labels: list[Any]
) -> None:
    with pytest.raises(ConfigError) as raised:
        DevRows(stances(labels), encoder, 0).check("stance_macro_f1")
    assert str(raised.value) == (
        "early_stopping.metric stance_macro_f1: the dev rows of the mix have no two different "
        "labels to measure it by; name another metric, add such rows, or leave early_stopping out"
    )
    DevRows(stances(["favor", "against"]), encoder, 0).check("stance_macro_f1")


def test_an_unknown_metric_is_answered_with_those_there_are(config_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(config_path, [f"{STOPPING}={{metric: accuracy}}"])
    assert str(raised.value).endswith(
        "stages.0.early_stopping.metric: found 'accuracy', expected 'stance_macro_f1', "
        "'stance_log_loss', 'relevance_roc_auc', 'toxicity_roc_auc' or 'spans_roc_auc'"
    )


@pytest.mark.parametrize(
    ("step", "best", "over"),
    [(100, None, False), (30, 10, False), (39, 10, False), (40, 10, True), (200, 200, True)],
)
def test_a_stage_is_over_by_its_figures_or_its_steps(
    step: int, best: int | None, over: bool
) -> None:
    stopping = EarlyStoppingConfig(metric="stance_macro_f1", every=10, patience=3)
    state: Any = SimpleNamespace(global_step=step, best_global_step=best, max_steps=200)
    assert is_over(state, stopping) == over
    assert is_over(state, None) == (step == 200)


@pytest.mark.parametrize(
    ("metric", "figures"),
    [
        ("stance_macro_f1", [0.5, 0.7, 0.6, 0.7, 0.9]),
        ("stance_log_loss", [0.5, 0.3, 0.4, 0.3, 0.1]),
    ],
)
def test_a_stage_ends_early_with_its_best_weights(
    config_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    metric: str,
    figures: list[float],
) -> None:
    seen: list[dict[str, torch.Tensor]] = []

    def measure(self: DevRows, model: CommentModel, device: torch.device) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return {metric: figures[len(seen) - 1]}

    def enough(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DevRows, "measure", measure)
    monkeypatch.setattr("stance.training.train._appearing_whole", enough)
    option = f"{STOPPING}={{metric: {metric}, every: 2, patience: 2, rows: 20}}"
    with pytest.raises(KeyboardInterrupt):
        train(load_config(config_path, ["stages.0.epochs=3", option]))
    stage = tmp_path / "run" / "stage-1-one"
    run = json.loads((stage / "run.json").read_text(encoding="utf-8"))
    assert (run["steps"], run["best"]) == (8, {"step": 4, "figure": figures[1]})
    assert len(seen) == 4
    weights = load_file(stage / "weights.safetensors")
    assert all(weights[name].equal(value) for name, value in seen[1].items())
    assert not all(weights[name].equal(value) for name, value in seen[3].items())
