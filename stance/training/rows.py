"""Which rows a run reads: what its stages train on, and what its heads are calibrated on."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stance.data.corpora import CORPORA, Corpus, checksums
from stance.data.examples import Example
from stance.data.mix import MixReport, Share, build_mix
from stance.data.own import OwnData, read_own
from stance.errors import ConfigError, DataError
from stance.labels import TOXICITY_LABELS
from stance.tables import atomic_file
from stance.training.config import TEACHER_OPTIONS, StageConfig, Subject, TrainConfig

# Whether an example has the label that a head learns from, or is calibrated on.
KNOWS: dict[str, Callable[[Example], bool]] = {
    "stance": lambda example: example.stance is not None,
    "relevance": lambda example: example.relevance is not None,
    "toxicity": lambda example: bool(example.toxicity),
    "spans": lambda example: example.toxic_spans is not None,
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the rows of a run come from.

    Parameters
    ----------
    own : tuple of OwnData
        The user's own.
    corpora : mapping of str to Corpus
        These and the public ones.
    root : Path or None
        Folder that holds the public ones.
    """

    own: tuple[OwnData, ...]
    corpora: Mapping[str, Corpus]
    root: Path | None

    def sha256s(self, names: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of the files of those corpora that are public, by their folder."""
        own = {data.name for data in self.own}
        public = [name for name in names if name not in own]
        return {} if self.root is None else checksums(public, self.root)

    def describe(self) -> Iterator[str]:
        """Yield what a user should know of their own data before training on it."""
        for data in self.own:
            counts = ", ".join(f"{split} {count:,}" for split, count in data.counts().items())
            drawn = f" ({' and '.join(data.drawn)} drawn)" if data.drawn else ""
            yield f"{data.name}: {len(data.rows):,} rows of {data.file}: {counts}{drawn}"
            for problem in data.problems:
                yield f"{data.name}: {problem.in_words()}"
            yield from (f"{data.name}: {note}" for note in data.notes)

    def write_splits(self, folder: Path) -> None:
        """Write each of the user's files, with the splits that are used, into a folder.

        Raises
        ------
        ConfigError
            An earlier run that is being resumed used other rows.
        OutputError
            The folder cannot be written to.
        """
        if self.own:
            folder.mkdir(parents=True, exist_ok=True)
        for data in self.own:
            path = folder / f"{data.name}.jsonl"
            if path.exists() and path.read_bytes() != data.to_json_lines():
                raise ConfigError(
                    f"{path}: {data.file} has other rows now than when this run began; set another "
                    "output"
                )
            with atomic_file(path) as stream:
                stream.write(data.to_json_lines())


@dataclass(frozen=True, slots=True)
class StageRows:
    """What one seed of a stage trains on.

    Parameters
    ----------
    train : list of Example
        In the order in which the mix was drawn.
    dev : list of Example
        Of the dev splits, where the stage stops early; else none.
    report : MixReport
        How many rows each corpus gave and lost.
    constant : tuple of str
        Labels that are the same in all rows.
    left_out : bool
        Whether nothing is learnt from these, for there is a model that knows better.
    """

    train: list[Example]
    dev: list[Example]
    report: MixReport
    constant: tuple[str, ...] = ()
    left_out: bool = False

    def labelled(self) -> dict[str, int]:
        """Return how many examples label stance, relevance, spans and each kind of toxicity."""
        others = {head: knows for head, knows in KNOWS.items() if head != "toxicity"}
        counts = Counter(head for row in self.train for head in others if others[head](row))
        counts.update(label for row in self.train for label in row.toxicity)
        return dict(counts)

    def remarks(self) -> Iterator[str]:
        """Yield what a user should know of what is not learnt."""
        for name, count in self.report.in_benchmark.items():
            yield (
                f"{name}: {count:,} examples left out, whose text stands in a dev or test split or "
                "in a benchmark"
            )
        for name, targets in self.report.near.items():
            for others in (others for others, count in targets.items() if not count):
                yield (
                    f"{name}: near_targets gave nothing: no text shares a word with a target of "
                    f"{others} that it does not stand beside already"
                )
        # Relevance follows from stance: nobody labelled it.
        named = [label for label in self.constant if label != "relevance"]
        if named and self.left_out:
            yield (
                f"{', '.join(named)}: the same in all rows, so nothing is learnt from it; "
                "the model that training starts from serves instead"
            )


def open_sources(config: TrainConfig) -> Sources:
    """Read the user's own data and return it beside the public corpora.

    Raises
    ------
    InputError, DataError
        A file cannot be read, holds labels that are not known, or too few rows.
    """
    own = tuple(read_own(data.to_own_file(name), config.seed) for name, data in config.data.items())
    return Sources(own, {**CORPORA, **{data.name: data.corpus() for data in own}}, config.root)


def stage_rows(
    config: TrainConfig, stage: StageConfig, seed: int, sources: Sources, *, soft: bool = False
) -> StageRows:
    """Return the rows of a stage's mix as a seed draws them.

    Parameters
    ----------
    config, stage
    seed : int
    sources : Sources
    soft : bool
        Whether a starting model's probabilities serve where there is no label: then rows without
        any are kept, and labels that are the same in all rows, which teach nothing, are not.

    Raises
    ------
    DataError
        A corpus cannot be read, or there is nothing to learn.
    """
    examples, report = build_mix(
        [share.to_share() for share in stage.mix],
        sources.root,
        seed,
        held_out=_judged_on(config),
        corpora=sources.corpora,
    )
    constant = constant_labels(examples)
    if soft:
        examples = [_without(example, constant) for example in examples]
    if not any(is_labelled(example) or is_taught(example, stage) for example in examples):
        named = [label for label in constant if soft and label != "relevance"]  # that of stance
        same = f": {', '.join(named)} the same in all rows" if named else ""
        raise DataError(
            f"stage {stage.name}: nothing to learn from {_listed(stage)}{same}; label comments "
            "that differ"
        )
    for subject, teacher in stage.teachers.items():
        if not any(is_asked(row, subject, teacher.corpora) for row in examples):
            named = teacher.corpora or list(dict.fromkeys(row.corpus for row in stage.mix))
            option = TEACHER_OPTIONS[subject]
            wanted = "beside" if subject == "stance" else "without"
            raise DataError(
                f"stage {stage.name}: no row of {', '.join(named)} stands {wanted} a target, and "
                f"{option} is asked about nothing else; leave {option} out, or name a corpus of "
                "such rows"
            )
    if not soft:
        _check_unlabelled(stage, examples)
        examples = [
            example for example in examples if is_labelled(example) or is_taught(example, stage)
        ]
    return StageRows(
        examples[: config.max_rows],
        _dev_rows(stage, config.seed, sources),
        report,
        constant,
        left_out=soft,
    )


def _check_unlabelled(stage: StageConfig, examples: Sequence[Example]) -> None:
    """Refuse rows whose labels the mix leaves out though nobody else says what they are."""
    bare = {share.corpus for share in stage.mix if share.unlabelled}
    silent = sorted(
        {
            example.corpus
            for example in examples
            if example.corpus in bare and not is_labelled(example) and not is_taught(example, stage)
        }
    )
    if silent:
        raise DataError(
            f"stage {stage.name}: unlabelled rows of {', '.join(silent)}: no teacher is asked "
            "about them, and there is no starting model to say what they are; name a teacher, or "
            "start from a model with soft_targets above 0, or take the rows with their labels"
        )


def _listed(stage: StageConfig) -> str:
    return ", ".join(dict.fromkeys(share.corpus for share in stage.mix))


def _dev_rows(stage: StageConfig, seed: int, sources: Sources) -> list[Example]:
    """Return labelled rows of the dev splits of a stage's mix, as they are in the corpora."""
    if stage.early_stopping is None:
        return []
    shares = [
        replace(
            share.to_share(),
            other_targets=0.0,
            rephrase=0.0,
            misspell=0.0,
            near_targets={},
            unlabelled=False,
            limit=None,
        )
        for share in stage.mix
    ]
    examples, _ = build_mix(shares, sources.root, seed, split="dev", corpora=sources.corpora)
    return list(filter(is_labelled, examples))[: stage.early_stopping.rows]


def is_labelled(example: Example) -> bool:
    """Tell whether anybody labelled an example."""
    return any(knows(example) for knows in KNOWS.values())


def is_taught(example: Example, stage: StageConfig) -> bool:
    """Tell whether any teacher of a stage is asked about an example."""
    return any(
        is_asked(example, subject, teacher.corpora) for subject, teacher in stage.teachers.items()
    )


def is_asked(example: Example, subject: Subject, corpora: Collection[str] | None) -> bool:
    """Tell whether a teacher is asked about an example, given its corpora, None for all.

    Stance is asked of pairs alone, toxicity of comments alone, as in scoring.
    """
    is_of_subject = (example.target is not None) == (subject == "stance")
    return is_of_subject and (corpora is None or example.corpus in corpora)


def constant_labels(examples: Sequence[Example]) -> tuple[str, ...]:
    """Return the labels that are the same wherever they are known, so that they teach nothing.

    Examples
    --------
    >>> rows = [Example("a", "c", "train", toxicity={"toxicity": t, "threat": 0.0}) for t in (0, 1)]
    >>> constant_labels(rows)
    ('threat',)
    """
    values: dict[str, Iterable[object]] = {
        "stance": (example.stance for example in examples),
        "relevance": (example.relevance for example in examples),
        **{
            label: [example.toxicity.get(label) for example in examples]
            for label in TOXICITY_LABELS
        },
    }
    return tuple(name for name, known in values.items() if len(set(known) - {None}) == 1)


def _without(example: Example, labels: Collection[str]) -> Example:
    toxicity = {name: value for name, value in example.toxicity.items() if name not in labels}
    return replace(
        example,
        stance=None if "stance" in labels else example.stance,
        relevance=None if "relevance" in labels else example.relevance,
        toxicity=toxicity,
    )


def ngram_rows(config: TrainConfig, sources: Sources) -> tuple[list[Example], MixReport]:
    """Return what the linear model over words and letters is trained on, and what was left out.

    Raises
    ------
    ConfigError
        None has a label of toxicity.
    DataError
        A corpus cannot be read.
    """
    examples, report = build_mix(
        [share.to_share() for share in config.ngrams],
        sources.root,
        config.seed,
        held_out=_judged_on(config),
        corpora=sources.corpora,
    )
    labelled = list(filter(KNOWS["toxicity"], examples))
    if not labelled:
        named = [share.corpus for share in config.ngrams]
        raise ConfigError(
            f"ngrams: no row with a label of toxicity in {named}; name a corpus that has some"
        )
    return labelled[: config.max_rows], report


def held_out_rows(config: TrainConfig, sources: Sources) -> dict[str, list[Example]]:
    """Return the rows that each head is calibrated on: of the mix named for it, or the user's own.

    Raises
    ------
    ConfigError
        A mix is named for a head and has no row with a label of it.
    DataError
        A corpus cannot be read.
    """
    held_out = {}
    for head, knows in KNOWS.items():
        named = [share.to_share() for share in getattr(config.calibration, head)]
        shares = named or _own_shares(config)
        examples, _ = build_mix(
            shares, sources.root, config.seed, split="dev", corpora=sources.corpora
        )
        held_out[head] = [example for example in examples if knows(example)][: config.max_rows]
        if named and not held_out[head]:
            raise ConfigError(
                f"calibration.{head}: no row of a dev split with such a label in "
                f"{[share.corpus for share in named]}; name a corpus that has some"
            )
    return held_out


def _own_shares(config: TrainConfig) -> list[Share]:
    used = dict.fromkeys(share.corpus for share in config.shares())
    return [Share(name) for name in used if name in config.data]


def corpora_of(config: TrainConfig) -> list[str]:
    """Return the names of all public corpora that a run reads, for training or calibration."""
    trained = {name for share in config.shares() for name in share.corpora}
    return sorted((trained | calibration_corpora(config)) - set(config.data))


def _judged_on(config: TrainConfig) -> set[str]:
    """Return the corpora that a run's model is calibrated or reported on."""
    return calibration_corpora(config).union(config.data)


def calibration_corpora(config: TrainConfig) -> set[str]:
    """Return the names of the corpora whose dev splits a run is calibrated on."""
    held_out = config.calibration
    mixes = (held_out.stance, held_out.relevance, held_out.toxicity, held_out.spans)
    named = {share.corpus for mix in mixes for share in mix}
    return named if all(mixes) else named.union(share.corpus for share in _own_shares(config))
