"""Readers of the stance corpora, each a generator over a folder in the published format.

References
----------
VAST: Allaway & McKeown 2020, https://aclanthology.org/2020.emnlp-main.717
ARC: Hanselowski et al. 2018, https://aclanthology.org/C18-1158
SubReddit agreement: Lei & Huang 2022; MT-CSD: Niu et al. 2024; ProCon20: Hosseinia et al. 2020
Perspectrum: Chen et al. 2019; IBM Rank-30k: Gretz et al. 2020; IBM Claim Stance: Bar-Haim 2017
P-Stance: Li et al. 2021; ArgMin: Stab et al. 2018; COVID-19-Stance: Glandt et al. 2021
SemEval-2016 Task 6: Mohammad et al. 2016, https://aclanthology.org/S16-1003
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from stance.data.corpora.files import lookup, read_table
from stance.data.examples import Example, Split, text_key
from stance.errors import DataError
from stance.labels import StanceLabel

_UPPER: dict[str, StanceLabel] = {"FAVOR": "favor", "AGAINST": "against", "NONE": "neutral"}
_SPLITS: tuple[tuple[Split, str], ...] = (("train", "train"), ("dev", "val"), ("test", "test"))

# VAST train's type of a row whose topic was drawn at random: the comment is not about it.
_VAST_SYNTHETIC_NEUTRAL = "4"


def read_vast(folder: Path) -> Iterator[Example]:
    """Yield VAST: reader comments of the New York Times's "Room for Debate" by topic."""
    codes: dict[str, StanceLabel] = {"0": "against", "1": "favor", "2": "neutral"}
    path = folder / "vast_train.csv"
    for row in read_table(path, ("post", "new_topic", "topic_str", "label", "type_idx")):
        synthetic = row["type_idx"] == _VAST_SYNTHETIC_NEUTRAL
        yield Example(
            text=row["post"],
            # For synthetic rows `new_topic` is still the comment's original topic.
            target=row["topic_str"] if synthetic else row["new_topic"],
            stance=lookup(codes, row["label"], path, "label"),
            relevance=0.0 if synthetic else 1.0,
            corpus="vast",
            split="train",
            seen_target=True,
        )
    held_out: tuple[tuple[Split, str], ...] = (("dev", "vast_dev.csv"), ("test", "vast_test.csv"))
    for split, name in held_out:
        path = folder / name
        for row in read_table(path, ("Tweet", "Target 1", "Stance 1", "seen?")):
            label = lookup(_UPPER, row["Stance 1"], path, "Stance 1")
            yield Example(
                text=row["Tweet"],
                target=row["Target 1"],
                stance=label,
                # Held-out files do not say which neutral rows are synthetic (about 95 % are).
                relevance=None if label == "neutral" else 1.0,
                corpus="vast",
                split=split,
                seen_target=row["seen?"] == "1",
            )


def read_arc(folder: Path) -> Iterator[Example]:
    """Yield ARC: claim headlines by reader comments, split so that VAST's splits hold.

    ARC's own split shares comments between its parts, and many ARC comments are VAST comments, so
    an ARC row belongs to the VAST split of its comment; comments in none are split by their id.
    """
    labels: dict[str, tuple[StanceLabel, float]] = {
        "agree": ("favor", 1.0),
        "disagree": ("against", 1.0),
        "discuss": ("neutral", 1.0),
        "unrelated": ("neutral", 0.0),
    }
    vast_split = {example.group: example.split for example in read_vast(folder.parent / "vast")}
    bodies = {
        row["Body ID"]: row["articleBody"]
        for row in read_table(folder / "arc_bodies.csv", ("Body ID", "articleBody"))
    }
    path = folder / "arc_stances.csv"
    for row in read_table(path, ("Headline", "Body ID", "Stance")):
        text = bodies[row["Body ID"]]
        stance, relevance = lookup(labels, row["Stance"], path, "Stance")
        yield Example(
            text=text,
            target=row["Headline"],
            stance=stance,
            relevance=relevance,
            corpus="arc",
            split=vast_split.get(text_key(text)) or _split_by_id(row["Body ID"]),
        )


def _split_by_id(identifier: str) -> Split:
    """Return a split of 70/15/15 that depends on the id alone."""
    draw = crc32(identifier.encode()) % 100
    return "train" if draw < 70 else "dev" if draw < 85 else "test"


def _read_one_column(folder: Path, corpus: str, target: str = "Target 1") -> Iterator[Example]:
    """Yield a corpus kept as raw_{train,val,test}_all_onecol.csv files."""
    stance_column = "Stance 1" if target == "Target 1" else "Stance"
    for split, part in _SPLITS:
        for path in sorted(folder.glob(f"raw_{part}_*.csv")):
            for row in read_table(path, ("Tweet", target, stance_column)):
                yield Example(
                    text=row["Tweet"],
                    target=row[target],
                    stance=lookup(_UPPER, row[stance_column], path, stance_column),
                    relevance=1.0,
                    corpus=corpus,
                    split=split,
                )


def read_ibm_rank30k(folder: Path) -> Iterator[Example]:
    """Yield IBM Rank-30k: crowd arguments by motion, for or against."""
    return _read_one_column(folder, "ibm_rank30k")


