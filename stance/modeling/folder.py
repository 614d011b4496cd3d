"""Copies of a model's folder, which appear whole or not at all."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from stance.errors import OutputError
from stance.folders import why_missing


def check_new_folder(folder: Path, model: Path) -> None:
    """Check that a copy of a model can be written to a folder.

    Raises
    ------
    OutputError
        It holds something, is part of the model's folder, or the folder above it is missing.
    """
    folder, model = folder.resolve(), model.resolve()
    problem = f"cannot write {folder}"
    if folder == model or model in folder.parents:
        raise OutputError(f"{problem}: the model is there; name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{problem}: there is something already; name a new folder")
    missing = why_missing(folder.parent)
    if missing is not None:
        raise OutputError(f"{problem}: {missing}")


@contextlib.contextmanager
def copied_model(model: Path, folder: Path) -> Iterator[Path]:
    """Copy a model's files, to be changed in the block, into a new folder.

    Parameters
    ----------
    model, folder : Path

    Yields
    ------
    Path
        A temporary folder with the copies; it takes the name `folder` when the block ends without
        an exception.

    Raises
    ------
    OutputError
        As for `check_new_folder`, and where writing fails, such as on a full disk.
    """
    check_new_folder(folder, model)
    final = folder.resolve()
    temporary = final.with_name(f".stance-{secrets.token_hex(8)}.tmp")
    try:
        temporary.mkdir()
        for file in model.iterdir():
            if file.is_file():
                shutil.copyfile(file, temporary / file.name)
        yield temporary
        if final.exists():  # an empty folder, which not every system replaces
            final.rmdir()
        temporary.rename(final)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
