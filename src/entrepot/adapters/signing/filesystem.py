"""Private keys as files: one per identity, readable by their owner alone, never half-written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.base import KeyAlgorithm, KeyInfo, NewKey, Signer
from entrepot.adapters.signing.openpgp import (
    Identity,
    OpenPGPSigner,
    checked_name,
    checked_uid,
    made,
    new_identity,
    read_identities,
    without,
    write_identities,
)
from entrepot.errors import BadSignature, KeyOverlap, SigningUnavailable

_SUFFIX, _RETIRED = ".private.asc", ".retired.asc"
_STAGED = ".staged."
_MAXIMUM_BYTES = 1 << 20


class FilesystemKeyring:
    """``<folder>/<name>.private.asc``, mode 0600, in a folder of mode 0700; see ``Keyring``.

    A file is written under another name, flushed, and then renamed, so that readers see a whole one; writers, of all
    processes, take turns.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        """Opens the folder, making it when it is absent and closing it to others when it is not.

        Raises:
            SigningUnavailable: it cannot be made or closed.
        """
        self._folder = folder
        self._clock = clock
        self._opened: dict[str, tuple[tuple[int, ...], tuple[Identity, ...]]] = {}
        with _translated("the folder of signing keys cannot be made"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _flush(folder.parent)

    def create(self, name: str, uid: str, algorithm: KeyAlgorithm, created_at: datetime) -> KeyInfo:
        """The first key of ``name``, made now or found."""
        checked_name(name)
        checked_uid(uid)
        if not self._present(name):
            identity = new_identity(uid, algorithm, created_at)
            with self._lock():
                # Somebody else may have been first: then that key counts, and ours is forgotten.
                if not self._present(name):
                    self._store(name, (identity,))
        return self._read(name)[0].info(name)

    def add(self, name: str, new: NewKey, most: int | None = None) -> KeyInfo:
        """One more key."""
        identity = made(new)
        with self._lock():
            present = self._read(name)
            if most is not None and len(present) >= most:
                raise KeyOverlap(f"{name} has {len(present)} keys already; retire the old one first", key=name)
            self._store(name, (*present, identity))
        return identity.info(name)

    def retire(self, name: str, fingerprint: str) -> None:
        """Written without it; the octets are gone from the file system's view."""
        with self._lock():
            present = self._read(name)
            kept = without(present, name, fingerprint)
            gone = b"".join(one.certificate() for one in present if one not in kept)
            if gone:
                before = self.retired(name)
                if gone not in before:  # a killed writer came as far as this
                    self._write(self._folder / (name + _RETIRED), armor(Block.PUBLIC_KEY, before + gone))
                self._store(name, kept)

    def retired(self, name: str) -> bytes:
        """From a file beside the private one."""
        checked_name(name)
        path = self._folder / (name + _RETIRED)
        with _translated(f"the retired keys of {name!r} cannot be read"):
            if not path.exists():
                return b""
            text = path.read_bytes()
        try:
            return dearmor(Block.PUBLIC_KEY, text)
        except BadSignature as error:
            raise SigningUnavailable(f"the retired keys of {name!r} are unusable: {error.detail}", name=name) from None

    def extend(self, name: str, expires_at: datetime | None, now: datetime) -> tuple[KeyInfo, ...]:
        """All of them certified anew."""
        with self._lock():
            identities = tuple(one.with_end(expires_at, now) for one in self._read(name))
            self._store(name, identities)
        return tuple(identity.info(name) for identity in identities)

    def mark(self, name: str) -> str:
        """Of the file: a new one is written for each change."""
        with _translated(f"the signing key of {name!r} cannot be read"):
            found = self._path(name).stat()
        return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"

    def keys(self, name: str) -> tuple[KeyInfo, ...]:
        """Public facts, in signing order."""
        return tuple(identity.info(name) for identity in self._read(name))

    def signer(self, name: str) -> Signer:
        """The identity as its file is now; one that is the same as last time is not read and proved again."""
        with _translated(f"the signing key of {name!r} cannot be read"):
            found = self._path(name).stat()
        mark = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)
        before = self._opened.get(name)
        if before is None or before[0] != mark:
            before = self._opened[name] = (mark, self._read(name))
        return OpenPGPSigner(before[1], self._clock)

    def names(self) -> tuple[str, ...]:
        """Every identity that has a file."""
        with _translated("the folder of signing keys cannot be read"):
            files = [path.name for path in self._folder.iterdir()]
        return tuple(sorted(file.removesuffix(_SUFFIX) for file in files if file.endswith(_SUFFIX) and file[0] != "."))

    def _path(self, name: str) -> Path:
        checked_name(name)
        return self._folder / (name + _SUFFIX)

    def _present(self, name: str) -> bool:
        """Whether the name is taken; a link to a key on a volume that is away takes it, too."""
        return os.path.lexists(self._path(name))

    def _read(self, name: str) -> tuple[Identity, ...]:
        path = self._path(name)
        with _translated(f"the signing key of {name!r} cannot be read"), path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o007:
                raise SigningUnavailable(
                    f"the signing key of {name!r} is open to every user: chmod 600 its file", name=name
                )
            text = file.read(_MAXIMUM_BYTES + 1)
        try:
            if len(text) > _MAXIMUM_BYTES:
                raise BadSignature("the file is too long")
            return read_identities(text)
        except BadSignature as error:
            raise SigningUnavailable(f"the signing key of {name!r} is unusable: {error.detail}", name=name) from None

    def _store(self, name: str, identities: tuple[Identity, ...]) -> None:
        self._write(self._path(name), write_identities(identities))

    def _write(self, path: Path, text: bytes) -> None:
        """Durable when it returns.  Under the lock only: what else is staged is then left from killed writers."""
        name = path.name.partition(".private")[0].partition(".retired")[0]
        staged = self._folder / f"{_STAGED}{name}.{secrets.token_hex(8)}"
        with _translated(f"the signing key of {name!r} cannot be stored"):
            for left in self._folder.glob(f"{_STAGED}*"):
                left.unlink(missing_ok=True)
            try:
                handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                staged.rename(path)
            finally:
                staged.unlink(missing_ok=True)
            _flush(self._folder)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One writer at a time, over all processes."""
        with _translated("the folder of signing keys cannot be opened"):
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with _translated("the folder of signing keys cannot be locked"):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Our error for a failed system call; the path stays inside."""
    try:
        yield
    except FileNotFoundError:
        raise SigningUnavailable(f"{what}: it does not exist") from None
    except OSError as error:
        raise SigningUnavailable(f"{what}: {errno.errorcode.get(error.errno or 0, 'unknown error')}") from None
