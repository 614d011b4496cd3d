"""The model card: what a model was trained on, what it reaches, what it cannot do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stance.data.corpora import CORPORA
from stance.data.labelled import LABEL_COLUMNS
from stance.data.own import LICENCE
from stance.tables import atomic_file
from stance.training.config import TrainConfig
from stance.training.lineage import stages_of, teachers_of, with_teachers

_MARKUP = frozenset("\\`*_{}[]<>#|!&~")
_HEAD = """\
---
license: {licence}
language: {languages}
tags: [stance-detection, toxicity, toxic-spans, comments]
---

# {name}

Reads a reader's comment and says its stance to a target (favor, against, neutral), whether it
speaks about the target at all, how toxic it is by kind, and which words make it so. {origin}
"""
_FROM_ENCODER = """One
{encoder} encoder with four heads; scored with ONNX Runtime from 8-bit weights."""
_FROM_MODEL = """Four
heads over one encoder, trained from the model {encoder}; scored with ONNX Runtime from 8-bit
weights."""

_LIMITS = """\
## What it cannot do

- It reads English. Other languages get numbers that mean nothing.
- A quotation counts as its quoter's words: irony, quotation and rhetorical questions mislead it.
- It knows a target by its words alone, not who somebody is or what has happened since.
- Its toxicity labels follow the norms of the raters of the corpora above, most of them of Wikipedia
  talk pages and one news-comment platform; reader comments of a moderated newspaper (the stance
  corpora's) are presumed non-toxic. It has no label for sexually explicit text.
- Probabilities were fitted on held-out rows of those corpora. Elsewhere they can be off: a Brier
  skill below 0 above says that the base rate alone would have been closer to the truth there.
{found}- A flag is a reason for a person to look, not a reason to delete.
"""

# What holds of models that were measured on a benchmark, or trained on a corpus.
_FOUND = {
    "hatecheck": """\
- It still flags harmless texts that name a group of people, swear at nobody, or quote or deny hate:
  compare the two shares flagged under hatecheck.
""",
    "identity_contrasts": """\
- The identity contrasts above were written to make it flag such texts less, and cover the kinds of
  sentence that hatecheck and bias_templates test, though none of theirs: on other texts it may do
  worse than those two figures say.
""",
    "arc": """\
- It cannot tell well who agrees with a claim that turns on a detail: of comments that take a side
  on a headline (arc), it tells the right one little more often than chance.
""",
    "subreddit_agreement": """\
- `reply`, the stance to the comment that is answered, was learnt from a few thousand Reddit replies
  alone.
""",
}

# Of a model that a user trained: what holds whatever the data are.
_OWN_LIMITS = """\
## What it cannot do

- It reads the languages named above. Others get numbers that mean nothing.
- A quotation counts as its quoter's words: irony, quotation and rhetorical questions mislead it.
- It knows a target by its words alone, not who somebody is or what has happened since.
- Its labels follow the norms of whoever labelled its training data.
{unlabelled}- A flag is a reason for a person to look, not a reason to delete.
"""

_KEPT = """\
- A head that these data do not label is as good as in the model that training started from, less
  what it lost since: the evaluation report shows both beside each other.
"""
_NEVER_LEARNT = """\
- It started from an encoder that had no heads, and these data label none of the following: their
  scores mean nothing: {heads}.
"""


def write_card(config: TrainConfig, metrics: dict[str, Any], folder: Path) -> None:
    """Write the README.md of a model folder.

    Parameters
    ----------
    config : TrainConfig
    metrics : dict
        Content of the folder's `metrics.json`.
    folder : Path
    """
    parts = [
        _head(config, metrics),
        _training(config, metrics),
        _ngrams(metrics),
        _own_data(metrics),
        _before_and_after(metrics.get("before_and_after", [])),
        _figures(metrics),
        _calibration(metrics),
        _parity(metrics["export"]),
        _own_limits(metrics) if metrics.get("own_data") else _limits(metrics),
    ]
    with atomic_file(folder / "README.md") as file:
        file.write("\n".join(filter(None, parts)).encode())


def _head(config: TrainConfig, metrics: dict[str, Any]) -> str:
    start = metrics.get("starting_model")
    encoder = Path(config.encoder).name or config.encoder
    return _HEAD.format(
        name=config.name,
        licence="other" if metrics.get("own_data") else "apache-2.0",
        languages=_listed(metrics.get("languages") or ["en"]),
        origin=(
            _FROM_MODEL.format(encoder=start) if start else _FROM_ENCODER.format(encoder=encoder)
        ),
    )


def _limits(metrics: dict[str, Any]) -> str:
    """Return what a model of public corpora alone cannot do, as far as it is known of it."""
    known = {name for name, figures in metrics.get("benchmarks", {}).items() if figures}
    for stage in with_teachers(stages_of(metrics)):
        known |= stage["runs"][0]["mix"]["kept"].keys() - {"arc"}  # as a benchmark it tells
    return _LIMITS.format(found="".join(text for name, text in _FOUND.items() if name in known))


def _own_limits(metrics: dict[str, Any]) -> str:
    """Return what a model that a user trained cannot do."""
    learnt = set[str]()
    for stage in metrics["stages"]:
        for run in stage["runs"]:
            learnt.update(set(run.get("labelled", {})).difference(run.get("constant_labels", ())))
            for teacher in teachers_of(run):
                learnt.update(teacher.get("heads", ()))
    heads = (*LABEL_COLUMNS, "relevance", "spans")
    never = ", ".join(head for head in heads if head not in learnt)
    unlabelled = _KEPT
    if not metrics["starting_model"]:
        unlabelled = _NEVER_LEARNT.format(heads=never) if never else ""
    return _OWN_LIMITS.format(unlabelled=unlabelled)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _training(config: TrainConfig, metrics: dict[str, Any]) -> str:
    lines = [
        "## Training data",
        "",
        *_how(config, metrics),
        "",
        "| stage | corpus | examples | dropped: in a benchmark or held out | licence |",
        "|---|---|---|---|---|",
    ]
    others = [stage for other in metrics.get("averaged_with", []) for stage in other["stages"]]
    before = metrics.get("stages_before", [])
    # Of what a user's model started from the card says the name alone.
    shown, known = ([], before) if metrics.get("own_data") else (before, [])
    for stage in with_teachers([*metrics["stages"], *others, *shown], known):
        lines += _rows_of(stage)
    return "\n".join([*lines, ""])


def _how(config: TrainConfig, metrics: dict[str, Any]) -> Iterator[str]:
    """Yield what is to be known of training beside its rows, a line each."""
    runs = [run for stage in metrics["stages"] for run in stage["runs"]]
    absent = dict.fromkeys(name for run in runs for name in run["mix"].get("absent_benchmarks", ()))
    but = f", but for benchmarks that were not at hand: {', '.join(absent)}" if absent else ""
    yield (
        f"Seed {config.seed}, {config.precision}, windows of {config.max_length} tokens. Texts of "
        f"benchmarks and of other splits were left out of training{but}."
    )
    # Two of one name are two; the first releases wrote the name alone.
    teachers = {
        each.get("sha256", each["model"]): each["model"]
        for run in runs
        for each in teachers_of(run)
    }
    if teachers:
        others_say = "another model says" if len(teachers) == 1 else "other models say"
        yield f"Beside the labels it learnt what {others_say}: {', '.join(teachers.values())}."
        # Runs of before did not count such pairs, but say whether they were asked for.
        counted = [run["mix"] for run in runs if "near_targets" in run["mix"]]
        wanted = any(share.near_targets for stage in config.stages for share in stage.mix)
        if any(map(_near_total, counted)) or (wanted and not counted):
            yield "Pairs that nobody but such a model labelled are among the examples."
    for stage in metrics["stages"]:
        if len(stage["runs"]) > 1:
            seeds = ", ".join(str(run["seed"]) for run in stage["runs"])
            yield f"The stage {stage['name']} ends in the mean of the weights of seeds {seeds}."
    if config.keep_start:
        kept = f"{metrics['starting_model']} ({config.keep_start:.0%})"
        yield f"The weights are a mean with those that training started from: {kept}."
    if others := metrics.get("averaged_with"):
        shares = ", ".join(f"{other['model']} ({other['share']:.0%})" for other in others)
        yield f"The weights are a mean with those of other models: {shares}."


def _rows_of(stage: dict[str, Any]) -> Iterator[str]:
    """Yield the rows of the table of training data for a stage: those of its first seed."""
    mix = stage["runs"][0]["mix"]
    for corpus, rows in mix["kept"].items():
        dropped = mix["dropped_in_benchmark"].get(corpus, 0)
        yield f"| {stage['name']} | {corpus} | {rows:,} | {dropped:,} | {_licence(corpus)} |"
    for corpus, rows in _near(mix).items():
        yield (
            f"| {stage['name']} | {corpus}, targets alone | {rows:,} of those above | – | "
            f"{_licence(corpus)} |"
        )


def _near_total(mix: dict[str, Any]) -> int:
    return _near(mix).total()


def _near(mix: dict[str, Any]) -> Counter[str]:
    """Return the number of pairs without a label by the corpus that their targets are from."""
    near = Counter[str]()
    for targets in mix.get("near_targets", {}).values():
        near.update({corpus: count for corpus, count in targets.items() if count})
    return near


def _licence(corpus: str) -> str:
    return CORPORA[corpus].licence if corpus in CORPORA else LICENCE


def _ngrams(metrics: dict[str, Any]) -> str:
    """Return what the linear model beside the network is, where there is one."""
    shares, maker = metrics.get("ngram_shares"), metrics.get("ngrams_of")
    if not shares and not maker:
        return ""
    text = (
        "Beside the network stands a linear model over words, pairs of words and runs of three to\n"
        "five letters (`ngrams.npz`)"
    )
    text += f", that of {maker}." if maker else "."
    if not shares:
        return f"{text} Its logits of toxicity are added to the network's.\n"
    counted = ", ".join(f"{label} {share:.2f}" for label, share in shares.items() if share)
    kept = metrics["ngram_mix"]["kept"]
    rows = ", ".join(f"{corpus} {count:,}" for corpus, count in kept.items())
    return (
        f"{text} Its logits of toxicity are added to the network's, times a\n"
        f"share that held-out rows gave: {counted or 'none'}.\n"
        f"Trained on {sum(kept.values()):,} rows: {rows}.\n"
    )


def _own_data(metrics: dict[str, Any]) -> str:
    """Return the table of the user's own files; a row with a target is two examples above."""
    lines = [
        "| own data | file | train | dev | test | splits drawn |",
        "|---|---|---|---|---|---|",
    ]
    for name, data in metrics.get("own_data", {}).items():
        rows, drawn = data["rows"], ", ".join(data["drawn_splits"]) or "none"
        lines.append(
            f"| {name} | {in_cell(data['file'])} | {rows['train']:,} | {rows['dev']:,} | "
            f"{rows['test']:,} | {drawn} |"
        )
    return "\n".join([*lines, ""]) if len(lines) > 2 else ""


def in_cell(text: str) -> str:
    """Return a text that neither ends a table's cell nor is read as markup."""
    return "".join(
        f"\\{character}" if character in _MARKUP else character
        for character in " ".join(text.split())
    )


def _before_and_after(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table of what training changed, on rows that it did not see."""
    if not rows:
        return ""
    lines = [
        "## Before and after",
        "",
        "On held-out rows, beside the model that training started from; intervals are of the",
        "difference, 95 %, paired.",
        "",
        "| data | figure | rows | before | after | difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        interval = row["interval"]
        between = f" ({interval[0]:+.4f} to {interval[1]:+.4f})" if interval else ""
        change = "–" if row["difference"] is None else f"{row['difference']:+.4f}{between}"
        lines.append(
            f"| {in_cell(row['data'])} | {in_cell(row['title'])} | {row['n']:,} | "
            f"{_number(row['before'])} | {_number(row['after'])} | {change} |"
        )
    return "\n".join([*lines, ""])


def _calibration(metrics: dict[str, Any]) -> str:
    """Return on what a user's heads were calibrated; nothing for a run on public corpora alone."""
    if not metrics.get("own_data"):
        return ""
    fitted = metrics["calibrated_on"]
    done = ", ".join(f"{name} ({rows:,} rows)" for name, rows in fitted.items() if rows)
    kept = ", ".join(name for name, rows in fitted.items() if not rows) or "none"
    too_few = (
        f"Calibrated as the model that training started from, for want of dev rows: {kept}."
        if metrics["starting_model"]
        else f"Not calibrated, for want of dev rows: {kept}."
    )
    return (
        "## Calibration\n\n"
        f"Probabilities and thresholds fitted on dev rows: {done or 'none'}.\n{too_few}\n"
    )


def _figures(metrics: dict[str, Any]) -> str:
    benchmarks = metrics.get("benchmarks", {})
    if not benchmarks:
        if metrics.get("own_data"):
            return ""
        return "## Figures\n\nNot measured: the benchmarks were not at hand.\n"
    lines = [
        "## Figures",
        "",
        "Of the 8-bit ONNX file, measured once, on rows whose text training never saw (near "
        "copies, such as of a notice with another name in it, may be among them).",
        "",
        "| benchmark | figure | value | 95 % interval |",
        "|---|---|---|---|",
    ]
    for name, figures in benchmarks.items():
        if figures is None:
            lines.append(f"| {name} | not measured: not at hand | – | – |")
            continue
        flat = _flat(figures)
        lines += [
            f"| {name} | {key} | {_number(value)} | {_interval(flat.get(f'{key}_interval'))} |"
            for key, value in flat.items()
            if not key.endswith("_interval")
        ]
    return "\n".join([*lines, ""])


def _flat(figures: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key} ")
        else:
            flat[prefix + key] = value
    return flat


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "–" if value is None else f"{value:,}"


def _interval(bounds: list[float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _parity(export: dict[str, Any]) -> str:
    return "\n".join(
        [
            "## Export",
            "",
            f"Largest difference of a probability from PyTorch on {export['windows']} windows:",
            "",
            "| head | float32 | 8-bit |",
            "|---|---|---|",
            *(
                f"| {head} | {export['float32'][head]:.1e} | {export['int8'][head]:.4f} |"
                for head in export["float32"]
            ),
            "",
        ]
    )
