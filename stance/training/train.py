"""`stance train`: from a configuration to a model folder.

Stages run one after the other with the Hugging Face Trainer, each from the weights of the one
before; then probabilities are calibrated on held-out rows and the model is exported for scoring.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from transformers import set_seed
from transformers.utils.logging import disable_progress_bar

from stance.errors import ConfigError, OutputError
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import write_json
from stance.training import processes
from stance.training.card import write_card
from stance.training.checkpoints import writing
from stance.training.config import TrainConfig
from stance.training.finish import finish
from stance.training.loop import GO_ON, check_freezing, keep_freed_memory, lacks_bfloat16
from stance.training.ngrams import fit_ngrams
from stance.training.progress import Progress
from stance.training.rows import (
    corpora_of,
    held_out_rows,
    ngram_rows,
    open_sources,
)
from stance.training.stages import prepare_stages, run_stage
from stance.training.start import (
    averaged,
    averaged_models,
    inherited_ngrams,
    load_tokenizer,
    other_weights,
    stages_before,
    starting_calibration,
    starting_model,
    starting_ngrams,
)

SPLITS_FOLDER = "data"


def train(
    config: TrainConfig, *, resume: bool = False, say: Callable[[str], None] = lambda _: None
) -> Path:
    """Train what a configuration describes and return the model folder.

    The configured output folder gets a folder for each stage (logs, checkpoints), `model/` and, in
    `data/`, the user's own rows with the splits that are used.

    Parameters
    ----------
    config : TrainConfig
        As `stance.training.config.load_config` reads it.
    resume : bool
        Go on from the last whole checkpoint in the output folder.
    say : callable
        Gets lines on the user's own data (rows by split, what was left out), and a warning where
        the configured precision is slow on this processor.

    Raises
    ------
    ConfigError
        The output folder is in use, the encoder cannot be had, or an interrupted run had other
        settings or rows.
    DataError
        A corpus cannot be read.
    OutputError
        The output folder cannot be written to; what was there stays as it was.
    """
    output = Path(config.output)
    processes.join()
    _check_output(output, resume=resume)
    processes.wait_for_all()  # until everybody has looked: the first will write there
    # Before the hours of training: something may be missing.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    keep_freed_memory()
    set_seed(config.seed)
    tokenizer = load_tokenizer(config.encoder)
    encoder = InputEncoder(tokenizer, config.max_length)
    model = starting_model(config, encoder)
    check_freezing(model, config)
    others, others_facts = other_weights(config, model), averaged_models(config)
    before = stages_before(config)
    start = starting_calibration(config)
    sources = open_sources(config)
    data_sha256 = sources.sha256s(corpora_of(config))  # of what is read, not of what is there later
    if processes.is_first():
        for line in sources.describe():
            say(line)
        if config.precision == "bfloat16" and lacks_bfloat16():
            say(
                "this processor has no units for bfloat16, which makes it many times slower than "
                "float32 here: interrupt, and add --set precision=float32"
            )
    held_out = held_out_rows(config, sources)
    ngrams, new_ngrams, ngram_mix = starting_ngrams(config), None, None
    kept_ngrams = {} if config.ngrams or ngrams is None else inherited_ngrams(config)
    if config.ngrams:
        rows, ngram_mix = ngram_rows(config, sources)
        new_ngrams = fit_ngrams(rows, ngrams)
    prepared = prepare_stages(config, encoder, sources, resume=resume)
    if processes.is_first():
        sources.write_splits(output / SPLITS_FOLDER)
    progress = Progress(
        [round(run.tokens * stage.config.epochs) for stage in prepared for run in stage.runs]
    )
    try:
        stages = [
            run_stage(model, stage, config, encoder, progress, resume=resume) for stage in prepared
        ]
    finally:
        progress.pause()  # what is said next begins on a line of its own
    model.cpu()  # what it is averaged with and exported by is there
    if others:
        model.load_state_dict(averaged(model.state_dict(), others))
    folder = output / "model"
    processes.leave()
    if not processes.is_first():
        return folder
    with writing(folder, GO_ON), _appearing_whole(folder) as unfinished:
        tokenizer.save(str(unfinished / "tokenizer.json"))
        finished = finish(model, ngrams, new_ngrams, encoder, config, held_out, unfinished, start)
        metrics = {
            "model": config.name,
            "config": config.model_dump(exclude={"output", "data_root", "data"}),
            "data_sha256": data_sha256,
            "starting_model": start.model if start else None,
            "languages": list(config.languages or (start.languages if start else ("en",))),
            "own_data": {data.name: data.to_dict() for data in sources.own},
            "stages": stages,
            "averaged_with": others_facts,
            "stages_before": before,
            "ngram_mix": ngram_mix and ngram_mix.to_dict(),
            **finished.to_dict(),
            **kept_ngrams,
        }
        write_metrics(config, metrics, unfinished)
    return folder


@contextlib.contextmanager
def _appearing_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write to that takes the place of `folder` when all is there."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier process
    unfinished.rename(folder)


def _check_output(output: Path, *, resume: bool) -> None:
    """Refuse a folder that is in use, or that cannot be written to."""
    if output.is_dir() and any(output.iterdir()) and not resume:
        raise ConfigError(
            f"{output} is not empty: add --resume to go on there, or set another output"
        )
    there = output
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise OutputError(f"cannot write {output}: {there} is no folder; set another output")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f"cannot write {output}: {there} is read-only for you; set another output, or see to "
            "its permissions"
        )


def write_metrics(config: TrainConfig, metrics: dict[str, Any], folder: Path) -> None:
    """Write `metrics.json` and the model card that is made from it."""
    write_json(folder / "metrics.json", metrics)
    write_card(config, metrics, folder)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the content of a model folder's `metrics.json`."""
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics
