"""The model card: what a model was trained on, what it reaches, what it cannot do."""

from pathlib import Path
from typing import Any

from stance.data.corpora import CORPORA
from stance.tables import atomic_file
from stance.training.config import TrainConfig

_HEAD = """\
---
license: apache-2.0
language: en
tags: [stance-detection, toxicity, toxic-spans, comments]
---

# {name}

Reads a reader's comment and says its stance to a target (favor, against, neutral), whether it
speaks about the target at all, how toxic it is by kind, and which words make it so. One
{encoder} encoder with four heads; scored with ONNX Runtime from 8-bit weights.
"""

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
- It still flags harmless texts that name a group of people, swear at nobody, or quote or deny hate:
  compare the two shares flagged under hatecheck. The identity contrasts above were written to make
  it do so less, and cover the kinds of sentence that hatecheck and bias_templates test, though none
  of theirs: on other texts it may do worse than those two figures say.
- It cannot tell well who agrees with a claim that turns on a detail: of comments that take a side
  on a headline (arc), it tells the right one little more often than chance.
- `reply`, the stance to the comment that is answered, was learnt from a few thousand Reddit replies
  alone.
- A flag is a reason for a person to look, not a reason to delete.
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
        _HEAD.format(name=config.name, encoder=config.encoder),
        _training(config, metrics),
        _figures(metrics.get("benchmarks", {})),
        _parity(metrics["export"]),
        _LIMITS,
    ]
    with atomic_file(folder / "README.md") as file:
        file.write("\n".join(parts).encode())


def _training(config: TrainConfig, metrics: dict[str, Any]) -> str:
    lines = [
        "## Training data",
        "",
        f"Seed {config.seed}, {config.precision}, windows of {config.max_length} tokens. Texts of "
        "benchmarks and of other splits were left out of training.",
        "",
        "| stage | corpus | rows | dropped: in a benchmark or held out | licence |",
        "|---|---|---|---|---|",
    ]
    for stage in metrics["stages"]:
        # Seeds of a stage draw their own rows, but as many of them.
        mix = stage["runs"][0]["mix"]
        for corpus, rows in mix["kept"].items():
            dropped = mix["dropped_in_benchmark"].get(corpus, 0)
            licence = CORPORA[corpus].licence
            lines.append(f"| {stage['name']} | {corpus} | {rows:,} | {dropped:,} | {licence} |")
    return "\n".join([*lines, ""])


def _figures(benchmarks: dict[str, Any]) -> str:
    lines = [
        "## Figures",
        "",
        "Of the 8-bit ONNX file, one run with the seed above, on rows that training never saw.",
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
    if not benchmarks:
        return "## Figures\n\nNot measured: the benchmarks were not at hand.\n"
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
