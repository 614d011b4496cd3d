"""`stance parse`: pages to threads, as JSON lines."""

import argparse
import sys

from stance.commands import arguments
from stance.commands.inputs import Inputs, say_what_is_missing

EXAMPLES = """\
Prints one JSON line a page: source, format, article, comments. Times are in the page's own clock.

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
    return inputs.exit_code()
