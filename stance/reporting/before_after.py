"""What training changed, as a table in the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stance.evaluation.before_after import Change, by_data
from stance.reporting.visible import make_line

if TYPE_CHECKING:
    from rich.console import Console


def print_changes(found: Sequence[Change], before: str, after: str, console: "Console") -> None:
    """Print each figure of a model before and after training.

    Parameters
    ----------
    found : sequence of Change
    before, after : str
        Names of the models.
    console : rich.console.Console
        Such as `stance.reporting.terminal.make_console` returns.

    Examples
    --------
    >>> import sys
    >>> from stance.evaluation.results import Interval
    >>> from stance.reporting.terminal import make_console
    >>> change = Change("mine", "macro_f1", "Macro-F1", 90, 0.5, 0.61, 0.11, Interval(0.02, 0.2))
    >>> print_changes([change], "old", "new", make_console(sys.stdout))
    ... # doctest: +NORMALIZE_WHITESPACE
    old → new
                before  after  difference (95%)           rows
    mine
      Macro-F1   0.500  0.610  +0.110 (+0.020 to +0.200)    90
    """
    from rich.table import Table
    from rich.text import Text

    console.print(Text(make_line(f"{before} → {after}"), style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    table.add_column("difference (95%)")
    table.add_column("rows", justify="right")
    for data, own in by_data(found).items():
        table.add_row(Text(make_line(data), style="bold"))
        for change in own:
            table.add_row(
                Text(f"  {make_line(change.title)}"),
                _number(change.before),
                _number(change.after),
                Text(_difference(change), style=_style(change)),
                f"{change.n:,}",
            )
    console.print(table)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _difference(change: Change) -> str:
    if change.difference is None:
        return "–"
    if change.same is not None:
        return f"{change.difference:+.3f}, decides the same in {change.same:.1%}"
    bounds = change.interval
    between = f" ({bounds.low:+.3f} to {bounds.high:+.3f})" if bounds else ""
    return f"{change.difference:+.3f}{between}"


def _style(change: Change) -> str:
    """Return a colour where the interval of a difference leaves out zero."""
    bounds = change.interval
    if bounds is None or change.higher_is_better is None or bounds.low <= 0 <= bounds.high:
        return ""
    return "green" if (bounds.low > 0) == change.higher_is_better else "red"
