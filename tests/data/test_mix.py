from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from stance.data.corpora import CORPORA, Corpus
from stance.data.examples import Example, Split, text_key
from stance.data.mix import Share, build_mix
from stance.errors import DataError
from stance.evaluation.suites import BENCHMARKS
from stance.labels import StanceLabel

WORDLESS: dict[str, Split] = {":-)": "train", "!": "train", "?": "dev", "…": "test"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two corpora and one benchmark that holds a training text of both."""

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    rows = [f"Trams number {number},trams,tram,{number % 2},3\n" for number in range(20)]
    rows += [f"Trams number {number},trams,uniforms,2,4\n" for number in range(20)]
    rows += ["Leaked to a benchmark,trams,tram,1,3\n", "Kept for dev,trams,tram,1,3\n"]
    write("stance/vast/vast_train.csv", "post,new_topic,topic_str,label,type_idx\n" + "".join(rows))
    write("stance/vast/vast_dev.csv", "Tweet,Target 1,Stance 1,seen?\nkept for DEV!,cars,FAVOR,1\n")
    write("stance/vast/vast_test.csv", "Tweet,Target 1,Stance 1,seen?\nLast,cars,FAVOR,1\n")
    write(
        "toxicity/hatecheck/test_suite_cases.csv",
        ("test_case,label_gold,functionality\nleaked, to a benchmark,hateful,f\n").replace(
            "leaked, to", "leaked to"
        ),
    )
    for part in ("train", "trial", "test"):
        spans = '"[4, 5, 6, 7]",You fool\n[],Trams number 3\n' if part == "train" else ""
        write(f"toxicity/toxic_spans/tsd_{part}.csv", "spans,text\n" + spans)
    write(
        "toxicity/paradetox/paradetox.tsv",
        ("toxic\tneutral1\tneutral2\tneutral3\nYou fool\tYou err\t\t\n"),
    )
    return tmp_path


def test_texts_of_benchmarks_and_later_splits_are_left_out_and_counted(root: Path) -> None:
    examples, report = build_mix([Share("vast")], root, seed=1)
    keys = {example.group for example in examples}
    assert text_key("Leaked to a benchmark") not in keys
    assert text_key("Kept for dev") not in keys
    assert report.kept["vast"] == len(examples) == 40
    assert report.in_benchmark["vast"] == 2
    assert "semeval2016" in report.absent_benchmarks
    assert "hatecheck" not in report.absent_benchmarks


def test_test_rows_that_models_are_measured_on_are_left_out_of_any_mix(root: Path) -> None:
    spans = root / "toxicity" / "toxic_spans" / "tsd_test.csv"
    spans.write_text('spans,text\n[],"trams, number 5"\n', encoding="utf-8")
    examples, report = build_mix([Share("vast")], root, seed=1)
    assert "Trams number 5" not in {example.text for example in examples}
    assert report.in_benchmark["vast"] == 4  # two rows have this text


def test_every_benchmark_is_of_a_corpus_whose_texts_are_kept_out() -> None:
    for benchmark in BENCHMARKS.values():
        assert CORPORA[benchmark.needs[0]].is_measured_on


def test_a_text_without_words_is_like_no_other(root: Path) -> None:
    rows = [Example(text, "mine", split) for text, split in WORDLESS.items()]
    corpora = {"mine": Corpus(None, lambda _: iter(rows), "mine")}
    examples, report = build_mix([Share("mine")], root, seed=1, corpora=corpora)
    assert sorted(example.text for example in examples) == ["!", ":-)"]
    assert not report.in_benchmark


def test_texts_held_out_elsewhere_are_left_out_too(root: Path) -> None:
    dev = [Example("trams, number 5", "mine", "dev")]
    corpora = CORPORA | {"mine": Corpus(None, lambda _: iter(dev), "mine")}
    free, _ = build_mix([Share("vast")], root, seed=1, corpora=corpora)
    guarded, _ = build_mix([Share("vast")], root, seed=1, held_out=["mine"], corpora=corpora)
    assert "Trams number 5" in {example.text for example in free}
    assert "Trams number 5" not in {example.text for example in guarded}


def test_rows_of_one_text_are_merged_with_the_labels_of_both(root: Path) -> None:
    examples, report = build_mix([Share("toxic_spans"), Share("paradetox")], root, seed=1)
    [merged] = [example for example in examples if example.text == "You fool"]
    assert merged.toxic_spans == ((4, 8),)
    assert merged.toxicity == {"toxicity": 1.0}
    assert report.repeated["paradetox"] == 1


def test_the_order_is_that_of_the_seed(root: Path) -> None:
    one, _ = build_mix([Share("vast")], root, seed=1)
    again, _ = build_mix([Share("vast")], root, seed=1)
    other, _ = build_mix([Share("vast")], root, seed=2)
    assert one == again
    assert one != other
    assert sorted(map(str, one)) == sorted(map(str, other))


def test_a_limit_and_a_ratio_of_off_target_rows_hold(root: Path) -> None:
    limited, _ = build_mix([Share("vast", limit=7)], root, seed=1)
    assert len(limited) <= 7
    balanced, _ = build_mix([Share("vast", off_target=0.5)], root, seed=1)
    off = [example for example in balanced if example.relevance == 0]
    assert 0 < len(off) <= 0.55 * (len(balanced) - len(off)) + 1


def test_neutral_rows_of_targets_without_sides_can_be_left_out() -> None:
    def row(target: str, number: int, stance: StanceLabel | None, relevance: float) -> Example:
        text = f"{target} {stance} {relevance} {number}"
        return Example(text, "mine", "train", target, stance=stance, relevance=relevance)

    def read(_: Path) -> Iterator[Example]:
        yield from (row("trams", number, "favor", 1.0) for number in range(6))
        yield from (row("buses", number, "against", 1.0) for number in range(2))
        yield from (row("trams", number, "neutral", 1.0) for number in range(1))
        yield from (row("buses", number, "neutral", 1.0) for number in range(3))
        yield from (row("ferries", number, "neutral", 1.0) for number in range(4))
        yield from (row("ferries", number, "neutral", 0.0) for number in range(8))
        yield from (row("buses", number, "neutral", 0.0) for number in range(8))
        yield row("ferries", 1, None, 1.0)

    mine = {"mine": Corpus(None, read, "mine")}
    examples, _ = build_mix([Share("mine", even_targets=True)], None, seed=1, corpora=mine)
    counts = Counter((row.target, row.stance, row.relevance) for row in examples)
    assert counts == {
        ("trams", "favor", 1.0): 6,
        ("buses", "against", 1.0): 2,
        ("trams", "neutral", 1.0): 1,
        ("buses", "neutral", 1.0): 2,  # as 8 beside all 8 sides
        ("buses", "neutral", 0.0): 4,  # as 16 beside them
        ("ferries", None, 1.0): 1,
    }
    whole, _ = build_mix([Share("mine")], None, seed=1, corpora=mine)
    assert len(whole) == 33


def test_comments_alone_are_presumed_non_toxic_and_taken_once(root: Path) -> None:
    examples, _ = build_mix([Share("vast", comments_only=True)], root, seed=1)
    assert len(examples) == 20
    assert {example.target for example in examples} == {None}
    assert [dict(example.toxicity) for example in examples] == [{"toxicity": 0.0}] * 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hatecheck", "'hatecheck' is a benchmark: a model that trains on it cannot be judged"),
        ("vast2", "'vast2' is no corpus; expected one of"),
    ],
)
def test_benchmarks_and_unknown_names_are_refused(root: Path, name: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        build_mix([Share(name)], root, seed=1)
    assert str(caught.value).startswith(message)


def test_misspelt_rows_are_added_and_none_of_what_is_held_out(root: Path) -> None:
    plain, _ = build_mix([Share("paradetox")], root, seed=1)
    more, report = build_mix([Share("paradetox", misspell=1.0)], root, seed=1)
    texts = {row.text for row in plain}
    added = [row for row in more if row.text not in texts]
    assert len(added) == 2 == len(more) - len(plain)
    assert report.kept["paradetox"] == 4
    assert sorted(row.toxicity["toxicity"] for row in added) == [0.0, 1.0]
    # Stance needs the words of its target, spans their places.
    assert build_mix([Share("vast", misspell=1.0)], root, seed=1)[1].kept["vast"] == 40
    assert build_mix([Share("toxic_spans", misspell=1.0)], root, seed=1)[1].kept["toxic_spans"] == 2
    held_out = root / "toxicity/hatecheck/test_suite_cases.csv"
    held_out.write_text("test_case,label_gold,functionality\nyou fool,hateful,f\n", "utf-8")
    rest, report = build_mix([Share("paradetox", misspell=1.0)], root, seed=1)
    assert report.in_benchmark["paradetox"] == 1
    assert [row.toxicity["toxicity"] for row in rest] == [0.0, 0.0]


def test_texts_stand_beside_near_targets_without_a_label(root: Path) -> None:
    share = Share("paradetox", near_targets={"vast": 2})
    train = root / "stance" / "vast" / "vast_train.csv"
    with train.open("a", encoding="utf-8") as file:
        file.write("They drive,a fool,fool,1,3\n")
    examples, report = build_mix([share], root, seed=1)
    [near] = [example for example in examples if example.target is not None]
    assert (near.text, near.target, near.corpus) == ("You fool", "a fool", "paradetox")
    assert near.stance is None
    assert near.relevance is None
    assert report.kept == {"paradetox": len(examples)}
    assert report.to_dict()["near_targets"] == {"paradetox": {"vast": 1}}


def test_a_near_target_is_no_text_that_is_held_out_and_no_pair_that_was_labelled(
    root: Path,
) -> None:
    train = root / "stance" / "vast" / "vast_train.csv"
    rows = train.read_text(encoding="utf-8")
    train.write_text(rows.replace(",uniforms,", ",numbers of trams,"), encoding="utf-8")
    near = Share("vast", limit=1, off_target=0.0, near_targets={"vast": 9})
    [labelled], report = build_mix([near], root, seed=1)  # has a label beside both targets
    assert labelled.stance is not None
    assert report.near == {"vast": {"vast": 0}}
    with train.open("a", encoding="utf-8") as file:
        file.write("They drive,Trams - kept for dev!,fool,1,3\nThey walk,Trams for all,fool,1,3\n")
    dev = root / "stance" / "vast" / "vast_dev.csv"
    with dev.open("a", encoding="utf-8") as file:
        file.write("trams: Kept for dev,cars,FAVOR,1\n")
    examples, _ = build_mix([Share("vast", near_targets={"vast": 9})], root, seed=1)
    assert {row.target for row in examples if row.stance is None} == {"Trams for all"}


def test_rephrased_rows_come_as_often_as_asked(root: Path) -> None:
    plain, _ = build_mix([Share("vast", off_target=0.0)], root, seed=1)
    examples, _ = build_mix([Share("vast", off_target=0.0, rephrase=2.5)], root, seed=1)
    assert len(plain) == 20
    anew = [example for example in examples if example.target != "trams"]
    # Some of the fifty are drawn alike, and merged.
    assert 42 <= len(anew) <= 50
    assert {2, 3} <= set(Counter(example.text for example in anew).values())
    texts = Counter(example.text for example in anew)
    assert set(texts) == {example.text for example in plain}


def test_an_unlabelled_share_gives_texts_and_targets_alone(root: Path) -> None:
    plain, _ = build_mix([Share("vast")], root, seed=1)
    bare, _ = build_mix([Share("vast", unlabelled=True)], root, seed=1)
    assert {(row.text, row.target) for row in bare} == {(row.text, row.target) for row in plain}
    assert all(row.stance is None and row.relevance is None for row in bare)
    comments, _ = build_mix([Share("toxic_spans", unlabelled=True)], root, seed=1)
    assert comments
    assert all(not row.toxicity and row.toxic_spans is None for row in comments)
