"""Text as XML 1.0 takes it.  What goes through here cannot break a document, whatever it holds."""

from __future__ import annotations

import re

# XML 1.0 section 2.2: everything outside is no character at all, not even as a reference.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Nearly all text is made of these alone, and is passed on as it is: attributes are filled in by the ten thousand.
_PLAIN = re.compile("[A-Za-z0-9 ()*+,./:;=@^_~%{}|$!?#'-]*")
_TEXT = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_ATTRIBUTE = _TEXT | {ord('"'): "&quot;", ord("\t"): "&#9;", ord("\n"): "&#10;"}


def cleaned(value: str) -> str:
    """``value`` without what XML has no character for."""
    return _NO_CHARACTER.sub("", value)


def text(value: str) -> str:
    """``value`` for the content of an element, without what XML has no character for."""
    return value if _PLAIN.fullmatch(value) else cleaned(value).translate(_TEXT)


def attribute(value: str) -> str:
    """``value`` for an attribute in double quotes, without what XML has no character for."""
    return value if _PLAIN.fullmatch(value) else cleaned(value).translate(_ATTRIBUTE)


def element(name: str, value: str) -> str:
    """An element with nothing but text."""
    return f"<{name}>{text(value)}</{name}>" if value else f"<{name}/>"


def decoded(raw: bytes) -> str:
    """``raw`` as UTF-8, or as Latin-1 when it is not: file names and old change logs say nothing of their encoding."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
