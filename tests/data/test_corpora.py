"""Readers on files that these tests write in the published formats, and on the real ones."""

import json
import os
from pathlib import Path

import pytest

from stance.data.corpora import CORPORA, checksums
from stance.data.corpora.contrasts import read_identity_contrasts
from stance.data.corpora.stance import (
    read_arc,
    read_ibm_claim_stance,
    read_mt_csd,
    read_mt_csd_replies,
    read_perspectrum,
    read_procon20,
    read_subreddit,
    read_ukpconvarg1,
    read_vast,
)
from stance.data.corpora.toxicity import (
    read_civil_comments,
    read_jigsaw_first20k,
    read_jigsaw_multilabel,
    read_paradetox,
    read_toxic_spans,
)
from stance.errors import DataError


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)


def write_vast(folder: Path) -> None:
    write(
        folder / "vast_train.csv",
        "post,new_topic,topic_str,label,type_idx\n"
        "Trams are quiet.,city trams,tram,1,3\n"
        "Trams are quiet.,city trams,school uniform,2,4\n",
    )
    write(folder / "vast_dev.csv", "Tweet,Target 1,Stance 1,seen?\nCars stink.,cars,AGAINST,1\n")
    write(folder / "vast_test.csv", "Tweet,Target 1,Stance 1,seen?\nWho knows.,trams,NONE,0\n")


def test_a_synthetic_neutral_of_vast_takes_the_drawn_topic(tmp_path: Path) -> None:
    write_vast(tmp_path)
    on, off, dev, test = read_vast(tmp_path)
    assert (on.target, on.stance, on.relevance) == ("city trams", "favor", 1.0)
    assert (off.target, off.stance, off.relevance) == ("school uniform", "neutral", 0.0)
    assert (dev.split, dev.stance, dev.seen_target) == ("dev", "against", True)
    assert (test.split, test.stance, test.relevance) == ("test", "neutral", None)


def test_an_unknown_label_names_file_value_and_what_is_allowed(tmp_path: Path) -> None:
    write_vast(tmp_path)
    write(tmp_path / "vast_dev.csv", "Tweet,Target 1,Stance 1,seen?\nHm.,cars,MAYBE,1\n")
    with pytest.raises(DataError) as caught:
        list(read_vast(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'vast_dev.csv'}: Stance 1 is 'MAYBE'; "
        "expected one of ['AGAINST', 'FAVOR', 'NONE']"
    )


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"vast_train\.csv: no such file"):
        list(read_vast(tmp_path))
    write(tmp_path / "vast_train.csv", "post,label\nx,1\n")
    with pytest.raises(DataError, match=r"lack \['new_topic', 'topic_str', 'type_idx'\]"):
        list(read_vast(tmp_path))


def test_an_arc_row_belongs_to_the_vast_split_of_its_comment(tmp_path: Path) -> None:
    write_vast(tmp_path / "vast")
    write(
        tmp_path / "arc" / "arc_bodies.csv",
        'Body ID,articleBody\n1,"trams are QUIET!"\n2,Who knows.\n',
    )
    write(
        tmp_path / "arc" / "arc_stances.csv",
        "Headline,Body ID,Stance\nTrams are loud,1,disagree\nBan cars,2,unrelated\n"
        "Trams are nice,2,discuss\n",
    )
    rows = list(read_arc(tmp_path / "arc"))
    assert [row.split for row in rows] == ["train", "test", "test"]
    assert [(row.stance, row.relevance) for row in rows] == [
        ("against", 1.0),
        ("neutral", 0.0),
        ("neutral", 1.0),
    ]


def test_claims_quoted_twice_and_padded_are_read(tmp_path: Path) -> None:
    header = "topicId,split,topicText,claims.stance,claims.claimCorrectedText"
    row = '1,train,""Ban cars"",""PRO"",""Cars, as they are, stink""'
    write(tmp_path / "claim_stance_dataset_v1.csv", f'"{header}";;;;\n"{row}";;;;\n"1,cut";;;;\n')
    [example] = read_ibm_claim_stance(tmp_path)
    assert (example.text, example.target) == ("Cars, as they are, stink", "Ban cars")


def test_a_reply_in_a_western_encoding_is_read(tmp_path: Path) -> None:
    write(
        tmp_path / "SubReddit-Trams.csv",
        '"quote_text","response_text","relation"\r\n"Trams are nice","I don’t agree",0\r\n',
        encoding="cp1252",
    )
    [example] = read_subreddit(tmp_path)
    assert (example.text, example.target, example.stance) == (
        "I don’t agree",
        "Trams are nice",
        "against",
    )


