"""`stance calibrate`: thresholds chosen on labelled comments, into a copy of the model."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stance.commands import arguments
from stance.commands.common import DONE, PARTLY, load_analyzer, need_extra, say
from stance.errors import DataError
from stance.reporting.visible import make_line

if TYPE_CHECKING:
    from stance.data.labelled import LabelledData
    from stance.labels import ToxicityLabel

EXAMPLES = """\
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance calibrate`."""
    parser.add_argument(
        "--data", required=True, metavar="DATA", help="comments with toxicity labels"
    )
    wish = parser.add_mutually_exclusive_group(required=True)
    wish.add_argument(
        "--precision",
        type=arguments.positive_probability,
        metavar="X",
        help="at least this share of the flagged comments has the label; at the most recall",
    )
    wish.add_argument(
        "--recall",
        type=arguments.positive_probability,
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
    arguments.add_columns(parser)
    arguments.add_model(parser)
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
        type=arguments.share,
        metavar="X",
        help="share of toxic comments where the model is used, if the data hold more or fewer: "
        "rows are weighed so",
    )
    arguments.add_seed(parser, "resamples")
    arguments.add_threads(parser)


def run(args: argparse.Namespace) -> int:
    """Choose thresholds on labelled data, say how they do, and write a copy of the model."""
    need_extra("stance calibrate", "evaluate", ("sklearn",))
    from stance.data.labelled import Names, read_labelled
    from stance.modeling.folder import check_new_folder
    from stance.reporting.recalibration import card_section, describe
    from stance.reporting.terminal import ProgressBar
    from stance.scoring.analyzer import DEFAULT_MODEL
    from stance.training.recalibrate import (
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
        say("nothing is written: what was asked for is out of reach")
        return PARTLY
    if folder is None:
        say("nothing is written: name a folder for a copy of the model with --out")
    else:
        write_copy(model, folder, result.calibration, card_section(result, data.name))
        print(make_line(str(folder)))
    return PARTLY if unusable else DONE


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
        say(f"{data.name}: {note}")
    problems = [problem for problem in data.problems if not problem.unlabelled]
    for problem in problems:
        say(f"{data.name}: {problem.in_words()}")
    return sum(problem.count for problem in problems)
