"""In which order rows are trained on: batches of similar length, divided among the processes."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from stance.errors import ConfigError


class LengthGroupedBatches(Sampler[list[int]]):
    """One process's part of each batch.

    The order depends on seed and epoch alone, so that a resumed run and one of several processes
    see the same rows in the same batches. An epoch is cut into batches that differ by one row at
    most: none is so small that a process would have no part of it.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each row.
    batch_size : int
        The most rows of a batch, all processes together.
    seed : int
    process, processes : int
        Which part of how many.

    Raises
    ------
    ConfigError
        A batch has fewer rows than there are processes.

    Examples
    --------
    >>> batches = LengthGroupedBatches([5, 3, 4, 6, 2], batch_size=2, seed=1)
    >>> sorted(map(len, batches)), sorted(row for batch in batches for row in batch)
    ([1, 2, 2], [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self._lengths = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._process, self._processes = process, processes
        self.epoch = 0
        if len(self._lengths) // len(self) < processes:
            raise ConfigError(
                f"{len(self._lengths):,} rows in batches of {batch_size} cannot be divided among "
                f"{processes} processes; start fewer, or set a batch_size of at least "
                f"{2 * processes}"
            )

    def __len__(self) -> int:
        return -(-len(self._lengths) // self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        order = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            self._lengths, self._batch_size, generator=generator
        )
        for number in range(len(self)):
            start, end = (len(order) * place // len(self) for place in (number, number + 1))
            yield order[start:end][self._process :: self._processes]
