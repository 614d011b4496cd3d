"""The command `stance`: reads arguments, calls a plain function of the same name, prints.

Exit codes: 0 all went well (a page without comments too), 1 some inputs or rows failed and the
others went on, 2 wrong use or nothing could be done, 3 a figure of `stance evaluate` is not what
`--require` asks for.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from stance.errors import DataError, InputError, MissingExtraError, OutputError, StanceError
from stance.reporting.visible import make_line

if TYPE_CHECKING:
    from stance.data.examples import Example
    from stance.data.labelled import LabelledData, Names
    from stance.evaluation.results import Figure, Report, Requirement
    from stance.labels import ToxicityLabel
    from stance.scoring.analyzer import Analyzer
    from stance.scoring.results import Prediction, ScoredThread
    from stance.scoring.rows import RowCounts
    from stance.tables import Row
    from stance.thread import Thread

MAX_SHOWN = 50_000  # comments that a terminal or a report takes; files of rows take any number
MAX_TARGET_CHARS = 500
MAX_BAD_LINES_SAID = 10  # of one file; all are counted

DONE, PARTLY, FAILED, NOT_MET = 0, 1, 2, 3


# Commands


def parse(args: argparse.Namespace) -> int:
    """Print each thread as a JSON line."""
    from stance.parsing import parse_threads
    from stance.tables import json_line

    sys.stdout.flush()
    inputs = _Inputs(args.pages)
    for source in inputs:
        with inputs.attempt():
            for thread in parse_threads(source, now=args.now):
                sys.stdout.buffer.write(json_line(thread.to_dict()))
                sys.stdout.buffer.flush()
                _say_what_is_missing(thread)
    return inputs.exit_code()


def score(args: argparse.Namespace) -> int:
    """Score each page or comment file and show or write the result."""
    from stance.tables import row_ending

    key = None
    if args.pseudonymise:
        from stance.scoring.pseudonyms import load_key

        key = load_key()
        _say("authors become ids; names inside texts and in other columns are left as they are")
    inputs = _Inputs(args.pages, args.output)
    with _open_output(args.output, args.pages) as output:
        scoring = _Scoring(args, output, key)
        for source in inputs:
            with inputs.attempt():
                if row_ending(source) is None:
                    scoring.score_page(source)
                elif _holds_threads(source):
                    inputs.bad_rows += scoring.score_threads(source)
                else:
                    inputs.bad_rows += scoring.score_rows(source)
        # Raised inside: where nothing was scored, no file takes the place of an older one.
        code = inputs.exit_code()
    output.say_what_was_written()
    return code


def train(args: argparse.Namespace) -> int:
    """Train a model, measure it on the benchmarks at hand, and say where it is."""
    _need_extra("stance train", "train", ("torch", "transformers", "datasets", "sklearn", "onnx"))
    from stance.evaluation.suites import measure
    from stance.training.config import load_config
    from stance.training.train import read_metrics, train, write_metrics

    config = load_config(args.config, args.overrides)
    folder = train(config, resume=args.resume)
    if args.benchmarks:
        metrics = {**read_metrics(folder), "benchmarks": measure(folder, Path(config.data_root))}
        write_metrics(config, metrics, folder)
    print(folder)
    return DONE


def evaluate(args: argparse.Namespace) -> int:
    """Measure a model on labelled data, write the report, and say which requirements fail."""
    _need_extra(
        "stance evaluate",
        "evaluate",
        ("sklearn", "cleanlab", "fairlearn", "matplotlib", "pydantic"),
    )
    from stance.data.labelled import Names
    from stance.evaluation.evaluate import Need, evaluate
    from stance.evaluation.inputs import load_contender, load_contenders, load_data_sets
    from stance.reporting.terminal import ProgressBar

    folder = _made_folder(args.out)
    root = Path(args.data_root) if args.data_root else None
    names = Names.parse(args.columns, args.labels)
    data_sets = load_data_sets(
        args.data, root=root, names=names, split=args.split, slices=args.slices
    )
    training = _training_rows(args.train_data, root, names)
    model = load_contender(args.model, training=training, threads=args.threads)
    baselines = load_contenders(args.baselines, training=training, threads=args.threads)
    with contextlib.ExitStack() as bars:
        report, tables = evaluate(
            model,
            data_sets,
            baselines=baselines,
            bootstrap=args.bootstrap,
            seed=args.seed,
            requirements=[Need.of(name, value) for name, value in args.requirements],
            progress=lambda what: bars.enter_context(ProgressBar(what)),
        )
    _write_evaluation(report, tables, folder)
    for evaluation in report.evaluations:
        for figure in evaluation.figures:
            if figure.headline:
                print(make_line(f"{evaluation.data}: {_figure_line(figure)}"))
    print(make_line(str(folder / "report.html")))
    return _evaluation_code(report)


def calibrate(args: argparse.Namespace) -> int:
    """Choose thresholds on labelled data, say how they do, and write a copy of the model."""
    _need_extra("stance calibrate", "evaluate", ("sklearn",))
    from stance.data.labelled import Names, read_labelled
    from stance.reporting.recalibration import card_section, describe
    from stance.reporting.terminal import ProgressBar
    from stance.scoring.analyzer import DEFAULT_MODEL
    from stance.training.recalibrate import (
        check_new_folder,
        recalibrate,
        tuning_rows,
        write_copy,
    )

    labels = _toxicity_labels([label for label in args.labels if "=" not in label])
    names = Names.parse(args.columns, [label for label in args.labels if "=" in label])
    model = DEFAULT_MODEL if args.model is None else Path(args.model)
    folder = None if args.out is None else Path(args.out)
    if folder is not None:
        check_new_folder(folder, model)
    data = read_labelled(args.data, names)
    rows = [row for row in tuning_rows(data, args.split) if row.toxicity]
    if not rows:
        raise DataError(f"{data.name}: no row has a toxicity label; expected {', '.join(labels)}")
    analyzer = load_analyzer(args.model, args.threads)
    with ProgressBar(data.name) as progress:
        predictions = analyzer.predict(
            [row.text for row in rows], [()] * len(rows), progress=progress
        )
    result = recalibrate(
        analyzer.calibration,
        rows,
        [prediction.toxicity for prediction in predictions],
        labels,
        "precision" if args.recall is None else "recall",
        args.precision if args.recall is None else args.recall,
        refit=args.refit,
        toxic_share=args.toxic_share,
        seed=args.seed,
    )
    for line in describe(result):
        print(line)
    unusable = _say_what_was_left_out(data)
    if not result.is_reached:
        _say("nothing is written: what was asked for is out of reach")
        return PARTLY
    if folder is None:
        _say("nothing is written: name a folder for a copy of the model with --out")
    else:
        write_copy(model, folder, result.calibration, card_section(result, data.name))
        print(make_line(str(folder)))
    return PARTLY if unusable else DONE


def check_data(args: argparse.Namespace) -> int:
    """Say what in labelled data hinders training, and how to mend it."""
    import json

    from stance.data.check import check
    from stance.data.labelled import Names
    from stance.modeling.calibration import Calibration
    from stance.modeling.encoding import InputEncoder
    from stance.reporting.data_check import print_findings
    from stance.reporting.terminal import ProgressBar, make_console
    from stance.scoring.analyzer import DEFAULT_MODEL
    from stance.scoring.language import LanguageDetector
    from stance.tables import atomic_file, check_output

    if args.json is not None:
        check_output(args.json, (".json",))
        _check_not_an_input(args.json, [args.data])
    calibration = Calibration.load(DEFAULT_MODEL)
    length = calibration.max_length if args.max_length is None else args.max_length
    with ProgressBar(args.data) as progress:
        found = check(
            args.data,
            Names.parse(args.columns, args.labels),
            encoder=InputEncoder.from_folder(DEFAULT_MODEL, length),
            detect=LanguageDetector(calibration.languages).detect,
            languages=calibration.languages,
            root=Path(args.data_root) if args.data_root else None,
            seed=args.seed,
            progress=progress,
        )
    if args.json is not None:
        text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        with atomic_file(args.json) as stream:
            stream.write(f"{text}\n".encode("utf-8", "replace"))
    print_findings(found, make_console(sys.stdout))
    return PARTLY if found.problems else DONE


def _toxicity_labels(names: Sequence[str]) -> "list[ToxicityLabel]":
    from stance.labels import TOXICITY_LABELS

    labels = [label for label in TOXICITY_LABELS if label in names]
    for name in names:
        if name not in labels:
            raise DataError(f"--label {name}: expected one of {', '.join(TOXICITY_LABELS)}")
    if not labels:
        raise DataError(
            f"no label whose threshold to choose; name some of {', '.join(TOXICITY_LABELS)} "
            "with --label"
        )
    return labels


def _say_what_was_left_out(data: "LabelledData") -> int:
    """Say which rows could not be used, and return how many those are."""
    for note in data.notes:
        _say(f"{data.name}: {note}")
    problems = [problem for problem in data.problems if not problem.unlabelled]
    for problem in problems:
        rows = "row" if problem.count == 1 else "rows"
        _say(
            f"{data.name}: {problem.count:,} {rows} left out: {problem.reason} ({problem.rows[0]})"
        )
    return sum(problem.count for problem in problems)


def _need_extra(task: str, extra: str, packages: Sequence[str]) -> None:
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(task, extra, package)


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `stance`: what runs it, what declares its arguments, what its help says."""

    run: Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    summary: str
    examples: str = ""