def test_a_path_of_ids_leads_to_the_labelled_comment(tmp_path: Path) -> None:
    for target in ("Biden", "SpaceX", "Tesla"):
        write(tmp_path / target / "text.csv", "id,text\n1,A post\n1-1,A comment\n")
        for part in ("train", "valid", "test"):
            write(tmp_path / target / f"{part}.json", "[]")
    rows = '[{"index": ["1", "1-1"], "stance": "none"}, {"index": ["1", "9"], "stance": "favor"}]'
    write(tmp_path / "Tesla" / "train.json", rows)
    [example] = read_mt_csd(tmp_path)
    assert (example.text, example.target, example.stance) == ("A comment", "Tesla", "neutral")


def test_perspectives_follow_the_split_of_their_claim(tmp_path: Path) -> None:
    write(tmp_path / "dataset_split_v1.0.json", '{"7": "dev"}')
    write(tmp_path / "perspective_pool_v1.0.json", '[{"pId": 1, "text": "They stink"}]')
    write(
        tmp_path / "perspectrum_with_answers_v1.0.json",
        '[{"cId": 7, "text": "Ban cars", "perspectives": ['
        '{"pids": [1], "stance_label_3": "SUPPORT"},'
        '{"pids": [1], "stance_label_3": "not-a-perspective"}]}]',
    )
    [example] = read_perspectrum(tmp_path)
    assert (example.split, example.stance, example.target) == ("dev", "favor", "Ban cars")


def test_quotes_in_procon_are_text(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        write(tmp_path / f"{split}.tsv", '01\tBan cars?\tHe said "yes\n' if split == "dev" else "")
    [example] = read_procon20(tmp_path)
    assert (example.text, example.stance) == ('He said "yes', "favor")


JIGSAW = "comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate"


def test_jigsaw_rows_of_a_test_are_never_for_training(tmp_path: Path) -> None:
    write(
        tmp_path / "jigsaw_multilabel_merged.csv",
        f"{JIGSAW},in_test_balanced,kaggle_split\n"
        "You fool,1,0,0,0,1,0,False,train\nYou fool two,1,0,0,0,1,0,True,train\n"
        "You fool three,1,0,0,0,1,0,False,test\n",
    )
    one, two, three = read_jigsaw_multilabel(tmp_path)
    assert one.split in ("train", "dev")
    assert (two.split, three.split) == ("test", "test")
    assert one.toxicity == {
        "toxicity": 1.0,
        "severe_toxicity": 0.0,
        "obscene": 0.0,
        "threat": 0.0,
        "insult": 1.0,
        "identity_attack": 0.0,
    }


def test_a_toxic_row_of_unknown_kind_leaves_the_kinds_unknown(tmp_path: Path) -> None:
    for name in ("text_comment_1.csv", "text_comment_2.csv"):
        write(tmp_path / name, "comment_text,labels\nYou fool,1\nThank you,0\n")
    toxic, clean = list(read_jigsaw_first20k(tmp_path))[:2]
    assert toxic.toxicity == {"toxicity": 1.0}
    assert set(clean.toxicity.values()) == {0.0}
    assert len(clean.toxicity) == 6


def test_a_post_that_nobody_marked_is_unlabelled_not_clean(tmp_path: Path) -> None:
    write(
        tmp_path / "civil_comments_subtypes.csv",
        "comment_text,span_frac,insult,obscene,identity_attack,threat,semeval_split\n"
        "Fools all,0.75,0.5,0,0,0,test\nHm,0,0,0,0,0,train\n",
    )
    [example] = read_civil_comments(tmp_path)
    assert example.split == "test"
    assert example.toxicity["toxicity"] == 0.75
    assert "severe_toxicity" not in example.toxicity


def test_offsets_become_spans(tmp_path: Path) -> None:
    for part in ("train", "trial", "test"):
        write(tmp_path / f"tsd_{part}.csv", 'spans,text\n"[4, 5, 6, 7, 10]",You fool !!\n')
    assert [row.toxic_spans for row in read_toxic_spans(tmp_path)] == [((4, 8), (10, 11))] * 3
    write(tmp_path / "tsd_train.csv", "spans,text\nfour,You fool\n")
    with pytest.raises(DataError, match="spans is 'four', no JSON list"):
        list(read_toxic_spans(tmp_path))


def test_each_rewrite_is_a_row_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path / "paradetox.tsv",
        "toxic\tneutral1\tneutral2\tneutral3\nyou fool\tyou err\tyou are wrong\t\n",
    )
    rows = [(row.text, row.toxicity["toxicity"]) for row in read_paradetox(tmp_path)]
    assert rows == [("you fool", 1.0), ("you err", 0.0), ("you are wrong", 0.0)]


