"""Addresses on the network."""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address, ip_address, ip_network


def source_of(address: str) -> str:
    """Whom an address stands for: a subscriber has a whole /64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found.packed, 64), strict=False).network_address)
