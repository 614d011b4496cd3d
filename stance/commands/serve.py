"""`stance serve`: the model behind HTTP."""

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

from stance.commands import arguments
from stance.commands.common import DONE, load_analyzer, need_extra, say
from stance.errors import ConfigError
from stance.reporting.visible import make_line

KEY_VARIABLE = "STANCE_API_KEYS"

EXAMPLES = """\
Needs an extra: pip install '.[serve]' in the project's folder. Serves until it is stopped (Ctrl-C
or SIGTERM); then it takes nothing more and finishes what it has taken, for at most 60 s: what is
not done by then is answered with 503 and Retry-After.

  POST /v1alpha1/comments:analyze        the Perspective API; its clients need another address
  POST /v1alpha1/comments:suggestscore   kept only with --suggestions
  GET  /$discovery/rest?version=v1alpha1 the document that clients are built from
  POST /v1/score                         comments or a page, with targets, as stance score
  GET  /v1/model /healthz /metrics       what is served, whether it is up, figures for Prometheus
  GET  /docs /openapi.json               all of this in detail
  GET  /                                 a page: paste comments, see the thread report

Nothing that is sent is stored, but for suggestions. Without a key everyone who reaches the address
may use the server. A key is given as ?key=..., X-Goog-Api-Key: ..., X-API-Key: ... or
Authorization: Bearer ..., and never logged. An argument can be read by other users of the machine;
keys can also stand in the environment variable STANCE_API_KEYS, with blanks between them.

The connection is not encrypted: on a network, put a proxy with TLS before it.

examples:
  stance serve
  STANCE_API_KEYS="$(cat keys.txt)" stance serve --host 0.0.0.0 --port 80
  stance serve --model careful --suggestions suggestions.jsonl
  curl -H 'Content-Type: application/json' http://127.0.0.1:8000/v1alpha1/comments:analyze \\
    -d '{"comment": {"text": "You fool."}, "requestedAttributes": {"TOXICITY": {}}}'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance serve`."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine alone)"
    )
    parser.add_argument(
        "--port", type=arguments.port, default=8000, help="default: 8000; 0 takes a free one"
    )
    arguments.add_model(parser)
    parser.add_argument(
        "--api-key",
        action="append",
        default=[],
        dest="api_keys",
        metavar="KEY",
        help="ask clients for this key; may be given several times",
    )
    parser.add_argument(
        "--suggestions",
        type=Path,
        metavar="FILE",
        help="take suggested scores and append them to this .jsonl file, for stance train",
    )
    parser.add_argument(
        "--max-waiting",
        type=arguments.count,
        default=256,
        metavar="N",
        help="requests that may wait; more are answered with 429 (default: 256)",
    )
    parser.add_argument(
        "--access-log", action="store_true", help="log a line for each request, without its query"
    )
    arguments.add_threads(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    need_extra(
        "stance serve",
        "serve",
        ("fastapi", "uvicorn", "httptools", "prometheus_client", "python_multipart"),
    )
    from stance.serving.app import create_app
    from stance.serving.server import address_of, listen, make_server, stopping_quietly
    from stance.serving.settings import Settings

    keys = (*args.api_keys, *os.environ.get(KEY_VARIABLE, "").split())
    settings = Settings(
        api_keys=tuple(dict.fromkeys(keys)),
        suggestions=args.suggestions,
        max_waiting=args.max_waiting,
    )
    with listen(args.host, args.port) as listener:
        analyzer = load_analyzer(args.model, args.threads)
        server = make_server(create_app(analyzer, settings), settings, access_log=args.access_log)
        print(make_line(f"{analyzer.name} at {address_of(listener)}"), flush=True)
        if not settings.api_keys and args.host not in ("127.0.0.1", "::1", "localhost"):
            say("no API key: whoever reaches this address may use the server")
        with stopping_quietly():
            server.run([listener])
    if not server.started:
        raise ConfigError("the server could not start; why stands above")
    say("stopped")
    if _works_on():
        _leave(DONE)
    return DONE


def _works_on() -> bool:
    """Tell whether a thread still works, such as at a page whose request was dropped."""
    others = (each for each in threading.enumerate() if each is not threading.current_thread())
    return any(not each.daemon for each in others)


def _leave(code: int) -> NoReturn:
    """End the process at once: Python would wait for its threads, however long they take."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