def read_argmin(folder: Path) -> Iterator[Example]:
    """Yield ArgMin: sentences by topic; its NONE is about the topic and takes no side."""
    return _read_one_column(folder, "argmin_am")


def read_covid19(folder: Path) -> Iterator[Example]:
    """Yield COVID-19-Stance: tweets by public-health measure."""
    return _read_one_column(folder, "covid19")


def read_pstance(folder: Path) -> Iterator[Example]:
    """Yield P-Stance: tweets about three politicians."""
    return _read_one_column(folder, "pstance", target="Target")


def read_ruw(folder: Path) -> Iterator[Example]:
    """Yield tweets on the Russian war on Ukraine, each with its stance to both countries."""
    for split, part in _SPLITS[:2]:
        path = folder / f"raw_{part}_Russia_Ukraine.csv"
        columns = ("Tweet", "Target 1", "Stance 1", "Target 2", "Stance 2")
        for row in read_table(path, columns, encoding="gb18030", errors="replace"):
            for number in ("1", "2"):
                label = lookup(_UPPER, row[f"Stance {number}"], path, f"Stance {number}")
                yield Example(
                    text=row["Tweet"],
                    target=row[f"Target {number}"],
                    stance=label,
                    relevance=None if label == "neutral" else 1.0,
                    corpus="ruw_russia_ukraine",
                    split=split,
                )


def read_subreddit(folder: Path) -> Iterator[Example]:
    """Yield Reddit replies with their stance to the comment that they quote."""
    codes: dict[str, StanceLabel] = {"0": "against", "1": "neutral", "2": "favor"}
    for path in sorted(folder.glob("SubReddit-*.csv")):
        columns = ("quote_text", "response_text", "relation")
        for row in read_table(path, columns, encoding=_encoding_of(path), errors="replace"):
            yield Example(
                text=row["response_text"],
                target=row["quote_text"],
                stance=lookup(codes, row["relation"], path, "relation"),
                relevance=1.0,
                corpus="subreddit_agreement",
                split=_split_by_id(text_key(row["quote_text"])),
            )


def _encoding_of(path: Path) -> str:
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def read_mt_csd(folder: Path) -> Iterator[Example]:
    """Yield MT-CSD: Reddit comments under news posts on three targets."""
    labels: dict[str, StanceLabel] = {"favor": "favor", "against": "against", "none": "neutral"}
    for target in ("Biden", "SpaceX", "Tesla"):
        texts = {
            row["id"]: row["text"]
            for row in read_table(folder / target / "text.csv", ("id", "text"), errors="replace")
        }
        for split, part in (("train", "train"), ("dev", "valid"), ("test", "test")):
            path = folder / target / f"{part}.json"
            for row in json.loads(path.read_text(encoding="utf-8")):
                text = texts.get(row["index"][-1])
                if not text:  # a deleted comment
                    continue
                label = lookup(labels, row["stance"], path, "stance")
                yield Example(
                    text=text,
                    target=target,
                    stance=label,
                    relevance=None if label == "neutral" else 1.0,
                    corpus="mt_csd",
                    split=split,  # type: ignore[arg-type]
                )


def read_mt_csd_replies(folder: Path) -> Iterator[Example]:
    """Yield MT-CSD's replies with their stance to the comment that they answer.

    The corpus labels both comments' stance to a third thing. Where both take a side, the same side
    counts as agreement (favor) and the other as disagreement (against); that is a guess.
    """
    splits: tuple[tuple[Split, str], ...] = (
        ("train", "train"),
        ("dev", "valid"),
        ("test", "test"),
    )
    for target in ("Biden", "SpaceX", "Tesla"):
        columns = ("id", "text")
        texts = {
            row["id"]: row["text"]
            for row in read_table(folder / target / "text.csv", columns, errors="replace")
        }
        for split, part in splits:
            rows = json.loads((folder / target / f"{part}.json").read_text(encoding="utf-8"))
            sides = {row["index"][-1]: row["stance"] for row in rows if row["stance"] != "none"}
            for row in rows:
                parent, comment = (["", *row["index"]])[-2:]
                if parent in sides and comment in sides and texts.get(comment):
                    yield Example(
                        text=texts[comment],
                        target=texts[parent],
                        stance="favor" if sides[parent] == sides[comment] else "against",
                        relevance=1.0,
                        corpus="mt_csd_replies",
                        split=split,
                    )


def read_procon20(folder: Path) -> Iterator[Example]:
    """Yield ProCon20: arguments by question, answering it with yes or no."""
    codes: dict[str, StanceLabel] = {"01": "favor", "10": "against"}
    splits: tuple[Split, ...] = ("train", "dev", "test")
    for split in splits:
        path = folder / f"{split}.tsv"
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield Example(
                    text=row[2],
                    target=row[1],
                    stance=lookup(codes, row[0], path, "the first column"),
                    relevance=1.0,
                    corpus="procon20",
                    split=split,
                )


