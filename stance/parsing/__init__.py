"""From a saved page, a text dump or an export to its article and its single comments."""

from stance.parsing.sources import find_sources, parse, parse_bytes, parse_threads

__all__ = ["find_sources", "parse", "parse_bytes", "parse_threads"]
