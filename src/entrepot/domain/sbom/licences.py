"""Licences as packages write them, and as SPDX does.

Only ids of a table of our own are taken for SPDX ids: an expression that another tool cannot read is worse than a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_IDS = """
0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.0 Apache-1.1 Apache-2.0 APSL-2.0 Artistic-1.0
Artistic-1.0-Perl Artistic-2.0 Beerware BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-2-Clause-Views BSD-3-Clause
BSD-3-Clause-Clear BSD-4-Clause BSD-4-Clause-UC BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0
CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CECILL-B CECILL-C CPL-1.0 curl ECL-2.0 EFL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2
FSFAP FSFUL FSFULLR FTL GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only
GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND HPND-sell-variant IBM-pibs ICU IJG
ImageMagick Info-ZIP IPL-1.0 ISC JasPer-2.0 JSON LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later
LGPL-3.0-only LGPL-3.0-or-later Libpng libpng-2.0 libtiff LPL-1.02 LPPL-1.3c MIT MIT-0 MIT-CMU MIT-Modern-Variant
MPL-1.0 MPL-1.1 MPL-2.0 MS-PL MS-RL MulanPSL-2.0 NCSA NTP OFL-1.0 OFL-1.1
OLDAP-2.8
OpenSSL OSL-2.1 OSL-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Python-2.0.1 QPL-1.0 Qhull Ruby Sendmail SGI-B-2.0
Sleepycat SMLNJ SSH-OpenSSH SSH-short TCL TCP-wrappers UCAR Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 Unlicense
UPL-1.0 Vim W3C WTFPL X11 Xnet YPL-1.1 Zend-2.0 Zlib zlib-acknowledgement ZPL-2.0 ZPL-2.1
"""
IDS = {name.lower(): name for name in _IDS.split()}
_EXCEPTION_NAMES = """
389-exception Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Bootloader-exception
Classpath-exception-2.0 CLISP-exception-2.0 cryptsetup-OpenSSL-exception FLTK-exception Font-exception-2.0
GCC-exception-2.0 GCC-exception-3.1 GPL-3.0-linking-exception Libtool-exception Linux-syscall-note LLVM-exception
LGPL-3.0-linking-exception OCaml-LGPL-linking-exception openvpn-openssl-exception Qt-GPL-exception-1.0
Qt-LGPL-exception-1.1 Swift-exception u-boot-exception-2.0 Universal-FOSS-exception-1.0 vsftpd-openssl-exception
WxWindows-exception-3.1 x11vnc-openssl-exception
"""
EXCEPTIONS = {name.lower(): name for name in _EXCEPTION_NAMES.split()}


def _family(names: Sequence[str], versions: Sequence[tuple[str, str]], spdx: str) -> dict[str, str]:
    """``GPLv2``, ``GPL-2``, ``GPL-2.0`` and the same with ``+``."""
    return {
        f"{name}{short}{plus}": f"{spdx}-{long}-{word}"
        for name in names
        for text, long in versions
        for short in (text, long)
        for plus, word in (("", "only"), ("+", "or-later"))
    }


_ALIASES = {
    **_family(("gplv", "gpl-", "gpl-v", "gpl v", "gpl "), (("1", "1.0"), ("2", "2.0"), ("3", "3.0")), "GPL"),
    **_family(("lgplv", "lgpl-", "lgpl-v", "lgpl v", "lgpl "), (("2", "2.0"), ("2.1", "2.1"), ("3", "3.0")), "LGPL"),
    **_family(("agplv", "agpl-"), (("3", "3.0"),), "AGPL"),
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "artistic 2.0": "Artistic-2.0",
    "artistic-2": "Artistic-2.0",
    "asl 1.1": "Apache-1.1",
    "asl 2.0": "Apache-2.0",
    "boost": "BSL-1.0",
    "bsd-2": "BSD-2-Clause",
    "bsd-2-clauses": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-3-clauses": "BSD-3-Clause",
    "bsd-4-clauses": "BSD-4-Clause",
    "cc0": "CC0-1.0",
    "cc-by": "CC-BY-3.0",
    "cc-by-sa": "CC-BY-SA-3.0",
    "cddl": "CDDL-1.0",
    "epl": "EPL-1.0",
    "expat": "MIT",
    "gfdl-1.2+": "GFDL-1.2-or-later",
    "gfdl-1.3+": "GFDL-1.3-or-later",
    "gpl+": "GPL-1.0-or-later",
    "lgpl+": "LGPL-2.0-or-later",
    "mit license": "MIT",
    "mplv1.1": "MPL-1.1",
    "mplv2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "ofl": "OFL-1.1",
    "openldap": "OLDAP-2.8",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "psf": "PSF-2.0",
    "the mit license": "MIT",
    "w3c": "W3C",
    "zlib/libpng": "Zlib",
    "zplv2.1": "ZPL-2.1",
    "zpl 2.1": "ZPL-2.1",
}

_MOST_CHARACTERS = 2000
_MOST_DEPTH = 20
_TOKEN = re.compile(r"[()]|[^\s()]+")
_OPERATORS = {"and": "AND", "or": "OR", "with": "WITH"}


class _NotSpdx(Exception):
    """Somewhere in the text is a licence that has no id here."""


def valid_expression(text: str) -> str | None:
    """The text as an SPDX expression with ids as SPDX spells them; none where it cannot be one.

    The older names of Fedora (``GPLv2+``) and Debian (``GPL-2+``, ``Expat``) are translated.
    """
    tokens = _TOKEN.findall(text) if len(text) <= _MOST_CHARACTERS else []
    if not tokens:
        return None
    parser = _Parser(tokens)
    try:
        found = parser.choice(0)
    except _NotSpdx:
        return None
    return found if parser.at_end else None


def simple(text: str) -> bool:
    """Whether it is one id, and nothing else."""
    return IDS.get(text.lower()) == text


def joined(texts: Sequence[str]) -> str | None:
    """All of them together as one expression, or none."""
    found = [valid_expression(text) for text in dict.fromkeys(texts)]
    known = [one for one in found if one is not None]
    if not known or len(known) != len(found):
        return None
    if len(known) == 1:
        return known[0]
    return " AND ".join(f"({one})" if " " in one else one for one in dict.fromkeys(known))


class _Parser:
    """``choice = both (OR both)*``, ``both = one (AND one)*``, ``one = id [WITH exception] | ( choice )``."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._tokens)

    def choice(self, depth: int) -> str:
        if depth > _MOST_DEPTH:
            raise _NotSpdx
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return " OR ".join(parts)

    def _both(self, depth: int) -> str:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return " AND ".join(parts)

    def _one(self, depth: int) -> str:
        if self._take("("):
            inner = self.choice(depth + 1)
            if not self._take(")"):
                raise _NotSpdx
            return f"({inner})" if " " in inner else inner
        phrase = self._phrase().lower()
        found = IDS.get(phrase) or _ALIASES.get(phrase)
        if found is None:
            raise _NotSpdx
        if self._take("with"):
            exception = EXCEPTIONS.get(self._phrase().lower())
            if exception is None:
                raise _NotSpdx
            return f"{found} WITH {exception}"
        return f"({found})" if " " in found else found

    def _phrase(self) -> str:
        """Words up to the next operator or bracket: the older names have blanks."""
        words = []
        while not self.at_end and (word := self._tokens[self._at]) not in "()" and word.lower() not in _OPERATORS:
            words.append(word)
            self._at += 1
        return " ".join(words)

    def _take(self, token: str) -> bool:
        if self.at_end or self._tokens[self._at].lower() != token:
            return False
        self._at += 1
        return True