def read_perspectrum(folder: Path) -> Iterator[Example]:
    """Yield Perspectrum: perspectives that support or undermine a claim."""
    labels: dict[str, StanceLabel] = {"SUPPORT": "favor", "UNDERMINE": "against"}
    path = folder / "perspectrum_with_answers_v1.0.json"
    splits = json.loads((folder / "dataset_split_v1.0.json").read_text(encoding="utf-8"))
    pool = json.loads((folder / "perspective_pool_v1.0.json").read_text(encoding="utf-8"))
    texts = {perspective["pId"]: perspective["text"] for perspective in pool}
    for claim in json.loads(path.read_text(encoding="utf-8")):
        for cluster in claim["perspectives"]:
            label = labels.get(cluster["stance_label_3"])
            if label is None:  # raters did not agree
                continue
            for identifier in cluster["pids"]:
                yield Example(
                    text=texts[identifier],
                    target=claim["text"],
                    stance=label,
                    relevance=1.0,
                    corpus="perspectrum",
                    split=splits[str(claim["cId"])],
                )


def read_ibm_claim_stance(folder: Path) -> Iterator[Example]:
    """Yield IBM Claim Stance: Wikipedia claims for or against a motion.

    Seven rows of the published file are cut off at a semicolon; they are left out.
    """
    labels: dict[str, StanceLabel] = {"PRO": "favor", "CON": "against"}
    path = folder / "claim_stance_dataset_v1.csv"
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    with file:
        # Each row is a whole CSV row quoted once more, then padded with semicolons.
        quoted = [row[0].rstrip(";") for row in csv.reader(file) if row]
    rows = [next(csv.reader([line])) for line in quoted]
    for values in rows[1:]:
        if len(values) != len(rows[0]):
            continue
        row = dict(zip(rows[0], values, strict=True))
        yield Example(
            text=row["claims.claimCorrectedText"],
            target=row["topicText"],
            stance=lookup(labels, row["claims.stance"], path, "claims.stance"),
            relevance=1.0,
            corpus="ibm_claim_stance",
            split="train" if row["split"] == "train" else "test",
        )


# What each debate of UKPConvArg1 is about, by the beginning of its file names, and which answer
# is in favor of it.
_UKP_DEBATES = {
    "ban-plastic-water-bottles": ("banning plastic water bottles", "yes"),
    "christianity-or-atheism-": ("Christianity", "christianity"),
    "evolution-vs-creation": ("evolution", "evolution"),
    "firefox-vs-internet-explorer": ("Firefox", "it-has-a-cute-logo"),
    "gay-marriage-right-or-wrong": ("gay marriage", "allowing-gay-marriage-is-right"),
    "human-growth-and-development-should-parents": ("spanking children", "yes"),
    "if-your-spouse-committed-murder": ("turning in a spouse who committed murder", "yes"),
    "india-has-the-potential": ("India has the potential to lead the world", "yes"),
    "is-it-better-to-have-a-lousy-father": (
        "It is better to have a lousy father than none",
        "lousy",
    ),
    "is-porn-wrong-": ("Porn is wrong", "yes"),
    "is-the-school-uniform": ("school uniforms", "good"),
    "personal-pursuit-or-advancing": (
        "putting the common good before personal pursuit",
        "advancing",
    ),
    "pro-choice-vs-pro-life": ("abortion", "pro-choice"),
    "should-physical-education": ("mandatory physical education in schools", "yes"),
    "tv-is-better-than-books": ("TV is better than books", "tv"),
    "william-farquhar": ("honouring William Farquhar as the founder of Singapore", "yes"),
}


def read_ukpconvarg1(folder: Path) -> Iterator[Example]:
    """Yield UKPConvArg1: posts of a debate portal, each with the side of its file's name."""
    for path in sorted((folder / "UKPConvArg1-Ranking-CSV").glob("*.csv")):
        debate, _, side = path.stem.partition("_")
        known = [value for start, value in _UKP_DEBATES.items() if debate.startswith(start)]
        if not known:
            raise DataError(f"{path}: its debate is none of {sorted(_UKP_DEBATES)}")
        target, favored = known[0]
        for row in read_table(path, ("argument",), delimiter="\t"):
            yield Example(
                text=row["argument"].replace("<br/>", "\n"),
                target=target,
                stance="favor" if side.startswith(favored) else "against",
                relevance=1.0,
                corpus="ukpconvarg1",
                split="train",
            )


def read_semeval2016(folder: Path) -> Iterator[Example]:
    """Yield SemEval-2016 Task 6A: tweets by five targets."""
    path = folder / "semeval2016-task6-trainingdata.txt"
    parts: tuple[tuple[Split, Path, str], ...] = (
        ("train", path, "cp1252"),
        ("test", folder / "gold.txt", "utf-8-sig"),
    )
    for split, path, encoding in parts:
        columns = ("Target", "Tweet", "Stance")
        for row in read_table(path, columns, delimiter="\t", encoding=encoding, errors="replace"):
            yield Example(
                text=row["Tweet"].replace("#SemST", "").strip(),
                target=row["Target"],
                stance=lookup(_UPPER, row["Stance"], path, "Stance"),
                corpus="semeval2016",
                split=split,
            )
