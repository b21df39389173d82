"""Which addresses may be asked."""

from __future__ import annotations

import pytest

from entrepot.adapters.outbound.addresses import allowed, nameable

OUTSIDE = ("93.184.216.34", "8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8")
OWN = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3"),
)
NEVER = (
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254"),
    *("0.0.0.0", "::", "224.0.0.1", "239.255.255.250", "ff02::1", "255.255.255.255", "240.0.0.1"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "::7f00:1", "192.0.0.1", "198.18.0.1"),
    *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
)
# The own network behind a wrapping.
WRAPPED = ("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:c0a8:101::1")


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_outside_may_be_asked(address: str) -> None:
    assert allowed(address, inside=False)
    assert allowed(address, inside=True)


@pytest.mark.parametrize("address", [*OWN, *WRAPPED])
def test_the_own_network_only_when_it_is_allowed(address: str) -> None:
    assert not allowed(address, inside=False)
    assert allowed(address, inside=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_places_are_never_asked(address: str) -> None:
    assert not allowed(address, inside=False)
    assert not allowed(address, inside=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10.0.0.1", True),
        ("127.0.0.1", True),
        ("203.0.113.80", True),
        ("fd00::1", True),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("100.100.100.200", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_what_an_operator_may_name(text: str, wanted: bool) -> None:
    assert nameable(text) == wanted
