"""The corpus of hostile packages: refused, held or neutralised, in bounded memory, and never another exception."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb import DebFormat
from entrepot.domain.model.package import PackageFacts
from entrepot.errors import EntrepotError, Kind
from entrepot.testing.corpora import require_shared

MUTATIONS = 2000
MEMORY_BYTES = 256 << 20

# The manifest speaks of a whole server.  A virus is found by a scanner, not by the format.
SCANNER_FINDS = {"data-eicar", "data-eicar-deep"}
HONEST_STANZA = (
    "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Corpus Author <corpus@example.invalid>\n"
    "Section: misc\nPriority: optional\nInstalled-Size: 4\nDescription: an honest little package\n"
    " Nothing to see here.\n"
)
MUST_NAME = {
    "ar-two-controls": ("package.ambiguous", "control.tar.gz"),
    "ar-two-controls-other-suffix": ("package.ambiguous", "control.tar.xz"),
    "ar-two-data": ("package.ambiguous", "data.tar.gz"),
    "ar-trailing-garbage": ("package.malformed", "header"),
    "ar-size-underscore": ("package.malformed", "control.tar.gz has the size '1_0'"),
    "tar-control-symlink": ("package.malformed", "control is not a regular file"),
    "tar-two-controls": ("package.ambiguous", "control twice"),
    "tar-control-and-dot-control": ("package.ambiguous", "control twice"),
    "tar-sparse": ("package.bomb", "./control"),
    "bomb-control-xz": ("package.bomb", "control.tar.xz"),
    "bomb-data-gz": ("package.bomb", "data.tar.gz"),
    "bomb-data-zst": ("package.bomb", "data.tar.zst"),
    "xz-huge-dict": ("package.bomb", "memory"),
    "field-dup-case": ("package.field", "'package'"),
    "field-two-stanzas": ("package.field", "line 10"),
    "field-nul": ("package.field", "U+0000"),
    "field-version-slash": ("package.version", "1/0"),
    "field-arch-unknown": ("package.field", "z80"),
    "field-depends-bracket": ("package.field", "foo ["),
    "data-truncated": ("package.malformed", "data.tar.gz"),
}


class Case(NamedTuple):
    id: str
    group: str
    file: Path
    server: str


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    generator = require_shared("hostile", "make_bad_debs.py")
    folder = tmp_path_factory.mktemp("bad-debs")
    options = ["--bomb-size", "1G", "--fuzz", str(MUTATIONS), "--seed", "11"]
    subprocess.run([sys.executable, str(generator), str(folder), *options], check=True, stdout=subprocess.DEVNULL)
    rows = json.loads((folder / "manifest.json").read_text())
    return {row["id"]: Case(row["id"], row["group"], folder / row["file"], row["server"]) for row in rows}


def read(path: Path) -> PackageFacts:
    with path.open("rb") as file:
        return DebFormat().read(file, path.stat().st_size, Limits())


def outcome(case: Case) -> PackageFacts | EntrepotError:
    """Facts or one of our errors; anything else fails the test with its own traceback."""
    try:
        return read(case.file)
    except EntrepotError as error:
        return error


def assert_refused(case: Case, result: PackageFacts | EntrepotError) -> None:
    assert isinstance(result, EntrepotError), f"{case.id} was accepted: {result}"
    assert result.kind is Kind.UNPROCESSABLE, case.id
    assert result.detail.isascii(), case.id
    assert result.detail.isprintable(), case.id
    assert len(result.detail) < 300, case.id


def assert_neutral(case: Case, facts: PackageFacts) -> None:
    """What was accepted adds one stanza to an index, whoever splits it and however."""
    fragment = facts.fragments["control"]
    lines = fragment.split(b"\n")
    assert lines[0] == f"Package: {facts.key.name}".encode(), case.id
    assert fragment.endswith(b"\n"), case.id
    assert b"" not in lines[:-1], case.id
    names = [line.partition(b":")[0].lower() for line in lines[:-1] if line[:1] not in b" \t"]
    assert len(names) == len(set(names)), case.id
    assert not {b"filename", b"size", b"md5sum", b"sha1", b"sha256", b"sha512", b"status"} & set(names), case.id
    assert b"\r" not in fragment, case.id


@pytest.mark.parametrize("group", ["good", "ar", "control-tar", "bomb", "field", "data", "name", "fuzz"])
def test_every_case_ends_as_the_manifest_says(corpus: dict[str, Case], group: str) -> None:
    cases = [case for case in corpus.values() if case.group == group]
    assert cases
    for case in cases:
        result = outcome(case)
        if isinstance(result, EntrepotError):
            assert case.server != "accept", f"{case.id}: {result.detail}"
            assert_refused(case, result)
        else:
            assert case.server != "reject", f"{case.id} was accepted"
            assert_neutral(case, result)
            if case.server == "accept":
                assert result.concerns == (), case.id
            if case.server == "hold":
                assert result.concerns or case.id in SCANNER_FINDS, f"{case.id} has nothing to look at"


@pytest.mark.parametrize("case_id", MUST_NAME)
def test_a_refusal_names_the_member_and_the_fault(corpus: dict[str, Case], case_id: str) -> None:
    result = outcome(corpus[case_id])
    assert isinstance(result, EntrepotError)
    code, words = MUST_NAME[case_id]
    assert result.code == code, result.detail
    assert words in result.detail


@pytest.mark.parametrize("case_id", ["field-smuggled-index-fields", "field-smuggled-case"])
def test_smuggled_index_fields_leave_the_servers_stanza(corpus: dict[str, Case], case_id: str) -> None:
    facts = read(corpus[case_id].file)
    assert facts.fragments["control"].decode() == HONEST_STANZA.format(name="hostile-demo", version="1.0-1")


def test_dpkg_unpacks_whatever_was_accepted(corpus: dict[str, Case], tmp_path: Path) -> None:
    if not shutil.which("dpkg") or os.geteuid() != 0:
        pytest.skip("dpkg IS NOT INSTALLED, or this is not root; no accepted package is unpacked")
    for case in corpus.values():
        if case.group in {"name", "fuzz", "bomb"} or "many" in case.id or isinstance(outcome(case), EntrepotError):
            continue
        if case.group == "data" and case.id not in SCANNER_FINDS:
            continue  # climbing paths and devices are held, and no test shall unpack them
        done = unpack(case.file, tmp_path / case.id)
        assert done.returncode == 0, f"{case.id}: {done.stderr}"


def unpack(package: Path, root: Path) -> subprocess.CompletedProcess[str]:
    for folder in ("info", "updates"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    (root / "usr/share").mkdir(parents=True)  # not every package of the corpus brings its directories
    for file in ("status", "available"):
        (root / "var/lib/dpkg" / file).touch()
    command = ["dpkg", f"--root={root}", "--force-all", "--unpack", str(package)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_honest_packages_have_the_right_facts(corpus: dict[str, Case]) -> None:
    facts = {case_id: read(corpus[case_id].file) for case_id in corpus if corpus[case_id].group == "good"}
    for case_id, found in facts.items():
        assert found.key.name == "hostile-demo"
        assert found.key.version == ("1:1.0~rc1+b2-1" if case_id == "good-epoch" else "1.0-1")
        assert found.signed == (case_id == "good-ignored-member")
        assert found.installed_size_bytes == 4096
    assert facts["good-gz"].paths == (b"usr/share/hostile-demo",)
    assert facts["good-symlink"].paths == (b"usr/share/a", b"usr/share/b")
    assert facts["good-utf8"].summary == "un paquet honn\u00eate \U0001f4e6"
    assert read(corpus["field-name-reserved-null"].file).key.name == "null"


def test_bombs_and_greedy_streams_stay_in_bounded_memory(corpus: dict[str, Case]) -> None:
    greedy = (
        "zstd-huge-window",
        "xz-huge-dict",
        "tar-longname-huge",
        "tar-sparse",
        "tar-pax-sparse",
        "data-many-files",
    )
    files = [str(case.file) for case in corpus.values() if case.group == "bomb" or case.id in greedy]
    assert len(files) == 7 + len(greedy)
    script = """
import os, resource, sys
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb import DebFormat
from entrepot.errors import EntrepotError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            DebFormat().read(file, os.path.getsize(path), Limits())
    except EntrepotError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, check=True)
    assert int(done.stdout) < MEMORY_BYTES
