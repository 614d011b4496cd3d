"""`stance check-data`: what in labelled data hinders training."""

import argparse
import os
import sys
from pathlib import Path

from stance.commands import arguments
from stance.commands.common import DONE, PARTLY, check_not_an_input

EXAMPLES = """\
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance check-data`."""
    parser.add_argument("data", metavar="DATA", help="labelled comments")
    arguments.add_name_arguments(parser)
    parser.add_argument("--json", metavar="FILE", help="write all that was found here too")
    parser.add_argument(
        "--max-length",
        type=arguments.window,
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
    arguments.add_seed(parser, "samples")


def run(args: argparse.Namespace) -> int:
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
        check_not_an_input(args.json, [args.data])
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
