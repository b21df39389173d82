"""Lists of the images of a Debian installer."""

from __future__ import annotations

import pytest

from entrepot.domain.upstream.sums import MAX_FILES, read_sums
from entrepot.errors import UpstreamParse, UpstreamPath

DIGEST = "a" * 64


def test_every_image_has_its_digest() -> None:
    text = f"{DIGEST}  ./netboot/mini.iso\n{DIGEST} *cdrom/vmlinuz\n"
    assert read_sums(text.encode(), "vendor: SHA256SUMS") == {"netboot/mini.iso": DIGEST, "cdrom/vmlinuz": DIGEST}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<html>\n", UpstreamParse),
        (f"{DIGEST}  ../up\n", UpstreamPath),
        (f"{DIGEST}  /etc/passwd\n", UpstreamPath),
        (f"{DIGEST}  x\n" * (MAX_FILES + 1), UpstreamParse),
    ],
)
def test_what_leads_astray_is_refused(text: str, error: type[UpstreamParse | UpstreamPath]) -> None:
    with pytest.raises(error):
        read_sums(text.encode(), "vendor: SHA256SUMS")
