"""`stance evaluate`: a model measured on labelled data, as a report."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.commands import arguments
from stance.commands.common import DONE, FAILED, NOT_MET, PARTLY, need_extra, say
from stance.errors import ConfigError, OutputError
from stance.reporting.visible import make_line
from stance.words import count_words

if TYPE_CHECKING:
    from stance.data.examples import Example
    from stance.data.labelled import Names
    from stance.evaluation.evaluate import Need
    from stance.evaluation.results import Figure, Report, Requirement

EXAMPLES = """\
Needs an extra: pip install '.[evaluate]' in the project's folder. DATA is labelled comments (CSV,
JSON Lines, Parquet, a folder that Hugging Face datasets saved, or, where there is a network, the
name OWNER/NAME of one on its hub), or a benchmark: vast, arc, semeval2016, jigsaw, wiki_context,
hatecheck, bias_templates, toxic_spans. A benchmark lies in its published files under --data-root,
or where vast=FOLDER says.

The columns of labelled comments: text; target and stance (favor, against, neutral); toxicity,
severe_toxicity, obscene, threat, insult, identity_attack (each 0, 1 or a share of raters); parent,
group, split (train, dev, test). Empty cells are not labelled. Other names are mapped.

Writes report.html, report.md, metrics.json and predictions.parquet into the folder of --out.

exit code: 0 fine; 1 some rows could not be used; 2 wrong use, nothing could be done, or --require
names a figure that is not measured; 3 a figure is not what --require asks for.

examples:
  stance evaluate --data labelled.csv --out evaluation --slice site
  stance evaluate --model runs/mine/model --baseline tfidf --data vast hatecheck --out evaluation
  stance evaluate --data mine.jsonl --column text=body --label stance.pro=favor --out evaluation
  stance evaluate --data test.csv --out evaluation --require macro_f1=0.65
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance evaluate`."""
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
    arguments.add_name_arguments(parser)
    parser.add_argument(
        "--bootstrap",
        type=arguments.resamples,
        default=1000,
        metavar="N",
        help="resamples for the 95%% intervals, 0 for none (default: 1000)",
    )
    arguments.add_seed(parser, "resamples")
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        type=arguments.need,
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
    arguments.add_threads(parser)


def run(args: argparse.Namespace) -> int:
    """Measure a model on labelled data, write the report, and say which requirements fail."""
    need_extra(
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
    needs = [Need.of(name, value) for name, value in args.requirements]
    _check_names(needs, [data.name for data in data_sets])
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
            requirements=needs,
            progress=lambda what: bars.enter_context(ProgressBar(what)),
        )
    write_evaluation(report, tables, folder)
    for evaluation in report.evaluations:
        for figure in evaluation.figures:
            if figure.headline:
                print(make_line(f"{evaluation.data}: {_figure_line(figure)}"))
    print(make_line(str(folder / "report.html")))
    return _evaluation_code(report)


def _check_names(needs: "Sequence[Need]", names: Sequence[str]) -> None:
    """Refuse to require something of data that are not evaluated, before it takes any time."""
    for need in needs:
        if need.data is not None and need.data not in names:
            raise ConfigError(
                f"--require {need.data}:{need.key}: {need.data!r} is not evaluated; expected "
                f"{_or(names)}"
            )


def _or(names: Sequence[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


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
    from stance.training.rows import open_sources

    loaded = load_config(config, [f"data_root={root}"] if root else [])
    sources = open_sources(loaded)
    shares = [share.to_share() for share in loaded.shares()]
    rows, _ = build_mix(shares, sources.root, loaded.seed, corpora=sources.corpora)
    return rows, f"the mix of {Path(config).name}"


def write_evaluation(report: "Report", tables: Sequence[Any], folder: Path) -> None:
    """Write the report of an evaluation, its figures and the rows behind them into a folder.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
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
            say(f"{evaluation.data}: {note}")
        for reason in evaluation.skipped:
            first = f" ({reason.rows[0]})" if reason.rows else ""
            rows = count_words(reason.count, "row")
            say(f"{evaluation.data}: {rows} left out: {reason.reason}{first}")
            skipped += reason.count if not reason.unlabelled else 0
    missed = [outcome for outcome in report.requirements if not outcome.met]
    unknown = [outcome for outcome in missed if not _is_measured(outcome.key, report)]
    for outcome in missed:
        say(_unknown(outcome.key, report) if outcome in unknown else _missed(outcome))
    if missed:
        return FAILED if unknown else NOT_MET
    return PARTLY if skipped else DONE


def _is_measured(key: str, report: "Report") -> bool:
    return any(evaluation.figure(key) is not None for evaluation in report.evaluations)


def _unknown(key: str, report: "Report") -> str:
    keys = dict.fromkeys(each.key for found in report.evaluations for each in found.figures)
    return f"--require {key}: no such figure was measured; expected {_or(list(keys))}"


def _missed(outcome: "Requirement") -> str:
    wanted = f"{'at least' if outcome.higher_is_better else 'at most'} {outcome.least:g}"
    where = f" of {outcome.data}" if outcome.data else ""
    if outcome.value is None:
        return f"not met: {outcome.key}{where} has no value here, required {wanted}"
    return f"not met: {outcome.key}{where} is {outcome.value:.4f}, required {wanted}"
