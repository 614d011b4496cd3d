"""What choosing thresholds came to, in lines for a terminal and for a model card."""

from collections.abc import Iterator

from stance.reporting.visible import make_line
from stance.training.recalibrate import Choice, Estimate, Operation, Recalibration


def describe(result: Recalibration) -> Iterator[str]:
    r"""Yield the lines that say which threshold each label has, and how it does.

    Examples
    --------
    >>> from stance.modeling.calibration import uncalibrated
    >>> estimate = Estimate(0.904, (0.85, 0.95))
    >>> done = Operation(1200, 140, estimate, Estimate(0.6, None), Estimate(0.08, (0.07, 0.09)))
    >>> choice = Choice("toxicity", 0.71, 0.43, True, done)
    >>> print(*describe(Recalibration("precision", 0.9, (choice,), done, uncalibrated("m", 256))),
    ...     sep="\n")
    toxicity: threshold 0.710 (was 0.430) for a precision of at least 0.9
      precision 0.904 (0.850–0.950), recall 0.600; flags 8.0% (7.0–9.0) of 1,200 rows, 140 positive
    toxic, the flag that any label raises:
      precision 0.904 (0.850–0.950), recall 0.600; flags 8.0% (7.0–9.0) of 1,200 rows, 140 positive
    """
    for choice in result.choices:
        yield _headline(choice, result)
        yield f"  {_operation(choice.operation)}"
    yield "toxic, the flag that any label raises:"
    yield f"  {_operation(result.flag)}"


def card_section(result: Recalibration, data: str) -> str:
    """Return what a model card says of thresholds that were chosen on some data."""
    lines = [
        "",
        "## Thresholds of this copy",
        "",
        f"Chosen on {make_line(data)} for a {result.figure} of at least {result.wanted:g}; other "
        "figures in this card are those of the model before. Measured on the same rows:",
        "",
        "| label | threshold | before | precision | recall | flagged | rows | positive |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {choice.label} | {choice.threshold:.4f} | {choice.before:.4f} | "
        f"{_number(choice.operation.precision)} | {_number(choice.operation.recall)} | "
        f"{_percent(choice.operation.flagged)} | {choice.operation.rows:,} | "
        f"{choice.operation.positives:,} |"
        for choice in result.choices
    ]
    return "\n".join([*lines, ""])


def _headline(choice: Choice, result: Recalibration) -> str:
    was = f"(was {choice.before:.3f})"
    if choice.is_reached:
        return (
            f"{choice.label}: threshold {choice.threshold:.3f} {was} for a {result.figure} of at "
            f"least {result.wanted:g}"
        )
    return (
        f"{choice.label}: a {result.figure} of {result.wanted:g} is out of reach; the nearest is "
        f"at threshold {choice.threshold:.3f} {was}"
    )


def _operation(done: Operation) -> str:
    return (
        f"precision {_number(done.precision)}, recall {_number(done.recall)}; "
        f"flags {_percent(done.flagged)} of {done.rows:,} rows, {done.positives:,} positive"
    )


def _number(estimate: Estimate) -> str:
    ends = "" if estimate.interval is None else " ({:.3f}–{:.3f})".format(*estimate.interval)
    return f"{estimate.value:.3f}{ends}"


def _percent(estimate: Estimate) -> str:
    ends = ""
    if estimate.interval is not None:
        ends = " ({:.1f}–{:.1f})".format(*(100 * end for end in estimate.interval))
    return f"{estimate.value:.1%}{ends}"
