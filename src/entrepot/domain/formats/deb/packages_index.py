"""The Packages index of an apt repository: one stanza for each package, written from its control fragment, and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.domain.formats.quoting import quote
from entrepot.errors import BadPackageField, MalformedIndex

# Algorithm -> name of the field and number of hexadecimal digits, in the order in which Debian writes them.
DIGEST_FIELDS = {"md5": ("MD5sum", 32), "sha1": ("SHA1", 40), "sha256": ("SHA256", 64), "sha512": ("SHA512", 128)}
MAX_PATH_CHARACTERS = 4096

_INDEX_ONLY = r"\n(?:filename|size|md5sum|sha1|sha256|sha512):"
# In text made lower-case, which is three times as fast: a blank line, or a field that only an index may have.
_ODD_LINE = re.compile(rf"\n(?:[ \t]++(?:\n|\Z)|{_INDEX_ONLY.removeprefix(chr(92) + 'n')})".encode())
_INDEX_LINES = re.compile(rf"{_INDEX_ONLY}[^\n]*+(?:\n[ \t][^\n]*+)*+".encode(), re.IGNORECASE)
_PATH = re.compile(r"(?!\.{1,2}(?:/|\Z))[!-.0-~]+(?:/(?!\.{1,2}(?:/|\Z))[!-.0-~]+)*")

_FIELD = re.compile(r"^([!\"$-,.-9;-~][!-9;-~]*+):[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_IDENTITY = (b"Package", b"Version", b"Architecture", b"Filename", b"Size", b"SHA256")
_IDENTIFYING = re.compile(rb"\n(" + b"|".join(_IDENTITY) + rb"):([^\n]*+)")
_BLANK_LINE = re.compile(rb"\n[ \t]++(?:\n|\Z)")
_DIGITS = re.compile(r"[0-9]{1,18}")


def stanza(
    control_fragment: bytes, *, filename: str, size_bytes: int, digests: Mapping[str, str], phase: int | None = None
) -> bytes:
    """One stanza of Packages with the empty line behind it.

    ``control_fragment`` is one stanza of LF text that ends in one line feed.  What only an index may say (file name,
    size, digests) goes before the description, and replaces such fields in the fragment.  ``digests`` maps algorithms
    of ``DIGEST_FIELDS`` to lower-case hexadecimal; sha256 has to be there.  ``phase`` is the percentage of machines
    that may upgrade to the package now (Phased-Update-Percentage of apt 2.1.16 and later; older ones do not look).

    Raises:
        BadPackageField: the fragment is not one stanza, or an index field is outside its grammar.
    """
    text, lowered = control_fragment, control_fragment.lower()
    odd = _ODD_LINE.search(b"\n" + lowered) is not None
    _check_fragment(text, odd=odd)
    if odd:
        text = _INDEX_LINES.sub(b"", b"\n" + text)[1:]
        lowered = text.lower()
    at = lowered.find(b"\ndescription:") + 1 or len(text)
    fields = _index_fields(filename, size_bytes, digests)
    if phase is not None:
        fields += b"Phased-Update-Percentage: %d\n" % phase
    return b"".join((text[:at], fields, text[at:], b"\n"))


def _check_fragment(fragment: bytes, *, odd: bool) -> None:
    """What would end the stanza early or join it to its neighbour; the fields were judged when the package came in.

    Only one that is ``odd`` can have a blank line.
    """
    one_stanza = fragment.endswith(b"\n") and b"\n\n" not in fragment and fragment[0] not in b" \t\n:"
    if not one_stanza or b"\r" in fragment or b"\0" in fragment or (odd and _BLANK_LINE.search(fragment)):
        raise BadPackageField("control fragment: it is not exactly one stanza of plain lines")


def _index_fields(filename: str, size_bytes: int, digests: Mapping[str, str]) -> bytes:
    if not is_relative_path(filename):
        raise BadPackageField(f"Packages: Filename {quote(filename)} is not a relative path of visible ASCII")
    if size_bytes < 0 or "sha256" not in digests:
        raise BadPackageField(f"Packages: {quote(filename)} has no SHA256 or a negative size")
    lines = [f"Filename: {filename}\nSize: {size_bytes}\n"]
    for algorithm, (field, digits) in DIGEST_FIELDS.items():
        if (value := digests.get(algorithm)) is not None:
            if not is_hexadecimal(value, digits):
                raise BadPackageField(f"Packages: {field} of {quote(filename)} is not {digits} hexadecimal digits")
            lines.append(f"{field}: {value}\n")
    return "".join(lines).encode("ascii")


def is_hexadecimal(text: str, digits: int) -> bool:
    """Whether ``text`` is exactly so many lower-case hexadecimal digits."""
    return len(text) == digits and not text.strip("0123456789abcdef")


def is_relative_path(path: str) -> bool:
    """Whether ``path`` is visible ASCII, has no empty or dot segments and does not begin with a slash."""
    return len(path) <= MAX_PATH_CHARACTERS and _PATH.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """Bounds on an index from outside; exceeding one is ``MalformedIndex``."""

    stanza_bytes: int = 4 << 20
    stanzas: int = 5_000_000


class PackageEntry(NamedTuple):
    """What identifies a package in an index, and where its file is."""

    package: str
    version: str
    architecture: str
    filename: str
    size_bytes: int
    sha256: str


def parse_stanzas(
    chunks: Iterable[bytes], *, name: str = "Packages", limits: IndexLimits | None = None
) -> Iterator[dict[str, str]]:
    """Stanzas of deb822 text as fields in file order, names as written.

    Values have no blanks around their first line; further lines keep the blank that begins them.  Lines end in LF
    alone, also the last one; any number of empty lines stands between stanzas.  One stanza is in memory at a time,
    and one chunk.

    Raises:
        MalformedIndex: a field is repeated (in any case), a line belongs to no field or is blank, the text is not
            UTF-8, holds CR or NUL, or exceeds ``limits``; the sentence has ``name`` and the number of the stanza.
    """
    for number, block in enumerate(index_blocks(chunks, name, limits or IndexLimits()), 1):
        yield _parse_block(block, name, number)


def parse_entries(
    chunks: Iterable[bytes], *, name: str = "Packages", limits: IndexLimits | None = None
) -> Iterator[PackageEntry]:
    """The identifying fields of every stanza, without looking at the others; a third of the time of parse_stanzas.

    Raises:
        MalformedIndex: one of these fields is missing, repeated or outside its grammar; or as ``parse_stanzas``.
    """
    for number, block in enumerate(index_blocks(chunks, name, limits or IndexLimits()), 1):
        try:
            yield _entry(b"\n" + block)
        except ValueError as fault:  # UnicodeDecodeError is one
            raise _malformed(name, number, f"{fault} is missing, repeated or outside its grammar") from fault


def _entry(block: bytes) -> PackageEntry:
    pairs = _IDENTIFYING.findall(block)
    found = dict(pairs)
    values = [found.get(field, b"").strip(b" \t").decode() for field in _IDENTITY]
    if len(pairs) != len(_IDENTITY) or not all(values):
        raise ValueError(_unclear(pairs))
    package, version, architecture, filename, size, sha256 = values
    sha256 = sha256.lower()
    if not _DIGITS.fullmatch(size):
        raise ValueError("Size")
    if not is_hexadecimal(sha256, 64):
        raise ValueError("SHA256")
    return PackageEntry(package, version, architecture, filename, int(size), sha256)


def _unclear(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    """The first field that is not there exactly once with a value."""
    found = [field for field, value in pairs if value.strip(b" \t")]
    return next(field.decode() for field in _IDENTITY if found.count(field) != 1)


def index_blocks(chunks: Iterable[bytes], name: str, limits: IndexLimits) -> Iterator[bytes]:
    """Text between empty lines, the last line feed left off.  Raises MalformedIndex."""
    rest = b""
    count = 0
    for chunk in chunks:
        if b"\r" in chunk or b"\0" in chunk:
            raise _malformed(name, count + 1, "a carriage return or NUL is in the text")
        searched = max(0, len(rest) - 1)
        rest += chunk
        end = rest.rfind(b"\n\n", searched)
        if end >= 0:
            ended, rest = rest[:end], rest[end + 2 :]
            # Looked for in many stanzas at once; which of them it is, if any, is seen when its turn comes.
            odd = len(ended) > limits.stanza_bytes or _BLANK_LINE.search(ended) is not None
            for piece in ended.split(b"\n\n"):
                if block := piece.strip(b"\n"):
                    count += 1
                    yield _checked(block, name, count, limits) if odd or count > limits.stanzas else block
        if len(rest) > limits.stanza_bytes:
            raise _malformed(name, count + 1, f"it is longer than {limits.stanza_bytes} bytes")
    last = rest.strip(b"\n")
    if last:
        if not rest.endswith(b"\n"):
            raise _malformed(name, count + 1, "the text ends in the middle of a line")
        yield _checked(last, name, count + 1, limits)


def _checked(block: bytes, name: str, number: int, limits: IndexLimits) -> bytes:
    if number > limits.stanzas:
        raise _malformed(name, number, f"more than {limits.stanzas} are not read")
    if len(block) > limits.stanza_bytes:
        raise _malformed(name, number, f"it is longer than {limits.stanza_bytes} bytes")
    if _BLANK_LINE.search(block):
        raise _malformed(name, number, "a line holds nothing but blanks")
    return block


def _parse_block(block: bytes, name: str, number: int) -> dict[str, str]:
    try:
        text = block.decode()
    except UnicodeDecodeError as fault:
        raise _malformed(name, number, f"byte {fault.start} of it is not UTF-8") from fault
    pairs: list[tuple[str, str]] = _FIELD.findall(text)
    # Every line begins a field or continues one.
    lines = text.count("\n") + 1 - text.count("\n ") - text.count("\n\t")
    if lines != len(pairs):
        raise _malformed(name, number, "a line is neither a field nor the continuation of one")
    fields = {field: value.rstrip(" \t") for field, value in pairs}
    if len(set(map(str.lower, fields))) != len(pairs):
        raise _malformed(name, number, "a field is there twice")
    return fields


def _malformed(name: str, number: int, fault: str) -> MalformedIndex:
    return MalformedIndex(f"{name}: stanza {number}: {fault}", index=name, stanza=number)