def _commands() -> dict[str, Command]:
    return {
        "parse": Command(
            parse, _add_parse_arguments, "read pages: the article and its single comments", _PARSE
        ),
        "score": Command(
            score, _add_score_arguments, "score comments: stance, toxicity, toxic words", _SCORE
        ),
        "evaluate": Command(
            evaluate,
            _add_evaluate_arguments,
            "measure a model on labelled comments or benchmarks, as a report",
            _EVALUATE,
        ),
        "calibrate": Command(
            calibrate,
            _add_calibrate_arguments,
            "choose toxicity thresholds for a wanted precision or recall",
            _CALIBRATE,
        ),
        "check-data": Command(
            check_data,
            _add_check_data_arguments,
            "look through labelled comments before training on them",
            _CHECK_DATA,
        ),
        "train": Command(train, _add_train_arguments, "train a model from a configuration", _TRAIN),
    }


# Arguments

_PARSE = """\
Prints one JSON line a page: source, format, article, comments. Times are in the page's own clock.

examples:
  stance parse page.html
  stance parse saved-pages/ > threads.jsonl
  curl -s https://example.org/post | stance parse - --now 2026-01-31T12:00
"""

_SCORE = """\
PAGE is a saved page (HTML or plain text), an export, a folder of pages, or - for standard input;
or comments alone, as JSON Lines, CSV or Parquet with a column "text". A column "target" there is
scored beside the targets given here, and before them; other columns come back unchanged (one that
has the name of an output column as input_NAME), and a row that cannot be scored comes back with
an "error". Comments alone without any target get toxicity alone. Give them as a file: from standard
input they are read as a thread, without their own targets and further columns.

Without --target a page is scored against its headline, as a claim, and at most three names that
the article and the comments speak about most.

In CSV the targets stand as JSON in the column "stance" and, where all rows have the same, as
columns such as "stance.NATO.favor" too. A text that a spreadsheet would run as a formula (it
begins with = + - @ or a tab) gets an apostrophe before it; the other formats keep it as it is.

"reply" says of a comment that answers another one how it stands to that: favor if it agrees,
against if it disagrees. Among comments alone it is for those whose "parent_id" is another row's
"id". "language" is an ISO 639-1 code, or empty where a comment is too short to tell. Comments in
languages that the model does not read are scored, counted and marked: do not rely on their scores.

--pseudonymise turns each author into an id that is the same in all pages and runs: a hash with
the key in the environment variable STANCE_PSEUDONYM_KEY, or with one that is made on first use
and kept in ~/.config/stance. Names inside texts, in other columns and in the article remain.

exit code: 0 fine, also where a page has no comments; 1 some inputs or rows failed and the others
went on; 2 wrong use, or nothing could be done.

examples:
  stance score page.html
  stance score page.html --target NATO --target "Poland should arm itself"
  stance score saved-pages/ -o scores.csv --pseudonymise
  stance score page.txt -o report.html
  stance score comments.jsonl --target trams -o scores.parquet
"""


