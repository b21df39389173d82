"""Volumes that somebody has damaged or forged: nothing of them is believed, and nothing hostile is stored."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterator
from random import Random

import pytest
from tests.flow.carrying import Gap, gap

from entrepot.domain.bundles.archive import BLOCK, END, Archive, header_of, padding_of
from entrepot.domain.bundles.head import MANIFEST, cut, read_head
from entrepot.domain.bundles.lists import read_list, read_sums, write_sums
from entrepot.domain.bundles.manifest import read_manifest
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.errors import (
    BundleDigest,
    BundleMalformed,
    BundleSignature,
    BundleTooNew,
    EntrepotError,
    Kind,
)
from entrepot.services.bundles.signing import KEY
from entrepot.testing.debs import build_deb

LIST = "lists/1.jsonl.gz"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gap]:
    with gap(tmp_path_factory.mktemp("gap")) as found:
        for name in ("one", "two"):
            found.push(name)
        yield found


@pytest.fixture(scope="module")
def volume(sides: Gap) -> bytes:
    return sides.make()[1][0]


@pytest.fixture(scope="module")
def start(volume: bytes) -> int:
    """Where the head ends."""
    archive = Archive(io.BytesIO(volume))
    return len(read_head(archive, lambda _sums, _signature: None)[0].to_bytes())


def stored(sides: Gap) -> set[Digest]:
    return set(sides.offline.blobs.digests())


def refused(sides: Gap, data: bytes, why: type[EntrepotError], match: str | None = None) -> None:
    before = stored(sides)
    with pytest.raises(why, match=match) as caught:
        sides.receive(data)
    assert caught.value.kind is Kind.UNPROCESSABLE
    listed = {digest_of(build_deb(name, "1.0", "all")) for name in ("one", "two")}
    assert {one for one in stored(sides) - before if one not in listed} <= {heads(sides)}, "nothing that is not listed"


def heads(sides: Gap) -> Digest:
    with sides.offline.catalog.read() as reading:
        found = reading.bundle_heads()
    return found[0][0] if found else Digest("")


def test_whatever_is_flipped_is_noticed_or_means_nothing(sides: Gap, volume: bytes) -> None:
    listed = {digest_of(build_deb(name, "1.0", "all")) for name in ("one", "two")}
    for place in Random(3).sample(range(len(volume)), 250):
        data = bytearray(volume)
        data[place] ^= 1 << (place % 8)
        with contextlib.suppress(BundleMalformed, BundleDigest, BundleSignature, BundleTooNew):
            sides.receive(bytes(data))
    for digest in stored(sides):
        with sides.offline.blobs.open(digest) as blob:
            assert digest_of(blob.read()) == digest
    with sides.offline.catalog.read() as reading:
        assert stored(sides) - listed >= {head for head, _ in reading.bundle_heads()}


def test_a_volume_that_is_cut_off_anywhere_says_so(sides: Gap, volume: bytes) -> None:
    for place in (0, 1, BLOCK - 1, BLOCK, 3000, len(volume) // 2, len(volume) - len(END), len(volume) - BLOCK - 1):
        refused(sides, volume[:place], BundleMalformed)
    refused(sides, volume + b"x", BundleMalformed, "behind the end")
    refused(sides, b"no archive at all" * 100, BundleMalformed)


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "files/../../x", "files//x", "a\\b", ".hidden", "é"])
def test_names_that_lead_elsewhere_are_refused(sides: Gap, volume: bytes, start: int, name: str) -> None:
    tricky = header_of(name, 0, 0)
    refused(sides, volume[:start] + tricky + volume[start:], BundleMalformed)


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"5", b"6", b"x", b"g", b"L", b"S"])
def test_nothing_but_plain_files_is_taken(sides: Gap, volume: bytes, start: int, kind: bytes) -> None:
    block = bytearray(header_of("files/aa/link", 0, 0))
    block[156:157] = kind
    block[157:168] = b"/etc/passwd"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    refused(sides, volume[:start] + bytes(block) + volume[start:], BundleMalformed, "no plain file")


def test_files_that_are_not_listed_or_lie_about_their_size_are_refused(sides: Gap, volume: bytes, start: int) -> None:
    digest = "ab" * 32
    unlisted = header_of(f"files/ab/{digest}", 3, 0) + b"abc" + padding_of(3)
    refused(sides, volume[:start] + unlisted + volume[start:], BundleMalformed, "not in the signed list")
    path = volume[start : start + 100].rstrip(b"\0").decode()
    huge = header_of(path, 5 << 30, 0)
    refused(sides, volume[:start] + huge + b"x" * 10_000, BundleDigest, "signed list says otherwise")
    twice = volume[: -len(END)] + volume[start:]
    refused(sides, twice, BundleMalformed, "twice")


def changed(sides: Gap, volume: bytes, small: dict[str, bytes], *, signed: bool = True) -> bytes:
    """With other files in its head; signed by the trusted key, or with the signature of before."""
    head, _ = read_head(Archive(io.BytesIO(volume)), lambda _sums, _signature: None)
    files = {**head.small, **small}
    sums = {path: digest for path, digest in read_sums(head.sums).items() if path not in files}
    text = write_sums({**{path: digest_of(data) for path, data in files.items()}, **sums})
    signature = sides.online.keyring.signer(KEY).detach(text) if signed else head.signature
    members = {"SHA256SUMS": text, "SHA256SUMS.asc": signature, **files}
    return (
        b"".join(header_of(path, len(data), 0) + data + padding_of(len(data)) for path, data in members.items()) + END
    )


def test_a_forged_manifest_or_another_key_is_no_bundle(sides: Gap, volume: bytes) -> None:
    refused(sides, changed(sides, volume, {"extra": b"x"}, signed=False), BundleSignature)
    whole = sides.key.read_bytes()
    sides.key.write_bytes(sides.online.keyring.signer("deb-main").armored())
    try:
        refused(sides, volume, BundleSignature, "ENTREPOT_BUNDLE_KEYRING")
    finally:
        sides.key.write_bytes(whole)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"format": "entrepot-bundle"}',
        b'{"format": "entrepot-bundle", "requires": []}',
        b'{"format": "entrepot-bundle", "requires": ["packages"], "states": {}}',
        b'{"format": "something else", "requires": []}',
    ],
)
def test_a_manifest_that_says_nothing_useful_is_refused(sides: Gap, volume: bytes, text: bytes) -> None:
    refused(sides, changed(sides, volume, {MANIFEST: text}), BundleMalformed)


def test_lists_unpack_to_what_was_signed_and_no_further(sides: Gap, volume: bytes) -> None:
    head, _ = read_head(Archive(io.BytesIO(volume)), lambda _sums, _signature: None)
    (state,) = head.manifest.states
    plain = gzip.decompress(head.small[LIST])
    line = plain.split(b"\n")[0]
    for bad in (
        gzip.compress(bytes(100 << 20)),
        gzip.compress(plain + line + b"\n"),
        gzip.compress(plain[:-1]),
        gzip.compress(plain)[:-9],
        gzip.compress(plain) + b"more",
        plain,
        b"",
        gzip.compress(plain.replace(b'"size":', b'"sise":')),
        gzip.compress(plain.replace(b"pool/", b"po/../", 1)),
    ):
        with pytest.raises(BundleMalformed):
            list(read_list(bad, state))
    refused(sides, changed(sides, volume, {LIST: gzip.compress(b"\n" * 4)}), BundleMalformed)
    assert read_manifest(head.manifest.to_bytes()) == head.manifest


def test_volumes_hold_whole_files_in_order() -> None:
    volumes = cut(1000, [600, 600, 600, 10], 5000)
    assert len(volumes) == 3
    assert all(one.size_bytes <= 5000 for one in volumes)
    assert [one.start for one in volumes[1:]] == [one.stop for one in volumes[:-1]]
    assert cut(1000, [], None)[0].stop == 0
    with pytest.raises(BundleMalformed, match="at least"):
        cut(1000, [10_000], 5000)