def test_a_checksum_changes_with_any_byte_of_a_folder(tmp_path: Path) -> None:
    write_vast(tmp_path / "stance" / "vast")
    before = checksums(["vast"], tmp_path)
    assert checksums(["vast"], tmp_path) == before
    write(tmp_path / "stance" / "vast" / "vast_dev.csv", "changed")
    assert checksums(["vast"], tmp_path) != before


# Rows of the published files by split, as counted once by hand.
PUBLISHED = {
    "vast": (13_477, 2_062, 3_006),
    "perspectrum": (6_978, 2_071, 2_773),
    "ibm_rank30k": (20_974, 3_208, 6_315),
    "procon20": (4_265, 610, 1_219),
    "pstance": (17_224, 2_193, 2_157),
    "mt_csd": (6_009, 1_221, 1_272),
    "covid19": (4_533, 800, 800),
    "argmin_am": (18_341, 2_042, 5_109),
    "toxic_spans": (7_939, 690, 2_000),
    "semeval2016": (2_814, 0, 1_249),
    "jigsaw_test_balanced": (0, 0, 12_180),
    "hatecheck": (0, 0, 3_728),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_files_have_the_published_numbers_of_rows(name: str) -> None:
    shared = os.environ.get("STANCE_SHARED")
    if not shared:
        pytest.skip("STANCE_SHARED does not name a folder with the published corpora")
    splits = [example.split for example in CORPORA[name].examples(Path(shared) / "data")]
    assert tuple(splits.count(split) for split in ("train", "dev", "test")) == PUBLISHED[name]  # type: ignore[arg-type]


def test_replies_that_take_the_same_side_agree_and_others_disagree(tmp_path: Path) -> None:
    for target in ("Biden", "SpaceX", "Tesla"):
        write(tmp_path / target / "text.csv", "id,text\na,Yes!\nb,Me too\nc,No\nd,Whatever\n")
        for part in ("train", "valid", "test"):
            write(tmp_path / target / f"{part}.json", "[]")
    sides = [(["a"], "favor"), (["a", "b"], "favor"), (["a", "c"], "against"), (["b", "d"], "none")]
    rows = [{"index": path, "stance": side} for path, side in sides]
    write(tmp_path / "Tesla" / "valid.json", json.dumps(rows))
    assert [
        (row.text, row.target, row.stance, row.split) for row in read_mt_csd_replies(tmp_path)
    ] == [
        ("Me too", "Yes!", "favor", "dev"),
        ("No", "Yes!", "against", "dev"),
    ]


def test_the_side_of_a_debate_is_in_the_name_of_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "UKPConvArg1-Ranking-CSV"
    write(folder / "tv-is-better-than-books_tv.csv", "#id\trank\targument\n1\t0.1\tTV!<br/>Yes\n")
    write(folder / "tv-is-better-than-books_books.csv", "#id\trank\targument\n2\t0.1\tBooks\n")
    assert [(row.text, row.target, row.stance) for row in read_ukpconvarg1(tmp_path)] == [
        ("Books", "TV is better than books", "against"),
        ("TV!\nYes", "TV is better than books", "favor"),
    ]
    write(folder / "cats-or-dogs_cats.csv", "#id\trank\targument\n")
    with pytest.raises(DataError, match="its debate is none of"):
        list(read_ukpconvarg1(tmp_path))


def test_every_group_is_named_as_often_and_no_template_is_in_two_splits() -> None:
    rows = list(read_identity_contrasts(Path("nowhere")))
    for group in ("women", "Muslims", "refugees", "deaf people"):
        named = [
            row
            for row in rows
            if f" {group}" in f" {row.text[0].lower()}{row.text[1:]}" or row.text.startswith(group)
        ]
        toxic = sum(row.toxicity["toxicity"] for row in named)
        assert 0.3 < toxic / len(named) < 0.7
    assert all(row.toxicity["toxicity"] == row.toxicity["identity_attack"] for row in rows)
    assert {row.split for row in rows} == {"train", "dev"}
