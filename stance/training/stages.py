"""The stages of a run, one after the other, and what each leaves in its folder."""

import hashlib
import json
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerState

from stance.data.examples import Example
from stance.errors import ConfigError
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import CommentModel, write_json
from stance.training import processes
from stance.training.balance import with_class_weights
from stance.training.batches import encode_examples
from stance.training.checkpoints import (
    checkpoints,
    last_whole_checkpoint,
    read_facts,
    remove_broken,
    writing,
)
from stance.training.config import (
    TEACHER_OPTIONS,
    ShareConfig,
    StageConfig,
    Subject,
    TrainConfig,
)
from stance.training.loop import (
    GO_ON,
    WEIGHTS_OF_CHECKPOINT,
    StageTrainer,
    freeze,
    load_best,
    mean_loss,
    pad_id,
)
from stance.training.progress import Progress
from stance.training.rows import Sources, is_asked, stage_rows
from stance.training.soft import with_soft_targets
from stance.training.start import soft_model, starting_weights_sha256
from stance.training.stopping import DevRows, is_over
from stance.training.teacher import ASKED, Teacher, lessons

_WEIGHTS = "weights.safetensors"
_SETTINGS = "settings.json"
_DONE = "stage.json"
# In the settings: checksums of the weights that the run starts from, of the files of the corpora,
# and of the weights that the stage before ended in.
_START = "start_sha256"
_DATA = "data_sha256"
_AFTER = "after_sha256"
_STATE = "trainer_state.json"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A teacher, the examples of a run, in the order of its rows, and which it is asked about.

    Parameters
    ----------
    teacher : Teacher
    examples : sequence of Example
    corpora : sequence of str or None
        Those whose examples it is asked about, None for all.
    folder : Path
        Gets its answers.
    """

    teacher: Teacher
    examples: Sequence[Example]
    corpora: Sequence[str] | None
    folder: Path


@dataclass(frozen=True, slots=True)
class Run:
    """One seed of a stage.

    Parameters
    ----------
    seed : int
    folder : Path
        Gets checkpoints, log, weights and `run.json`.
    done : dict or None
        What an earlier process did, where the run is finished; nothing below is there then.
    rows : Dataset
        As `stance.training.batches.encode_examples` yields them.
    dev : DevRows or None
        Where the stage stops early.
    facts : dict
        Of the rows, for `run.json`.
    digest : str
        Of the rows' tokens and labels.
    lessons : tuple of Lesson
        What is asked of the stage's teachers before the first step.
    """

    seed: int
    folder: Path
    done: dict[str, Any] | None = None
    rows: Dataset | None = None
    dev: DevRows | None = None
    facts: dict[str, Any] | None = None
    digest: str = ""
    lessons: tuple[Lesson, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of an epoch."""
        return 0 if self.facts is None else int(self.facts["tokens"])


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and its runs, ready to be trained.

    Parameters
    ----------
    config : StageConfig
    title : str
        What progress calls it.
    folder : Path
    before : Path or None
        Folder of the stage before it.
    settings : dict
        What its weights depend on.
    done : dict or None
        What an earlier process did, where the stage is finished.
    runs : list of Run
        None of a finished stage.
    """

    config: StageConfig
    title: str
    folder: Path
    before: Path | None
    settings: dict[str, Any]
    done: dict[str, Any] | None
    runs: list[Run]


# Before training: everything that can be wrong is to be found before the hours that it takes


def prepare_stages(
    config: TrainConfig, encoder: InputEncoder, sources: Sources, *, resume: bool
) -> list[Stage]:
    """Read the rows of all stages that an earlier process did not finish.

    Raises
    ------
    ConfigError
        That process had other settings, or there are no dev rows to stop by.
    DataError
        A corpus cannot be read, or there is nothing to learn.
    """
    prepared: list[Stage] = []
    for number, stage in enumerate(config.stages, 1):
        before = prepared[-1].folder if prepared else None
        prepared.append(
            _prepare_stage(config, stage, number, before, encoder, sources, resume=resume)
        )
    return prepared


def _prepare_stage(
    config: TrainConfig,
    stage: StageConfig,
    number: int,
    before: Path | None,
    encoder: InputEncoder,
    sources: Sources,
    *,
    resume: bool,
) -> Stage:
    folder = Path(config.output) / f"stage-{number}-{stage.name}"
    title = f"stage {number} of {len(config.stages)}, {stage.name}"
    settings = _settings(stage, config, sources)
    if resume:
        _check_settings(folder, {**settings, _AFTER: _end_of(before)})
    done = _read(folder / _DONE) if resume else None
    teachers = _teachers(config, stage) if done is None else {}
    runs = []
    seeds = stage.seeds or [config.seed]
    for seed in seeds if done is None else ():
        place = folder if len(seeds) == 1 else folder / f"seed-{seed}"
        finished = _read(place / "run.json") if resume else None
        if finished is not None:
            _check_teachers(place, _sha256s(finished), teachers)
            runs.append(Run(seed, place, finished))
        else:
            runs.append(
                _prepare_run(config, stage, number, seed, place, encoder, sources, teachers)
            )
            _say(
                f"{title}, seed {seed}: {len(runs[-1].rows or ()):,} rows, "
                f"{runs[-1].tokens:,} tokens"
            )
    return Stage(stage, title, folder, before, settings, done, runs)


def _settings(stage: StageConfig, config: TrainConfig, sources: Sources) -> dict[str, Any]:
    """Return what the weights of a stage depend on, beside the user's own rows, as plain values."""
    common = {"encoder", "state_scale", "max_length", "seed", "precision", "batch_size"}
    common |= {"weight_decay", "dropout", "max_rows"}
    batch_size = stage.batch_size or config.batch_size
    plain = {**config.model_dump(include=common), **stage.model_dump()}
    return {
        **plain,
        "batch_size": batch_size,
        _START: starting_weights_sha256(config),
        _DATA: sources.sha256s(name for share in stage.mix for name in share.corpora),
    }


