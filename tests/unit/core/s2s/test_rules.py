"""Who may have to do with whom: patterns, proofs, domains of ours (`[s2s]`)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.federated import Town, Web
from tests.support.server import condition
from tests.support.server_streams import auth, header, key, message
from xmppd import ns

CAPULET, MONTAGUE, MASKS = "capulet.lit", "montague.lit", "masks.capulet.lit"


def rules(web: Web | None = None, **s2s: Any) -> Any:
    return (web or Web()).town(CAPULET, s2s=s2s).remotes.rules


@pytest.mark.parametrize(
    "settings, domain, expected",
    [
        ({}, MONTAGUE, ""),
        ({}, CAPULET, "s2s.own-domain"),
        ({"enabled": False}, MONTAGUE, "s2s.off"),
        ({"deny": ["montague.lit"]}, MONTAGUE, "s2s.refused"),
        ({"deny": ["montague.lit"]}, "halls.montague.lit", ""),
        ({"deny": ["*.montague.lit"]}, "halls.montague.lit", "s2s.refused"),
        ({"deny": ["*.montague.lit"]}, MONTAGUE, ""),
        ({"allow": ["montague.lit"]}, MONTAGUE, ""),
        ({"allow": ["montague.lit"]}, "verona.lit", "s2s.refused"),
        ({"allow": ["*.lit"], "deny": ["montague.lit"]}, MONTAGUE, "s2s.refused"),
    ],
)
def test_patterns(settings: dict[str, Any], domain: str, expected: str) -> None:
    assert rules(**settings).refusal(domain) == expected


def test_the_closest_pattern_says_what_a_domain_has_to_show() -> None:
    domains = {"*.lit": {"require": "dialback"}, "montague.lit": {"require": "none"}}
    found = rules(domains=domains)
    assert [found.require(d) for d in (MONTAGUE, "verona.lit", "verona.example")] == [
        "none",
        "dialback",
        "certificate",
    ]


def joined(**s2s: Any) -> tuple[Web, Town, Town]:
    web = Web()
    return web, web.town(CAPULET, s2s=s2s), web.town(MONTAGUE)


def test_a_refused_domain_is_not_even_looked_for() -> None:
    web, verona, _ = joined(deny=[MONTAGUE])
    juliet = verona.log_in("juliet")
    juliet.send(f"<message to='romeo@{MONTAGUE}'><body>x</body></message>")
    web.settle()
    assert condition(juliet.one()) == "not-allowed"
    assert web.asked == []


def test_a_refused_domain_gets_no_stream() -> None:
    web, verona, mantua = joined(deny=[MONTAGUE])
    romeo = mantua.log_in("romeo")
    romeo.send(f"<message to='juliet@{CAPULET}'><body>x</body></message>")
    web.settle()
    assert condition(romeo.one()) == "remote-server-timeout"
    assert not verona.remotes.connections


def test_a_reload_that_refuses_a_domain_ends_its_streams() -> None:
    web, verona, mantua = joined()
    romeo = mantua.log_in("romeo")
    juliet = verona.log_in("juliet")
    romeo.send(f"<message to='juliet@{CAPULET}'><body>x</body></message>")
    web.settle()
    assert len(juliet.elements()) == 1
    verona.reload(server={"domains": [CAPULET]}, s2s={"deny": [MONTAGUE]})
    web.settle()
    assert not verona.remotes.connections
    romeo.send(f"<message to='juliet@{CAPULET}'><body>y</body></message>")
    web.settle()
    assert juliet.take() == b""


def test_a_reload_that_refuses_a_domain_ends_what_is_shared_with_others() -> None:
    """It was written to on the stream of another, for which nothing had changed."""
    web = Web()
    verona = web.town(CAPULET, s2s={"bidirectional": False})
    web.town(MONTAGUE, "halls.montague.lit", s2s={"bidirectional": False})
    web.places["halls.montague.lit"] = web.places[MONTAGUE]
    juliet = verona.log_in("juliet")
    for domain in (MONTAGUE, "halls.montague.lit"):
        juliet.send(f"<message to='romeo@{domain}' id='m'><body>x</body></message>")
        web.settle()
    web.advance(1)
    juliet.take()
    assert web.dialled.count((CAPULET, f"host.{MONTAGUE}")) == 1
    denied = {"bidirectional": False, "deny": ["halls.montague.lit"]}
    verona.reload(server={"domains": [CAPULET]}, s2s=denied)
    web.settle()
    juliet.send("<message to='romeo@halls.montague.lit'><body>y</body></message>")
    web.settle()
    assert condition(juliet.one()) == "not-allowed"


def test_a_reload_that_takes_a_domain_out_ends_its_streams_rfc6120_4_9_3_5() -> None:
    web = Web()
    verona = web.town(CAPULET, MASKS)
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, MASKS)
    other = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    verona.reload(server={"domains": [CAPULET]})
    web.settle()
    assert "<host-gone " in hand.take()
    assert not other.closed


def test_federation_that_is_switched_off_reaches_nobody() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={"enabled": False})
    juliet = verona.log_in("juliet")
    juliet.send(f"<message to='romeo@{MONTAGUE}'><body>x</body></message>")
    assert condition(juliet.one()) == "remote-server-not-found"
    assert web.asked == []


# ---------------------------------------------------------------------- stanzas of a peer


def peer(**tables: Any) -> tuple[Web, Town, Any]:
    web = Web()
    verona = web.town(CAPULET, MASKS, auth={"anonymous": [MASKS]}, **tables)
    hand = verona.called(MONTAGUE, "halls.montague.lit").through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header())
    hand.take()
    return web, verona, hand


BAD = {
    "from a third domain": (message("paris@verona.lit"), "invalid-from"),
    "from another of the certificate's": (message("a@halls.montague.lit"), "invalid-from"),
    "from our own domain": (message("nurse@capulet.lit"), "invalid-from"),
    "from nobody": (message().replace("from=", "x="), "improper-addressing"),
    "from no address": (message("a@b@c"), "improper-addressing"),
    "to nobody": (message().replace("to=", "x="), "improper-addressing"),
    "to a third domain": (message(to="paris@verona.lit"), "host-unknown"),
    "to the sender's": (message(to="romeo@montague.lit"), "host-unknown"),
    "to guests": (message(to="mask@masks.capulet.lit"), "host-unknown"),
}


@pytest.mark.parametrize("sent, expected", BAD.values(), ids=BAD.keys())
def test_a_peer_speaks_for_itself_and_to_us_alone_rfc6120_8_1(sent: str, expected: str) -> None:
    web, verona, hand = peer()
    juliet = verona.log_in("juliet")
    hand.send(sent)
    assert f"<{expected} xmlns='{ns.STREAM_ERRORS}'/>" in hand.take()
    assert hand.closed
    assert juliet.take() == b""
    assert web.dialled == []


def test_what_comes_in_one_read_behind_a_wrong_element_counts_for_nothing() -> None:
    _, verona, hand = peer()
    juliet = verona.log_in("juliet")
    hand.send("<db:result from='a.lit' to='b.lit' type='valid'/>" + message())
    assert hand.closed
    assert juliet.take() == b""


def test_guests_write_to_nobody_elsewhere_xep0175_3() -> None:
    web, verona, hand = peer()
    assert not verona.remotes.rules.hosts(MASKS)
    hand.send(key(to=MASKS))
    assert condition(hand.elements()[0]) == "item-not-found"
    guest = verona.connect().open(MASKS)
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open(MASKS)
    guest.bind()
    guest.send(f"<message to='romeo@{MONTAGUE}'><body>x</body></message>")
    web.settle()
    assert "not-allowed" in [condition(each) for each in guest.elements()]
    assert web.dialled == []


def test_what_is_wrong_with_a_stanza_alone_is_told_its_sender_alone() -> None:
    _, _, hand = peer()
    hand.send("<iq from='romeo@montague.lit/x' to='capulet.lit' type='get'/>")
    assert not hand.closed


def test_another_s_stream_is_not_resumed_xep0198_5() -> None:
    _, verona, hand = peer()
    hand.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>")
    id_ = hand.take().partition(" id='")[2].partition("'")[0]
    assert id_
    other = verona.called("verona.lit").through_tls("verona.lit", CAPULET)
    other.send(auth("verona.lit"), header("verona.lit"))
    other.take()
    resume = f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='0'/>"
    assert "item-not-found" in other.send(resume).take()
    assert not hand.closed


def test_nor_is_it_ended_by_one_who_only_says_that_it_is_his_xep0198_5() -> None:
    """The header names montague, the key and the certificate another."""
    web = Web()
    verona = web.town(CAPULET, s2s={"require": "dialback"})
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header(), f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>")
    id_ = hand.take().rpartition(" id='")[2].partition("'")[0]
    other = verona.called("verona.lit").through_tls(MONTAGUE, CAPULET)
    other.send(key("verona.lit"))
    assert "type='valid'" in other.take()
    other.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='0'/>")
    assert "item-not-found" in other.take()
    assert not hand.closed


@pytest.mark.parametrize(
    "sent", ["<a h='9'/>", "<a h='x'/>", "<a/>", "<enabled/>", "<resumed previd='x' h='0'/>"]
)
def test_counts_that_are_wrong_end_the_stream_xep0198_4(sent: str) -> None:
    _, _, hand = peer()
    hand.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>")
    name, _, rest = sent[1:].partition(" ")
    hand.send(f"<{name.rstrip('/>')} xmlns='{ns.STREAM_MANAGEMENT}' {rest or '/>'}")
    assert hand.closed