_TRAIN = """\
Needs an extra: pip install '.[train]' in the project's folder. CONFIG is a YAML file, or the name
of a shipped one. Writes a folder for each stage and, in model/, what stance score --model takes:
weights, model.onnx, calibration, metrics and model card.

examples:
  STANCE_DATA=corpora stance train default-model
  stance train my-model.yaml --set seed=2 --set output=runs/second
  stance train my-model.yaml --resume
"""


_EVALUATE = """\
Needs an extra: pip install '.[evaluate]' in the project's folder. DATA is labelled comments (CSV,
JSON Lines, Parquet, a folder that Hugging Face datasets saved, or, where there is a network, the
name OWNER/NAME of one on its hub), or a benchmark: vast, arc, semeval2016, jigsaw, wiki_context,
hatecheck, bias_templates, toxic_spans. A benchmark lies in its published files under --data-root,
or where vast=FOLDER says.

The columns of labelled comments: text; target and stance (favor, against, neutral); toxicity,
severe_toxicity, obscene, threat, insult, identity_attack (each 0, 1 or a share of raters); parent,
group, split (train, dev, test). Empty cells are not labelled. Other names are mapped.

Writes report.html, report.md, metrics.json and predictions.parquet into the folder of --out.

exit code: 0 fine; 1 some rows could not be used; 2 wrong use, or nothing could be done; 3 a figure
is not what --require asks for.

examples:
  stance evaluate --data labelled.csv --out evaluation --slice site
  stance evaluate --model runs/mine/model --baseline tfidf --data vast hatecheck --out evaluation
  stance evaluate --data mine.jsonl --column text=body --label stance.pro=favor --out evaluation
  stance evaluate --data test.csv --out evaluation --require macro_f1=0.65
"""


