"""Java: jars and archives of jars; what Maven wrote into them, else their manifest."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO

from entrepot.domain.formats.bundled.ecosystems import Unnamed, bare_jar, maven_component
from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.component import Component

SUFFIXES = (".jar", ".war", ".ear")
MOST_BYTES = 64 << 20

_MOST_ENTRIES = 60_000
_MOST_TEXT_BYTES = 256 << 10
_LAYERS = 2
_NESTED_BYTES = 32 << 20
_CENTRAL = b"PK\x01\x02"
_PROPERTIES = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties\Z")

FAULTS = (
    ValueError, LookupError, EOFError, NotImplementedError, RuntimeError, OSError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What the standard library raises for archives that are broken, or that it cannot read."""

Note = Callable[[str, str], None]


class JarReader:
    """Looks into one jar and those in it, at most so many bytes of them altogether."""

    def __init__(self, note: Note, nested_bytes: int) -> None:
        self._note = note
        self.left_bytes = nested_bytes

    def read(self, data: bytes, path: str, layer: int = 0) -> Iterator[Component]:
        """Everything in it.

        Raises:
            ValueError and its like, ``zipfile.BadZipFile``, ``zlib.error``: it is broken.
        """
        if data.count(_CENTRAL) > _MOST_ENTRIES:
            raise Unnamed(f"it has more than {_MOST_ENTRIES} entries")
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            found = list(self._own(archive, entries, path))
            yield from found
            for entry in entries:
                if entry.filename.lower().endswith(SUFFIXES):
                    yield from self._nested(archive, entry, f"{path} > {_shown(entry.filename)}", layer + 1)

    def _own(self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], path: str) -> Iterator[Component]:
        named = False
        for entry in entries:
            if _PROPERTIES.match(entry.filename):
                found = _properties(self._text(archive, entry))
                try:
                    group, artifact = found.get("groupId", ""), found.get("artifactId", "")
                    yield maven_component(group, artifact, found.get("version", ""), path)
                    named = True
                except Unnamed as error:
                    self._note(f"{path} > {_shown(entry.filename)}", str(error))
        if not named and path.lower().endswith(".jar"):
            yield from self._from_manifest(archive, entries, path)

    def _nested(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, layer: int) -> Iterator[Component]:
        if layer > _LAYERS:
            self._note(path, f"there are jars in jars, more than {_LAYERS} deep")
            return
        most = min(self.left_bytes, _NESTED_BYTES)
        data = self._bytes(archive, entry, most)
        if len(data) > most:
            self._note(path, "it is too large to be looked into")
            return
        try:
            yield from self.read(data, path, layer)
        except FAULTS as error:
            self._note(path, str(error))

    def _from_manifest(
        self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], path: str
    ) -> Iterator[Component]:
        entry = next((one for one in entries if one.filename == "META-INF/MANIFEST.MF"), None)
        if entry is None:
            return
        found = _manifest(self._text(archive, entry))
        name = found.get("Bundle-SymbolicName", "").partition(";")[0].strip() or found.get("Implementation-Title", "")
        version = found.get("Bundle-Version") or found.get("Implementation-Version") or ""
        # Most jars of applications say nothing of themselves.
        with suppress(Unnamed):
            yield bare_jar(name, version, path, found.get("Bundle-License", ""))

    def _text(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
        return self._bytes(archive, entry, _MOST_TEXT_BYTES).decode("utf-8", "replace")

    def _bytes(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
        """At most one byte more than ``most``; methods that jars do not have might ask for much memory."""
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unnamed("it is packed by a method that jars do not have")
        if self.left_bytes <= 0:
            raise Unnamed("there is more in it than is looked into")
        with archive.open(entry) as file:
            data = file.read(most + 1)
        self.left_bytes -= len(data)
        return data


def _properties(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith(("#", "!")):
            found[name.strip()] = value.strip()
    return found


def _manifest(text: str) -> dict[str, str]:
    """The main section; a line that begins with a blank goes on with the one before."""
    main, _, _ = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n\n")
    found = {}
    for line in main.replace("\n ", "").split("\n"):
        name, colon, value = line.partition(": ")
        if colon:
            found[name] = value.strip()
    return found


def _shown(name: str) -> str:
    return quote(name)[1:-1]
