"""Stable ids in place of the names of those who comment.

An id is a keyed hash of the name: the same name gets the same id in every page and run with the
same key, and without the key nobody can find the name by hashing guesses. Whoever holds the key
can, so treat it as you treat the names. Only the author's field changes: names mentioned inside
texts, in further columns of a comment file and in the article remain.
"""

import hashlib
import os
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stance.errors import ConfigError
from stance.scoring.results import ScoredThread

KEY_VARIABLE = "STANCE_PSEUDONYM_KEY"


def pseudonym(name: str, key: bytes) -> str:
    """Return the id of a name: `author-` and 16 hexadecimal digits.

    Parameters
    ----------
    name : str
        Surrounding white space and the Unicode form do not matter, upper and lower case do.
    key : bytes
        1 to 64 bytes.

    Examples
    --------
    >>> pseudonym("Ann ", b"key") == pseudonym("Ann", b"key")
    True
    >>> pseudonym("Ann", b"other key") == pseudonym("Ann", b"key")
    False
    """
    normal = unicodedata.normalize("NFC", name.strip()).encode("utf-8", "surrogatepass")
    return f"author-{hashlib.blake2b(normal, digest_size=8, key=key).hexdigest()}"


def pseudonymise(scored: ScoredThread, key: bytes) -> ScoredThread:
    """Return a scored thread with ids in place of its comments' authors."""
    comments = tuple(
        replace(item, comment=replace(item.comment, author=pseudonym(item.comment.author, key)))
        if item.comment.author
        else item
        for item in scored.comments
    )
    thread = replace(scored.thread, comments=tuple(item.comment for item in comments))
    return replace(scored, thread=thread, comments=comments)


def load_key(environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the key of this user, made on first use.

    It is the text in the environment variable STANCE_PSEUDONYM_KEY where that is set (a project
    that works on several machines sets it on all), else 32 random bytes in
    `$XDG_CONFIG_HOME/stance/pseudonym.key` (`~/.config/stance/…`), readable by the user alone.

    Raises
    ------
    ConfigError
        The variable is too long or the file cannot be read or made.
    """
    if text := environment.get(KEY_VARIABLE):
        key = text.encode("utf-8", "surrogateescape")
        if len(key) > hashlib.blake2b.MAX_KEY_SIZE:
            raise ConfigError(
                f"{KEY_VARIABLE} has {len(key)} bytes: expected at most "
                f"{hashlib.blake2b.MAX_KEY_SIZE}"
            )
        return key
    try:
        folder = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "stance"
        return _key_file(folder / "pseudonym.key")
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"cannot keep a key for pseudonyms ({error}): set {KEY_VARIABLE} to a secret text"
        ) from error


def _key_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    temporary.touch(mode=0o600)
    try:
        temporary.write_bytes(secrets.token_bytes(32))
        # A link, unlike a rename, fails where another run was first: both then use its key.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    key = path.read_bytes()
    if not 1 <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE:
        raise ConfigError(f"'{path}' is no key for pseudonyms: expected 32 bytes, found {len(key)}")
    return key
