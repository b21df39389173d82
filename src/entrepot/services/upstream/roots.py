"""The signed file at the top of an index: fetched if it is another one, verified, judged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.outbound.fetching import Fetched, Watch
from entrepot.adapters.signing.base import Verification
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.release import MAX_ROOT_BYTES, Verdict, check_time, judge_release, read_release
from entrepot.domain.upstream.repomd import MAX_REPOMD_BYTES, judge_repomd
from entrepot.domain.upstream.source import Root, Source
from entrepot.errors import BadSignature, UpstreamMissing, UpstreamSignature
from entrepot.services.upstream.courier import Courier, Wanted

_MAX_SIGNATURE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a source found.  Without a verdict it is as it was, and ``root`` is the known one.

    ``folder`` is where the indexes lie, below ``bases``.
    """

    root: Root
    bases: list[str]
    folder: str
    verdict: Verdict | None = None


class Roots:
    """Looks."""

    def __init__(self, courier: Courier, verification: Verification, now: Callable[[], datetime]) -> None:
        self._courier = courier
        self._verification = verification
        self._now = now

    def look(self, source: Source, watch: Watch | None, *, anew: bool = False) -> Look:
        """One request where nothing changed, unless it is to be done ``anew``.

        Raises:
            UpstreamSignature, UpstreamExpired, UpstreamRollback, UpstreamIdentity, UpstreamParse, UpstreamPath,
            UpstreamDigest: what is there is not to be believed.
        """
        if not source.keyring and not source.trust.allow_unsigned:
            raise UpstreamSignature(
                f"{source.name}: there is no key to verify it with; give it one (gpg_key), or allow it to be unsigned"
            )
        bases, folder = self._courier.bases(source, watch), source.folder
        known = None if anew else source.state.root
        if source.format is Format.DEB:
            fetched, text = self._release(source, bases, folder, known, watch)
        else:
            fetched, text = self._repomd(source, bases, folder, known, watch)
        name, now = f"{source.name}: {_ROOTS[source.format]}", self._now()
        if known is not None and (fetched.not_modified or _digest(text) == known.sha256):
            check_time(source, known, name, now)
            return Look(_with_validators(known, fetched), bases, folder)
        if source.format is Format.DEB:
            verdict = judge_release(source, read_release(text, name), _digest(text), now)
        else:
            verdict = judge_repomd(source, text, _digest(text), now)
        return Look(_with_validators(verdict.root, fetched), bases, folder, verdict)

    def _release(
        self, source: Source, bases: list[str], folder: str, known: Root | None, watch: Watch | None
    ) -> tuple[Fetched, bytes]:
        """The signed text, of InRelease or of Release with its signature beside it."""
        if source.keyring:
            try:
                fetched, signed = self._courier.read(source, bases, _root(f"{folder}InRelease", known), watch)
            except UpstreamMissing:
                pass
            else:
                return fetched, b"" if fetched.not_modified else self._clear(source, signed)
        path = f"{folder}Release"
        fetched, text = self._courier.read(source, bases, _root(path, known), watch)
        if not fetched.not_modified:
            self._check_beside(source, bases, path, ".gpg", text, watch)
        return fetched, text

    def _repomd(
        self, source: Source, bases: list[str], folder: str, known: Root | None, watch: Watch | None
    ) -> tuple[Fetched, bytes]:
        path = f"{folder}repodata/repomd.xml"
        fetched, text = self._courier.read(source, bases, _root(path, known, MAX_REPOMD_BYTES), watch)
        if not fetched.not_modified:
            self._check_beside(source, bases, path, ".asc", text, watch)
        return fetched, text

    def _clear(self, source: Source, signed: bytes) -> bytes:
        try:
            return self._verification.verify_clearsigned(source.keyring.encode(), signed)
        except BadSignature as error:
            raise UpstreamSignature(f"{source.name}: InRelease: {error.detail}") from None

    def _check_beside(
        self, source: Source, bases: list[str], path: str, suffix: str, text: bytes, watch: Watch | None
    ) -> None:
        if not source.keyring:
            return
        name = f"{source.name}: {path.rpartition('/')[2]}"
        try:
            _, signature = self._courier.read(source, bases, Wanted(path + suffix, _MAX_SIGNATURE_BYTES), watch)
            self._verification.verify_detached(source.keyring.encode(), text, signature)
        except UpstreamMissing:
            raise UpstreamSignature(f"{name}: it is not signed") from None
        except BadSignature as error:
            raise UpstreamSignature(f"{name}: {error.detail}") from None


_ROOTS = {Format.DEB: "Release", Format.RPM: "repomd.xml"}


def _root(path: str, known: Root | None, most_bytes: int = MAX_ROOT_BYTES) -> Wanted:
    return Wanted(
        path,
        most_bytes,
        etag=known.etag if known is not None else "",
        last_modified=known.last_modified if known is not None else "",
    )


def _with_validators(root: Root, fetched: Fetched) -> Root:
    return replace(root, etag=fetched.etag, last_modified=fetched.last_modified)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
