"""What a check of labelled data found, as plain data: no model, no library."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["problem", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is to be mended, or known.

    Parameters
    ----------
    kind : str
        Such as "split_leak"; the same from version to version.
    severity : {"problem", "warning"}
        A problem hinders training, or makes its figures untrue.
    message : str
        What was found, and why it matters.
    mend : str
        What to do about it.
    count : int
        Rows concerned.
    rows : tuple of str
        Where the first of them stand, such as "line 7".
    """

    kind: str
    severity: Severity
    message: str
    mend: str
    count: int
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Rows of each class of a label column.

    Parameters
    ----------
    column : str
        "stance" or a toxicity label, whose classes are "1" (a share of raters of at least one
        half) and "0".
    split : str or None
        None for all rows together.
    counts : mapping of str to int
        By class; all classes are there.
    """

    column: str
    split: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TargetCounts:
    """Rows of each stance to one target.

    Parameters
    ----------
    target : str
        Its beginning where it is long.
    counts : mapping of str to int
    """

    target: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Languages:
    """Which languages the looked-at texts are in.

    Parameters
    ----------
    looked_at : int
    counts : mapping of str to int
        By ISO 639-1 code, most frequent first; "" for texts too short to tell.
    read : tuple of str
        Codes of what the model reads.
    """

    looked_at: int
    counts: Mapping[str, int]
    read: tuple[str, ...]

    @property
    def unread(self) -> dict[str, int]:
        """Texts by language that the model does not read."""
        return {
            code: count for code, count in self.counts.items() if code and code not in self.read
        }


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the looked-at inputs are, in tokens of the model, target and marks included.

    Parameters
    ----------
    looked_at : int
    window : int
        The most tokens that training reads of one input.
    median, percentile_95, longest : int
    over : int
        How many inputs are longer than the window.
    long_targets : int
        How many targets are longer than the model reads of one.
    """

    looked_at: int
    window: int
    median: int
    percentile_95: int
    longest: int
    over: int
    long_targets: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose label is likely wrong.

    Parameters
    ----------
    row : str
        Where it stands, such as "line 7".
    text : str
        Its beginning.
    target : str or None
    label, likely : str
        The label it has, and the one that other rows speak for.
    probability : float
        Of the label it has, estimated from the other rows.
    """

    row: str
    text: str
    target: str | None
    label: str
    likely: str
    probability: float


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """The search for wrong labels in one column.

    Parameters
    ----------
    column : str
    searched : int
        Rows that were looked into; a sample where there are very many.
    of : int
        Rows that have the label.
    skipped : str
        Why nothing was looked into, or "".
    suspects : tuple of Suspect
        The likeliest first.
    """

    column: str
    searched: int
    of: int
    skipped: str = ""
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Which benchmarks the rows were looked up in.

    Parameters
    ----------
    looked_into : tuple of str
    absent : tuple of str
        Not at hand, or not readable.
    """

    looked_into: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check of labelled data found.

    Parameters
    ----------
    name : str
        Of the file or data set.
    rows : int
        That can be used.
    left_out, unlabelled : int
        Rows that cannot be used, and rows without any label.
    texts : int
        Different texts, but for case, spaces and signs.
    classes : tuple of ClassCounts
        Of all rows first, then by split where the data names splits.
    targets : tuple of TargetCounts
        The most frequent.
    target_number : int
        How many different ones there are.
    languages : Languages
    lengths : Lengths
    benchmarks : Benchmarks
    label_errors : tuple of LabelErrors
    findings : tuple of Finding
        Problems first.
    """

    name: str
    rows: int
    left_out: int
    unlabelled: int
    texts: int
    classes: tuple[ClassCounts, ...]
    targets: tuple[TargetCounts, ...]
    target_number: int
    languages: Languages
    lengths: Lengths
    benchmarks: Benchmarks
    label_errors: tuple[LabelErrors, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What hinders training."""
        return tuple(item for item in self.findings if item.severity == "problem")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with "ok" first: whether nothing hinders training."""
        return {"ok": not self.problems, **asdict(self)}
