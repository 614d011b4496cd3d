"""What every report page shares: one file that loads nothing and sends nothing.

A content security policy in its head allows no network and no script or style but the two inline
ones, by their hashes. Templates escape all text and make its control characters visible; what they
are given as markup is ours alone.
"""

import base64
import hashlib
import json
from pathlib import Path

from stance.reporting.visible import make_visible

_FOLDER = Path(__file__).parent


def render_page(name: str, **context: object) -> str:
    """Return the page of a template `<name>.html.j2`, with its own style and script inline.

    Parameters
    ----------
    name : str
        Also of `<name>.css` and `<name>.js` beside the template; page.css comes before them.
    **context
        What the template shows; str is escaped, `markupsafe.Markup` is not.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style = "".join(_read(f"{part}.css") for part in ("page", name))
    script = _read(f"{name}.js")
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template(f"{name}.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        **context,
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


def _visible(value: object) -> object:
    """Return what a template prints, without the characters that a screen would obey."""
    return make_visible(value) if type(value) is str else value


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy calls an inline element by."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
