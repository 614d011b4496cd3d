"""The baselines that a model must beat."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="evaluation is not installed")
from stance.data.examples import Example
from stance.errors import DataError
from stance.evaluation.baselines import train_baseline


def stance_rows(count: int = 60) -> list[Example]:
    """Comments whose side depends on the text and, for half of them, on the target."""
    rows = []
    for number in range(count):
        good = number % 2 == 0
        target = "trams" if number % 4 < 2 else "the weather"
        rows.append(
            Example(
                f"{'wonderful' if good else 'terrible'} trams {number}",
                "m",
                "train",
                target=target,
                stance=("favor" if good else "against") if target == "trams" else "neutral",
                relevance=float(target == "trams"),
            )
        )
    return rows


def toxic_rows(count: int = 60) -> list[Example]:
    return [
        Example(
            f"{'vile fool' if number % 3 == 0 else 'kind friend'} {number}",
            "m",
            "train",
            toxicity={"insult": float(number % 3 == 0)},
        )
        for number in range(count)
    ]


def test_the_majority_gives_the_shares_of_its_rows() -> None:
    model = train_baseline("majority", [*stance_rows(), *toxic_rows()], "made up")
    [found] = model.predict(["anything"], [["trams"]])
    [score] = found.stance
    assert (score.label, score.target, score.relevance) == ("neutral", "trams", 1.0)
    assert (score.favor, score.against, score.neutral) == (0.25, 0.25, 0.5)
    assert found.toxicity == {"insult": pytest.approx(1 / 3)}
    assert (found.toxic, found.toxic_spans) == (False, ())
    assert (model.name, model.description) == ("majority class", "trained on 120 rows: made up")


def test_tfidf_learns_from_text_and_target() -> None:
    model = train_baseline("tfidf", [*stance_rows(), *toxic_rows()], "made up")
    texts = ["wonderful trams", "terrible trams", "wonderful trams", "you vile fool"]
    targets = [["trams"], ["trams"], ["the weather"], []]
    found = model.predict(texts, targets)
    assert [each.stance[0].label for each in found[:3]] == ["favor", "against", "neutral"]
    assert [each.stance[0].relevance > 0.5 for each in found[:3]] == [True, True, False]
    for each in found[:3]:
        score = each.stance[0]
        assert score.favor + score.against + score.neutral == pytest.approx(1)
    assert found[3].stance == ()
    assert set(found[3].toxicity) == {"insult"}  # the others are not known
    assert found[3].toxic
    assert not found[0].toxic
    assert model.thresholds["insult"] != 0.5
    assert model.thresholds["threat"] == 0.5


def test_what_no_row_has_stays_unknown() -> None:
    model = train_baseline("tfidf", toxic_rows(), "made up")
    [found] = model.predict(["a text"], [["trams"]])
    assert found.stance == ()
    only = [row for row in stance_rows() if row.stance == "favor"]
    [found] = train_baseline("tfidf", only, "made up").predict(["a text"], [["trams"]])
    assert (found.stance[0].favor, found.stance[0].neutral, found.toxicity) == (1.0, 0.0, {})
    with pytest.raises(DataError, match="'tfidf' has nothing to learn from: no label in made up"):
        train_baseline("tfidf", [Example("a", "m", "train")], "made up")


def test_training_is_repeatable_and_takes_texts_without_words() -> None:
    rows = [*stance_rows(), Example("", "m", "train", target="", stance="neutral")]
    rows += [Example("\U0001f600", "m", "train", target="x", stance="neutral")]
    first, second = (
        train_baseline("tfidf", rows, "made up").predict(["", "wonderful"], [["trams"]] * 2)
        for _ in range(2)
    )
    assert first == second
    assert np.isfinite(first[0].stance[0].favor)
