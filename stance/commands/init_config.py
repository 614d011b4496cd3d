"""`stance init-config`: a training configuration fitted to one's own labelled comments."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stance.commands.common import DONE, PARTLY, check_not_an_input, need_extra, say
from stance.errors import OutputError
from stance.reporting.visible import make_line
from stance.words import count_words

if TYPE_CHECKING:
    from stance.data.labelled import Names, Problem
    from stance.data.recognise import Recognised

EXAMPLES = """\
Needs an extra: pip install '.[train]' in the project's folder. DATA is labelled comments, as for
stance check-data. Columns and labels that have other names are mapped as far as their names tell
what they mean: look the result over before training. Nothing is ever overwritten.

exit code: 0 fine; 1 some labels or rows are not understood, or the data cannot be trained on as it
is, and said; 2 wrong use, or nothing could be done.

examples:
  stance init-config comments.csv
  stance init-config comments.csv -o mine.yaml && stance train mine.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance init-config`."""
    parser.add_argument("data", metavar="DATA", help="labelled comments")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the configuration to write, ending in .yaml (default: DATA's name with .yaml, here)",
    )


def run(args: argparse.Namespace) -> int:
    """Write a configuration for a file and say what it understood of it."""
    need_extra("stance init-config", "train", ("sklearn", "pydantic", "yaml"))
    from stance.data.recognise import recognise
    from stance.tables import check_output
    from stance.training.init_config import check_can_be_named, fit_config

    check_can_be_named(args.data)
    output = Path(args.output or f"{Path(args.data).name.split('.')[0] or 'config'}.yaml")
    check_output(str(output), (".yaml", ".yml"))
    check_not_an_input(str(output), [args.data])
    if output.exists():
        raise OutputError(f"{output} is there already: name another file with -o")
    found = recognise(args.data, _say_names)
    fitted = fit_config(args.data, found)
    _write(output, fitted.text)
    bad = _unusable(found)
    _say_what_is_left(found, bad)
    if fitted.hindrance:
        say(f"stance train would refuse this: {fitted.hindrance}")
    print(make_line(str(output)))
    return PARTLY if found.unknown or bad or fitted.hindrance else DONE


def _unusable(found: "Recognised") -> "list[Problem]":
    """Return what is wrong with rows, but for labels that are missing or not understood."""
    return [each for each in found.problems if not each.unlabelled and not each.wrong_label]


def _say_what_is_left(found: "Recognised", bad: "list[Problem]") -> None:
    """Say what was not understood or is not used."""
    from stance.training.init_config import list_unused

    for column, unknown in found.unknown.items():
        for label, count in unknown.items():
            rows = count_words(count, "row")
            say(f"{column} is {label!r} in {rows}: not understood; map it under labels")
    if found.unused:
        say(f"columns that are not used: {list_unused(found)}")
    for problem in bad:
        rows = count_words(problem.count, "row")
        say(f"{rows} cannot be used: {problem.reason} ({problem.rows[0]})")


def _say_names(names: "Names") -> None:
    for ours, theirs in names.columns.items():
        say(f"{theirs} is taken for {ours}")
    for column, labels in names.labels.items():
        for theirs, ours in labels.items():
            say(f"{column} {theirs} is taken for {ours}")


def _write(path: Path, text: str) -> None:
    """Write a new file; one that appeared meanwhile is left alone."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise OutputError(f"{path} is there already: name another file with -o") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
