"""What is wrong with a folder that is not there."""

from pathlib import Path


def why_missing(folder: Path) -> str | None:
    """Return why there is no such folder and how to mend it, or None where there is one.

    Examples
    --------
    >>> why_missing(Path("no-such-folder"))
    'the folder no-such-folder does not exist; create it first'
    """
    if folder.is_dir():
        return None
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            return f"{place} is a file, not a folder; name another folder"
    return f"the folder {folder} does not exist; create it first"
