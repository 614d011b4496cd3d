"""`stance score`: pages and comment files to a table, files of rows, or a report."""

import argparse
from typing import TYPE_CHECKING

from stance.commands import arguments
from stance.commands.common import check_not_an_input, load_analyzer, say
from stance.errors import OutputError

if TYPE_CHECKING:
    from stance.scoring.load import Load
    from stance.scoring.rows import Predictor
    from stance.scoring.stream import Scorer

EXAMPLES = """\
PAGE is a saved page (HTML or plain text), an export, a folder of pages, or - for standard input;
or comments alone, as JSON Lines, CSV (.tsv too) or Parquet with a column "text", the first two also
compressed with gzip or zstd, or as a JSON list with "text" and "target". Where the name does not
say which of these it is, as with a pipe, its first bytes do. A column "target" there is scored
beside the targets given here, and before them; other columns come back unchanged (one that has the
name of an output column, also of one in CSV such as toxicity.insult, as input_NAME), and a row that
cannot be scored comes back with an "error".
Comments alone without any target get toxicity alone. From Parquet, what JSON has no type for comes
back as text: dates, times and decimals as they are written, binary as base64; NaN comes back empty.

Without --target a page is scored against its headline, as a claim, and at most three names that
the article and the comments speak about most.

In CSV the targets stand as JSON in the column "stance" and, where all rows have the same, as
columns such as "stance.NATO.favor" too. A text that a spreadsheet would run as a formula (it
begins with = + - @ or a tab) gets an apostrophe before it; the other formats keep it as it is.

"reply" says of a comment that answers another one how it stands to that: favor if it agrees,
against if it disagrees. Among comments alone it is for those whose "parent_id" is another row's
"id": of any row before it in the file, or of one soon after it. "language" is an ISO 639-1 code, or
empty where a comment is too short to tell. Comments in languages that the model does not read are
scored, counted and marked: do not rely on their scores.

--pseudonymise turns each author into an id that is the same in all pages and runs: a hash with
the key in the environment variable STANCE_PSEUDONYM_KEY, or with one that is made on first use
and kept in ~/.config/stance. Names inside texts, in other columns and in the article remain.

Any number of comments is scored in the same memory. What is done of more than 1,024 of them is kept
in a folder beside FILE, FILE.parts, until FILE is whole. After a kill, a crash or an interrupt the
same command with --resume goes on there; without it the command refuses to begin again. With other
inputs, targets, options or another model it refuses to go on. A FILE that was there before is
replaced at the end, not sooner.

exit code: 0 fine, also where a page has no comments; 1 some inputs or rows failed and the others
went on; 2 wrong use, or nothing could be done; 130 interrupted, 143 ended by a signal.

examples:
  stance score page.html
  stance score page.html --target NATO --target "Poland should arm itself"
  stance score saved-pages/ -o scores.csv --pseudonymise
  stance score page.txt -o report.html
  stance score comments.jsonl.zst --target trams -o scores.parquet
  stance score comments.jsonl.zst --target trams -o scores.parquet --resume
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance score`."""
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="a file, a folder, or -")
    parser.add_argument(
        "--target",
        action="append",
        type=arguments.target,
        dest="targets",
        metavar="TEXT",
        help="who or what to be for or against: a name or a claim; may be given several times",
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="write .jsonl, .csv, .parquet (.jsonl.gz, .csv.gz, .jsonl.zst, .csv.zst), or a report "
        "as .html; without it a table in the terminal",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run into the same FILE that was killed or interrupted",
    )
    parser.add_argument(
        "--threshold",
        type=arguments.probability,
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
    arguments.add_model(parser)
    parser.add_argument(
        "--workers",
        type=arguments.count,
        metavar="N",
        help="processes that score, for files of rows (default: 1 with fewer than 8 cores, else "
        "one for each 4 cores as far as memory goes)",
    )
    parser.add_argument(
        "--threads",
        type=arguments.count,
        metavar="N",
        help="processor threads of each process (default: the cores, shared out evenly)",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="what the model runs on; cuda needs the package onnxruntime-gpu (default: cpu)",
    )
    parser.add_argument(
        "--engine",
        choices=("plain", "ray"),
        default="plain",
        help="ray: as --workers actors of --threads processors over Ray Data, for files of rows; "
        "needs pip install '.[ray]' (default: plain)",
    )
    parser.add_argument(
        "--ray-address",
        metavar="HOST:PORT",
        help="the Ray cluster to score on; all its machines must see FILE's folder, have stance "
        "installed, and see a model FOLDER that is given (default: Ray on this machine alone)",
    )
    arguments.add_now(parser)


def run(args: argparse.Namespace) -> int:
    """Score each page or comment file and show or write the result."""
    from stance.scoring.load import choose_load
    from stance.tables import WRITTEN_ENDINGS, check_output

    ending = None
    if args.output is not None:
        ending = check_output(args.output, (*WRITTEN_ENDINGS, ".html"))
        check_not_an_input(args.output, args.pages)
    key = None
    if args.pseudonymise:
        from stance.scoring.pseudonyms import load_key

        key = load_key()
        say("authors become ids; names inside texts and in other columns are left as they are")
    is_shown = ending in (None, ".html")
    if is_shown and args.resume:
        raise OutputError("--resume needs a file of rows: name one with -o, such as scores.jsonl")
    _check_engine(args, is_shown)
    workers = args.workers or (1 if args.device == "cuda" else None)
    load = choose_load(1 if is_shown else workers, args.threads)
    if is_shown:
        from stance.commands.score_shown import score_to_look_at

        return score_to_look_at(args, key, lambda: _load(args, load))
    from stance.commands.score_files import score_into_file

    return score_into_file(args, key, _scorer(args, load))


def _check_engine(args: argparse.Namespace, is_shown: bool) -> None:
    if args.engine == "plain" and args.ray_address is not None:
        raise OutputError("--ray-address is for --engine ray: give both, or neither")
    if args.engine == "ray" and is_shown:
        raise OutputError(
            "--engine ray needs a file of rows: name one with -o, such as scores.parquet"
        )
    if args.engine == "ray" and args.device != "cpu":
        raise OutputError("--engine ray scores on processors: leave --device out")


def _load(args: argparse.Namespace, load: "Load") -> "Predictor":
    return load_analyzer(args.model, load.threads, args.device)


def _scorer(args: argparse.Namespace, load: "Load") -> "Scorer":
    if load.workers > 1:
        from stance.scoring.load import choose_load
        from stance.scoring.workers import WorkerScorer

        return WorkerScorer(
            args.model, load, args.device, lambda: _load(args, choose_load(1, args.threads))
        )
    from stance.scoring.stream import LocalScorer

    return LocalScorer(lambda: _load(args, load))
