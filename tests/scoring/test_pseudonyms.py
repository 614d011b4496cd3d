import stat
from pathlib import Path
from typing import Any

import pytest

from stance.errors import ConfigError
from stance.scoring.pseudonyms import load_key, pseudonym, pseudonymise
from stance.thread import Comment, Thread


def test_an_id_is_stable_and_depends_on_the_key() -> None:
    assert pseudonym("Ann", b"key") == "author-2005057e2113700c"
    ids = {pseudonym("Zoe\u0308", b"key"), pseudonym(" Zo\u00eb ", b"key")}
    assert len(ids) == 1
    assert ids.isdisjoint({pseudonym("Zo\u00eb", b"other"), pseudonym("zo\u00eb", b"key")})


def test_authors_of_comments_alone_change(fake_analyzer: Any) -> None:
    comments = (Comment("1", "Hello Bo", author="Ann"), Comment("2", "Hi"), Comment("3", "", "Ann"))
    scored = fake_analyzer.score(Thread("p", "text", comments=comments), ["trams"])
    hidden = pseudonymise(scored, b"key")
    names = [item.comment.author for item in hidden.comments]
    assert names == [pseudonym("Ann", b"key"), None, pseudonym("Ann", b"key")]
    assert [comment.author for comment in hidden.thread.comments] == names
    assert [item.comment.text for item in hidden.comments] == ["Hello Bo", "Hi", ""]
    assert hidden.targets == scored.targets


def test_the_key_is_made_once_and_for_the_user_alone(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    key = load_key(environment)
    assert len(key) == 32
    assert load_key(environment) == key
    path = tmp_path / "stance" / "pseudonym.key"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_key_may_stand_in_the_environment(tmp_path: Path) -> None:
    assert load_key({"STANCE_PSEUDONYM_KEY": "geheim ß"}) == "geheim ß".encode()
    with pytest.raises(ConfigError) as raised:
        load_key({"STANCE_PSEUDONYM_KEY": "x" * 65})
    assert str(raised.value) == "STANCE_PSEUDONYM_KEY has 65 bytes: expected at most 64"


def test_keys_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"set STANCE_PSEUDONYM_KEY to a secret text$"):
        load_key({"XDG_CONFIG_HOME": str(tmp_path / "file")})
    (tmp_path / "stance").mkdir()
    (tmp_path / "stance" / "pseudonym.key").touch()
    with pytest.raises(ConfigError, match=r"expected 32 bytes, found 0$"):
        load_key({"XDG_CONFIG_HOME": str(tmp_path)})
