"""Network addresses: loopback, and what peers are counted by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppd.addresses import is_here, is_loopback, network_of


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "", "::1%lo"]
)
def test_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "128.0.0.1", "::", "::2", "::ffff:192.0.2.1", "2001:db8::1", "localhost",
     "127.0.0.1.example", "fe80::1%eth0", "0.0.0.0", "elsinore"],
)  # fmt: skip
def test_not_loopback(address):
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/xmppd.sock", "/run/xmppd.sock"),
        ("", ""),
    ],
)
def test_what_a_peer_is_counted_by(address, network):
    assert network_of(address) == network


@given(st.ip_addresses(v=6))
def test_every_address_has_a_network(address):
    assert network_of(str(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_addresses_that_lead_to_this_host_or_its_link(address: str) -> None:
    assert is_here(address)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fd00::1"],
)
def test_addresses_that_lead_elsewhere(address: str) -> None:
    assert not is_here(address)
