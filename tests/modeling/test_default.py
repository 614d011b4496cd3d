"""The embedded model: what ships, its size, and that its scores hold whatever is beside them."""

import json

import pytest

from stance import Analyzer
from stance.scoring.analyzer import DEFAULT_MODEL

TEXTS = [
    "You are a stupid idiot and everybody here knows it.",
    "Thank you, this was a helpful article about the new tram line.",
    "Trams are the best thing that this town ever built, more of them please!",
    "no",
    "The tram stops at the town hall, then at the market. " * 40,
]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


def test_the_folder_is_complete_small_and_holds_no_pickle() -> None:
    sizes = {path.name: path.stat().st_size for path in DEFAULT_MODEL.iterdir()}
    assert sorted(sizes) == [
        "README.md",
        "calibration.json",
        "config.json",
        "metrics.json",
        "model.onnx",
        "model.safetensors",
        "ngrams.npz",
        "tokenizer.json",
    ]
    assert sizes["model.onnx"] <= 30_000_000
    assert sum(sizes.values()) <= 80_000_000


def test_the_metrics_say_how_the_weights_came_to_be() -> None:
    metrics = json.loads((DEFAULT_MODEL / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["model"] == Analyzer().name
    assert {"config", "data_sha256", "stages", "export", "benchmarks"} <= set(metrics)
    assert metrics["export"]["int8_share"] > 0.98
    assert max(metrics["export"]["float32"].values()) < 1e-4


def test_a_score_is_the_same_alone_and_among_others(analyzer: Analyzer) -> None:
    together = analyzer.predict(TEXTS, [["trams", "the town", "cars"]] * len(TEXTS))
    for text, among in zip(TEXTS, together, strict=True):
        [alone] = analyzer.predict([text], [["trams"]])
        one, other = alone.stance[0], among.stance[0]
        assert (one.favor, one.against, one.neutral, one.relevance) == pytest.approx(
            (other.favor, other.against, other.neutral, other.relevance), abs=1e-4
        )
        assert list(alone.toxicity.values()) == pytest.approx(
            list(among.toxicity.values()), abs=1e-4
        )


def test_an_empty_target_does_not_change_the_toxicity(analyzer: Analyzer) -> None:
    (alone,) = analyzer.predict(TEXTS[:1], [[]])
    (beside,) = analyzer.predict(TEXTS[:1], [[""]])
    assert list(alone.toxicity.values()) == pytest.approx(list(beside.toxicity.values()), abs=1e-4)


def test_an_insult_is_flagged_with_its_words_and_thanks_are_not(analyzer: Analyzer) -> None:
    insult, thanks = analyzer.predict(TEXTS[:2], [[], []])
    assert insult.toxic
    marked = [TEXTS[0][start:end] for start, end in insult.toxic_spans]
    assert any("idiot" in words for words in marked)
    assert not thanks.toxic


def test_praise_is_for_what_it_praises_and_silent_about_the_rest(analyzer: Analyzer) -> None:
    [prediction] = analyzer.predict([TEXTS[2]], [["trams", "nuclear power"]])
    praised, other = prediction.stance
    assert praised.label == "favor"
    assert other.label == "neutral"
    assert praised.relevance > other.relevance
