"""What a server is set to, with its limits."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from stance.errors import ConfigError

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who may use a server, and how much of it.

    Parameters
    ----------
    api_keys : tuple of str
        Any of them opens the server; without one it is open to all.
    suggestions : Path or None
        The file that suggested scores are appended to; they are refused where it is None.
    max_suggestions : int
        Bytes that this file may grow to.
    max_body : int
        Bytes of one request's body.
    max_held : int
        Bytes of the bodies that are held at a time; further requests are asked to come back later.
    body_seconds : float
        In which a request's body must have arrived.
    head_seconds : float
        In which a connection must have sent a request's first line and headers.
    write_seconds : float
        In which a client must take the next part of its answer.
    shutdown_seconds : int
        That a shutdown waits for requests that were taken.
    max_connections : int
        Open at a time; above it a request is answered with 503.
    max_waiting : int
        Requests that wait for the model; above it they are answered with 429.
    batch_seconds : float
        That a text waits for others to share a pass with.

    Raises
    ------
    ConfigError
        A key is empty or not of plain characters, or a limit is not above 0.
    """

    api_keys: tuple[str, ...] = field(default=(), repr=False)
    suggestions: Path | None = None
    max_suggestions: int = 256 * MIB
    max_body: int = 4 * MIB
    max_held: int = 64 * MIB
    body_seconds: float = 30.0
    head_seconds: float = 10.0
    write_seconds: float = 30.0
    shutdown_seconds: int = 60
    max_connections: int = 1000
    max_waiting: int = 256
    batch_seconds: float = 0.004

    def __post_init__(self) -> None:
        for key in self.api_keys:
            if not key or not key.isascii() or not key.isprintable() or " " in key:
                raise ConfigError(
                    "an API key is empty or holds blanks or other than printable ASCII characters; "
                    "expected such as 'k-7f3a9c'"
                )
        for name in (
            *("max_suggestions", "max_body", "max_held", "body_seconds", "head_seconds"),
            *("write_seconds", "shutdown_seconds", "max_connections", "max_waiting"),
        ):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ConfigError(f"{name} is {value}; expected a number above 0")
        if not 0 <= self.batch_seconds <= 1:
            raise ConfigError(f"batch_seconds is {self.batch_seconds}; expected 0 to 1")
