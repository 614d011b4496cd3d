"""`stance train`: a model from a configuration."""

import argparse
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.commands.common import DONE, FAILED, need_extra, say
from stance.errors import ConfigError, StanceError
from stance.reporting.visible import make_line

if TYPE_CHECKING:
    from stance.evaluation.datasets import EvaluationData
    from stance.training.config import TrainConfig

_PACKAGES = (
    *("torch", "transformers", "datasets", "sklearn", "onnx"),
    *("cleanlab", "fairlearn", "matplotlib", "pydantic"),  # of the report
)

EXAMPLES = """\
Needs an extra: pip install '.[train]' in the project's folder. CONFIG is a YAML file, or the name
of a shipped one. Writes a folder for each stage and, in model/, what stance score --model takes:
weights, model.onnx, calibration, metrics and model card.

examples:
  STANCE_DATA=corpora stance train default-model
  stance train my-model.yaml --set seed=2 --set output=runs/second
  stance train my-model.yaml --resume
  torchrun --nproc-per-node 4 -m stance train my-model.yaml

An interrupted run, even a killed one, goes on with --resume and ends in the same weights. Under
torchrun the processes share each batch: the batch_size of the configuration is that of all.

exit code: 0 fine; 2 wrong use, or nothing could be done; 130 interrupted.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance train`."""
    parser.add_argument("config", metavar="CONFIG", help="a YAML file as in configs/")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change an option, such as stages.0.epochs=2; may be given several times",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last whole checkpoint"
    )
    parser.add_argument(
        "--no-benchmarks",
        action="store_false",
        dest="benchmarks",
        help="do not measure the finished model on the benchmarks under the data root",
    )


def run(args: argparse.Namespace) -> int:
    """Train a model, measure it, and say where it is."""
    need_extra("stance train", "train", _PACKAGES)
    from stance.training import processes

    try:
        return _train(args)
    except StanceError:
        if processes.is_first_of_machine():
            raise
        return FAILED  # the first says the same


def _train(args: argparse.Namespace) -> int:
    from stance.training import processes
    from stance.training.config import load_config
    from stance.training.stages import where_to_go_on
    from stance.training.train import read_metrics, train, write_metrics

    config = load_config(args.config, args.overrides)
    _check_benchmarks(config)
    try:
        folder = train(config, resume=args.resume, say=say)
    except KeyboardInterrupt:
        if processes.is_first():
            place = where_to_go_on(Path(config.output))
            say(f"interrupted; add --resume to the same command to go on from {place}")
        return 128 + signal.SIGINT
    if not processes.is_first():
        return DONE
    found = _measured(config, folder, benchmarks=args.benchmarks)
    write_metrics(config, {**read_metrics(folder), **found}, folder)
    print(make_line(str(folder)))
    return DONE


def _check_benchmarks(config: "TrainConfig") -> None:
    from stance.evaluation.suites import BENCHMARKS

    for name in config.benchmarks or ():
        if name not in BENCHMARKS:
            raise ConfigError(
                f"benchmarks: {name!r} is none; expected some of {', '.join(BENCHMARKS)}"
            )


def _measured(config: "TrainConfig", folder: Path, *, benchmarks: bool) -> dict[str, Any]:
    """Return what a finished model's card says of it; a user's own run gets a report too."""
    from stance.evaluation.suites import measure

    if not config.data:
        found = measure(folder, config.root) if benchmarks and config.root else {}
        return {"benchmarks": found}
    from stance.modeling.network import is_model_folder
    from stance.training.start import encoder_folder

    data_sets = _data_sets(config, benchmarks=benchmarks)
    if not data_sets:
        say("no test rows and no benchmark at hand: the model is not measured")
        return {}
    before = encoder_folder(config.encoder)
    started = Path(before) if is_model_folder(before) else None
    return _compared(folder, started, data_sets, config)


def _data_sets(config: "TrainConfig", *, benchmarks: bool) -> "list[EvaluationData]":
    """Return the test rows of the user's own data, and the benchmarks that are at hand."""
    from stance.evaluation.datasets import sampled
    from stance.evaluation.inputs import load_data_sets
    from stance.evaluation.suites import is_at_hand, load_benchmark
    from stance.training.train import SPLITS_FOLDER

    own = [Path(config.output) / SPLITS_FOLDER / f"{name}.jsonl" for name in config.data]
    with_test = [str(path) for path in own if _names_test(path)]
    found = load_data_sets(with_test)
    root = config.root
    if not benchmarks or root is None:
        return found
    for name in config.benchmarks or ():
        if not is_at_hand(name, root):
            say(f"benchmark {name}: not under {root}, so it is not measured")
            continue
        for data in load_benchmark(name, root=root):
            found.append(sampled(data, config.benchmark_rows or len(data.examples), config.seed))
    return found


def _names_test(path: Path) -> bool:
    from stance.data.labelled import read_labelled

    return any(row.split == "test" for row in read_labelled(path).rows)


def _compared(
    after: Path,
    before: Path | None,
    data_sets: "list[EvaluationData]",
    config: "TrainConfig",
) -> dict[str, Any]:
    """Write the report of a model beside the one before, show the changes and return them."""
    from stance.commands.evaluate import write_evaluation
    from stance.evaluation.before_after import changes
    from stance.evaluation.evaluate import evaluate
    from stance.evaluation.inputs import load_contender, load_contenders
    from stance.modeling.calibration import Calibration
    from stance.reporting.before_after import print_changes
    from stance.reporting.terminal import ProgressBar, make_console

    baselines = load_contenders([str(before)] if before else [])
    with contextlib.ExitStack() as bars:
        report, tables = evaluate(
            load_contender(str(after)),
            data_sets,
            baselines=baselines,
            seed=config.seed,
            progress=lambda what: bars.enter_context(ProgressBar(what)),
        )
    folder = Path(config.output) / "evaluation"
    folder.mkdir(exist_ok=True)
    write_evaluation(report, tables, folder)
    found = []
    if before is not None:
        was, now = Calibration.load(before), Calibration.load(after)
        for evaluation, table in zip(report.evaluations, tables, strict=True):
            prefix = f"{baselines[0].key}_"
            found += changes(evaluation, table, prefix, (was.thresholds, now.thresholds))
        print_changes(found, was.model, now.model, make_console(sys.stdout))
    print(make_line(str(folder / "report.html")))
    return {"before_and_after": [change.to_dict() for change in found]}