def _end_of(folder: Path | None) -> str | None:
    """Return the checksum of the weights that a stage ended in; None where it is not finished."""
    if folder is None or not (folder / _DONE).exists():
        return None
    with (folder / _WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_settings(folder: Path, settings: dict[str, Any]) -> None:
    found = _read(folder / _SETTINGS)
    if found is None:
        return
    # A run of before an option came is one without it.
    options = {**TrainConfig.model_fields, **StageConfig.model_fields}
    found = {name: options[name].default for name in settings if name in options} | found
    # Nor what they began from.
    for name, whence in {
        _START: f"from another model than {settings['encoder']} is now; bring back that model",
        _DATA: "on other files of its corpora than there are now; bring back those",
        _AFTER: "after another stage than there is before it now; bring back that one",
    }.items():
        if found.setdefault(name, settings[name]) != settings[name]:
            raise ConfigError(f"{folder}: was trained {whence} as it was, or set another output")
    share = {name: option.default for name, option in ShareConfig.model_fields.items()}
    found["mix"] = [share | dict(of_corpus) for of_corpus in found["mix"]]
    # Runs of before did not write the batch size that a stage takes from the whole.
    found["batch_size"] = found["batch_size"] or settings["batch_size"]
    changed = sorted(name for name in {*found, *settings} if found.get(name) != settings.get(name))
    if changed:
        raise ConfigError(
            f"{folder}: was trained with other settings than the configuration has now "
            f"({', '.join(changed)}); set another output, or go back to those in {_SETTINGS} there"
        )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _prepare_run(
    config: TrainConfig,
    stage: StageConfig,
    number: int,
    seed: int,
    folder: Path,
    encoder: InputEncoder,
    sources: Sources,
    teachers: Mapping[Subject, Teacher],
) -> Run:
    start = soft_model(config, stage)
    drawn = stage_rows(config, stage, seed + number, sources, soft=start is not None)
    for remark in drawn.remarks():
        _say(remark)
    pad = pad_id(encoder.tokenizer)
    rows = list(encode_examples(drawn.train, encoder))
    digest = _digest(rows)
    tokens = sum(row["length"] for row in rows)
    if stage.class_weights == "balanced":
        rows = with_class_weights(rows)
    if start is not None:
        rows = with_soft_targets(rows, start, pad, _taught_heads(drawn.train, stage, teachers))
    dev = None
    if stage.early_stopping is not None:
        dev = DevRows(drawn.dev, encoder, pad)
        dev.check(stage.early_stopping.metric)
    facts = {
        "rows": len(rows),
        "tokens": tokens,
        "mix": drawn.report.to_dict(),
        "labelled": drawn.labelled(),
        "constant_labels": list(drawn.constant),
    }
    lessons = []
    for subject, teacher in teachers.items():
        corpora = stage.teachers[subject].corpora
        asked = sum(is_asked(example, subject, corpora) for example in drawn.train)
        facts[TEACHER_OPTIONS[subject]] = {**teacher.facts(), ASKED[subject]: asked}
        lessons.append(Lesson(teacher, drawn.train, corpora, Path(config.output)))
    rows_of_run = Dataset.from_list(rows)
    return Run(seed, folder, None, rows_of_run, dev, facts, digest, tuple(lessons))


def _teachers(config: TrainConfig, stage: StageConfig) -> dict[Subject, Teacher]:
    bfloat16 = config.precision == "bfloat16"
    return {
        subject: Teacher.find(teacher.model, subject, bfloat16=bfloat16)
        for subject, teacher in stage.teachers.items()
    }


def _taught_heads(
    examples: Sequence[Example], stage: StageConfig, teachers: Mapping[Subject, Teacher]
) -> list[Collection[str]]:
    """Return the heads of each example that a teacher speaks about."""
    return [
        frozenset[str]().union(
            *(
                teacher.heads
                for subject, teacher in teachers.items()
                if is_asked(example, subject, stage.teachers[subject].corpora)
            )
        )
        for example in examples
    ]


def _digest(rows: Sequence[dict[str, Any]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(sorted(row.items())).encode())
    return digest.hexdigest()


# Training


def run_stage(
    model: CommentModel,
    stage: Stage,
    config: TrainConfig,
    encoder: InputEncoder,
    progress: Progress,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Train `model` in place on a stage's rows, or load what the finished stage left.

    With several seeds each starts from the weights that `model` has now, and the mean of theirs
    is taken (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).

    Returns
    -------
    dict
        The stage's name, settings and, for each seed, rows, tokens, steps, mean loss and mix.

    Raises
    ------
    ConfigError
        A checkpoint is of other rows.
    OutputError
        The folder cannot be written to.
    """
    if stage.done is not None:
        model.load_state_dict(load_file(stage.folder / _WEIGHTS))
        return stage.done
    _write(stage.folder / _SETTINGS, {**stage.settings, _AFTER: _end_of(stage.before)})
    start = {name: value.clone() for name, value in model.state_dict().items()}
    runs = []
    for run in stage.runs:
        model.load_state_dict(start)
        runs.append(_run_seed(model, stage, run, config, encoder, progress, resume=resume))
        progress.end()
    if len(stage.runs) > 1:
        model.load_state_dict(mean_weights([run.folder / _WEIGHTS for run in stage.runs]))
        _save_weights(model, stage.folder)
    done = {"name": stage.config.name, "settings": stage.settings, "runs": runs}
    _write(stage.folder / _DONE, done)
    return done


def mean_weights(paths: Sequence[Path]) -> dict[str, Tensor]:
    """Return the mean of the weights in several safetensors files of the same network."""
    total: dict[str, Tensor] = {}
    for path in paths:
        for name, value in load_file(path).items():
            total[name] = total[name] + value if name in total else value
    return {name: value / len(paths) for name, value in total.items()}


def _run_seed(
    model: CommentModel,
    stage: Stage,
    run: Run,
    config: TrainConfig,
    encoder: InputEncoder,
    progress: Progress,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Train on the mix that a seed drew, or load what it left; return what was done."""
    if run.done is not None:
        model.load_state_dict(load_file(run.folder / _WEIGHTS))
        return run.done
    with writing(run.folder, GO_ON):
        run.folder.mkdir(parents=True, exist_ok=True)
    freeze(model, stage.config)
    model.soft_weight = stage.config.soft_targets
    weights = {subject: teacher.weight for subject, teacher in stage.config.teachers.items()}
    model.teacher_weight = weights.get("stance", 1.0)
    model.toxicity_teacher_weight = weights.get("toxicity", 1.0)
    model.consistency = stage.config.consistency
    checkpoint = _checkpoint_to_go_on_from(run) if resume else None
    rows = _taught(run)
    batch_size = stage.config.batch_size or config.batch_size
    progress.begin(stage.title, min(batch_size, len(run.rows or ())))
    trainer = StageTrainer(
        model,
        stage.config,
        config,
        run.folder,
        seed=run.seed,
        rows=rows,
        dev=run.dev,
        pad_id=pad_id(encoder.tokenizer),
        facts={"rows": run.digest, **_sha256s(run.facts or {})},
        progress=progress,
    )
    state = None if checkpoint is None else TrainerState.load_from_json(str(checkpoint / _STATE))
    if checkpoint is not None and state is not None and is_over(state, stage.config.early_stopping):
        model.load_state_dict(load_file(checkpoint / WEIGHTS_OF_CHECKPOINT))
    else:
        trainer.train(None if checkpoint is None else str(checkpoint))
        state = trainer.state
    if state.best_global_step is not None:
        load_best(model, state, run.folder)
    done = {"seed": run.seed, **(run.facts or {}), **_outcome(state)}
    _save_weights(model, run.folder)
    _write(run.folder / "run.json", done)
    processes.wait_for_all()  # until the weights are there, and the best were read by everybody
    if processes.is_first():
        for unneeded in checkpoints(run.folder):
            shutil.rmtree(unneeded)
    return done


def _taught(run: Run) -> Dataset | None:
    """Return a run's rows with what its teachers say of them."""
    rows = run.rows
    if rows is None:
        return None
    for lesson in run.lessons:
        columns = lessons(lesson.teacher, lesson.examples, lesson.corpora, lesson.folder, _say)
        for name, column in columns.items():
            rows = rows.add_column(name, column)
    return rows


def _checkpoint_to_go_on_from(run: Run) -> Path | None:
    checkpoint = processes.from_first(
        last_whole_checkpoint(run.folder) if processes.is_first() else None
    )
    if checkpoint is not None:
        _check_facts(checkpoint, run)
    if processes.is_first():
        remove_broken(run.folder)
        whence = "from its start" if checkpoint is None else f"from {checkpoint.name}"
        _say(f"{run.folder}: goes on {whence}")
    return checkpoint


def _check_facts(checkpoint: Path, run: Run) -> None:
    facts = read_facts(checkpoint)
    _check_teachers(
        checkpoint, facts, {lesson.teacher.subject: lesson.teacher for lesson in run.lessons}
    )
    if facts["rows"] != run.digest:
        raise ConfigError(
            f"{checkpoint}: was trained on other rows than the configuration gives now; bring back "
            "the data as it was, or set another output"
        )


def _sha256s(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each teacher that the record of a run names, by its option."""
    return {
        option: facts[option]["sha256"] for option in TEACHER_OPTIONS.values() if option in facts
    }


def _check_teachers(
    path: Path, found: Mapping[str, Any], teachers: Mapping[Subject, Teacher]
) -> None:
    for subject, option in TEACHER_OPTIONS.items():
        if found.get(option) != (teachers[subject].sha256 if subject in teachers else None):
            raise ConfigError(
                f"{path}: learnt from a {option.replace('_', ' ')} that is another one now; bring "
                "back the model as it was, or set another output"
            )


def where_to_go_on(output: Path) -> str:
    """Return from where `--resume` would go on with what is in an output folder, in words."""
    sealed = [
        checkpoint
        for folder in {path.parent for path in output.glob("stage-*/**/checkpoint-*")}
        if (checkpoint := last_whole_checkpoint(folder)) is not None
    ]
    if sealed:
        return str(max(sealed, key=_age))
    finished = [*output.glob(f"stage-*/{_DONE}"), *output.glob("stage-*/**/run.json")]
    return f"the end of {max(finished, key=_age).parent}" if finished else "the start"


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _outcome(state: TrainerState) -> dict[str, Any]:
    outcome = {"steps": state.global_step, "loss": round(mean_loss(state), 4)}
    if state.best_global_step is None:
        return outcome
    return {**outcome, "best": {"step": state.best_global_step, "figure": state.best_metric}}


def _save_weights(model: CommentModel, folder: Path) -> None:
    if not processes.is_first():
        return
    partial = (folder / _WEIGHTS).with_suffix(".tmp")
    with writing(folder / _WEIGHTS, GO_ON):
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, partial)
        partial.replace(folder / _WEIGHTS)


def _write(path: Path, content: dict[str, Any]) -> None:
    if processes.is_first():
        with writing(path, GO_ON):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, content)


def _say(message: str) -> None:
    if processes.is_first():
        print(message, file=sys.stderr, flush=True)