_CALIBRATE = """\
Needs an extra: pip install '.[evaluate]' in the project's folder. DATA is labelled comments as for
stance evaluate, with toxicity labels. Prints for each label the threshold, how it does on the rows
it was chosen on, with 95% intervals, and what share of them it flags. With --out a copy of the
model is written that has it; stance score --model takes that. The model itself is never changed.

Choose on comments like those to be scored, in their natural mix or with --toxic-share, and judge
the copy on others with stance evaluate. A label needs 20 comments with it and 20 without it.

exit code: 0 fine; 1 what was asked for is out of reach and nothing is written, or some rows could
not be used; 2 wrong use, or nothing could be done.

examples:
  stance calibrate --data labelled.csv --label toxicity --precision 0.9 --out careful
  stance calibrate --data labelled.csv --label toxicity --label insult --recall 0.8
  stance calibrate --data mine.jsonl --label toxicity --precision 0.8 --refit --toxic-share 0.05 \\
      --out mine
"""


_CHECK_DATA = """\
DATA is labelled comments as for stance evaluate: CSV, JSON Lines, Parquet, or a folder that Hugging
Face datasets saved. Says how many rows each label and target has, and looks for rows that cannot
be used, labels that are not allowed, classes that are missing or thin, the same comment with
different labels, in two splits or in a benchmark, repeats, languages that the model does not
read, and comments longer than its window. Each finding comes with what mends it.

Labels that are likely wrong are named too, if the extra is there: pip install '.[evaluate]' in
the project's folder. They are those that a simple model, trained on the other rows, finds least
probable: look at them, many of them are right. Of very many rows a random sample is searched.

exit code: 0 nothing hinders training; 1 something does; 2 wrong use, or the data cannot be read.

examples:
  stance check-data labelled.csv
  stance check-data mine.jsonl --column text=body --label stance.pro=favor --json findings.json
  stance check-data labelled.csv --data-root corpora
"""


def _add_parse_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="a file, a folder, or -")
    _add_now(parser)


def _add_score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="a file, a folder, or -")
    parser.add_argument(
        "--target",
        action="append",
        type=_target,
        dest="targets",
        metavar="TEXT",
        help="who or what to be for or against: a name or a claim; may be given several times",
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="write .jsonl, .csv, .parquet (.jsonl.gz, .csv.gz), or a report as .html; "
        "without it a table in the terminal",
    )
    parser.add_argument(
        "--threshold",
        type=_probability,
        metavar="X",
        help="flag as toxic from this probability on, 0 to 1 (default: the model's own)",
    )
    parser.add_argument(
        "--no-reply",
        action="store_false",
        dest="replies",
        help="do not say of each reply whether it agrees with the comment that it answers (faster)",
    )
    parser.add_argument("--pseudonymise", action="store_true", help="authors become stable ids")
    parser.add_argument("--model", metavar="FOLDER", help="model folder (default: built in)")
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="processor threads (default: all cores)"
    )
    _add_now(parser)


def _add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        nargs="+",
        action="extend",
        required=True,
        metavar="DATA",
        help="labelled comments or benchmarks",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where to write the report")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="model folder, majority or tfidf (default: the model that is built in)",
    )
    parser.add_argument(
        "--baseline",
        action="append",
        default=[],
        dest="baselines",
        metavar="MODEL",
        help="compare with a model folder, or with majority or tfidf, which are trained in the "
        "run; may be given several times",
    )
    parser.add_argument(
        "--train-data",
        action="append",
        default=[],
        metavar="DATA",
        help="what majority and tfidf are trained on: labelled comments, a corpus under the data "
        "root, or a training configuration, whose mix it is (default: the data's own train rows)",
    )
    parser.add_argument(
        "--split", metavar="NAME", help="train, dev, test or all (default: test where there is one)"
    )
    parser.add_argument(
        "--slice",
        action="append",
        default=[],
        dest="slices",
        metavar="COLUMN",
        help="show figures by the values of a column too; may be given several times",
    )
    _add_name_arguments(parser)
    parser.add_argument(
        "--bootstrap",
        type=_resamples,
        default=1000,
        metavar="N",
        help="resamples for the 95%% intervals, 0 for none (default: 1000)",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="of the resamples (default: 1)"
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        type=_need,
        dest="requirements",
        metavar="FIGURE=X",
        help="exit with 3 where a figure is below X (or above, where lower is better), such as "
        "macro_f1=0.65, or vast:macro_f1=0.65 for one data set; may be given several times",
    )
    parser.add_argument(
        "--data-root",
        default=os.environ.get("STANCE_DATA"),
        metavar="FOLDER",
        help="folder that holds the benchmarks (default: the environment variable STANCE_DATA)",
    )
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="processor threads (default: all cores)"
    )


