import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="training is not installed")
from stance.errors import ConfigError
from stance.training.sampler import LengthGroupedBatches


def all_batches(
    lengths: list[int], batch_size: int, processes: int, epoch: int = 0
) -> list[list[list[int]]]:
    parts = []
    for process in range(processes):
        batches = LengthGroupedBatches(lengths, batch_size, 7, process=process, processes=processes)
        batches.epoch = epoch
        parts.append(list(batches))
    return parts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(3, 256), min_size=4, max_size=300),
    st.integers(4, 64),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_processes_share_the_batches_of_one(
    lengths: list[int], batch_size: int, processes: int, epoch: int
) -> None:
    if len(lengths) // -(-len(lengths) // batch_size) < processes:
        return
    [whole] = all_batches(lengths, batch_size, 1, epoch)
    parts = all_batches(lengths, batch_size, processes, epoch)
    assert sorted(row for batch in whole for row in batch) == list(range(len(lengths)))
    sizes = [len(batch) for batch in whole]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    for number, batch in enumerate(whole):
        together = [part[number] for part in parts]
        assert all(together)
        assert sorted(row for part in together for row in part) == sorted(batch)


def test_each_epoch_and_seed_has_an_order_of_its_own_and_keeps_it() -> None:
    lengths = list(range(5, 105))
    first = all_batches(lengths, 8, 1, epoch=0)
    assert first == all_batches(lengths, 8, 1, epoch=0)
    assert first != all_batches(lengths, 8, 1, epoch=1)
    assert list(LengthGroupedBatches(lengths, 8, 1)) != list(LengthGroupedBatches(lengths, 8, 2))


def test_a_batch_holds_rows_of_like_length() -> None:
    lengths = [1 + 37 * place % 400 for place in range(400)]
    spans = [
        max(lengths[row] for row in batch) - min(lengths[row] for row in batch)
        for batch in LengthGroupedBatches(lengths, 8, 1)
    ]
    assert sorted(spans)[len(spans) // 2] < 40  # of 400; about 300 where rows are drawn at random


def test_fewer_rows_than_processes_are_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        LengthGroupedBatches([3] * 10, 2, 1, processes=4)
    assert str(raised.value) == (
        "10 rows in batches of 2 cannot be divided among 4 processes; start fewer, or set a "
        "batch_size of at least 8"
    )
