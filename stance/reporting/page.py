"""What every report page shares: one file that loads nothing and sends nothing.

A content security policy in its head allows no network and no script or style but the two inline
ones, by their hashes. Templates escape all text and make its control characters visible; what they
are given as markup is ours alone.
"""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stance.reporting.visible import make_visible

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent
_WITH_FORM = ("form",)  # pages that send what is typed into them; reports send nothing


def render_page(name: str, **context: object) -> str:
    """Return the page of a template `<name>.html.j2`, with its own style and script inline.

    Parameters
    ----------
    name : str
        Also of `<name>.css` and `<name>.js` beside the template; page.css comes before them.
    **context
        What the template shows; str is escaped, `markupsafe.Markup` is not.
    """
    from markupsafe import Markup

    return (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(
            style=Markup(_style(name)),  # noqa: S704 - our own files
            script=Markup(_script(name)),  # noqa: S704
            policy=content_policy(name),
            **context,
        )
    )


def content_policy(name: str) -> str:
    """Return the content security policy of a page: what its head says, and a server's header.

    The inline style and script alone may run, nothing is loaded, and a form goes to where the page
    came from or nowhere.

    Parameters
    ----------
    name : str
        As for `render_page`.

    Examples
    --------
    >>> content_policy("thread").partition(";")[0]
    "default-src 'none'"
    """
    form_action = "'self'" if name in _WITH_FORM else "'none'"
    return (
        f"default-src 'none'; style-src '{_hash(_style(name))}'; "
        f"script-src '{_hash(_script(name))}'; base-uri 'none'; form-action {form_action}"
    )


def script_json(value: object) -> str:
    r"""Return JSON for a script element: no text in it can end the element or open a comment.

    Parameters
    ----------
    value : object
        Whatever `json.dumps` takes.

    Examples
    --------
    >>> script_json({"text": "</script><!--"})
    '{"text": "\\u003c/script\\u003e\\u003c!--"}'
    """
    text = json.dumps(value, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )


def _visible(value: object) -> object:
    """Return what a template prints, without the characters that a screen would obey."""
    return make_visible(value) if type(value) is str else value


@cache
def _style(name: str) -> str:
    return _read("page.css") + _read(f"{name}.css")


@cache
def _script(name: str) -> str:
    return _read(f"{name}.js")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _hash(text: str) -> str:
    """Return what a content security policy calls an inline element by."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
