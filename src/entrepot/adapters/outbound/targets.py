"""URLs taken apart, and whose addresses may be connected to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from entrepot.adapters.outbound.addresses import IpAddress, allowed, nameable
from entrepot.errors import AddressForbidden, BadSetting

PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024
_PATH_LETTERS = "/%:@!$&'()*+,;=~-._?"
# What libraries of the system take for an address although it is not written as one: 2130706434, 0x7f000002, 127.2.
_NUMERIC = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+?)(?:/([0-9]{1,3}))?(?::([0-9]{1,5}))?")
MAX_URL_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """For sentences: the path may hold a secret."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Credentials for one origin are none of another's business."""
        return self.scheme, self.host.lower(), self.port


@dataclass(frozen=True, slots=True)
class Inside:
    """Places of the own network that may be asked although they are not public; an operator names them."""

    places: tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """``10.0.0.0/8, 192.168.1.5:8080, [fd00::1]:80`` with commas or blanks between.

        Raises:
            BadSetting: a word is no such place.
        """
        return cls(tuple(_place(word) for word in re.split(r"[,\s]+", text) if word))

    def covers(self, address: IpAddress, port: int) -> bool:
        """Whether an operator named this place."""
        return any(
            address.version == network.version and address in network and wanted in (None, port)
            for network, wanted in self.places
        )


NOWHERE = Inside()


def _place(word: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None]:
    match = _PLACE.fullmatch(word)
    try:
        if match is None or (":" in match[1] and not match[1].startswith("[") and match[3]):
            raise ValueError(word)
        host = match[1].strip("[]")
        network = ipaddress.ip_network(f"{host}/{match[2]}" if match[2] else host)
        return network, int(match[3]) if match[3] else None
    except ValueError:
        raise BadSetting(
            "a place of the own network is written as an address or network with an optional port, such as "
            "10.0.0.0/8 or 192.168.1.5:8080"
        ) from None


def target_of(url: str) -> Target:
    """A URL that may be asked, as far as its words go.

    Raises:
        AddressForbidden: it is of another kind, has a user name, or writes an address in a way that hides it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
    except ValueError as error:
        raise AddressForbidden("that is not a URL; it must be http://host/... or https://host/...") from error
    odd = any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or len(url) > MAX_URL_CHARACTERS
    if parts.scheme not in PORTS or not host or "@" in parts.netloc or "\\" in url or odd:
        raise AddressForbidden("the URL must be http://host/... or https://host/..., without a user name")
    if _NUMERIC.fullmatch(host) and not is_address(host):
        raise AddressForbidden("the URL hides an address in a number; write it as four decimal numbers with dots")
    path = quote(parts.path or "/", safe=_PATH_LETTERS)
    query = f"?{quote(parts.query, safe=_PATH_LETTERS)}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query)


def is_address(host: str) -> bool:
    """Whether it is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_addresses(target: Target, found: Sequence[str], inside: Inside) -> None:
    """Refuse a target of which one address must not be asked.

    Raises:
        AddressForbidden: naming the host; the addresses behind it are nobody's business.
    """
    named = [inside.covers(ipaddress.ip_address(each), target.port) for each in found]
    good = [
        nameable(each) if is_named else allowed(each, inside=False) for each, is_named in zip(found, named, strict=True)
    ]
    if not found or not all(good):
        raise AddressForbidden(
            f"{target.host} leads to an address that must not be asked from here; an operator may allow hosts of the "
            "own network, for sources by ENTREPOT_UPSTREAM_INSIDE, for advisories by their setting 'inside'"
        )
    if not all(named) and target.port < _FIRST_FREE_PORT and target.port not in PORTS.values():
        raise AddressForbidden(f"port {target.port} belongs to another service than HTTP")
