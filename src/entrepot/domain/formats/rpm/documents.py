"""The three documents of rpm-md and how a stored fragment becomes a part of one.

A fragment is rendered once, when the package comes in.  What belongs to the file and its place in one repository is
not known then; it is left out under the marks below, which no XML can hold.
"""

from __future__ import annotations

from enum import StrEnum

from entrepot.domain.formats.rpm.markup import attribute

DIGEST_MARK = b"\x01digest\x01"
SIZE_MARK = b"\x01size\x01"
HREF_MARK = b"\x01href\x01"
TIME_MARK = b"\x01time\x01"


class Document(StrEnum):
    """Kinds of fragment, which are the types of the documents in repomd.xml."""

    PRIMARY = "primary"
    FILELISTS = "filelists"
    OTHER = "other"


_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMAS = "http://linux.duke.edu/metadata/"
_ROOTS = {Document.PRIMARY: "metadata", Document.FILELISTS: "filelists", Document.OTHER: "otherdata"}
_NAMESPACES = {
    Document.PRIMARY: f'xmlns="{_SCHEMAS}common" xmlns:rpm="{_SCHEMAS}rpm"',
    Document.FILELISTS: f'xmlns="{_SCHEMAS}filelists"',
    Document.OTHER: f'xmlns="{_SCHEMAS}other"',
}


def head(kind: Document | str, count: int) -> bytes:
    """Everything before the first of ``count`` packages."""
    kind = Document(kind)
    return f'{_XML}<{_ROOTS[kind]} {_NAMESPACES[kind]} packages="{count}">\n'.encode()


def tail(kind: Document | str) -> bytes:
    """Everything after the last package."""
    return f"</{_ROOTS[Document(kind)]}>\n".encode()


def render_fragment(
    kind: Document | str, fragment: bytes, *, digest: str, size_bytes: int, href: str, file_time: int
) -> bytes:
    """The element of one package, with what belongs to its file filled in.

    ``digest`` is the SHA-256 of the file in hexadecimal.  ``href`` is relative to the folder that holds ``repodata``;
    it is escaped for XML here, percent-encoding it is up to the caller.  ``file_time`` is in Unix seconds.

    Raises:
        ValueError: the fragment is not one that was rendered here.
    """
    # Every mark is its name between two bytes 1, so one split by that byte finds them all in the order of the element.
    parts = fragment.split(b"\1")
    if kind != "primary":
        parts[1::2] = (digest.encode(),)
    else:
        parts[1::2] = (digest.encode(), b"%d" % file_time, b"%d" % size_bytes, attribute(href).encode())
    return b"".join(parts)
