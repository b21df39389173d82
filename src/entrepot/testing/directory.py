"""A real LDAP directory of our own: slapd with a throw-away database, on loopback, with TLS under our own authority."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, NONE, Connection, Server
from ldap3.core.exceptions import LDAPException

from entrepot.testing.certificates import Authority
from entrepot.testing.postgres import free_port

BASE = "dc=example,dc=org"
ADMIN = f"cn=admin,{BASE}"
ADMIN_PASSWORD = "the directory's own"
READER = f"cn=entrepot,{BASE}"
READER_PASSWORD = "a service account's"
_START_SECONDS = 90
_CONFIGURATION = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
include {schema}/nis.schema
modulepath {modules}
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
disallow bind_anon
database mdb
maxsize 16777216
directory {folder}/db
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
dbnosync
index uid eq
overlay memberof
memberof-refint TRUE
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""


class DirectoryServer:
    """``ldap://`` and ``ldaps://`` on two free ports."""

    def __init__(self, program: Path, folder: Path, authority: Authority) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.authority = authority
        plain, secure = free_port(), free_port()
        self.url = f"ldap://127.0.0.1:{plain}"
        self.secure_url = f"ldaps://127.0.0.1:{secure}"

    def prepare(self) -> None:
        (self._folder / "db").mkdir(parents=True)
        self.authority.issue(self._folder, "127.0.0.1", "localhost")
        (self._folder / "ca.pem").write_text(self.authority.pem, encoding="utf-8")
        text = _CONFIGURATION.format(
            schema="/etc/ldap/schema",
            modules="/usr/lib/ldap",
            folder=self._folder,
            base=BASE,
            admin=ADMIN,
            password=ADMIN_PASSWORD,
            reader=READER,
        )
        (self._folder / "slapd.conf").write_text(text, encoding="utf-8")

    def start(self) -> None:
        command = [str(self._program), "-f", str(self._folder / "slapd.conf"), "-h", f"{self.url} {self.secure_url}"]
        with (self._folder / "slapd.log").open("ab") as log:
            # In the foreground, so that it is ours to end.
            self._process = subprocess.Popen([*command, "-d", "0"], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(LDAPException), self.administrator():
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"slapd did not start: {(self._folder / 'slapd.log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    @contextlib.contextmanager
    def administrator(self) -> Iterator[Any]:
        server = Server(self.url, get_info=NONE, connect_timeout=30)
        connection = Connection(server, ADMIN, ADMIN_PASSWORD, receive_timeout=60)
        try:
            if not connection.bind():
                raise LDAPException(str(connection.result))
            yield connection
        finally:
            # Left to itself, ldap3 keeps the socket of a connection that could not be opened.
            leftover = connection.socket
            connection.unbind()
            if leftover is not None:
                leftover.close()

    def fill(self) -> None:
        """The base, a service account that may read, and rooms for people and groups."""
        self.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
        reader = {"cn": "entrepot", "userPassword": READER_PASSWORD}
        self.add(READER, ["organizationalRole", "simpleSecurityObject"], reader)
        for room in ("people", "groups"):
            self.add(f"ou={room},{BASE}", ["organizationalUnit"], {"ou": room})

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, Any]) -> None:
        with self.administrator() as connection:
            if not connection.add(dn, list(classes), dict(attributes)):
                raise RuntimeError(f"{dn}: {connection.result}")

    def add_person(self, uid: str, password: str, **attributes: str) -> str:
        """The DN of the new entry."""
        dn = f"uid={uid},ou=people,{BASE}"
        fields = {"cn": uid.title(), "sn": uid.title(), "mail": f"{uid}@example.org", **attributes}
        self.add(dn, ["inetOrgPerson"], {"uid": uid, "userPassword": password, **fields})
        return dn

    def add_group(self, cn: str, *members: str, posix: bool = False) -> str:
        """Of DNs, or of names for a POSIX group; the DN."""
        dn = f"cn={cn},ou=groups,{BASE}"
        if posix:
            self.add(dn, ["posixGroup"], {"gidNumber": "5000", "memberUid": list(members)})
        else:
            self.add(dn, ["groupOfNames"], {"member": list(members)})
        return dn

    def change(self, dn: str, attribute: str, *, add: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
        changes = [(MODIFY_ADD, list(add))] if add else []
        changes += [(MODIFY_DELETE, list(drop))] if drop else []
        with self.administrator() as connection:
            if not connection.modify(dn, {attribute: changes}):
                raise RuntimeError(f"{dn}: {connection.result}")

    def replace(self, dn: str, attribute: str, value: str) -> None:
        with self.administrator() as connection:
            if not connection.modify(dn, {attribute: [(MODIFY_REPLACE, [value])]}):
                raise RuntimeError(f"{dn}: {connection.result}")

    def remove(self, dn: str) -> None:
        with self.administrator() as connection:
            if not connection.delete(dn):
                raise RuntimeError(f"{dn}: {connection.result}")


def find_slapd() -> Path | None:
    """Debian keeps it out of the PATH of people."""
    found = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
    usable = found and Path("/usr/lib/ldap/memberof.so").exists() and Path("/etc/ldap/schema/nis.schema").exists()
    return Path(found) if found and usable else None


@contextlib.contextmanager
def running_directory(folder: Path) -> Iterator[DirectoryServer]:
    """A directory for the time of the block."""
    program = find_slapd()
    if program is None:
        raise FileNotFoundError("no slapd is installed (Debian: slapd)")
    server = DirectoryServer(program, folder, Authority())
    server.prepare()
    server.start()
    try:
        server.fill()
        yield server
    finally:
        server.stop()
