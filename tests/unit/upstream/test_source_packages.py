"""Sources indexes of other people: which files are taken of them, and what is refused."""

from __future__ import annotations

import pytest

from entrepot.domain.upstream.listed import Ledger
from entrepot.domain.upstream.source_packages import read_source_files
from entrepot.errors import EntrepotError, UpstreamAmbiguous, UpstreamDigest, UpstreamParse, UpstreamPath

A, B = "a" * 64, "b" * 64


def stanza(directory: str = "pool/main/d/demo", lines: str = f" {A} 10 demo.dsc\n {B} 20 demo.tar.xz\n") -> bytes:
    head = f"Package: demo\nBinary: demo,\n demo-doc\nVersion: 1:1.0-1\nDirectory: {directory}\n"
    return f"{head}Files:\n 0123 10 demo.dsc\nChecksums-Sha256:\n{lines}\n".encode()


def read(*stanzas: bytes, ledger: Ledger | None = None) -> list[tuple[str, int, str]]:
    found = read_source_files(stanzas, "vendor: Sources", "main", ledger or Ledger("vendor"))
    return [(file.filename, file.size_bytes, file.digest) for file in found]


def test_every_file_has_its_place_size_and_digest() -> None:
    wanted = [("pool/main/d/demo/demo.dsc", 10, f"sha256:{A}"), ("pool/main/d/demo/demo.tar.xz", 20, f"sha256:{B}")]
    assert read(stanza(), stanza()) == wanted
    assert read(stanza("./"))[0][0] == "demo.dsc"


def test_an_entry_that_is_no_good_is_passed_over() -> None:
    ledger = Ledger("vendor")
    assert len(read(stanza(), stanza(lines=" nothing\n"), stanza(lines=f" {A} 1 a/b\n"), ledger=ledger)) == 2
    assert ledger.skipped == 2


@pytest.mark.parametrize(
    ("stanzas", "error"),
    [
        ([stanza("../..")], UpstreamPath),
        ([stanza("pool//x")], UpstreamPath),
        ([b"Package: demo\nVersion: 1\nDirectory: pool\nFiles:\n 0123 10 demo.dsc\n\n"], UpstreamDigest),
        ([b"Package: demo\r\n\n"], UpstreamParse),
        ([stanza(lines=f" {A} 10 demo.dsc\n"), stanza(lines=f" {B} 10 demo.dsc\n")], UpstreamAmbiguous),
    ],
)
def test_what_would_lead_astray_is_refused(stanzas: list[bytes], error: type[EntrepotError]) -> None:
    with pytest.raises(error):
        read(*stanzas)