def _add_calibrate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", required=True, metavar="DATA", help="comments with toxicity labels"
    )
    wish = parser.add_mutually_exclusive_group(required=True)
    wish.add_argument(
        "--precision",
        type=_positive_probability,
        metavar="X",
        help="at least this share of the flagged comments has the label; at the most recall",
    )
    wish.add_argument(
        "--recall",
        type=_positive_probability,
        metavar="X",
        help="at least this share of the comments with the label is flagged, and as few as can be",
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        dest="labels",
        metavar="LABEL",
        help="whose threshold to choose, such as toxicity; may be given several times; "
        "or what it is called in the data: toxicity.yes=1",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        dest="columns",
        metavar="OURS=THEIRS",
        help="what a column is called in the data: text=comment_body",
    )
    parser.add_argument("--model", metavar="FOLDER", help="model folder (default: built in)")
    parser.add_argument(
        "--out", metavar="FOLDER", help="write a copy of the model with the thresholds here"
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="train, dev, test or all (default: dev where the data names splits, else all)",
    )
    parser.add_argument(
        "--refit",
        action="store_true",
        help="fit the probabilities of these labels on the data before",
    )
    parser.add_argument(
        "--toxic-share",
        type=_share,
        metavar="X",
        help="share of toxic comments where the model is used, if the data hold more or fewer: "
        "rows are weighed so",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="of the resamples (default: 1)"
    )
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="processor threads (default: all cores)"
    )


def _add_name_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        dest="columns",
        metavar="OURS=THEIRS",
        help="what a column of labelled comments is called there: text=comment_body",
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        dest="labels",
        metavar="COLUMN.THEIRS=OURS",
        help="what a label is called there: stance.pro=favor",
    )


def _add_check_data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="labelled comments")
    _add_name_arguments(parser)
    parser.add_argument("--json", metavar="FILE", help="write all that was found here too")
    parser.add_argument(
        "--max-length",
        type=_window,
        metavar="N",
        help="tokens that training reads of a comment (default: the built-in model's)",
    )
    parser.add_argument(
        "--data-root",
        default=os.environ.get("STANCE_DATA"),
        metavar="FOLDER",
        help="folder that holds the benchmarks, to look the rows up there (default: the "
        "environment variable STANCE_DATA)",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="of the samples (default: 1)"
    )


def _add_train_arguments(parser: argparse.ArgumentParser) -> None:
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


def _add_now(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--now",
        type=_time,
        metavar="TIME",
        help='when the page was saved, ISO 8601: what "3 hours ago" counts from',
    )


def _target(text: str) -> str:
    target = " ".join(text.split())
    # What cannot be decoded in an argument comes as half surrogate pairs.
    if any("\ud800" <= character <= "\udfff" for character in target):
        raise argparse.ArgumentTypeError(f"the target {target!a} is no valid UTF-8")
    if not target:
        raise argparse.ArgumentTypeError("the target is empty")
    if len(target) > MAX_TARGET_CHARS:
        raise argparse.ArgumentTypeError(
            f"the target has {len(target):,} characters, expected at most {MAX_TARGET_CHARS}"
        )
    return target


def _probability(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")


def _positive_probability(text: str) -> float:
    value = _probability(text)
    if value > 0:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, up to 1")


def _share(text: str) -> float:
    value = _probability(text)
    if 0 < value < 1:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 1")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 1024:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1024")


def _window(text: str) -> int:
    if text.isascii() and text.isdigit() and 160 <= int(text) <= 8192:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 160 to 8192")


def _resamples(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 100_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 100000")


def _seed(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 2**32:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}")


def _need(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    with contextlib.suppress(ValueError):
        if name and -1 <= float(number) <= 1:
            return name, float(number)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no requirement, expected a figure and a number up to 1, such as macro_f1=0.65"
    )


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time, expected one such as 2026-01-31T12:00"
        ) from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one visible line what is wrong, after a line of usage."""
        super().error(make_line(message))


class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"stance {version('stance')}")
        parser.exit(DONE)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="stance",
        description="Reads comment sections offline: who is for or against what, and where it "
        "turns abusive.",
        epilog="stance COMMAND --help says more and has examples.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in _commands().items():
        own = commands.add_parser(
            name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=command.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser


# Evaluating


def _made_folder(path: str) -> Path:
    """Return a folder that files can be written into, made if it is missing."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into the folder {path}: it is not writable")
    return folder


def _training_rows(
    sources: Sequence[str], root: Path | None, names: "Names"
) -> "tuple[list[Example], str] | None":
    """Return what --train-data names for the baselines: rows, and what they are."""
    if not sources:
        return None
    from stance.evaluation.inputs import training_rows

    rows: list[Example] = []
    described = []
    for source in sources:
        found, words = (
            _mix_rows(source, root)
            if _is_configuration(source)
            else training_rows(source, root=root, names=names)
        )
        rows += found
        described.append(words)
    return rows, ", ".join(described)


def _is_configuration(source: str) -> bool:
    if source.endswith((".yaml", ".yml")):
        return True
    from stance.data.corpora import CORPORA

    is_path = "." in source or "/" in source or Path(source).exists()
    return source not in CORPORA and not is_path


