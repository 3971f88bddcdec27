"""What an operator sees of other servers, and has done: two real processes, and xmppctl."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.certificates import Authority
from tests.support.company import Person
from tests.support.dns import NameServer
from tests.support.process import until
from tests.support.servers import Linked, two_servers
from xmppd.reasons import REASONS


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Iterator[tuple[Linked, Linked]]:
    with two_servers(tmp_path_factory.mktemp("two")) as servers:
        yield servers


@pytest.fixture
def verona(both) -> Iterator[Linked]:
    """The first server, as it was before and without a stream."""
    yield both[0]
    both[0].configure()
    both[0].ctl("reload")
    if both[0].told("s2s")["links"]:
        both[0].ctl("s2s-close", both[1].domain)


@pytest.fixture
def mantua(both) -> Linked:
    return both[1]


def configured(server: Linked, **s2s) -> None:
    server.configure(**s2s)
    server.ctl("reload")


def shown(reason: str) -> str:
    meaning, remedy = REASONS[reason]
    return f"{reason}: {meaning}. What to do: {remedy}"


async def test_stream_is_listed_at_both_ends_once_somebody_has_written(verona, mantua):
    async with (
        Person(f"juliet@{verona.domain}/balcony", verona) as juliet,
        Person(f"romeo@{mantua.domain}/orchard", mantua) as romeo,
    ):
        juliet.say(f"romeo@{mantua.domain}/orchard", "Art thou not Romeo?")
        await romeo.hears("Art thou not Romeo?")
    first, second = verona.ctl("s2s").splitlines()
    assert first.startswith(f"{verona.domain} <-> {mantua.domain}  at 127.0.0.3  ")
    assert "sent 1  received 0" in first
    assert "they have shown: certificate  we have shown: certificate" in second
    assert second.startswith("    TLSv1.3 ")
    [link] = mantua.told("s2s", verona.domain)["links"]
    assert (link["incoming"], link["received"], link["theirs"]) == (True, 1, "certificate")
    assert link["id"] == verona.told("s2s")["links"][0]["id"]
    assert "1 stream with other servers" in verona.ctl("status")
    steps = verona.told("why", mantua.domain)["elsewhere"]["attempt"]
    assert [step["what"] for step in steps] == [
        "policy",
        "dns",
        "tcp",
        "tls",
        "certificate",
        "stream",
        "sasl",
        "end",
    ]


async def test_unknown_authority_is_told_with_a_remedy(verona, mantua):
    other = Authority("Tybalt").write(verona.directory / "tybalt.pem")
    configured(verona, ca=str(other))
    async with Person(f"juliet@{verona.domain}/balcony", verona) as juliet:
        answer = await juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to=mantua.domain)
    assert answer.get("type") == "error"
    told = verona.ctl("why", mantua.domain)
    assert "certificate  FAILED  self-signed certificate in certificate chain" in told
    assert shown("s2s.certificate") in told
    assert f"{mantua.domain}  1 attempt in vain" in told
    assert "s2s.certificate" in verona.ctl("s2s")


def test_port_that_is_refused_is_told_and_tried_again_on_demand(verona, mantua):
    way = verona.routes[mantua.domain]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.3", 0))  # and does not listen
        verona.routes[mantua.domain] = [f"tcp:127.0.0.3:{nobody.getsockname()[1]}"]
        configured(verona)
        told = verona.ctl("s2s-try", mantua.domain, status=1)
    assert ": refused" in told
    assert shown("s2s.unreachable") in told
    assert verona.told("s2s")["domains"][0]["failures"] == 1
    verona.routes[mantua.domain] = way
    configured(verona)
    told = verona.ctl("s2s-try", mantua.domain)
    assert told.endswith(f"{mantua.domain}: reached, stanzas may be sent from {verona.domain}\n")
    assert verona.told("s2s")["domains"] == []
    assert verona.ctl("s2s-close", mantua.domain) == f"{mantua.domain}: 1 stream closed\n"
    assert verona.ctl("s2s") == "no stream with another server\n"


def test_port_without_tls_is_told_to_be_none_for_tls(verona, mantua):
    way = verona.routes[mantua.domain]
    verona.routes[mantua.domain] = [place.replace("tcp:", "tls:") for place in way]
    configured(verona)
    told = verona.ctl("s2s-try", mantua.domain, status=1)
    verona.routes[mantua.domain] = way
    assert "  tls          FAILED  what came is not TLS\n" in told
    assert f"(tls.handshake): TLS with {mantua.domain} failed: what came is not TLS\n" in told
    assert shown("tls.handshake") in told


def test_deny_ends_the_streams_by_a_reload(verona, mantua):
    verona.ctl("s2s-try", mantua.domain)
    configured(verona, deny=[mantua.domain])
    assert verona.ctl("s2s") == "no stream with another server\n"
    until(lambda: mantua.told("s2s")["links"] == [])
    told = mantua.ctl("s2s-try", verona.domain, status=1)
    said = "policy-violation: no traffic with your domain is wanted here"
    assert f"{verona.domain} ended the stream: {said}" in told
    meaning, remedy = REASONS["s2s.refused"]
    refused = f's2s.refused (s2s.deny has "{mantua.domain}")'
    assert verona.ctl("s2s-try", mantua.domain, status=1).splitlines() == [
        f"{mantua.domain}: no traffic with it: {refused}: {meaning}. What to do: {remedy}",
        f"{mantua.domain}: not reached",
    ]
    assert "s2s.refused" in verona.ctl("why", mantua.domain)


def test_check_asks_the_dns_where_others_find_the_server(verona):
    service = f"_xmpp-server._tcp.{verona.domain}"
    with NameServer({service: [f"SRV 0 0 5269 xmpp.{verona.domain}"]}) as names:
        verona.configure(resolver=[f"{names.host}:{names.port}"])
        told = verona.ctl("check")
        assert f"ok       other servers: {verona.domain}: others find it at xmpp." in told
        assert f"note     other servers: {verona.domain}: there is no address of xmpp." in told
        names.records.clear()
        told = verona.ctl("check")
        assert f"note     other servers: {verona.domain}: the DNS knows no such domain" in told
    verona.configure(resolver=["127.0.0.1:1"])
    assert "was not looked for, the DNS can't be asked" in verona.ctl("check")
