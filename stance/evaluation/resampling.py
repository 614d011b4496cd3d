"""The bootstrap: how far a figure would move in other draws of such comments.

Whole units are drawn with replacement (Efron & Tibshirani 1993), where a unit is all rows that
share a comment: rows of the same comment say less than as many different ones. Every figure of an
evaluation is recomputed on the same draws, so that differences between models are paired.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.evaluation.results import Bootstrap, Interval

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]

LEVEL = 0.95
LEAST_UNITS = 10  # of fewer, draws are too alike to say anything
# Cells of a block of weights, and of blocks that are kept rather than drawn again.
_BLOCK_CELLS = 4_000_000
_KEPT_CELLS = 300_000_000
# An interval stands on at least this share of the draws; on the others a figure has no value.
_LEAST_DEFINED = 0.9


class Resamples:
    """Draws of the units of a data set, the same for every figure.

    Parameters
    ----------
    groups : sequence of str, length n
        The unit that each row belongs to.
    count : int
        How many draws.
    seed : int
    unit : str
        What a unit is, in words.

    Examples
    --------
    >>> draws = Resamples(["a", "a", "b"], 1000, 1, "comment")
    >>> draws.units, draws.sums(np.ones((3, 1))).shape
    (2, (1000, 1))
    """

    def __init__(self, groups: Sequence[str], count: int, seed: int, unit: str) -> None:
        places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
        self._codes = np.fromiter((places[group] for group in groups), np.int64, len(groups))
        self._seed = seed
        self._blocks: dict[int, NDArray[np.uint8]] = {}
        self.count = count
        self.unit = unit
        self.units = len(places)

    def facts(self) -> Bootstrap:
        """Return how the intervals are drawn."""
        return Bootstrap(self.count, self._seed, self.unit, self.units, LEVEL)

    def sums(self, values: Floats, rows: Integers | None = None) -> Floats:
        """Return the column sums of each draw.

        Parameters
        ----------
        values : array, shape (m, k)
            Of the rows given, or of all.
        rows : array, shape (m,), optional
            Which rows of the data.

        Returns
        -------
        array, shape (count, k)
        """
        codes = self._codes if rows is None else self._codes[rows]
        units, places = np.unique(codes, return_inverse=True)
        columns = np.asarray(values, dtype=float).T
        by_unit = np.stack([np.bincount(places, column, len(units)) for column in columns], axis=1)
        return np.concatenate(
            [weights[:, units].astype(np.float64) @ by_unit for weights in self._weights()]
        )

    def row_weights(self, rows: Integers) -> Iterator[Floats]:
        """Yield how often each draw has each row, in blocks of shape (some draws, len(rows))."""
        codes = self._codes[rows]
        step = max(1, _BLOCK_CELLS // max(1, len(rows)))
        for weights in self._weights():
            for start in range(0, len(weights), step):
                yield weights[start : start + step][:, codes].astype(np.float64)

    def _weights(self) -> Iterator[NDArray[np.uint8]]:
        """Yield how often each draw has each unit, in blocks of shape (some draws, units)."""
        step = max(1, _BLOCK_CELLS // max(1, self.units))
        for start in range(0, self.count, step):
            block = self._blocks.get(start)
            if block is None:
                block = self._draw(start, min(step, self.count - start))
                if self.count * self.units <= _KEPT_CELLS:
                    self._blocks[start] = block
            yield block

    def _draw(self, start: int, count: int) -> NDArray[np.uint8]:
        generator = np.random.default_rng([self._seed, start])
        drawn = generator.integers(0, self.units, (count, self.units))
        drawn += np.arange(count)[:, None] * self.units
        counted = np.bincount(drawn.ravel(), minlength=count * self.units)
        # One unit in more than 255 of its draws has a probability below 1e-500.
        return np.minimum(counted, 255).astype(np.uint8).reshape(count, self.units)


def interval(draws: Floats | None) -> Interval | None:
    """Return the percentile interval of a figure's draws; NaN stands for no value.

    Examples
    --------
    >>> found = interval(np.arange(1001) / 1000)
    >>> round(found.low, 4), round(found.high, 4)
    (0.025, 0.975)
    """
    if draws is None:
        return None
    defined = draws[np.isfinite(draws)]
    if len(defined) < _LEAST_DEFINED * len(draws):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def wilson(count: int, total: int) -> Interval:
    """Return Wilson's (1927) interval of the share of `count` in `total`.

    Examples
    --------
    >>> found = wilson(5, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.2366, 0.7634)
    """
    from scipy.stats import binomtest

    found = binomtest(count, total).proportion_ci(LEVEL, method="wilson")
    return Interval(float(found.low), float(found.high))
