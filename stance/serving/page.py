"""The page at `/`: a form for a page's text or a saved file, answered with its thread report.

The report is the one of `stance score -o report.html`, and works on without the server. What is
sent stays in memory until it is answered. Both pages run our own inline script alone and load
nothing; the form works without script too.
"""

import asyncio
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from stance.errors import InputError
from stance.parsing.sources import PAGE_ENDINGS
from stance.reporting.page import content_policy, render_page
from stance.reporting.thread import MAX_TARGETS, render_threads
from stance.reporting.visible import make_line
from stance.scoring.results import ScoredThread
from stance.scoring.rows import thread_of_rows
from stance.serving.batching import ClosedError, OverloadedError
from stance.serving.routes import Serving, serving, while_connected
from stance.serving.scoring import MAX_COMMENTS, MAX_TARGET_CHARACTERS, Scorer
from stance.serving.settings import MIB
from stance.tables import Row, read_row_stream, row_ending, sniff_ending

if TYPE_CHECKING:
    from markupsafe import Markup

PATH = "/"
PASTED = "pasted text"  # what a report calls it
_EXAMPLE = Path(__file__).parent.parent / "example" / "page.txt"
_MAX_NAME = 80  # characters of a file's name
_MAX_FIELDS = 8
_ROW_ENDINGS = (".csv", ".jsonl", ".ndjson")  # uncompressed: a small file cannot become a large one
_HEAD = 65_536  # bytes in which a header stands
_TITLES = {
    400: "This could not be scored",
    403: "This was not let in",
    408: "This took too long to arrive",
    413: "This is too large",
    429: "The server is busy",
    503: "The server is stopping",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was sent; `page` is empty where neither a text nor a file was given."""

    page: bytes = b""
    source: str = PASTED
    text: str = ""
    targets: str = ""
    as_file: bool = False


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why there is no report; `field` is the one to mend."""

    status: int
    message: str
    field: str | None = None


class _ProblemError(Exception):
    """Ends an answer with a problem, and with what was asked where that is known."""

    def __init__(
        self, status: int, message: str, field: str | None = None, asked: _Asked | None = None
    ) -> None:
        super().__init__(message)
        self.problem = _Problem(status, message, field)
        self.asked = asked


@router.get(PATH)
async def show_form(request: Request) -> Response:
    """Show the empty form."""
    return _form_page(serving(request))


@router.post(PATH)
async def show_report(request: Request) -> Response:
    """Score what was sent and show the report, or the form again and what is wrong."""
    shared = serving(request)
    asked = _Asked()
    headers = {}
    try:
        _check_origin(request)
        asked = await _read_form(request, shared.settings.max_body)
        targets = _check(asked)
        work = _score(shared.scorer, asked, targets)
        threads = _with_comments(await while_connected(request, work), asked)
        # An empty address is this one, with the key that the form may have been opened with.
        back = None if asked.as_file else ""
        report = await asyncio.to_thread(render_threads, threads, back=back)
        return HTMLResponse(report, headers=_headers("thread") | _disposition(asked))
    except _ProblemError as error:
        asked, problem = error.asked or asked, error.problem
    except InputError as error:
        problem = _Problem(400, str(error))
    except OverloadedError as error:
        problem = _Problem(429, str(error))
        headers = {"Retry-After": str(error.retry_after)}
    except ClosedError:
        problem = _Problem(503, "Nothing more is taken; try again later.")
    return _form_page(shared, asked, problem, headers)


def as_page(shared: Serving, refusal: Response) -> Response:
    """Return the page for a request that was refused before it came to its route.

    Parameters
    ----------
    shared : Serving
    refusal : Response
        As `stance.serving.errors.error_response` makes it.
    """
    problem = _Problem(refusal.status_code, json.loads(bytes(refusal.body))["error"]["message"])
    kept = ("retry-after", "connection")
    headers = {name: refusal.headers[name] for name in kept if name in refusal.headers}
    return _form_page(shared, _Asked(), problem, headers, asks_key=problem.status in (400, 403))


def _form_page(
    shared: Serving,
    asked: _Asked | None = None,
    problem: _Problem | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    asks_key: bool = False,
) -> Response:
    asked = asked or _Asked()
    status = problem.status if problem else 200
    page = render_page(
        "form",
        problem=problem,
        asks_key=asks_key,
        title=_TITLES.get(status, _TITLES[400]),
        text=_verbatim(asked.text),
        targets=_verbatim(asked.targets),
        lost_file=None if asked.source == PASTED else asked.source,
        max_body=shared.settings.max_body,
        max_megabytes=shared.settings.max_body // MIB,
        max_comments=MAX_COMMENTS,
        max_targets=MAX_TARGETS,
        endings=",".join(PAGE_ENDINGS),
        model=shared.scorer.model.name,
    )
    return HTMLResponse(page, status, {**_headers("form"), **(headers or {})})


def _verbatim(text: str) -> "Markup":
    """Return what was typed for its field, escaped but with its control characters as they were."""
    from markupsafe import escape

    return escape(text)


@cache
def _headers(name: str) -> dict[str, str]:
    """Return the security headers that a page has instead of those of the guards."""
    return {
        "Content-Security-Policy": f"{content_policy(name)}; frame-ancestors 'none'",
        # Without any referrer a browser would send the form with "Origin: null".
        **({"Referrer-Policy": "same-origin"} if name == "form" else {}),
    }


def _disposition(asked: _Asked) -> dict[str, str]:
    file = 'attachment; filename="report.html"'
    return {"Content-Disposition": file} if asked.as_file else {}


# What was sent


def _check_origin(request: Request) -> None:
    """Refuse a form that another site's page sent: nobody who sits here asked for that work.

    Browsers say where a request comes from, in Sec-Fetch-Site where the connection is encrypted or
    to their own machine, else in Origin alone; other clients need not say anything.

    Raises
    ------
    _ProblemError
        It comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        is_own = origin is None or _host(origin) == request.headers.get("host", "").lower()
    if not is_own:
        raise _ProblemError(403, "It was sent from another site: open this page and send it here.")


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


async def _read_form(request: Request, max_body: int) -> _Asked:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise _ProblemError(400, "Expected the form of this page, as multipart/form-data.")
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=1,
        max_fields=_MAX_FIELDS,
        max_part_size=max_body,
    )
    parser.spool_max_size = max_body + 1  # a larger file would be written to the disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _ProblemError(400, f"The form cannot be read: {error.message}") from None
    try:
        return await _asked(form)
    finally:
        await form.close()


async def _asked(form: FormData) -> _Asked:
    text, targets, as_file = _field(form, "text"), _field(form, "targets"), "save" in form
    file = form.get("file")
    if "example" in form:
        return _Asked(_EXAMPLE.read_bytes(), _EXAMPLE.name, "", targets)
    if not isinstance(file, UploadFile) or not file.filename:
        page = text.encode() if text.strip() else b""
        return _Asked(page, PASTED, text, targets, as_file)
    name = _bare_name(file.filename)
    if text.strip():
        message = f"There is a text and a file, {name}: expected one of them."
        raise _ProblemError(400, message, "text", _Asked(b"", name, text, targets))
    page = await file.read()
    if not page.strip():
        message = f"{name}: this file is empty."
        raise _ProblemError(400, message, "file", _Asked(b"", name, "", targets))
    return _Asked(page, name, "", targets, as_file)


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _bare_name(name: str) -> str:
    r"""Return a file's name without its folders, its ending kept where it is cut.

    >>> _bare_name("C:\\pages\\tram.html")
    'tram.html'
    """
    return make_line(PurePosixPath(name.replace("\\", "/")).name)[-_MAX_NAME:]


def _check(asked: _Asked) -> tuple[str, ...]:
    """Return the targets that were named.

    Raises
    ------
    _ProblemError
        There is no page, or there are too many or too long targets.
    """
    if not asked.page:
        raise _ProblemError(400, "Paste a page’s text or choose a saved file.", "text", asked)
    lines = (line.strip() for line in asked.targets.splitlines())
    targets = tuple(dict.fromkeys(line for line in lines if line))
    if len(targets) > MAX_TARGETS:
        message = f"{len(targets):,} targets are named: expected at most {MAX_TARGETS}."
        raise _ProblemError(400, message, "targets", asked)
    for target in targets:
        if len(target) > MAX_TARGET_CHARACTERS:
            message = (
                f"A target of {len(target):,} characters begins “{target[:40]}”: "
                f"expected at most {MAX_TARGET_CHARACTERS}, a name or a claim in a line of its own."
            )
            raise _ProblemError(400, message, "targets", asked)
    return targets


async def _score(scorer: Scorer, asked: _Asked, targets: tuple[str, ...]) -> list[ScoredThread]:
    """Score a page, or comments that may each have targets of their own in a column `target`."""
    rows = await asyncio.to_thread(_targeted_rows, asked)
    if not rows:
        return await scorer.score_page(asked.page, asked.source, targets or None)
    scored = await scorer.score_comments(rows, asked.source, targets)
    model = scorer.model
    found = thread_of_rows(scored, asked.source, model.name, model.languages)
    errors = [str(row["error"]) for row, prediction in scored if prediction is None]
    if not errors:
        return [found]
    note = f"{len(errors):,} of {len(scored):,} rows could not be scored: {errors[0]}"
    return [replace(found, thread=replace(found.thread, notes=(make_line(note),)))]


def _targeted_rows(asked: _Asked) -> list[Row]:
    """Return the rows of a comments file with a column `target`, else none."""
    ending = row_ending(asked.source, _ROW_ENDINGS) or sniff_ending(asked.page[:_HEAD])
    if ending not in _ROW_ENDINGS:
        return []
    rows = read_row_stream(io.BytesIO(asked.page), ending, asked.source)
    # One more than is taken, so that too many are refused.
    listed = list(islice(rows, MAX_COMMENTS + 1))
    columns = next((row.values.keys() for row in listed if row.error is None), ())
    return listed if {"text", "target"} <= set(columns) else []


def _with_comments(threads: Iterable[ScoredThread], asked: _Asked) -> list[ScoredThread]:
    """Return the threads that have comments.

    Raises
    ------
    _ProblemError
        None has any; the message says what was found instead.
    """
    threads = list(threads)
    found = [scored for scored in threads if scored.comments]
    if found:
        return found
    empty = [scored.thread for scored in threads]
    notes = dict.fromkeys(make_line(note) for thread in empty for note in thread.notes)
    titles = [thread.article.title for thread in empty if thread.article]
    title = next((f" (the article is “{make_line(title)}”)" for title in titles if title), "")
    message = f"{asked.source}: {'; '.join(notes) or 'no comments found'}{title}."
    if any(thread.format in ("html", "text") for thread in empty):
        message += " Copy the page with its comments unfolded, or save it when they are all there."
    raise _ProblemError(400, message, "text", asked)
