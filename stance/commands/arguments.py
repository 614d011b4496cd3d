"""Arguments that several commands take, and the types of their values."""

import argparse
import contextlib
from datetime import datetime

MAX_TARGET_CHARS = 500


def add_now(parser: argparse.ArgumentParser) -> None:
    """Add `--now`, what relative times count from."""
    parser.add_argument(
        "--now",
        type=time,
        metavar="TIME",
        help='when the page was saved, ISO 8601: what "3 hours ago" counts from',
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Add `--column`, what labelled data call their columns."""
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        dest="columns",
        metavar="OURS=THEIRS",
        help="what a column of labelled comments is called there: text=comment_body",
    )


def add_name_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--column` and `--label`, what labelled data call their columns and labels."""
    add_columns(parser)
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        dest="labels",
        metavar="COLUMN.THEIRS=OURS",
        help="what a label is called there: stance.pro=favor",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add `--model`, what scores."""
    parser.add_argument("--model", metavar="FOLDER", help="model folder (default: built in)")


def add_seed(parser: argparse.ArgumentParser, of: str) -> None:
    """Add `--seed`, of what is drawn at random."""
    parser.add_argument(
        "--seed", type=seed, default=1, metavar="N", help=f"of the {of} (default: 1)"
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`, of the model."""
    parser.add_argument(
        "--threads", type=count, metavar="N", help="processor threads (default: all cores)"
    )


def target(text: str) -> str:
    """Return a target with single spaces."""
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


def probability(text: str) -> float:
    """Return a number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")


def positive_probability(text: str) -> float:
    """Return a number above 0, up to 1."""
    value = probability(text)
    if value > 0:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, up to 1")


def share(text: str) -> float:
    """Return a number between 0 and 1."""
    value = probability(text)
    if 0 < value < 1:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 1")


def count(text: str) -> int:
    """Return a whole number from 1 to 1024, such as of threads."""
    return _whole_number(text, 1, 1024)


def port(text: str) -> int:
    """Return a number of a TCP port, 0 for any that is free."""
    return _whole_number(text, 0, 2**16 - 1)


def window(text: str) -> int:
    """Return a number of tokens that a model's window may have."""
    return _whole_number(text, 160, 8192)


def resamples(text: str) -> int:
    """Return a number of bootstrap resamples, 0 for none."""
    return _whole_number(text, 0, 100_000)


def seed(text: str) -> int:
    """Return the seed of a random generator."""
    return _whole_number(text, 0, 2**32 - 1)


def _whole_number(text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")


def need(text: str) -> tuple[str, float]:
    """Return a figure and the value that it must reach."""
    name, _, number = text.rpartition("=")
    with contextlib.suppress(ValueError):
        if name and -1 <= float(number) <= 1:
            return name, float(number)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no requirement, expected a figure and a number up to 1, such as macro_f1=0.65"
    )


def time(text: str) -> datetime:
    """Return a time in ISO 8601."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time, expected one such as 2026-01-31T12:00"
        ) from None