def _mix_rows(config: str, root: Path | None) -> "tuple[list[Example], str]":
    """Return the rows of all mixes of a training configuration, each text and target once."""
    from stance.data.mix import build_mix
    from stance.training.config import load_config

    loaded = load_config(config, [f"data_root={root}"] if root else [])
    shares = [share.to_share() for stage in loaded.stages for share in stage.mix]
    rows, _ = build_mix(shares, Path(loaded.data_root), loaded.seed)
    return rows, f"the mix of {Path(config).name}"


def _write_evaluation(report: "Report", tables: Sequence[Any], folder: Path) -> None:
    import json

    from stance.evaluation.table import write_predictions
    from stance.reporting.evaluation import render_html, render_markdown
    from stance.tables import atomic_file

    metrics = json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    # Made before any is written: an older report stays whole where a page cannot be made.
    texts = {
        "metrics.json": f"{metrics}\n",
        "report.md": render_markdown(report),
        "report.html": render_html(report),
    }
    write_predictions(tables, folder / "predictions.parquet")
    for name, text in texts.items():
        with atomic_file(folder / name) as stream:
            stream.write(text.encode("utf-8", "replace"))


def _figure_line(figure: "Figure") -> str:
    value = "none" if figure.value is None else f"{figure.value:.4f}"
    bounds = figure.interval
    between = f" ({bounds.low:.4f} to {bounds.high:.4f})" if bounds else ""
    return f"{figure.key} {value}{between}, n = {figure.n:,}"


def _evaluation_code(report: "Report") -> int:
    """Return the exit code, after lines that say what was left out and what is not met."""
    skipped = 0
    for evaluation in report.evaluations:
        for note in evaluation.notes:
            _say(f"{evaluation.data}: {note}")
        for reason in evaluation.skipped:
            first = f" ({reason.rows[0]})" if reason.rows else ""
            _say(f"{evaluation.data}: {reason.count:,} rows left out: {reason.reason}{first}")
            skipped += reason.count if not reason.unlabelled else 0
    missed = [outcome for outcome in report.requirements if not outcome.met]
    for outcome in missed:
        _say(_missed(outcome))
    if missed:
        return NOT_MET
    return PARTLY if skipped else DONE


def _missed(outcome: "Requirement") -> str:
    wanted = f"{'at least' if outcome.higher_is_better else 'at most'} {outcome.least:g}"
    where = f" of {outcome.data}" if outcome.data else ""
    if outcome.value is None:
        return f"not met: {outcome.key}{where} has no value here, required {wanted}"
    return f"not met: {outcome.key}{where} is {outcome.value:.4f}, required {wanted}"


# Inputs


