"""The application that a server runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from stance.serving import discovery, docs, own, page, perspective
from stance.serving.errors import add_error_handlers
from stance.serving.guards import Guards, hide_queries_in_access_log
from stance.serving.metrics import Metrics
from stance.serving.routes import Serving
from stance.serving.scoring import Model, Scorer
from stance.serving.settings import Settings
from stance.serving.suggestions import Suggestions

DESCRIPTION = """\
Scores readers' comments for stance and toxicity, on this machine alone. Nothing that is sent here
is stored or passed on, but for suggested scores where the server was started to take them.
Where the server was started with API keys, a request without one is answered with 403 and one with
a key that is not valid with 400; a key stands in the query as `key`, or in a header X-Goog-Api-Key
or Authorization: Bearer.
"""


def create_app(model: Model, settings: Settings | None = None) -> FastAPI:
    """Return the application for a model; its batcher stops when the application does.

    Parameters
    ----------
    model : Model
        Such as `stance.Analyzer()`.
    settings : Settings, optional

    Raises
    ------
    OutputError
        The file of suggestions cannot be written.
    """
    settings = Settings() if settings is None else settings
    metrics = Metrics()
    scorer = Scorer(
        model,
        max_waiting=settings.max_waiting,
        batch_seconds=settings.batch_seconds,
        on_batch=metrics.note_batch,
    )
    metrics.watch_waiting(lambda: scorer.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(scorer.close)

    app = FastAPI(
        title="stance",
        version=version("stance"),
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's own load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    suggestions = (
        None
        if settings.suggestions is None
        else Suggestions(settings.suggestions, settings.max_suggestions)
    )
    app.state.serving = Serving(settings, scorer, suggestions, metrics)
    add_error_handlers(app)
    for part in (perspective, discovery, own, docs, page):
        app.include_router(part.router)
    app.add_middleware(Guards, settings=settings, metrics=metrics)
    hide_queries_in_access_log()
    return app
