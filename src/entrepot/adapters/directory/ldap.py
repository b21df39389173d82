"""LDAP through ldap3: search with the service account, then bind as the entry that was found."""

from __future__ import annotations

import contextlib
import re
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

from ldap3 import NONE, SAFE_SYNC, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPBindError,
    LDAPException,
    LDAPInvalidFilterError,
    LDAPObjectClassError,
    LDAPResponseTimeoutError,
    LDAPSocketReceiveError,
)
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from entrepot.adapters.directory.base import Person
from entrepot.domain.model.federation import Directory
from entrepot.errors import DirectoryRefused, DirectoryTimedOut, DirectoryUnavailable

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 5
_WHOLE_SECONDS = 12.0
_MOST_BYTES = 8 << 20
_MOST_AT_ONCE = 8
_MOST_GROUPS = 2000
_COUNTED = 1000
_SUCCESS, _TIME_LIMIT, _SIZE_LIMIT = 0, 3, 4
_NAMED = re.compile(r"\(\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*\{username\}\s*\)")
_GROUPS = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))"


class LdapPeople:
    """Implements ``People``.  One connection for each question; ``answer_seconds`` is for a single answer."""

    def __init__(self, *, answer_seconds: int = _ANSWER_SECONDS, whole_seconds: float = _WHOLE_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._whole_seconds = whole_seconds
        # A directory that hangs must not take all threads of the server with it.
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def recognise(self, where: Directory, username: str, password: str) -> Person | None:
        """An empty password would be an anonymous bind, which succeeds: it never gets that far."""
        if not password or "\0" in password or not _can_be_asked(username):
            return None
        with self._asking(where) as question:
            entry = question.entry(username)
            # Nobody's DN is tried as well, so that an unknown name takes as long.
            dn = entry["dn"] if entry else f"cn={escape_rdn(secrets.token_hex(8))},{where.base_dn}"
            person = question.person(entry, username) if entry else None
            return person if question.fits(dn, password) else None

    def find(self, where: Directory, username: str) -> Person | None:
        """Without a password."""
        if not _can_be_asked(username):
            return None
        with self._asking(where) as question:
            entry = question.entry(username)
            return question.person(entry, username) if entry else None

    def count(self, where: Directory) -> int:
        """The filter with ``*`` for the name."""
        with self._asking(where) as question:
            return len(question.search(where.user_filter.replace("{username}", "*"), ["1.1"], _COUNTED))

    @contextlib.contextmanager
    def _asking(self, where: Directory) -> Iterator[_Question]:
        if not where.url or not where.base_dn:
            raise DirectoryRefused("no directory is configured: set ldap.url and ldap.base_dn")
        if where.bind_dn and not where.bind_password:
            raise DirectoryRefused("ldap.bind_dn is set without ldap.bind_password")
        if not self._places.acquire(timeout=1):
            raise DirectoryUnavailable("too many questions to the directory at once; try again in a moment")
        try:
            with (
                _ours(where),
                contextlib.closing(
                    _Question(where, self._answer_seconds, time.monotonic() + self._whole_seconds)
                ) as question,
            ):
                yield question
        finally:
            self._places.release()


class _Question:
    """One conversation with the directory."""

    def __init__(self, where: Directory, answer_seconds: int, end: float) -> None:
        self._where = where
        self._answer_seconds = answer_seconds
        self._end = end
        tls = _VerifiedTls(where.tls_ca)
        self._server = Server(where.url, get_info=NONE, connect_timeout=_CONNECT_SECONDS, tls=tls)
        self._open: list[Connection] = []

    def _connected(self, dn: str, password: str) -> Connection:
        """A connection over which nothing but TLS was spoken so far."""
        connection = Connection(
            self._server,
            dn or None,
            password or None,
            client_strategy=SAFE_SYNC,
            receive_timeout=self._answer_seconds,
            auto_referrals=False,
            raise_exceptions=False,
        )
        self._open.append(connection)
        connection.open()
        if self._where.start_tls and not self._server.ssl and not connection.start_tls():
            raise LDAPException("the server does not speak StartTLS")
        connection.socket = _BoundedSocket(connection.socket, self._end, _MOST_BYTES)
        return connection

    def _searcher(self) -> Connection:
        if self._open:
            return self._open[0]
        connection = self._connected(self._where.bind_dn, self._where.bind_password)
        good, result, _, _ = connection.bind()
        if not good:
            raise LDAPBindError(str(result.get("description", "refused")))
        return connection

    def search(self, filter_: str, attributes: list[str], most: int) -> list[dict[str, Any]]:
        """Entries under the base."""
        _, result, found, _ = self._searcher().search(
            self._where.base_dn,
            filter_,
            SUBTREE,
            attributes=attributes,
            size_limit=most,
            time_limit=self._answer_seconds,
        )
        if result["result"] == _TIME_LIMIT:
            raise DirectoryTimedOut(f"the directory at {self._where.url} did not find an answer in time")
        if result["result"] not in {_SUCCESS, _SIZE_LIMIT}:
            raise DirectoryRefused(f"the directory refuses to search ldap.base_dn: {str(result['description'])[:60]}")
        return [entry for entry in found or [] if entry.get("type") == "searchResEntry"][:most]

    def entry(self, username: str) -> dict[str, Any] | None:
        """The one entry of that name."""
        filter_ = self._where.user_filter.replace("{username}", escape_filter_chars(username))
        attributes = sorted({"uid", "cn", "displayName", "mail", "memberOf", *_NAMED.findall(self._where.user_filter)})
        found = self.search(filter_, attributes, 2)
        return found[0] if len(found) == 1 else None

    def person(self, entry: dict[str, Any], username: str) -> Person:
        """With the groups that the entry names, and those that name the entry."""
        named = [*_NAMED.findall(self._where.user_filter), "uid"]
        spelled = next((values[0] for name in named if (values := _values(entry, name))), username)
        uid = next(iter(_values(entry, "uid")), spelled)
        dn = str(entry["dn"])
        filter_ = _GROUPS.format(dn=escape_filter_chars(dn), name=escape_filter_chars(uid))
        groups = [str(group["dn"]) for group in self.search(filter_, ["1.1"], _MOST_GROUPS)]
        names = [*_values(entry, "displayName"), *_values(entry, "cn"), ""]
        return Person(
            username=spelled,
            full_name=names[0],
            email=next(iter(_values(entry, "mail")), ""),
            groups=tuple(dict.fromkeys([*_values(entry, "memberOf")[:_MOST_GROUPS], *groups])),
        )

    def fits(self, dn: str, password: str) -> bool:
        """Whether the directory takes the password for this entry."""
        good, result, _, _ = self._connected(dn, password).bind()
        # Anything else (locked, expired, unwilling) is a no as well, but not for lack of an answer.
        return bool(good) and result["result"] == _SUCCESS

    def close(self) -> None:
        """Every connection of it."""
        for connection in self._open:
            # The library forgets the socket of a connection that failed half-way.
            leftover = connection.socket
            with contextlib.suppress(Exception):
                connection.unbind()
            if leftover is not None:
                leftover.close()


class _VerifiedTls(Tls):  # type: ignore[misc]
    """TLS as Python's own defaults have it: chain and name are verified by OpenSSL.  ldap3 compares names itself."""

    def __init__(self, certificates: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = ssl.create_default_context(cadata=certificates or None)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - theirs
        """Always with a handshake."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)


class _BoundedSocket:
    """A socket that stops to listen at a time, or after some bytes: a slow or endless answer has an end."""

    def __init__(self, inner: ssl.SSLSocket, end: float, most_bytes: int) -> None:
        self._inner = inner
        self._end = end
        self._left = most_bytes

    def recv(self, size: int) -> bytes:
        """Raises ``TimeoutError`` when it is over."""
        if time.monotonic() > self._end or self._left <= 0:
            raise TimeoutError("the directory sends for too long")
        data = self._inner.recv(size)
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextlib.contextmanager
def _ours(where: Directory) -> Iterator[None]:
    """Their exceptions as ours; what they say may hold names and parts of requests, so that little of it is told."""
    try:
        yield
    except LDAPBindError as error:
        raise DirectoryRefused(f"the directory refuses ldap.bind_dn: {str(error)[:60]}") from error
    except (LDAPInvalidFilterError, LDAPObjectClassError) as error:
        raise DirectoryRefused("ldap.user_filter is not a filter that the directory understands") from error
    except LDAPResponseTimeoutError as error:
        raise DirectoryTimedOut(f"the directory at {where.url} did not answer in time") from error
    except (LDAPException, OSError, ssl.SSLError, ValueError) as error:
        late = isinstance(error, LDAPSocketReceiveError | TimeoutError) or "timed out" in str(error)
        if late:
            raise DirectoryTimedOut(f"the directory at {where.url} did not answer in time") from error
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error) or isinstance(error, ssl.SSLError)
        why = "its certificate is not trusted (ldap.tls_ca)" if untrusted else "it cannot be reached"
        raise DirectoryUnavailable(f"the directory at {where.url} cannot be asked: {why}") from error


def _can_be_asked(username: str) -> bool:
    return 0 < len(username) <= 256 and username.isprintable()


def _values(entry: dict[str, Any], name: str) -> list[str]:
    """Of an attribute, as text; attributes have no case."""
    attributes = {key.casefold(): value for key, value in dict(entry.get("attributes") or {}).items()}
    found = attributes.get(name.casefold()) or []
    return [value for value in (found if isinstance(found, list) else [found]) if isinstance(value, str) and value]
