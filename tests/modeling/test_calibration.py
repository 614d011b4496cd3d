import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stance.errors import ModelError
from stance.labels import TOXICITY_LABELS
from stance.modeling.calibration import (
    Calibration,
    best_threshold,
    fit_platt,
    fit_stance,
    fit_temperature,
    natural_weights,
    sigmoid,
    softmax,
    uncalibrated,
)

pytest.importorskip("sklearn", reason="training is not installed")


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    calibration = uncalibrated("a-model", 256)
    calibration.save(tmp_path)
    assert Calibration.load(tmp_path) == calibration


def test_a_file_of_before_languages_is_of_a_model_that_reads_english(tmp_path: Path) -> None:
    uncalibrated("a-model", 256).save(tmp_path)
    path = tmp_path / "calibration.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.pop("languages") == ["en"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert Calibration.load(tmp_path).languages == ("en",)


@pytest.mark.parametrize("languages", ["en", [], ["English"], [1], None, {"en": 1}])
def test_languages_are_codes(tmp_path: Path, languages: object) -> None:
    replace(uncalibrated("a-model", 256), languages=languages).save(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"languages is .*, expected codes such as \['en'\]"):
        Calibration.load(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no calibration\.json; expected a model folder"):
        Calibration.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "null", '{"version": 2}', '{"version": 1, "model": "half a file"}'],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "calibration.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be used"):
        Calibration.load(tmp_path)


def test_a_threshold_for_each_label_is_needed(tmp_path: Path) -> None:
    calibration = uncalibrated("a-model", 256)
    replace(calibration, thresholds={"toxicity": 0.5}).save(tmp_path)
    with pytest.raises(ModelError, match=r"thresholds has \['toxicity'\]"):
        Calibration.load(tmp_path)


def test_an_uncalibrated_model_keeps_its_probabilities() -> None:
    calibration = uncalibrated("a-model", 256)
    logits = np.array([[1.0, 2.0, 3.0]])
    assert np.allclose(calibration.stance_probabilities(logits), softmax(logits))
    six = np.arange(6.0).reshape(1, 6)
    assert np.allclose(calibration.toxicity_probabilities(six), sigmoid(six))


def test_probabilities_stay_in_bounds_for_any_logit() -> None:
    extreme = np.array([-1e9, -50.0, 0.0, 50.0, 1e9])
    assert np.all((sigmoid(extreme) >= 0) & (sigmoid(extreme) <= 1))
    assert np.allclose(softmax(np.array([[1e9, 0.0, -1e9]])).sum(), 1)


def test_a_temperature_that_was_multiplied_in_is_found_again() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 3))
    labels = [int(random.choice(3, p=row)) for row in softmax(logits)]
    temperature, bias = fit_stance(logits * 4, labels)
    assert temperature == pytest.approx(4, rel=0.1)
    assert bias == pytest.approx((0, 0, 0), abs=0.1)


def test_without_a_class_the_temperature_alone_is_fitted_and_the_bias_kept() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 3))
    bias = (0.5, -0.5, 1.0)
    labels = np.array([int(random.choice(3, p=row)) for row in softmax(logits + np.array(bias))])
    sided = labels != 2
    found = fit_temperature(logits[sided] * 4, labels[sided].tolist(), bias)
    assert found == pytest.approx(4, rel=0.1)


def test_gates_of_spans_follow_the_logits_to_other_scales() -> None:
    model = replace(uncalibrated("a-model", 256), span_gates=dict.fromkeys(TOXICITY_LABELS, 0.2))
    logits = np.linspace(-6, 6, 101).repeat(6).reshape(-1, 6)
    scales = {**model.toxicity, "toxicity": (0.5, 1.0), "insult": (2.0, -3.0)}
    refitted = replace(model, toxicity=scales, span_gates=model.moved_gates(scales))
    assert refitted.span_gates["threat"] == 0.2
    before, after = (
        [
            each.has_spans(dict(zip(TOXICITY_LABELS, row, strict=True)))
            for row in each.toxicity_probabilities(logits)
        ]
        for each in (model, refitted)
    )
    assert before == after
    assert 0 < sum(before) < len(before)


def test_a_file_of_before_gates_has_the_usual_ones(tmp_path: Path) -> None:
    calibration = uncalibrated("a-model", 256)
    calibration.save(tmp_path)
    path = tmp_path / "calibration.json"
    content = json.loads(path.read_text())
    del content["span_gates"]
    path.write_text(json.dumps(content))
    assert Calibration.load(tmp_path) == calibration


def test_over_sampling_is_undone_by_the_bias() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(-2.5, 1.5, size=60_000)
    toxic = random.random(60_000) < sigmoid(logits)
    share = float(toxic.mean())
    kept = toxic | (random.random(60_000) < 0.1)  # most of the others are left out
    weights = natural_weights(toxic[kept].astype(float), share)
    scale, bias = fit_platt(logits[kept], toxic[kept].astype(float), weights)
    assert scale == pytest.approx(1, abs=0.1)
    assert bias == pytest.approx(0, abs=0.15)


def test_a_label_of_one_class_leaves_the_logits_alone() -> None:
    assert fit_platt(np.array([1.0, 2.0]), np.array([0.0, 0.0])) == (1.0, 0.0)


def test_the_threshold_is_the_one_of_best_f1() -> None:
    probabilities = np.array([0.1, 0.2, 0.6, 0.7, 0.9])
    assert best_threshold(probabilities, np.array([0, 0, 1, 1, 1])) == pytest.approx(0.6)


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    uncalibrated("a-model", 256).save(tmp_path)
    content = json.loads((tmp_path / "calibration.json").read_text(encoding="utf-8"))
    assert content["model"] == "a-model"
    assert list(content["thresholds"].values()) == [0.5] * 6
