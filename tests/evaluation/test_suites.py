"""The benchmarks on files that these tests write in the published formats."""

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from stance.errors import DataError
from stance.evaluation.suites import BENCHMARKS, load_benchmark, measure, measure_suite
from stance.labels import TOXICITY_LABELS
from stance.scoring.results import Prediction, StanceScore


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Oracle:
    """An analyzer that reads its answers from the words of the text."""

    name = "oracle"
    thresholds = dict.fromkeys(TOXICITY_LABELS, 0.5)

    def predict(
        self, texts: list[str], targets: list[list[str]], *, progress: object = None
    ) -> list[Prediction]:
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
        "test_case,label_gold,functionality,target_ident\nyou fool,hateful,f,women\n"
        "you dear,non-hateful,g,women\na foolproof plan,non-hateful,g,\n",
    )
    for part in ("train", "trial", "test"):
        rows = '"[4, 5, 6, 7]",you fool\n[],you dear\n"[0, 1, 2]",you dear\n'
        write(tmp_path / f"toxicity/toxic_spans/tsd_{part}.csv", "spans,text\n" + rows)
    return tmp_path


def run(name: str, root: Path) -> dict[str, float]:
    return measure_suite(name, Oracle(), root)


def test_vast_counts_zero_and_few_shot_and_on_target_rows_apart(root: Path) -> None:
    figures = run("vast", root)
    assert figures["n"] == 4
    assert figures["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert figures["macro_f1_zero_shot"] == 1  # no row of favor: the mean of the other two
    assert figures["on_target_macro_f1"] == 1


def test_arc_takes_the_comments_of_vast_test_in_four_classes(root: Path) -> None:
    figures = run("arc", root)
    assert (figures["n"], figures["macro_f1"]) == (2, 1)


def test_hatecheck_and_spans(root: Path) -> None:
    assert run("hatecheck", root) == {
        "n": 3,
        "balanced_accuracy": 0.75,
        "hateful_flagged": 1.0,
        "non_hateful_flagged": 0.5,
    }
    assert run("toxic_spans", root)["mean_character_f1"] == pytest.approx(2 / 3)


def test_wikipedia_has_two_parts_beside_the_scores_of_perspective(root: Path) -> None:
    for part in ("gn", "gc"):
        rows = "you fool,1,0.9\nyou dear,0,0.2\na foolproof plan,0,0.95\n"
        write(root / f"toxicity/wiki_context/cat_large_{part}.csv", "text,label,api\n" + rows)
    figures = run("wiki_context", root)
    assert set(figures) == {"gn", "gc"}
    assert (figures["gn"]["n"], figures["gn"]["toxic"]) == (3, 1)
    assert (figures["gn"]["roc_auc"], figures["gn"]["roc_auc_perspective"]) == (0.75, 0.5)
    assert figures["gn"]["difference_from_perspective"] == 0.25
    write(root / "toxicity/wiki_context/cat_large_gc.csv", "text,label,api\na,1,high\n")
    with pytest.raises(DataError, match=r"cat_large_gc.csv: api is 'high'; expected a number"):
        run("wiki_context", root)


def test_bias_templates_name_their_identity_terms(root: Path) -> None:
    lines = [
        f"{person} is a {word} {term},{label},t"
        for person in ("Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ivy", "Jo")
        for term in ("african american", "gay")
        for word, label in (("fool and", "BAD"), ("kind", "NOT_BAD"))
    ]
    folder = root / "toxicity/bias_templates"
    write(folder / "bias_madlibs_77k.csv", "\n".join(["Text,Label,Template", *lines, ""]))
    assert run("bias_templates", root) == {
        "n": 40,
        "bpsn_auc_mean": 1.0,
        "bpsn_auc_least": 1.0,
        "roc_auc": 1.0,
    }
    [data] = load_benchmark("bias_templates", root=root)
    assert set(data.columns["identity_term"]) == {"african american", "gay"}


def test_jigsaw_leaves_out_what_a_training_corpus_has(root: Path) -> None:
    header = (
        "comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate,in_test_balanced,"
        "kaggle_split\n"
    )
    folder = root / "toxicity/jigsaw_test_balanced"
    write(folder / "test.csv", "you fool,1\nyou dear,0\nShared!,0\n")
    write(
        root / "toxicity/derived/jigsaw_multilabel_merged.csv",
        header + "shared,0,0,0,0,0,0,False,train\n",
    )
    assert run("jigsaw", root) == {"n": 2, "roc_auc": 1.0}
    [data] = load_benchmark("jigsaw", root=None, folder=folder)
    assert len(data.examples) == 3
    assert "are not left out" in data.notes[1]


def test_benchmarks_that_are_not_at_hand_are_passed_over(root: Path, tiny_model: Path) -> None:
    figures = measure(tiny_model, root)
    assert set(figures) == set(BENCHMARKS)
    assert {name for name, value in figures.items() if value is None} == {
        "semeval2016",
        "jigsaw",
        "wiki_context",
        "bias_templates",
    }
    assert figures["vast"]["n"] == 4


def test_a_benchmark_may_lie_elsewhere_and_says_where_it_is_looked_for(root: Path) -> None:
    [data] = load_benchmark("vast", root=None, folder=root / "stance" / "vast")
    assert (data.name, len(data.examples), data.split) == ("vast", 4, "test")
    assert data.columns["seen_target"] == [
        "in training",
        "not in training",
        "not in training",
        "in training",
    ]
    with pytest.raises(DataError, match=r"where is the corpus 'vast'.* folder: vast=FOLDER$"):
        load_benchmark("vast", root=None)
    with pytest.raises(DataError, match="vast: it has no row of the split 'dev'"):
        load_benchmark("vast", root=root, split="dev")
    with pytest.raises(DataError, match="'trams' is no benchmark; expected one of vast, arc"):
        load_benchmark("trams", root=root)


def test_the_baselines_learn_from_train_rows_without_comments_that_are_evaluated(
    root: Path,
) -> None:
    write(
        root / "stance/vast/vast_train.csv",
        "post,new_topic,topic_str,label,type_idx\nnice,cars,cars,1,1\nwe love it,cars,cars,1,1\n",
    )
    [data] = load_benchmark("vast", root=root)
    assert data.training_rows is not None
    assert [row.text for row in data.training_rows()] == ["nice"]
    assert data.training_source == "the train rows of vast"
