"""The command `stance`: the table of its commands, its parser, and what every run has in common.

A command is a module of `stance.commands`, which is imported only when it is asked for.

Exit codes: 0 all went well (a page without comments too), 1 some inputs or rows failed and the
others went on, 2 wrong use or nothing could be done, 3 a figure of `stance evaluate` is not what
`--require` asks for.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from stance.commands.common import DONE, FAILED, say
from stance.errors import StanceError
from stance.reporting.visible import make_line

# What the overview says of each; the module of `check-data` is `stance.commands.check_data`.
COMMANDS = {
    "parse": "read pages: the article and its single comments",
    "score": "score comments: stance, toxicity, toxic words",
    "serve": "serve scores over HTTP, in the Perspective API's form too, and a page to look at",
    "evaluate": "measure a model on labelled comments or benchmarks, as a report",
    "calibrate": "choose toxicity thresholds for a wanted precision or recall",
    "check-data": "look through labelled comments before training on them",
    "init-config": "write a training configuration fitted to labelled comments",
    "train": "train a model from a configuration",
    "export": "make a copy of a model in float32, or in 8 bits again",
}


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
        say(str(error))
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        say("interrupted")
        return 128 + signal.SIGINT
    return code


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


# Arguments


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
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_CommandParser)
    for name, summary in COMMANDS.items():
        commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        ).set_defaults(command=name)
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one visible line what is wrong, and in another where to look it up."""
        self.exit(FAILED, f"{self.prog}: error: {make_line(message)}\nsee {self.prog} --help\n")


class _CommandParser(_Parser):
    """Declares the arguments of its command when they are parsed, not before."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Import the command, then parse its arguments."""
        command = self.get_default("command")
        module = importlib.import_module(f"stance.commands.{command.replace('-', '_')}")
        self.epilog = module.EXAMPLES
        module.add_arguments(self)
        self.set_defaults(run=module.run)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:  # left to the parser of all commands, the error would not name this one
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"stance {version('stance')}")
        parser.exit(DONE)
