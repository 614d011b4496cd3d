"""The benchmarks on files that these tests write in the published formats."""

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.data.examples import Example
from stance.evaluation.suites import SUITES, Scored, measure
from stance.labels import TOXICITY_LABELS
from stance.scoring.results import Prediction, StanceScore


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Oracle:
    """An analyzer that reads its answers from the words of the text."""

    thresholds = dict.fromkeys(TOXICITY_LABELS, 0.5)

    def predict(self, texts: list[str], targets: list[list[str]]) -> list[Prediction]:
        return [self._one(text, row) for text, row in zip(texts, targets, strict=True)]

    def _one(self, text: str, targets: list[str]) -> Prediction:
        label = "favor" if "love" in text else "against" if "hate" in text else "neutral"
        shares = {name: float(name == label) for name in ("favor", "against", "neutral")}
        about = 0.0 if "weather" in text else 1.0
        place = text.find("fool")
        toxic = float(place >= 0)
        return Prediction(
            tuple(StanceScore(name, label, **shares, relevance=about) for name in targets),  # type: ignore[arg-type]
            dict.fromkeys(TOXICITY_LABELS, toxic),
            bool(toxic),
            ((place, place + 4),) if toxic else (),
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    vast = tmp_path / "stance" / "vast"
    write(vast / "vast_train.csv", "post,new_topic,topic_str,label,type_idx\n")
    write(vast / "vast_dev.csv", "Tweet,Target 1,Stance 1,seen?\n")
    write(
        vast / "vast_test.csv",
        "Tweet,Target 1,Stance 1,seen?\nwe love it,cars,FAVOR,1\nwe hate it,cars,AGAINST,0\n"
        "the weather,cars,NONE,0\nwe hate you,cars,NONE,1\n",
    )
    write(
        tmp_path / "stance/arc_ukp/arc_bodies.csv",
        "Body ID,articleBody\n1,we love it\n2,the weather\n",
    )
    write(
        tmp_path / "stance/arc_ukp/arc_stances.csv",
        "Headline,Body ID,Stance\nBuy cars,1,agree\nBuy cars,2,unrelated\n",
    )
    write(
        tmp_path / "toxicity/hatecheck/test_suite_cases.csv",
        "test_case,label_gold,functionality\nyou fool,hateful,f\nyou dear,non-hateful,f\n"
        "a foolproof plan,non-hateful,f\n",
    )
    for part in ("train", "trial", "test"):
        rows = '"[4, 5, 6, 7]",you fool\n[],you dear\n"[0, 1, 2]",you dear\n'
        write(tmp_path / f"toxicity/toxic_spans/tsd_{part}.csv", "spans,text\n" + rows)
    return tmp_path


def run(name: str, root: Path) -> dict[str, float]:
    return SUITES[name](Oracle(), root)  # type: ignore[arg-type]


def test_vast_counts_zero_and_few_shot_and_on_target_rows_apart(root: Path) -> None:
    figures = run("vast", root)
    assert figures["n"] == 4
    assert figures["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert figures["macro_f1_zero_shot"] == pytest.approx(2 / 3)  # no row of favor: counted as 0
    assert figures["on_target_macro_f1"] == 1


def test_arc_takes_the_comments_of_vast_test_in_four_classes(root: Path) -> None:
    figures = run("arc", root)
    assert (figures["n"], figures["macro_f1"]) == (2, 0.5)  # two of four classes are there


def test_hatecheck_and_spans(root: Path) -> None:
    assert run("hatecheck", root) == {
        "n": 3,
        "balanced_accuracy": 0.75,
        "hateful_flagged": 1.0,
        "non_hateful_flagged": 0.5,
    }
    assert run("toxic_spans", root)["mean_character_f1"] == pytest.approx(2 / 3)


def test_benchmarks_that_are_not_at_hand_are_passed_over(root: Path, tiny_model: Path) -> None:
    figures = measure(tiny_model, root)
    assert {name for name, value in figures.items() if value is None} == {
        "semeval2016",
        "jigsaw",
        "wiki_context",
    }
    assert figures["vast"]["n"] == 4


def test_a_part_keeps_examples_and_predictions_together() -> None:
    examples = [
        Example("love", "c", "test", "x", "favor"),
        Example("no", "c", "test", "x", "against"),
    ]
    scored = Scored(examples, Oracle().predict(["love", "no"], [["x"], ["x"]]))
    part = scored.where(lambda example: example.stance == "against")
    assert (part.gold, part.labels) == (["against"], ["neutral"])
