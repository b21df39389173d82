"""Versions of PyPI, ordered as the specification of version specifiers has it (formerly PEP 440)."""

from __future__ import annotations

import re
from typing import Any

_VERSION = re.compile(
    r"""v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
    (?:-(?P<bare_post>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE,
)
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_BEFORE, _BETWEEN, _AFTER = -1, 0, 1


def loose_key(version: str) -> tuple[Any, ...]:
    """Total: versions from before the specification are before all others, piece by piece."""
    text = version.strip().lower()
    found = _VERSION.fullmatch(text)
    if found is None:
        return -1, (), (_AFTER, 0, 0), -1, (1, 0), _pieces(text)
    release = [int(part) for part in found["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()
    has_post = found["post"] is not None or found["bare_post"] is not None
    if found["pre"] is not None:
        pre = (_BETWEEN, _STAGES[found["pre"]], int(found["pre_number"] or 0))
    elif found["dev"] is not None and not has_post:
        pre = (_BEFORE, 0, 0)
    else:
        pre = (_AFTER, 0, 0)
    post = int(found["bare_post"] or found["post_number"] or 0) if has_post else -1
    dev = (0, int(found["dev_number"] or 0)) if found["dev"] is not None else (1, 0)
    return int(found["epoch"] or 0), tuple(release), pre, post, dev, _pieces(found["local"] or "")


def _pieces(text: str) -> tuple[tuple[int, int, str], ...]:
    """Words are before numbers."""
    found = (part for part in re.split(r"[-_.]", text) if part)
    return tuple((1, int(part), "") if part.isascii() and part.isdecimal() else (0, 0, part) for part in found)
