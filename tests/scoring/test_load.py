from pathlib import Path

import pytest

from stance.scoring import load
from stance.scoring.load import Load, choose_load

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [
        (1, GIB, Load(1, None)),
        (7, 64 * GIB, Load(1, None)),
        (8, 64 * GIB, Load(2, 4)),
        (64, 256 * GIB, Load(16, 4)),
        (64, 4 * GIB, Load(4, 16)),  # no more than fit in half of the memory
        (64, GIB // 4, Load(1, None)),
    ],
)
def test_what_suits_the_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int, expected: Load
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert choose_load(cores=cores, memory=memory) == expected


def test_what_the_user_says_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert choose_load(3, 5, cores=16, memory=GIB) == Load(3, 5)
    assert choose_load(3, cores=16, memory=GIB) == Load(3, 5)
    assert choose_load(40, cores=16, memory=GIB) == Load(40, 1)
    assert choose_load(1, cores=16, memory=GIB) == Load(1, None)
    assert choose_load(threads=2, cores=16, memory=64 * GIB) == Load(8, 2)


def test_cores_that_are_forbidden_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # ONNX Runtime would take a thread for each core that there is.
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert choose_load(cores=2, memory=GIB) == Load(1, 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3, 4, 5}, raising=False)
    assert load.usable_cores() == 3


def test_a_full_disk_cache_is_free_memory(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:  16 kB\nMemFree:   1 kB\nMemAvailable:   12 kB\n")
    assert load._free_memory(path) == 12 * 1024
    assert load._free_memory(tmp_path / "none") == 4 * load.MEMORY_OF_A_WORKER
