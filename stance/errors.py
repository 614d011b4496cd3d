"""The errors that stance raises on purpose, each with a message that a user can act on."""


class StanceError(Exception):
    """What every error raised on purpose derives from.

    The message is one line: what was found, what was expected, and how to mend it.
    """


class InputError(StanceError):
    """A page, export or comment file cannot be read."""


class OutputError(StanceError):
    """A result cannot be written where it was asked for."""


class DataError(StanceError):
    """A labelled corpus or a row of it is not in its documented format."""


class ConfigError(StanceError):
    """A configuration, of a training or a server, has a key or a value that cannot be used."""


class ModelError(StanceError):
    """A model folder is incomplete or of a kind that this version cannot read."""


class WorkerError(StanceError):
    """A process that scores for this one ended, and again when it was started anew."""


class MissingExtraError(StanceError):
    """A command needs packages of an optional extra that is not installed."""

    def __init__(self, task: str, extra: str, missing: str | None) -> None:
        super().__init__(
            f"{task} needs the package {missing!r}, which is not installed: "
            f"run pip install '.[{extra}]' in the project's folder"
        )