class _Inputs:
    """The sources named by paths, and how many of them failed."""

    def __init__(self, paths: Sequence[str], output: str | None = None) -> None:
        self._paths = paths
        self._output = output
        self.tried = 0
        self.failed = 0
        self.bad_rows = 0

    def __iter__(self) -> Iterator[str]:
        from stance.parsing import find_sources

        for path in self._paths:
            found: list[str] = []
            try:
                found = find_sources([path])
            except InputError as error:
                self.tried += 1
                self._fail(error)
            for source in found:
                # What an earlier run wrote into a folder is none of its pages.
                if source == path or not _is_same_file(source, self._output):
                    self.tried += 1
                    yield source

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Say what is wrong with one input, and go on with the next."""
        try:
            yield
        except InputError as error:
            self._fail(error)

    def _fail(self, error: InputError) -> None:
        self.failed += 1
        _say(str(error))

    def exit_code(self) -> int:
        """Return the exit code, after a line that counts the failures.

        Raises
        ------
        InputError
            All of several inputs failed.
        SystemExit
            The only input failed; what is wrong with it has been said.
        """
        if self.failed == self.tried == 1:
            raise SystemExit(FAILED)
        if self.failed == self.tried:
            raise InputError(f"none of {self.tried:,} inputs could be read")
        if self.failed:
            _say(f"{self.failed:,} of {self.tried:,} inputs failed")
        return PARTLY if self.failed or self.bad_rows else DONE


def _say_what_is_missing(thread: "Thread") -> None:
    if not thread.comments and not any("no comment" in note for note in thread.notes):
        _say(f"{thread.source}: no comments found")
    for note in thread.notes:
        _say(f"{thread.source}: {note}")


def _holds_threads(source: str) -> bool:
    """Whether a file holds what `stance parse` printed: JSON lines with whole threads."""
    from stance.tables import read_rows

    first = next((row for row in read_rows(source) if row.error is None), None)
    return first is not None and "text" not in first.values and "comments" in first.values


def _thread_of(row: "Row") -> "Thread":
    from stance.thread import Thread

    if row.error is not None:
        raise ValueError(row.error)
    return Thread.from_dict(row.values)


# Scoring


class _Scoring:
    """Scores sources one by one into an output; the model is loaded at the first comment."""

    def __init__(self, args: argparse.Namespace, output: "_Output", key: bytes | None) -> None:
        self._args = args
        self._targets = None if args.targets is None else tuple(dict.fromkeys(args.targets))
        self._output = output
        self._key = key
        self._analyzer: Analyzer | None = None

    @property
    def analyzer(self) -> "Analyzer":
        if self._analyzer is None:
            self._analyzer = load_analyzer(self._args.model, self._args.threads)
        return self._analyzer

    def score_page(self, source: str) -> None:
        """Score the threads of a page or an export."""
        from stance.parsing import parse_threads

        for thread in parse_threads(source, now=self._args.now):
            self._add_thread(thread)

    def score_threads(self, source: str) -> int:
        """Score a file that `stance parse` printed and return how many of its lines are bad."""
        from stance.tables import read_rows

        lines = bad = 0
        for row in read_rows(source):
            lines += 1
            try:
                thread = _thread_of(row)
            except (TypeError, ValueError) as error:
                bad += 1
                if bad <= MAX_BAD_LINES_SAID:
                    _say(f"{source}: line {row.number}: {error}")
            else:
                self._add_thread(thread)
        if bad == lines:
            raise InputError(
                f"{source}: none of {lines:,} lines is a thread as stance parse prints it"
            )
        if bad:
            _say(f"{source}: {bad:,} of {lines:,} lines could not be scored")
        return bad

    def _add_thread(self, thread: "Thread") -> None:
        _say_what_is_missing(thread)
        self._output.inputs += 1
        if thread.comments:
            self._output.check_room(len(thread.comments), thread.source)
            self._output.add_thread(self._score_thread(thread))

    def _score_thread(self, thread: "Thread") -> "ScoredThread":
        from stance.reporting.terminal import ProgressBar
        from stance.scoring.pseudonyms import pseudonymise
        from stance.scoring.summary import count_unread

        with ProgressBar(thread.source) as progress:
            scored = self.analyzer.score(
                thread,
                self._targets,
                threshold=self._args.threshold,
                replies=self._args.replies,
                progress=progress,
            )
        if not scored.targets:
            _say(f"{thread.source}: no target named and none found: toxicity alone")
        unread = count_unread(scored)
        self._output.say_unread(unread, len(scored.comments), scored.languages, thread.source)
        return scored if self._key is None else pseudonymise(scored, self._key)

    def score_rows(self, source: str) -> int:
        """Score a file of comments and return how many of its rows are bad."""
        from stance.reporting.terminal import ProgressBar
        from stance.scoring.rows import RowCounts, score_rows
        from stance.tables import read_rows

        counts = RowCounts()
        unscored = self._output.admit(read_rows(source), source)
        rows = score_rows(
            unscored,
            self.analyzer,
            source,
            targets=self._targets or (),
            threshold=self._args.threshold,
            replies=self._args.replies,
            counts=counts,
        )
        with ProgressBar(source) as progress:
            self._output.add_rows(self._counted(rows, progress), source, self.analyzer)
        if counts.rows == counts.bad:
            raise InputError(f"{source}: {_no_row(counts)}")
        self._output.inputs += 1
        for old, new in counts.renamed.items():
            _say(f"{source}: the column {old!r} is an output column; yours is now {new!r}")
        if counts.untargeted:
            _say(f"{source}: {counts.untargeted:,} rows without a target: toxicity alone")
        if counts.orphans:
            _say(
                f"{source}: rows whose parent is not in the file, or too far before or after them, "
                f"get no reply: {counts.orphans:,}"
            )
        self._output.say_unread(
            counts.unread, counts.rows - counts.bad, self.analyzer.languages, source
        )
        if counts.bad:
            _say(f"{source}: {counts.bad:,} of {counts.rows:,} rows could not be scored")
        return counts.bad

    def _counted(
        self,
        rows: "Iterable[tuple[dict[str, Any], Prediction | None]]",
        progress: Callable[[int, int], None],
    ) -> "Iterator[tuple[dict[str, Any], Prediction | None]]":
        from stance.scoring.pseudonyms import pseudonym

        for number, (row, prediction) in enumerate(rows, 1):
            if self._key is not None and row["author"] is not None:
                row["author"] = pseudonym(str(row["author"]), self._key)
            yield row, prediction
            progress(number, 0)


def _no_row(counts: "RowCounts") -> str:
    if not counts.rows:
        return "no rows"
    found = ", ".join(counts.columns[:10]) or "none that can be read"
    return (
        f"none of {counts.rows:,} rows could be scored; expected a column 'text' with the comment, "
        f"found {found}"
    )


def load_analyzer(model: str | None, threads: int | None) -> "Analyzer":
    """Return the analyzer of a model folder, or of the model that is built in."""
    from stance.scoring.analyzer import Analyzer

    return Analyzer(model, threads=threads)


# Outputs


class _Output:
    """Where scores go: a table in the terminal unless a file is named."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.inputs = 0
        self.comments = 0  # kept so far; a terminal keeps none

    def check_room(self, comments: int, source: str) -> None:
        """Refuse, before any is scored, more comments than a reader can look at.

        Raises
        ------
        OutputError
            With those kept so far there are more than `MAX_SHOWN`.
        """
        if self.comments + comments > MAX_SHOWN:
            raise OutputError(
                f"{source}: more than {MAX_SHOWN:,} comments are too many to look at; "
                "write them with -o to .jsonl, .csv or .parquet"
            )

    def admit(self, rows: "Iterator[Row]", source: str) -> "Iterator[Row]":
        """Return the rows, having looked just far enough ahead for `check_room`."""
        ahead = list(islice(rows, MAX_SHOWN - self.comments + 1))
        self.check_room(len(ahead), source)
        return iter(ahead)

    def add_thread(self, scored: "ScoredThread") -> None:
        """Show or write a scored thread."""
        from stance.reporting.terminal import make_console, print_thread

        print_thread(scored, make_console(sys.stdout))

    def add_rows(
        self,
        rows: "Iterator[tuple[dict[str, Any], Prediction | None]]",
        source: str,
        analyzer: "Analyzer",
    ) -> None:
        """Show or write scored rows."""
        from stance.scoring.rows import thread_of_rows

        scored = thread_of_rows(rows, source, analyzer.name, analyzer.languages)
        if scored.comments:
            self.add_thread(scored)

    def say_unread(
        self, unread: Mapping[str, int], comments: int, languages: Sequence[str], source: str
    ) -> None:
        """Warn of comments that the model cannot read, unless what is shown says so itself."""
        if unread and self.path is not None:
            from stance.scoring.language import say_unread

            _say(f"{source}: {say_unread(unread, comments, languages)}")

    def say_what_was_written(self) -> None:
        """Say in a line what is in the file."""
        if self.path is not None:
            inputs = f"{self.inputs:,} {'input' if self.inputs == 1 else 'inputs'}"
            comments = f"{self.comments:,} {'comment' if self.comments == 1 else 'comments'}"
            _say(f"{self.path}: {comments} of {inputs}")


