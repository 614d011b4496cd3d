"""Reads comment sections offline: who is for or against what, and where it turns abusive.

Examples
--------
>>> from stance import Analyzer, parse  # doctest: +SKIP
>>> scored = Analyzer().score(parse("page.html"), targets=["NATO"])  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stance.parsing import parse
    from stance.scoring.analyzer import Analyzer

__all__ = ["Analyzer", "parse"]


def __getattr__(name: str) -> Any:
    # Imported on first use: whoever only parses need not wait for the scoring runtime.
    if name == "Analyzer":
        from stance.scoring.analyzer import Analyzer

        return Analyzer
    if name == "parse":
        from stance.parsing import parse

        return parse
    raise AttributeError(f"module 'stance' has no attribute {name!r}")
