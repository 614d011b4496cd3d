"""How fast stance is, beside the same model and a BERT-base in PyTorch and TF-IDF, in one run.

Each contender is loaded in a process of its own, one after the other and all of them again in each
round, so that what else the machine does meets them alike; ratios are taken within a round. Before
the first round each is loaded once, so the disk cache is warm for all.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stance.errors import StanceError
from stance.evaluation.speed_worker import CONTENDERS

OURS = "ours"
RIVAL = "BERT-base"  # of the ratios, doing toxicity alone
_MAX_SAID = 2000  # characters of a failed process's standard error

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process of one contender measured.

    Parameters
    ----------
    first_score : float
        Seconds from the start of the process to the first comment's score.
    rates : mapping of task to comments a second
    peak_memory : int
        Bytes.
    encoder : float or None
        Operations a second that the encoder reaches; of ours alone.
    """

    first_score: float
    rates: Mapping[str, float]
    peak_memory: int
    encoder: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One repetition: a run of each contender, and large matrix products by library."""

    runs: Mapping[str, Run]
    products: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a figure over the rounds, and its range."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures hold for."""

    processor: str
    threads: int
    memory: int | None
    system: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SpeedBenchmark:
    """All that was measured.

    Examples
    --------
    >>> run = Run(first_score=1.0, rates={"toxicity": 10.0}, peak_memory=1)
    >>> result = SpeedBenchmark(
    ...     Machine("a processor", 1, None, "Linux", {}), "news", (Round({"ours": run}, {}),)
    ... )
    >>> result.rate("ours", "toxicity")
    Spread(median=10.0, low=10.0, high=10.0)
    """

    machine: Machine
    lengths: str
    rounds: Sequence[Round]

    def rate(self, contender: str, task: str) -> Spread:
        """Return the comments a second of a contender."""
        return _spread([round_.runs[contender].rates[task] for round_ in self.rounds])

    def first_score(self, contender: str) -> Spread:
        """Return the seconds of a cold start to the first score."""
        return _spread([round_.runs[contender].first_score for round_ in self.rounds])

    def peak_memory(self, contender: str) -> Spread:
        """Return the most bytes held."""
        return _spread([float(round_.runs[contender].peak_memory) for round_ in self.rounds])

    def rate_ratio(self, task: str) -> Spread:
        """Return how many times the comments of BERT-base (toxicity alone) ours does in a time."""
        return _spread(
            [
                round_.runs[OURS].rates[task] / round_.runs[RIVAL].rates["toxicity"]
                for round_ in self.rounds
            ]
        )

    def first_score_ratio(self) -> Spread:
        """Return our cold start as a share of BERT-base's."""
        return _spread(
            [
                round_.runs[OURS].first_score / round_.runs[RIVAL].first_score
                for round_ in self.rounds
            ]
        )

    def encoder(self) -> Spread:
        """Return the operations a second of our encoder."""
        return _spread([round_.runs[OURS].encoder or 0.0 for round_ in self.rounds])

    def product(self, library: str) -> Spread:
        """Return the operations a second of a large matrix product by a library."""
        return _spread([round_.products[library] for round_ in self.rounds])

    def encoder_share(self) -> Spread:
        """Return our encoder's operations a second as a share of the fastest matrix product's."""
        return _spread(
            [
                (round_.runs[OURS].encoder or 0.0) / max(round_.products.values())
                for round_ in self.rounds
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: every round as it was measured."""
        return asdict(self)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def benchmark_speed(
    model: Path,
    *,
    threads: int,
    rounds: int = 5,
    lengths: str = "news",
    progress: Progress = lambda _: None,
) -> SpeedBenchmark:
    """Measure all contenders.

    Parameters
    ----------
    model : Path
        A model folder, with its checkpoint.
    threads : int
        Of every contender alike.
    rounds : int
        How often everything is repeated.
    lengths : str
        Whose lengths the made-up comments have; see `made_up_comments.LENGTHS`.
    progress : callable, optional
        Told what is being measured.

    Raises
    ------
    StanceError
        A contender's process failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        bert_base = Path(scratch)
        progress("making a BERT-base of random weights")
        tokenizer = ["--tokenizer", str(model / "tokenizer.json")]
        [made] = _worker("make BERT-base", bert_base, threads, tokenizer)
        folders = {name: bert_base if name == RIVAL else model for name in CONTENDERS}
        for name, folder in folders.items():
            progress(f"warming the disk cache: {CONTENDERS[name].title}")
            _worker(name, folder, threads, ["--only-first"])
        done = []
        for number in range(1, rounds + 1):
            progress(f"round {number} of {rounds}")
            done.append(_round(folders, threads, lengths))
    machine = Machine(processor(), threads, _memory(), platform.system(), made["versions"])
    return SpeedBenchmark(machine, lengths, tuple(done))


def _round(folders: Mapping[str, Path], threads: int, lengths: str) -> Round:
    runs = {}
    for name, folder in folders.items():
        first, found = _worker(name, folder, threads, ["--lengths", lengths])
        runs[name] = Run(
            first["seconds"], found["rates"], found["peak_memory"], found.get("encoder")
        )
    [peak] = _worker("peak", folders[OURS], threads, [])
    return Round(runs, peak["products"])


def _worker(what: str, folder: Path, threads: int, more: Sequence[str]) -> list[dict[str, Any]]:
    """Run a worker; return its lines, each with the `seconds` after which it came."""
    command = [sys.executable, "-m", "stance.evaluation.speed_worker", what]
    command += ["--folder", str(folder), "--threads", str(threads), *more]
    lines = []
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, env=_environment(threads)
        ) as process:
            for line in process.stdout or ():
                lines.append({**json.loads(line), "seconds": time.perf_counter() - start})
        if process.returncode:
            said.seek(0)
            words = " ".join(said.read().decode(errors="replace").split())[-_MAX_SAID:]
            raise StanceError(f"measuring {what!r} failed ({process.returncode}): {words}")
    return lines


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: as many threads for every library, and no hub."""
    names = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }


def processor() -> str:
    """Return the processor's name, with its family and model where the system tells them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in text.splitlines())
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    name = facts.get("model name") or platform.machine()
    detail = [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return f"{name} ({', '.join(detail)})" if detail else name


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def hours(comments: float, rate: float) -> float:
    """Return the hours that one machine takes for comments at a measured rate a second.

    Examples
    --------
    >>> hours(3_600_000, rate=100)
    10.0
    """
    return comments / rate / 3600
