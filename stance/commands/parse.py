"""`stance parse`: pages to threads, as JSON lines."""

import argparse
import sys

from stance.commands import arguments
from stance.commands.inputs import Inputs, say_what_is_missing

EXAMPLES = """\
Prints one JSON line a page: source, format, article, comments. Times are in the page's own clock.

exit code: 0 fine, also where a page has no comments; 1 some inputs failed, or some rows or lines of
an export were left out, and the others were read; 2 wrong use, or nothing could be read; 130
interrupted, 143 ended by a signal.

examples:
  stance parse page.html
  stance parse saved-pages/ > threads.jsonl
  curl -s https://example.org/post | stance parse - --now 2026-01-31T12:00
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance parse`."""
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="a file, a folder, or -")
    arguments.add_now(parser)


def run(args: argparse.Namespace) -> int:
    """Print each thread as a JSON line."""
    from stance.parsing import parse_threads
    from stance.tables import json_line

    sys.stdout.flush()
    inputs = Inputs(args.pages)
    for source in inputs:
        with inputs.attempt():
            for thread in parse_threads(source, now=args.now):
                sys.stdout.buffer.write(json_line(thread.to_dict()))
                sys.stdout.buffer.flush()
                say_what_is_missing(thread)
                inputs.bad_rows += thread.bad_rows
    return inputs.exit_code()
