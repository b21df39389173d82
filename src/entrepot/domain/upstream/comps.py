"""comps.xml of other people: groups of packages and environments of groups, cut down to what a suite has."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree import ElementTree as ET

from entrepot.domain.upstream.markup import read_xml
from entrepot.errors import UpstreamParse

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class _Nothing:
    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """Only the bounds of the reader count."""

    def end(self, path: list[str], text: str) -> None:
        """The same."""


def cut_comps(text: bytes, label: str, names: Collection[str] | None) -> bytes:
    """The document with nothing in its groups but these packages; groups that have none left go, and their mentions.

    Without names it stays as it is, once it is known to be well-formed and harmless.

    Raises:
        UpstreamParse: it is none.
    """
    list(read_xml([text], _Nothing(), label, list[None]))
    if names is None:
        return text
    try:
        root = ET.fromstring(text)  # noqa: S314 - read before, and without a document type
    except ET.ParseError as fault:
        raise UpstreamParse(f"{label}: it is not well-formed XML") from fault
    gone: set[str] = set()
    for group in list(root.findall("group")):
        wanted = group.find("packagelist")
        for one in list(wanted if wanted is not None else ()):
            if one.tag == "packagereq" and (one.text or "").strip() not in names and wanted is not None:
                wanted.remove(one)
        if wanted is None or wanted.find("packagereq") is None:
            gone.add(group.findtext("id", "").strip())
            root.remove(group)
    for owner in root.iter():
        for one in list(owner):
            if one.tag == "groupid" and (one.text or "").strip() in gone:
                owner.remove(one)
    for environment in list(root.findall("environment")):
        if environment.find("grouplist/groupid") is None:
            root.remove(environment)
    return (_HEAD + ET.tostring(root, encoding="unicode")).encode()
