"""Which addresses may be asked when somebody else chose the name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Host and port to addresses; raises ``OSError``."""

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_OUTSIDE = ipaddress.IPv6Network("2000::/3")
_OWN = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("172.16.0.0/12"),
    ipaddress.ip_network("192.168.0.0/16"),
    ipaddress.ip_network("100.64.0.0/10"),
    ipaddress.ip_network("::1/128"),
    ipaddress.ip_network("fc00::/7"),
)
# Answers with credentials of the machine at some providers, although it lies in a private range.
_METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200"))


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the system says, each address once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))


def allowed(text: str, *, inside: bool) -> bool:
    """Whether an address may be connected to; ``inside`` allows the own network, and nothing more.

    Link-local addresses (where machines find their credentials), multicast and reserved ones never are.
    """
    found = [_plain(each) for each in _carried(ipaddress.ip_address(text))]
    return all(_outside(each) or (inside and _own(each)) for each in found)


def nameable(text: str) -> bool:
    """Whether an operator may allow an address by naming it.

    Anything but where machines find their credentials, and what is no single machine's address.
    """
    found = [_plain(each) for each in _carried(ipaddress.ip_address(text))]
    return not any(
        each in _METADATA or each.is_link_local or each.is_multicast or each.is_unspecified for each in found
    )


def _own(address: IpAddress) -> bool:
    return address not in _METADATA and any(
        address in network for network in _OWN if network.version == address.version
    )


def _outside(address: IpAddress) -> bool:
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return address.version == 4 or address in _OUTSIDE


def _plain(address: IpAddress) -> IpAddress:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _carried(address: IpAddress) -> list[IpAddress]:
    """The address, or those that it is a wrapping of: a tunnel must not lead where the way is closed."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if any(address in network for network in _NAT64):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
