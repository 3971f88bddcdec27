"""Which domains a certificate names (RFC 6120 §13.7.1.2.1, RFC 6125 §6.4, RFC 9525)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import Authority, dns, email, srv_name, xmpp_addr
from xmppd.domainpart import prepare_domain
from xmppd.net.certificates import SRV_NAME, XMPP_ADDR, der_string
from xmppd.net.names import Names, ip_literal

CA = Authority()


def address(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_address(text))


def names(*of: x509.GeneralName) -> Names:
    return Names(CA.issue(of).certificate)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        (dns("verona.example")[0], "verona.example"),
        (dns("VERONA.Example")[0], "verona.example"),
        (dns("localhost")[0], "localhost"),
        (dns("xn--mnchen-3ya.example")[0], "münchen.example"),
        (dns("XN--MNCHEN-3YA.example")[0], "münchen.example"),
        (dns("*.verona.example")[0], "rooms.verona.example"),
        (dns("*.xn--mnchen-3ya.example")[0], "rooms.münchen.example"),
        (srv_name("_xmpp-server.verona.example"), "verona.example"),
        (srv_name("_XMPP-Server.Verona.EXAMPLE"), "verona.example"),
        (srv_name("_xmpp-server.xn--mnchen-3ya.example"), "münchen.example"),
        (xmpp_addr("verona.example"), "verona.example"),
        (xmpp_addr("Verona.Example"), "verona.example"),
        (xmpp_addr("münchen.example"), "münchen.example"),
        (xmpp_addr("MÜNCHEN.example"), "münchen.example"),
        (xmpp_addr("xn--mnchen-3ya.example"), "münchen.example"),
        (address("192.0.2.7"), "192.0.2.7"),
        (address("2001:db8::1"), "[2001:db8::1]"),
    ],
)
def test_a_name_of_each_kind_is_found_as_it_may_be_written(
    name: x509.GeneralName, domain: str
) -> None:
    assert names(name).include(domain)
    assert names(*dns("padua.example"), name).include(domain)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        (dns("verona.example")[0], "mantua.example"),
        (dns("verona.example")[0], "rooms.verona.example"),
        (dns("rooms.verona.example")[0], "verona.example"),
        (dns("*.verona.example")[0], "verona.example"),
        (dns("*.verona.example")[0], "a.rooms.verona.example"),
        (dns("*.verona.example")[0], "averona.example"),
        (dns("*")[0], "localhost"),
        (dns("*")[0], "verona.example"),
        (dns("*.example")[0], "verona.example"),
        (dns("*.*.example")[0], "rooms.verona.example"),
        (dns("rooms.*.example")[0], "rooms.verona.example"),
        (dns("room*.verona.example")[0], "rooms.verona.example"),
        (dns("*s.verona.example")[0], "rooms.verona.example"),
        (dns("r*s.verona.example")[0], "rooms.verona.example"),
        (dns("xn--*.verona.example")[0], "münchen.verona.example"),
        (dns("*.2.0.192")[0], "7.2.0.192"),
        (dns("192.0.2.7")[0], "192.0.2.7"),
        (dns(" verona.example")[0], "verona.example"),
        (dns("verona.example\n")[0], "verona.example"),
        (dns("verona.example.")[0], "verona.example"),
        (dns("")[0], "verona.example"),
        (srv_name("_xmpp-client.verona.example"), "verona.example"),
        (srv_name("_https.verona.example"), "verona.example"),
        (srv_name("_xmpp-server._tcp.verona.example"), "verona.example"),
        (srv_name("xmpp-server.verona.example"), "verona.example"),
        (srv_name("_xmpp-server.*.verona.example"), "rooms.verona.example"),
        (srv_name("_*.verona.example"), "verona.example"),
        (srv_name("*.verona.example"), "rooms.verona.example"),
        (srv_name("_xmpp-server"), "verona.example"),
        (srv_name("_"), "verona.example"),
        (srv_name(""), "verona.example"),
        (srv_name(" _xmpp-server.verona.example"), "verona.example"),
        (x509.OtherName(SRV_NAME, b"\x0c\x1b_xmpp-server.verona.example"), "verona.example"),
        (xmpp_addr("juliet@verona.example"), "verona.example"),
        (xmpp_addr("verona.example/balcony"), "verona.example"),
        (xmpp_addr("*.verona.example"), "rooms.verona.example"),
        (xmpp_addr("rooms.verona.example"), "verona.example"),
        (xmpp_addr(""), "verona.example"),
        (x509.OtherName(XMPP_ADDR, b"\x16\x0everona.example"), "verona.example"),
        (email("juliet@verona.example"), "verona.example"),
        (x509.UniformResourceIdentifier("xmpp:verona.example"), "verona.example"),
        (x509.UniformResourceIdentifier("https://verona.example:443/"), "verona.example"),
        (address("192.0.2.7"), "192.0.2.8"),
        (address("192.0.2.7"), "[2001:db8::1]"),
        (address("192.0.2.7"), "verona.example"),
    ],
)
def test_what_only_looks_like_it_is_not(name: x509.GeneralName, domain: str) -> None:
    assert not names(name).include(domain)
    beside = names(name, *dns("padua.example"))
    assert beside.include("padua.example"), "what is no name takes no other with it"
    assert not beside.include(domain)


@pytest.mark.parametrize("name", ["verona.example\0", "verona.example\0.padua.example", "\0"])
def test_with_a_nul_in_one_name_none_counts(name: str) -> None:
    uri = x509.UniformResourceIdentifier(f"https://{name}")
    for bad in (dns(name)[0], xmpp_addr(name), srv_name(f"_xmpp-server.{name}"), email(name), uri):
        both = names(bad, *dns("verona.example"), xmpp_addr("verona.example"))
        assert not both.include("verona.example")
        assert not both.include("padua.example")


class Asserting:
    """A certificate of these names, whatever they are like; nobody has signed it."""

    def __init__(self, *of: x509.GeneralName) -> None:
        self._names = of

    @property
    def extensions(self) -> Asserting:
        return self

    def get_extension_for_class(self, kind: object) -> Asserting:
        return self

    @property
    def value(self) -> tuple[x509.GeneralName, ...]:
        return self._names


LABELS = st.sampled_from(["a", "b", "*", "a*", "xn--mnchen-3ya", "", "1", " ", "\0", "A", "_x"])
WRITTEN = st.lists(LABELS, max_size=4).map(".".join)


def is_meant(name: str, domain: str) -> bool:
    """RFC 6125 §6.4 by the letter, for names that are all of ASCII."""
    name, labels = name.lower(), domain.split(".")
    if name == domain:
        return True
    rest = labels[1:]
    return len(rest) > 1 and not domain.startswith("xn--") and name == ".".join(["*", *rest])


@given(name=WRITTEN, domain=st.sampled_from(["a.b", "a", "a.a.b", "b.a.b.a", "xn--mnchen-3ya.a.b"]))
def test_a_name_of_the_dns_names_what_the_rfc_says_and_nothing_else(name: str, domain: str) -> None:
    certificate: Any = Asserting(x509.DNSName(name))
    found = Names(certificate).include(prepare_domain(domain))
    assert found == ("\0" not in name and is_meant(name, domain))


@given(
    octets=st.binary(max_size=60),
    text=st.text(st.characters(max_codepoint=127), max_size=30),
    kind=st.sampled_from([XMPP_ADDR, SRV_NAME]),
)
def test_whatever_a_certificate_says_it_raises_nothing(
    octets: bytes, text: str, kind: x509.ObjectIdentifier
) -> None:
    others = [x509.OtherName(kind, octets), x509.OtherName(kind, der_string(text, kind))]
    certificate: Any = Asserting(x509.DNSName(text), *others)
    for domain in ("verona.example", "münchen.example", "192.0.2.7", "[2001:db8::1]"):
        Names(certificate).include(domain)


@pytest.mark.parametrize("domain", ["", "*.verona.example", "a b", "\0", "x" * 64, "123"])
def test_what_is_no_domain_is_not_named(domain: str) -> None:
    assert not names(*dns("*.verona.example", "verona.example")).include(domain)


def test_an_authority_with_constraints_is_believed_names_of_the_dns_only() -> None:
    certificate = CA.issue(
        [*dns("padua.example"), xmpp_addr("verona.example"), address("192.0.2.7")]
    ).certificate
    free, bound = Names(certificate), Names(certificate, constrained=True)
    assert [free.include(one) for one in ("padua.example", "verona.example", "192.0.2.7")] == [
        True,
        True,
        True,
    ]
    assert [bound.include(one) for one in ("padua.example", "verona.example", "192.0.2.7")] == [
        True,
        False,
        False,
    ]


def test_a_certificate_without_names_names_nothing() -> None:
    assert not Names(CA.issue([], common_name="verona.example").certificate).include(
        "verona.example"
    )


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("verona.example", ""),
        ("1.2.3", ""),
        ("123", ""),
        ("", ""),
    ],
)
def test_ip_literals(domain: str, found: str) -> None:
    assert ip_literal(domain) == found
