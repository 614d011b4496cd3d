import shutil
from dataclasses import replace
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


def test_a_reply_is_scored_against_its_parent(analyzer: Analyzer) -> None:
    parents = ["trams are good", None, "  ", "trams are good"]
    targets = [["cars"]] * 4
    with_parents = analyzer.predict(TEXTS, targets, parents=parents)
    assert [prediction.reply is None for prediction in with_parents] == [False, True, True, False]
    without = analyzer.predict(TEXTS, targets)
    as_target = analyzer.predict(TEXTS, [["trams are good"]] * 4)
    for place in (0, 3):
        reply, score = with_parents[place].reply, as_target[place].stance[0]
        assert reply is not None
        shares = [reply.favor, reply.against, reply.neutral]
        assert shares == pytest.approx([score.favor, score.against, score.neutral], abs=1e-4)
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert (reply.label, STANCE_LABELS[shares.index(max(shares))]) == (score.label,) * 2
        assert numbers(with_parents[place]) == pytest.approx(numbers(without[place]), abs=1e-4)


def test_the_same_answer_to_two_comments_gets_two_replies(analyzer: Analyzer) -> None:
    first, second, again = analyzer.predict(
        ["never, you fool!"] * 3,
        [[]] * 3,
        parents=["trams are good", "close the street", "trams are good"],
    )
    assert first.reply is not None
    assert second.reply is not None
    assert first is again
    assert first.reply.neutral != pytest.approx(second.reply.neutral, abs=1e-2)


def test_a_thread_knows_who_answers_whom(analyzer: Analyzer) -> None:
    comments = (
        Comment("1", "Open the street!"),
        Comment("2", "Never!", parent_id="1", depth=1),
        Comment("3", "Bad.", parent_id="gone", depth=1),
        Comment("4", "Good.", parent_id="4"),
        Comment("5", "We love it.", parent_id="6"),
        Comment("6", "We hate it.", parent_id="5"),
    )
    thread = Thread("page", "text", None, comments)
    scored = analyzer.score(thread, [])
    has_reply = [row["reply"] is not None for row in scored.rows()]
    assert has_reply == [False, True, False, False, True, True]
    [alone] = analyzer.predict(["Never!"], [[]], parents=["Open the street!"])
    assert alone.reply is not None
    assert scored.rows()[1]["reply"]["favor"] == pytest.approx(alone.reply.favor, abs=1e-4)
    assert not any(row["reply"] for row in analyzer.score(thread, [], replies=False).rows())


def test_a_parent_of_any_length_costs_no_more_than_a_target(analyzer: Analyzer) -> None:
    long = "open the street " * 10_000
    first, second = analyzer.predict(["Never!"] * 2, [[]] * 2, parents=[long, long + "no"])
    assert first.reply == second.reply


def test_the_language_is_told_and_what_the_model_reads(
    analyzer: Analyzer, tiny_model: Path, tmp_path: Path
) -> None:
    texts = ["Who is going to pay for this?", "Wer soll das denn bezahlen?", "Hm."]
    assert [item.language for item in analyzer.predict(texts, [[]] * 3)] == ["en", "de", None]
    assert analyzer.languages == ("en",)
    shutil.copytree(tiny_model, tmp_path / "german")
    replace(analyzer.calibration, languages=("de", "en")).save(tmp_path / "german")
    german = Analyzer(tmp_path / "german")
    thread = Thread("page", "text", None, (Comment("1", texts[1]),))
    assert german.score(thread, []).languages == ("de", "en")


def test_texts_and_parents_of_different_number_are_refused(analyzer: Analyzer) -> None:
    with pytest.raises(ValueError, match="2 texts and 1 parents"):
        analyzer.predict(["a", "b"], [[], []], parents=["c"])


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
