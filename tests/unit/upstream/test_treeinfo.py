"""Lists of what an installer boots: what is taken of them, and what is not."""

from __future__ import annotations

import pytest

from entrepot.domain.upstream.treeinfo import MAX_FILES, read_treeinfo
from entrepot.errors import UpstreamParse

DIGEST = "0" * 64


def test_files_with_a_good_digest_at_a_plain_place_are_taken() -> None:
    text = (
        f"[header]\nversion = 1.2\n[checksums]\nimages/boot.iso = sha256:{DIGEST}\nimages/pxeboot/vmlinuz = md5:12\n"
        f"../up = sha256:{DIGEST}\n/etc/x = sha256:{DIGEST}\nrepodata/repomd.xml = sha256:{DIGEST}\n"
    )
    found, notes = read_treeinfo(text.encode(), "vendor: .treeinfo")
    assert found == {"images/boot.iso": DIGEST}
    assert len(notes) == 3
    assert all(note.startswith("vendor: .treeinfo: ") for note in notes)


def test_a_list_without_digests_names_nothing() -> None:
    assert read_treeinfo(b"[general]\nname = x\n", "vendor: .treeinfo") == ({}, [])


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b"\xff\xfe",
        b"[checksums]\nno value\n",
        b"[checksums]\n" + b"".join(b"f%d = sha256:%s\n" % (n, DIGEST.encode()) for n in range(MAX_FILES + 1)),
    ],
)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(UpstreamParse):
        read_treeinfo(data, "vendor: .treeinfo")
