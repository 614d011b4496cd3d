"""Models in processes of their own, for machines with many cores."""

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from stance.errors import ModelError, StanceError, WorkerError
from stance.modeling.calibration import Calibration
from stance.modeling.runtime import Device
from stance.scoring.analyzer import Analyzer, model_folder
from stance.scoring.load import Load
from stance.scoring.results import Prediction
from stance.scoring.rows import Predictor

_END_SECONDS = 5.0


class WorkerScorer:
    """A model in each of several processes; each is started when it is first needed.

    Parameters
    ----------
    model : str or None
        The model's folder; None is the embedded one.
    load : Load
    device : "cpu" or "cuda"
    alone : callable
        Loads the model in this process, for what is too little for processes.

    Raises
    ------
    ModelError
        The folder lacks its calibration.
    """

    def __init__(
        self, model: str | None, load: Load, device: Device, alone: Callable[[], Predictor]
    ) -> None:
        self._calibration = Calibration.load(model_folder(model))
        self._start = (model, load.threads, device)
        self.places = load.workers
        self.alone = alone
        self._workers: list[_Worker] = []

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self._calibration.model

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what it reads."""
        return self._calibration.languages

    def predictor(self) -> Predictor:
        """Return a worker, which starts at its first text."""
        worker = _Worker(self._start, self.name, self.languages)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.close()


class _EndedError(Exception):
    """The process at the other end of a line is no more."""


@contextlib.contextmanager
def _noticing_the_end() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):
        raise _EndedError from None


class _Worker:
    """A predictor in another process."""

    def __init__(self, start: tuple[Any, ...], name: str, languages: tuple[str, ...]) -> None:
        self.name = name
        self.languages = languages
        self._start = start
        self._process: BaseProcess | None = None
        self._line: Connection | None = None
        self._closed = threading.Event()

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        """Score as `Analyzer.predict`; a process that dies is started again once."""
        question = (texts, targets, parents, threshold)
        for _ in range(2):
            try:
                return self._ask(question, progress)
            except _EndedError:
                if self._closed.is_set():
                    raise WorkerError("the worker processes were ended") from None
                ended = self._end()
        raise WorkerError(
            f"a worker process ended twice on the same {len(texts):,} comments ({ended}); where "
            "memory is short, give a smaller number of --workers"
        )

    def _ask(
        self, question: tuple[Any, ...], progress: Callable[[int, int], None] | None
    ) -> list[Prediction]:
        line = self._line or self._connect()
        with _noticing_the_end():
            line.send(question)
        while True:
            with _noticing_the_end():
                kind, answer = line.recv()
            if kind == "done":
                predictions: list[Prediction] = answer
                return predictions
            if kind == "error":
                raise ModelError(answer)
            if progress is not None:
                progress(*answer)

    def _connect(self) -> Connection:
        # Spawned, not forked: the child shares no lock and holds no end of another one's pipe, so
        # it sees the end of its own when this process is killed.
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._start), daemon=True)
        self._process.start()
        theirs.close()
        return self._line

    def _end(self) -> str:
        """Close what is left of a process that died, and say how it ended."""
        process, self._process = self._process, None
        if self._line is not None:
            self._line.close()
            self._line = None
        if process is None:
            return "not started"
        process.join(_END_SECONDS)
        code = process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def close(self) -> None:
        """End the process."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()
            self._process.join(_END_SECONDS)


def _serve(line: Connection, model: str | None, threads: int | None, device: Device) -> None:
    """Answer questions until the other end of the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to us too
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, OSError):
        try:
            analyzer = Analyzer(model, threads=threads, device=device)
            while True:
                texts, targets, parents, threshold = line.recv()
                predictions = analyzer.predict(
                    texts,
                    targets,
                    parents=parents,
                    threshold=threshold,
                    progress=lambda done, total: line.send(("progress", (done, total))),
                )
                line.send(("done", predictions))
        except StanceError as error:
            line.send(("error", str(error)))
