"""A .rpm from nothing: what its header says (rpm file format, version 4; tag numbers of rpmtag.h)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypedDict, Unpack

from entrepot.testing.payload import FIXED_TIME, compressed, default_files, file_mode
from entrepot.testing.rpm_container import (
    I18N,
    INT16,
    INT32,
    REGION_HEADER,
    STRING,
    STRING_ARRAY,
    Entries,
    cpio,
    header,
    lead,
    signature_header,
)

_SENSE = {"<": 2, ">": 4, "=": 8, "<=": 10, ">=": 12}
_RPMLIB = 1 << 24
_SHA256 = 8
_RELATION = re.compile(r"(.+?)\s*(<=|>=|<|>|=)\s*(\S+)")
_COMPRESSOR = {"gz": "gzip", "xz": "xz", "zst": "zstd", "bz2": "bzip2"}
_COMPRESSOR_NEEDS = {
    "xz": "PayloadIsXz <= 5.2-1",
    "zst": "PayloadIsZstd <= 5.4.18-1",
    "bz2": "PayloadIsBzip2 <= 3.0.5-1",
}
# Tags of name, flags and version, by relation (rpmtag.h).
_RELATION_TAGS = {
    "provides": (1047, 1112, 1113),
    "requires": (1049, 1048, 1050),
    "conflicts": (1054, 1053, 1055),
    "obsoletes": (1090, 1114, 1115),
    "recommends": (5046, 5048, 5047),
    "suggests": (5049, 5051, 5050),
    "supplements": (5052, 5054, 5053),
    "enhances": (5055, 5057, 5056),
}
_SCRIPT_TAGS = {"prein": (1023, 1085), "postin": (1024, 1086), "preun": (1025, 1087), "postun": (1026, 1088)}


class RpmOptions(TypedDict, total=False):
    """What a package may say beyond its name.

    ``files`` maps paths without a leading slash to contents; what begins with ``#!`` is executable.  Relations are
    written as in a spec file (``glibc >= 2.34``, ``(a or b)``).  ``scripts`` maps prein, postin, preun or postun to
    shell text.  ``changelog`` is (Unix time, author, text), newest first.  ``compression`` is gz, xz, zst or bz2.
    ``sign`` takes the header and returns a binary version 4 signature packet over it.
    """

    epoch: int
    files: Mapping[str, bytes]
    requires: Sequence[str]
    provides: Sequence[str]
    conflicts: Sequence[str]
    obsoletes: Sequence[str]
    recommends: Sequence[str]
    suggests: Sequence[str]
    supplements: Sequence[str]
    enhances: Sequence[str]
    scripts: Mapping[str, str]
    changelog: Sequence[tuple[int, str, str]]
    compression: str
    summary: str
    description: str
    license: str
    url: str
    vendor: str
    source: str
    sign: Callable[[bytes], bytes]


def build_rpm(
    name: str,
    version: str = "1.0",
    release: str = "1",
    architecture: str = "noarch",
    **options: Unpack[RpmOptions],
) -> bytes:
    """A binary package that rpm verifies and installs."""
    files = options.get("files", default_files(name))
    compression = options.get("compression", "gz")
    archive = cpio(files)
    payload = compressed(archive, compression)
    entries = _description(name, options) | _identity(name, version, release, architecture, options)
    for relation, wanted in _relations(name, version, release, architecture, options).items():
        entries |= _relation_entries(relation, wanted)
    entries |= _file_entries(files) | _script_entries(options.get("scripts", {}))
    entries |= _changelog_entries(options.get("changelog", ())) | {
        1125: (STRING, _COMPRESSOR[compression]),
        5092: (STRING_ARRAY, [hashlib.sha256(payload).hexdigest()]),
        5093: (INT32, [_SHA256]),
        5097: (STRING_ARRAY, [hashlib.sha256(archive).hexdigest()]),
    }
    main = header(entries, REGION_HEADER)
    signature = signature_header(main, payload, len(archive), options.get("sign"))
    return lead(f"{name}-{version}-{release}") + signature + bytes(-len(signature) % 8) + main + payload


def _identity(name: str, version: str, release: str, architecture: str, options: RpmOptions) -> Entries:
    texts = {
        1000: name,
        1001: version,
        1002: release,
        1022: architecture,
        1044: options.get("source", f"{name}-{version}-{release}.src.rpm"),
        1132: f"{architecture}-linux",
    }
    entries: Entries = {tag: (STRING, text) for tag, text in texts.items()}
    return entries | ({1003: (INT32, [options["epoch"]])} if "epoch" in options else {})


def _description(name: str, options: RpmOptions) -> Entries:
    texts = {
        1007: "builder.example.org",
        1011: options.get("vendor", ""),
        1014: options.get("license", "Apache-2.0"),
        1015: "Package Builder <builder@example.org>",
        1020: options.get("url", "https://example.org/"),
        1021: "linux",
        1064: "4.18.0",
        1124: "cpio",
        1126: "9",
        5062: "utf-8",
    }
    entries: Entries = {tag: (STRING, text) for tag, text in texts.items() if text}
    return entries | {
        100: (STRING_ARRAY, ["C"]),
        1004: (I18N, [options.get("summary", f"test package {name}")]),
        1005: (I18N, [options.get("description", "A package made for a test.")]),
        1006: (INT32, [FIXED_TIME]),
        1016: (I18N, ["Unspecified"]),
    }


def _relations(
    name: str, version: str, release: str, architecture: str, options: RpmOptions
) -> dict[str, Sequence[str]]:
    evr = (f"{options['epoch']}:" if "epoch" in options else "") + f"{version}-{release}"
    own = [f"{name} = {evr}"] + ([] if architecture == "noarch" else [f"{name}({_isa(architecture)}) = {evr}"])
    requires = options.get("requires", ())
    return {
        "provides": [*own, *options.get("provides", ())],
        "requires": [*requires, *_rpmlib_needs(requires, options.get("compression", "gz"))],
        "conflicts": options.get("conflicts", ()),
        "obsoletes": options.get("obsoletes", ()),
        "recommends": options.get("recommends", ()),
        "suggests": options.get("suggests", ()),
        "supplements": options.get("supplements", ()),
        "enhances": options.get("enhances", ()),
    }


def _isa(architecture: str) -> str:
    return {"x86_64": "x86-64", "aarch64": "aarch-64"}.get(architecture, architecture)


def _rpmlib_needs(requires: Sequence[str], compression: str) -> list[str]:
    needs = ["CompressedFileNames <= 3.0.4-1", "FileDigests <= 4.6.0-1", "PayloadFilesHavePrefix <= 4.0-1"]
    needs += [_COMPRESSOR_NEEDS[compression]] if compression in _COMPRESSOR_NEEDS else []
    needs += ["RichDependencies <= 4.12.0-1"] if any(each.startswith("(") for each in requires) else []
    return ["rpmlib({}) {}".format(*need.split(" ", 1)) for need in needs]


def _relation_entries(relation: str, wanted: Sequence[str]) -> Entries:
    parsed = [_parse_relation(each) for each in wanted]
    if not parsed:
        return {}
    name_tag, flags_tag, version_tag = _RELATION_TAGS[relation]
    return {
        name_tag: (STRING_ARRAY, [name for name, _, _ in parsed]),
        flags_tag: (INT32, [flags for _, flags, _ in parsed]),
        version_tag: (STRING_ARRAY, [version for _, _, version in parsed]),
    }


def _parse_relation(text: str) -> tuple[str, int, str]:
    match = None if text.startswith("(") else _RELATION.fullmatch(text)
    if match is None:
        return text, 0, ""
    flags = _SENSE[match[2]] | (_RPMLIB if match[1].startswith("rpmlib(") else 0)
    return match[1], flags, match[3]


def _file_entries(files: Mapping[str, bytes]) -> Entries:
    if not files:
        return {1009: (INT32, [0])}
    # rpm looks files up by their sorted full paths.
    paths = sorted(PurePosixPath("/" + path) for path in files)
    contents = [files[str(path)[1:]] for path in paths]
    folders = sorted({f"{path.parent}/".replace("//", "/") for path in paths})
    count = len(paths)
    return {
        1009: (INT32, [sum(map(len, contents))]),
        1028: (INT32, [len(data) for data in contents]),
        1030: (INT16, [0o100000 | file_mode(data) for data in contents]),
        1033: (INT16, [0] * count),
        1034: (INT32, [FIXED_TIME] * count),
        1035: (STRING_ARRAY, [hashlib.sha256(data).hexdigest() for data in contents]),
        1036: (STRING_ARRAY, [""] * count),
        1037: (INT32, [0] * count),
        1039: (STRING_ARRAY, ["root"] * count),
        1040: (STRING_ARRAY, ["root"] * count),
        1045: (INT32, [0xFFFFFFFF] * count),
        1095: (INT32, [1] * count),
        1096: (INT32, list(range(1, count + 1))),
        1097: (STRING_ARRAY, [""] * count),
        1116: (INT32, [folders.index(f"{path.parent}/".replace("//", "/")) for path in paths]),
        1117: (STRING_ARRAY, [path.name for path in paths]),
        1118: (STRING_ARRAY, folders),
        5011: (INT32, [_SHA256]),
    }


def _script_entries(scripts: Mapping[str, str]) -> Entries:
    entries: Entries = {}
    for script, text in scripts.items():
        text_tag, program_tag = _SCRIPT_TAGS[script]
        entries |= {text_tag: (STRING, text), program_tag: (STRING, "/bin/sh")}
    return entries


def _changelog_entries(changelog: Sequence[tuple[int, str, str]]) -> Entries:
    if not changelog:
        return {}
    return {
        1080: (INT32, [at for at, _, _ in changelog]),
        1081: (STRING_ARRAY, [author for _, author, _ in changelog]),
        1082: (STRING_ARRAY, [text for _, _, text in changelog]),
    }
