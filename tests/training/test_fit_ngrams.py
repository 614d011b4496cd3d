from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.data.examples import Example
from stance.labels import TOXICITY_LABELS
from stance.modeling.ngrams import NgramModel
from stance.training.ngrams import LEAST_OF_CLASS, best_shares, fit_ngrams, scaled

_NOUNS = ("trams", "bikes", "halls", "parks", "roads", "taxes", "schools", "trees", "bins", "cats")


def rows(first: int, count: int) -> list[Example]:
    """Return rows of which each second one is an insult; threats are too rare to be learnt."""
    return [
        Example(
            f"{'you idiot' if number % 2 else 'thank you'} of {_NOUNS[number % 10]} {number}",
            "made-up",
            "train",
            toxicity={"toxicity": float(number % 2), "threat": float(number == first)},
        )
        for number in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def model() -> NgramModel:
    return fit_ngrams([*rows(0, 400), Example("no label", "made-up", "train")])


def test_words_and_their_misspellings_are_learnt(model: NgramModel) -> None:
    said = model.logits(["what an idiot", "what an idiooot", "thank you so much", "many thanks"])
    toxicity = said[:, TOXICITY_LABELS.index("toxicity")]
    assert toxicity[0] > toxicity[1] > 0 > toxicity[3] > toxicity[2]


def test_labels_without_enough_rows_are_left_to_the_network(model: NgramModel) -> None:
    said = model.logits(["what an idiot", "I will find you"])
    for label in set(TOXICITY_LABELS) - {"toxicity"}:
        assert (said[:, TOXICITY_LABELS.index(label)] == 0).all()
    few = fit_ngrams(rows(0, 2 * LEAST_OF_CLASS - 2))
    assert not few.logits(["what an idiot"]).any()


def test_it_counts_as_much_as_held_out_rows_say(model: NgramModel) -> None:
    held_out = rows(1000, 400)
    gold = np.array([row.toxicity["toxicity"] for row in held_out])
    numbers = np.random.default_rng(1)
    noise = numbers.normal(size=(len(gold), 6))
    knows_all = (gold[:, None] * 2 - 1) * 8 + noise
    knows_some = (gold[:, None] * 2 - 1) + noise
    some, least, none = (
        best_shares(model, held_out, logits, None) for logits in (knows_some, knows_all, -knows_all)
    )
    assert 0 <= least["toxicity"] < some["toxicity"] <= 2.0
    assert "threat" not in some
    # A network that has it the wrong way round is not to be mended so.
    assert none["toxicity"] == 0.0
    said, halved = (
        part.logits(["what an idiot"])[0, 0]
        for part in (model, scaled(model, {**some, "toxicity": 0.5}))
    )
    assert halved == pytest.approx(said / 2)


def test_labels_that_were_not_learnt_anew_stay_as_they_were(model: NgramModel) -> None:
    insults = [replace(row, toxicity={"insult": row.toxicity["toxicity"]}) for row in rows(0, 400)]
    start = fit_ngrams(insults)
    again = fit_ngrams([*rows(400, 400), Example("no label", "made-up", "train")], start)
    both = scaled(again, {"toxicity": 0.5}, start)
    texts = ["what an idiot", "thank you for the trams"]
    for label, each, share in (("insult", start, 1.0), ("toxicity", again, 0.5)):
        place = TOXICITY_LABELS.index(label)  # type: ignore[arg-type]
        said = both.logits(texts)[:, place]
        assert said == pytest.approx(share * each.logits(texts)[:, place])
        assert said[0] > 0 > said[1]


def test_a_share_of_toxic_comments_weighs_the_rows(model: NgramModel) -> None:
    # Each seventh row has the wrong label, or no weight would be too much.
    held_out = [
        replace(row, toxicity={"toxicity": abs(row.toxicity["toxicity"] - (number % 7 == 0))})
        for number, row in enumerate(rows(1000, 400))
    ]
    logits = np.random.default_rng(1).normal(size=(400, 6))
    logits[:, 0] += [row.toxicity["toxicity"] for row in held_out]
    one, other = (best_shares(model, held_out, logits, share) for share in (None, 0.02))
    assert one["toxicity"] != other["toxicity"]


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        fit_ngrams(rows(0, 200)).save(tmp_path / name)
    files = [(tmp_path / name / "ngrams.npz").read_bytes() for name in ("one", "other")]
    assert files[0] == files[1]
