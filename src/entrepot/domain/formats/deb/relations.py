"""Relations between binary packages: Debian Policy 7.1, as deb-control(5) allows them in a .deb."""

from __future__ import annotations

import re

from entrepot.domain.formats.quoting import quote
from entrepot.domain.versions.deb import MAX_CHARACTERS
from entrepot.errors import BadPackageField

WITH_ALTERNATIVES = ("depends", "pre-depends", "recommends", "suggests")
WITHOUT_ALTERNATIVES = ("enhances", "breaks", "conflicts", "replaces", "provides")
RELATIONS = WITH_ALTERNATIVES + WITHOUT_ALTERNATIVES

# Names are taken as widely as dpkg takes them; "<" and ">" are the deprecated forms of "<=" and ">=", and dpkg reads
# a bare version as "=".  The lists of architectures and profiles of source packages have no place here.
_NAME = r"[A-Za-z0-9][A-Za-z0-9+._-]{0,254}(?::[a-z0-9-]{1,64})?"
_VERSION = (
    rf"(?:[0-9]{{1,10}}:[A-Za-z0-9.+~:-]{{0,{MAX_CHARACTERS}}}|[A-Za-z0-9.+~-]{{0,{MAX_CHARACTERS}}})[A-Za-z0-9.+~]"
)
_ONE = rf"{_NAME}[ \t\n]*(?:\([ \t\n]*(?:<<|<=|>=|>>|[<>=])?[ \t\n]*{_VERSION}[ \t\n]*\))?"
_SINGLE = re.compile(rf"[ \t\n]*{_ONE}[ \t\n]*")
_ALTERNATIVES = re.compile(rf"[ \t\n]*{_ONE}[ \t\n]*(?:\|[ \t\n]*{_ONE}[ \t\n]*)*")


def split_relation(relation: str, value: str) -> tuple[str, ...]:
    """The entries of one field between its commas, blanks and line folds collapsed.

    Raises:
        BadPackageField: an entry is not ``name[:arch] [(operator version)]``, or has alternatives where none may be.
    """
    entry_syntax = _ALTERNATIVES if relation in WITH_ALTERNATIVES else _SINGLE
    entries = value.split(",")
    for entry in entries:
        if entry_syntax.fullmatch(entry) is None:
            raise BadPackageField(
                f"control: the {relation.title()} entry {quote(entry.strip())} is not a relation",
                field=relation.title(),
            )
    return tuple([" ".join(entry.split()) for entry in entries])