class _RowsOutput(_Output):
    """Rows into a JSON Lines, CSV or Parquet file."""

    def __init__(self, path: str, add: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(path)
        self._add = add

    def check_room(self, comments: int, source: str) -> None:
        """Take any number."""

    def admit(self, rows: "Iterator[Row]", source: str) -> "Iterator[Row]":
        """Return the rows, to be read as they are written."""
        return rows

    def add_thread(self, scored: "ScoredThread") -> None:
        """Write a row a comment."""
        for row in scored.rows():
            self._add(row)
            self.comments += 1

    def add_rows(
        self,
        rows: "Iterator[tuple[dict[str, Any], Prediction | None]]",
        source: str,
        analyzer: "Analyzer",
    ) -> None:
        """Write the rows as they come."""
        for row, _ in rows:
            self._add(row)
            self.comments += 1


class _ReportOutput(_Output):
    """Threads into one HTML report."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.threads: list[ScoredThread] = []

    def add_thread(self, scored: "ScoredThread") -> None:
        """Keep a thread for the report."""
        self.comments += len(scored.comments)
        self.threads.append(scored)


@contextlib.contextmanager
def _open_output(path: str | None, inputs: Sequence[str]) -> Iterator[_Output]:
    from stance.tables import WRITTEN_ENDINGS, atomic_file, check_output, write_rows

    if path is None:
        yield _Output(None)
        return
    ending = check_output(path, (*WRITTEN_ENDINGS, ".html"))
    _check_not_an_input(path, inputs)
    if ending == ".html":
        report = _ReportOutput(path)
        yield report
        from stance.reporting.thread import render_threads

        with atomic_file(path) as stream:
            stream.write(render_threads(report.threads).encode("utf-8", "replace"))
        return
    from stance.scoring.rows import EXAMPLE_ROW, RECORD_KEYS

    with write_rows(path, example=EXAMPLE_ROW, record_keys=RECORD_KEYS) as add:
        yield _RowsOutput(path, add)


def _check_not_an_input(path: str, inputs: Sequence[str]) -> None:
    if any(_is_same_file(source, path) for source in inputs):
        raise OutputError(f"cannot write {path}: it is an input too; name another file")


def _is_same_file(path: str, other: str | None) -> bool:
    try:
        return other is not None and Path(path).samefile(other)
    except (OSError, ValueError):  # one of them does not exist
        return False


# The whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and return its exit code."""
    # A terminal that lacks a character shows another instead of stopping the run.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, _stop)  # temporary files are removed on the way out
    try:
        args = build_parser().parse_args(arguments)
        code: int = args.run(args)
        sys.stdout.flush()
    except StanceError as error:
        _say(str(error))
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        _say("interrupted")
        return 128 + signal.SIGINT
    return code


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _say(message: str) -> None:
    print(f"stance: {make_line(message)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
