"""How many processes and threads score: the user's choice, or what suits the machine."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

CORES_OF_A_LAPTOP = 8  # from so many cores on, several processes beat one with as many threads
THREADS_OF_A_WORKER = 4
MEMORY_OF_A_WORKER = 2**29  # bytes, generously


@dataclass(frozen=True, slots=True)
class Load:
    """How many processes score, and how many threads each.

    Parameters
    ----------
    workers : int
        1 is this process alone.
    threads : int or None
        None takes the physical cores.
    """

    workers: int
    threads: int | None


def choose_load(
    workers: int | None = None,
    threads: int | None = None,
    *,
    cores: int | None = None,
    memory: int | None = None,
) -> Load:
    """Return the load for a machine, where the user does not say it.

    Fewer than `CORES_OF_A_LAPTOP` cores: one process with all of them. More: a process for each
    `THREADS_OF_A_WORKER`, as long as they fit in half of the memory that is free.

    Parameters
    ----------
    workers, threads : int, optional
        What the user says.
    cores, memory : int, optional
        Cores that this process may use, and bytes that are free; measured where not given.

    Examples
    --------
    >>> choose_load(cores=4), choose_load(cores=32, memory=2**36)
    (Load(workers=1, threads=None), Load(workers=8, threads=4))
    >>> choose_load(workers=2, cores=4), choose_load(threads=2, cores=32, memory=2**36)
    (Load(workers=2, threads=2), Load(workers=16, threads=2))
    """
    cores = usable_cores() if cores is None else cores
    if workers is None:
        memory = _free_memory() if memory is None else memory
        fitting = max(1, memory // 2 // MEMORY_OF_A_WORKER)
        wanted = cores // (threads or THREADS_OF_A_WORKER) if cores >= CORES_OF_A_LAPTOP else 1
        workers = max(1, min(wanted, fitting))
    if threads is None and (workers > 1 or cores < (os.cpu_count() or 1)):
        threads = max(1, cores // workers)
    return Load(workers, threads)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _free_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the bytes that are free or in use as a cache; elsewhere than on Linux, a guess."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return 1024 * int(found[1]) if found else 4 * MEMORY_OF_A_WORKER
