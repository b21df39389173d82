"""XML of strangers: no document types, no depth, no text or tag without end, and nothing kept but what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar
from xml.parsers import expat

from entrepot.errors import UpstreamParse

MAX_DEPTH = 16
MAX_UNREAD_BYTES = 1 << 20
MAX_TEXT_CHARACTERS = 1 << 20
_FEED_BYTES = 64 << 10

T = TypeVar("T")


class Elements(Protocol):
    """What wants to hear of elements; names are ``namespace name``."""

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        """An element begins; it is the last of the path."""
        ...

    def end(self, path: list[str], text: str) -> None:
        """It ends, and has this text of its own."""
        ...


def read_xml(chunks: Iterable[bytes], elements: Elements, label: str, take: Callable[[], Iterable[T]]) -> Iterator[T]:
    """Feed a document; after each piece, what ``take`` has for the caller.

    Raises:
        UpstreamParse: it is not well-formed UTF-8, or has what no index needs.
    """
    parser = _parser(elements, label)
    fed = 0
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _FEED_BYTES):
                piece = chunk[at : at + _FEED_BYTES]
                if not fed and b"\0" in piece[:4]:  # UTF-16 and UTF-32 begin so, with or without a mark
                    raise UpstreamParse(f"{label}: it is not in UTF-8")
                parser.Parse(piece, False)  # noqa: FBT003 - expat knows no keywords
                fed += len(piece)
                if fed - max(0, parser.CurrentByteIndex) > MAX_UNREAD_BYTES:
                    raise UpstreamParse(f"{label}: a tag of it is longer than {MAX_UNREAD_BYTES} bytes")
                yield from take()
        parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, UnicodeError) as fault:
        raise UpstreamParse(f"{label}: it is not well-formed XML") from fault
    yield from take()


def _parser(elements: Elements, label: str) -> expat.XMLParserType:
    path: list[str] = []
    texts: list[list[str]] = []
    size = [0]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) >= MAX_DEPTH:
            raise UpstreamParse(f"{label}: it is nested more than {MAX_DEPTH} deep")
        path.append(name)
        texts.append([])
        size[0] = 0
        elements.start(path, attributes)

    def end(_: str) -> None:
        elements.end(path, "".join(texts.pop()))
        path.pop()
        size[0] = 0

    def text(data: str) -> None:
        size[0] += len(data)
        if size[0] > MAX_TEXT_CHARACTERS:
            raise UpstreamParse(f"{label}: a text of it is longer than {MAX_TEXT_CHARACTERS} characters")
        if texts:
            texts[-1].append(data)

    def declared(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UpstreamParse(f"{label}: it is not in UTF-8")

    def refuse(*_: object) -> None:
        raise UpstreamParse(f"{label}: it has a document type, which no index may have")

    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.XmlDeclHandler = text, declared
    parser.StartDoctypeDeclHandler = refuse
    return parser
