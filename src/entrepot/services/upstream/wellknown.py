"""Sources that come with the program, all switched off: an administrator gives the key and switches on.

Keys are not shipped: whom to trust is nobody's decision but the administrator's.  Where fingerprints stand here, a key
that is given has to be one of these.  Repositories whose owners sign no repomd.xml are taken over https alone; the
signatures of their packages are looked at when these are imported.
"""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.domain.model.package import Format
from entrepot.domain.upstream.source import Reach, Source, SourceId, Trust

_NONE = SourceId(0)
_DEBIAN_URL, _UBUNTU_URL = "https://deb.debian.org", "https://archive.ubuntu.com/ubuntu"
_DEBIAN_KEYS = {
    "bookworm": "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8 "
    "A7236886F3CCCAAD148A27F80E98404D386FA1D9 4D64FEC119C2029067D6E791F8D2585B8783D481",
    "bookworm-security": "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0 AC530D520F2F3269F5E98313A48449044AAD5C5D",
    "trixie": "04B54C3CDCA79751B16BC6B5225629DF75B188BD B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8 "
    "41587F7DB8C774BCCF131416762F67A0B2C39DE4",
    "trixie-security": "5E04A1E3223A19A20706E20F9904613D4CCE68C6 05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0",
}
_UBUNTU_KEYS = ("F6ECB3762474EDA9D21B7022871920D1991BC93C",)
_DOCKER_KEYS = ("9DC858229FC7DD38854AE2D88D81803C0EBFCD88",)
_POSTGRESQL_KEYS = ("B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8",)


def _apt(
    name: str,
    label: str,
    url: str,
    distribution: str,
    components: str,
    fingerprints: tuple[str, ...] = (),
    *,
    security: bool = False,
) -> Source:
    return Source(
        _NONE,
        name,
        label,
        Format.DEB,
        url,
        distribution,
        tuple(components.split()),
        ("amd64",),
        enabled=False,
        security=security,
        builtin=True,
        trust=Trust(fingerprints=fingerprints),
    )


def _rpm(name: str, label: str, url: str, distribution: str, *, mirrorlist: str = "", signed: bool = False) -> Source:
    return Source(
        _NONE,
        name,
        label,
        Format.RPM,
        url,
        distribution,
        (),
        ("x86_64",),
        enabled=False,
        builtin=True,
        trust=Trust(allow_unsigned=not signed),
        reach=Reach(mirrorlist=mirrorlist),
    )


def _debian() -> Iterator[Source]:
    parts = "main contrib non-free-firmware"
    for suite, number in (("bookworm", 12), ("trixie", 13)):
        keys, secure = (tuple(_DEBIAN_KEYS.get(each, "").split()) for each in (suite, f"{suite}-security"))
        yield _apt(f"debian-{suite}", f"Debian {number}", f"{_DEBIAN_URL}/debian", suite, parts, keys)
        yield _apt(f"debian-{suite}-updates", f"Debian {number} updates", f"{_DEBIAN_URL}/debian", f"{suite}-updates",
                   parts, keys)  # fmt: skip
        yield _apt(f"debian-{suite}-security", f"Debian {number} security", f"{_DEBIAN_URL}/debian-security",
                   f"{suite}-security", parts, secure, security=True)  # fmt: skip


def _ubuntu() -> Iterator[Source]:
    for suite, number in (("jammy", "22.04"), ("noble", "24.04")):
        for branch, label in (("", ""), ("-updates", " updates"), ("-security", " security")):
            yield _apt(
                f"ubuntu-{suite}{branch}",
                f"Ubuntu {number}{label}",
                _UBUNTU_URL,
                f"{suite}{branch}",
                "main restricted universe multiverse",
                _UBUNTU_KEYS,
                security=branch == "-security",
            )


_ALMA, _ROCKY = "https://repo.almalinux.org/almalinux", "https://dl.rockylinux.org/pub/rocky"
_FEDORA, _METALINK = "https://dl.fedoraproject.org/pub", "https://mirrors.fedoraproject.org/metalink"
_OPENSUSE, _DOCKER = "https://download.opensuse.org", "https://download.docker.com/linux"
_PARTS = (("baseos", "BaseOS"), ("appstream", "AppStream"))
_SYSTEMS = (("debian", "bookworm"), ("ubuntu", "jammy"), ("ubuntu", "noble"))


def _enterprise() -> Iterator[Source]:
    for number in ("8", "9"):
        for lower, part in _PARTS:
            place, alma, rocky = f"{number}/{part}/x86_64/os", f"almalinux{number}", f"rocky{number}"
            yield _rpm(f"{alma}-{lower}", f"AlmaLinux {number} {part}", f"{_ALMA}/{place}", alma)
            yield _rpm(f"{rocky}-{lower}", f"Rocky Linux {number} {part}", f"{_ROCKY}/{place}", rocky)
        mirrors = f"{_METALINK}?repo=epel-{number}&arch=x86_64"
        base = f"{_FEDORA}/epel/{number}/Everything/x86_64"
        yield _rpm(f"epel-{number}", f"EPEL {number}", base, f"almalinux{number}", mirrorlist=mirrors)
    for lower, part in _PARTS:
        base = f"https://mirror.stream.centos.org/9-stream/{part}/x86_64/os"
        yield _rpm(f"centos-stream9-{lower}", f"CentOS Stream 9 {part}", base, "centos-stream9")


def _fedora() -> Iterator[Source]:
    releases, updates = "releases/43/Everything/x86_64/os", "updates/43/Everything/x86_64"
    for name, repo, base in (("fedora", "fedora-43", releases), ("fedora-updates", "updates-released-f43", updates)):
        mirrors = f"{_METALINK}?repo={repo}&arch=x86_64"
        yield _rpm(name, f"Fedora 43 ({name})", f"{_FEDORA}/fedora/linux/{base}", "fedora", mirrorlist=mirrors)


def _opensuse() -> Iterator[Source]:
    for name, place in (("tumbleweed", "tumbleweed"), ("leap-15.6", "distribution/leap/15.6")):
        url = f"{_OPENSUSE}/{place}/repo/oss"
        yield _rpm(f"opensuse-{name}", f"openSUSE {name}", url, f"opensuse-{name}", signed=True)


def _vendors() -> Iterator[Source]:
    for system, suite in _SYSTEMS:
        yield _apt(f"docker-{suite}", f"Docker for {suite}", f"{_DOCKER}/{system}", suite, "stable", _DOCKER_KEYS)
    yield _rpm("docker-el9", "Docker for enterprise Linux 9", f"{_DOCKER}/rhel/9/x86_64/stable", "almalinux9")
    for _, suite in _SYSTEMS:
        label, url = f"PostgreSQL for {suite}", "https://apt.postgresql.org/pub/repos/apt"
        yield _apt(f"postgresql-{suite}", label, url, f"{suite}-pgdg", "main", _POSTGRESQL_KEYS)
    for system, suite in _SYSTEMS:
        yield _apt(f"nginx-{suite}", f"nginx for {suite}", f"https://nginx.org/packages/{system}", suite, "nginx")


WELL_KNOWN: tuple[Source, ...] = (
    *_debian(),
    *_ubuntu(),
    *_enterprise(),
    *_fedora(),
    *_opensuse(),
    *_vendors(),
)
"""In an order that never changes: their numbers follow from it.  New ones are added at the end."""
