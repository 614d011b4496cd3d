from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the tiny model is made with torch")
from stance import Analyzer
from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.scoring.results import Prediction
from stance.thread import Article, Comment, Thread

TEXTS = ["You fool, trams are bad!", "Love it.", "", "open the street for bikes " * 60]


@pytest.fixture(scope="module")
def analyzer(tiny_model: Path) -> Analyzer:
    return Analyzer(tiny_model)


def numbers(prediction: Prediction) -> list[float]:
    stance = [
        value
        for score in prediction.stance
        for value in (score.favor, score.against, score.neutral, score.relevance)
    ]
    return [*stance, *prediction.toxicity.values()]


def test_stance_sums_to_one_and_the_label_is_the_largest(analyzer: Analyzer) -> None:
    for prediction in analyzer.predict(TEXTS, [["trams", "cars"]] * 4):
        assert [score.target for score in prediction.stance] == ["trams", "cars"]
        for score in prediction.stance:
            shares = dict(
                zip(STANCE_LABELS, (score.favor, score.against, score.neutral), strict=True)
            )
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
            assert shares[score.label] == max(shares.values())
            assert 0 <= score.relevance <= 1
        assert tuple(prediction.toxicity) == TOXICITY_LABELS


def test_a_score_does_not_depend_on_its_neighbours_or_on_other_targets(
    analyzer: Analyzer,
) -> None:
    [alone] = analyzer.predict(TEXTS[:1], [["trams"]])
    together = analyzer.predict(TEXTS, [["cars", "trams", "the town hall"]] * 4)[0]
    assert together.stance[1].target == "trams"
    same = numbers(together)[4:8] + numbers(together)[12:]
    assert same == pytest.approx(numbers(alone), abs=1e-4)
    assert together.toxic_spans == alone.toxic_spans


def test_toxicity_is_the_same_without_any_target(analyzer: Analyzer) -> None:
    without = analyzer.predict(TEXTS, [[]] * 4)
    with_target = analyzer.predict(TEXTS, [["trams"]] * 4)
    for one, other in zip(without, with_target, strict=True):
        assert one.stance == ()
        assert list(one.toxicity.values()) == pytest.approx(list(other.toxicity.values()), abs=1e-4)


def test_repeated_texts_get_the_same_prediction(analyzer: Analyzer) -> None:
    first, _, again = analyzer.predict(["you fool", "love it", "you fool"], [["trams"]] * 3)
    assert first is again


def test_more_texts_than_a_chunk_keep_their_order(analyzer: Analyzer) -> None:
    texts = [f"{'good' if number % 2 else 'bad'} {number}" for number in range(1100)]
    calls: list[tuple[int, int]] = []
    many = analyzer.predict(texts, [[]] * 1100, progress=lambda *call: calls.append(call))
    [one] = analyzer.predict([texts[777]], [[]])
    assert numbers(many[777]) == pytest.approx(numbers(one), abs=1e-4)
    assert calls == sorted(calls)
    assert {(512, 1100), (1024, 1100), (1100, 1100)} <= set(calls)


def test_progress_is_told_within_a_chunk_too(analyzer: Analyzer) -> None:
    calls: list[tuple[int, int]] = []
    texts = [f"{'good street ' * 70}{number}" for number in range(100)]
    analyzer.predict(texts, [["trams"]] * 100, progress=lambda *call: calls.append(call))
    assert len(calls) > 5
    assert calls == sorted(calls)
    assert calls[-1] == (100, 100)


def test_half_a_surrogate_is_scored_with_offsets_kept(analyzer: Analyzer) -> None:
    broken, whole = analyzer.predict(["\ud83d you fool", "\ufffd you fool"], [["\ud83d"]] * 2)
    assert numbers(broken) == pytest.approx(numbers(whole), abs=1e-6)
    assert broken.toxic_spans == whole.toxic_spans


def test_a_target_named_twice_counts_once_and_a_string_is_no_list(analyzer: Analyzer) -> None:
    thread = Thread("page", "text", None, (Comment("1", "Never!"),))
    assert analyzer.score(thread, ["trams", "cars", "trams"]).targets == ("trams", "cars")
    with pytest.raises(TypeError, match=r"expected a sequence: \['NATO'\]"):
        analyzer.score(thread, "NATO")


def test_one_threshold_replaces_those_of_the_model(analyzer: Analyzer) -> None:
    [never] = analyzer.predict(["you fool"], [[]], threshold=1.0)
    [always] = analyzer.predict(["you fool"], [[]], threshold=0.0)
    assert (never.toxic, always.toxic) == (False, True)


def test_a_thread_is_scored_against_its_headline_when_no_target_is_given(
    analyzer: Analyzer,
) -> None:
    thread = Thread("page", "text", Article("Close the street to cars"), (Comment("1", "Never!"),))
    scored = analyzer.score(thread)
    assert scored.targets[0] == "Close the street to cars"
    assert scored.model == "tiny"
    assert [row["id"] for row in scored.rows()] == ["1"]


def test_texts_and_targets_of_different_number_are_refused(analyzer: Analyzer) -> None:
    with pytest.raises(ValueError, match="2 texts and 1 lists of targets"):
        analyzer.predict(["a", "b"], [[]])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder; expected a model folder"):
        Analyzer(tmp_path / "none")
