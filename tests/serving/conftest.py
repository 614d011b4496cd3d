from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httptools")
pytest.importorskip("httpx")

from running import running

from stance.serving.settings import Settings

if TYPE_CHECKING:
    from running import Running


@pytest.fixture
def serve(fake_analyzer: Any) -> "Iterator[Callable[..., Running]]":
    """Start servers, with the fake analyzer unless another is given."""
    with ExitStack() as stack:

        def start(
            settings: Settings | None = None, model: Any = None, *, access_log: bool = False
        ) -> "Running":
            server = running(model or fake_analyzer, settings or Settings(), access_log=access_log)
            return stack.enter_context(server)

        yield start
