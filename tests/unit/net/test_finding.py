from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deferred import refusal, result
from tests.support.finding import Found
from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError
from xmppd.net.dialing import DELAY
from xmppd.net.finding import PLACES, Offer, mixed

DOMAIN = "verona.example"
STARTTLS, DIRECT = f"_xmpp-server._tcp.{DOMAIN}", f"_xmpps-server._tcp.{DOMAIN}"
NOT_FOUND, TIMEOUT = "remote-server-not-found", "remote-server-timeout"


def refused(found: Found, domain: str = DOMAIN) -> tuple[str, str]:
    return refusal(found.find(domain))


# ---------------------------------------------------------------------- services


def test_both_services_are_asked_for_at_once_and_mixed_by_priority_xep0368_3() -> None:
    found = Found(
        {
            STARTTLS: ["SRV 20 0 5269 b.example", "SRV 5 0 5270 a.example"],
            DIRECT: ["SRV 10 0 443 c.example"],
        }
    )
    found.zones.silent.add(DOMAIN)
    finding = found.find(DOMAIN)
    assert sorted(found.zones.asked) == [f"SRV {STARTTLS}", f"SRV {DIRECT}"]
    found.zones.answer(f"SRV {STARTTLS}")
    found.zones.answer(f"SRV {DIRECT}")
    assert result(finding) == (
        Place("a.example", 5270),
        Place("c.example", 443, direct=True),
        Place("b.example", 5269),
    )
    assert found.told == [
        f"dns SRV {STARTTLS}: a.example:5270 (priority 5, weight 0)",
        f"dns SRV {STARTTLS}: b.example:5269 (priority 20, weight 0)",
        f"dns SRV {DIRECT}: c.example:443 (priority 10, weight 0)",
    ]


def chances(*weights: int, below: Callable[[int], int] | None = None, times: int = 4000) -> Counter:
    offers = [Offer(0, weight, Place(f"{weight}.example", 1)) for weight in weights]
    below = below or random.Random(7).randrange
    return Counter(mixed(offers, below)[0].host for _ in range(times))


def test_within_a_priority_the_weights_are_the_chances_rfc2782() -> None:
    first = chances(10, 30, 60)
    assert 0.07 < first["10.example"] / 4000 < 0.13
    assert 0.26 < first["30.example"] / 4000 < 0.34
    assert 0.56 < first["60.example"] / 4000 < 0.64


def test_without_weight_there_is_a_small_chance_rfc2782() -> None:
    first = chances(99, 0)
    assert 0 < first["0.example"] / 4000 < 0.03
    assert chances(0) == {"0.example": 4000}


def test_each_number_stands_for_one_of_them_rfc2782() -> None:
    found = Found({STARTTLS: ["SRV 1 1 1 a.example", "SRV 1 2 2 b.example", "SRV 1 0 3 c.example"]})
    for chance, order in {0: "cab", 1: "acb", 2: "bca", 3: "bca"}.items():
        found.chances = [chance]
        assert [place[0] for place in found.places(DOMAIN)] == list(order), chance


def test_priorities_come_before_weights() -> None:
    offers = [Offer(2, 65535, Place("b", 1)), Offer(1, 0, Place("a", 1))]
    assert [place.host for place in mixed(offers, lambda end: end - 1)] == ["a", "b"]


def test_the_same_place_is_tried_once_and_twenty_at_most() -> None:
    found = Found(
        {
            STARTTLS: ["SRV 0 0 5269 a.example", *(f"SRV 9 0 {n} a.example" for n in range(1, 25))],
            DIRECT: ["SRV 5 0 5269 a.example", "SRV 6 0 5269 a.example"],
        }
    )
    places = found.places(DOMAIN)
    assert places[:3] == ["a.example:5269", "a.example:5269 with direct TLS", "a.example:1"]
    assert len(places) == PLACES


def test_what_is_known_is_told_to_be_from_the_cache() -> None:
    found = Found({STARTTLS: ["SRV 0 0 5269 a.example"]})
    found.places(DOMAIN)
    found.trail.steps.clear()
    assert found.places(DOMAIN) == ["a.example:5269"]
    assert found.told[0] == (
        f"dns SRV {STARTTLS}: a.example:5269 (priority 0, weight 0) (from the cache)"
    )


# ---------------------------------------------------------------------- no service


@pytest.mark.parametrize(
    "records",
    [
        {STARTTLS: ["SRV 0 0 0 ."], DIRECT: ["SRV 0 0 0 ."]},
        {STARTTLS: ["SRV 0 0 0 ."]},
        {DIRECT: ["SRV 0 0 0 ."]},
    ],
)
def test_a_service_that_is_not_offered_is_not_looked_for_elsewhere_xep0368_5(records) -> None:
    found = Found({**records, DOMAIN: ["A 192.0.2.1"]})
    assert refused(found) == (NOT_FOUND, "s2s.not-offered")
    assert not [each for each in found.zones.asked if each.startswith("A")]
    assert found.told[-1] == f"!dns {DOMAIN} offers no server"


def test_one_service_may_be_offered_where_the_other_is_not_xep0368_5() -> None:
    found = Found({STARTTLS: ["SRV 0 0 0 ."], DIRECT: ["SRV 0 0 443 a.example"]})
    assert found.places(DOMAIN) == ["a.example:443 with direct TLS"]
    found = Found({STARTTLS: ["SRV 0 0 5269 a.example"], DIRECT: ["SRV 0 0 0 ."]})
    assert found.places(DOMAIN) == ["a.example:5269"]


def test_without_records_the_domain_itself_is_the_place_rfc6120_3_2_2() -> None:
    assert Found({DOMAIN: ["A 192.0.2.1"]}).places(DOMAIN) == [f"{DOMAIN}:5269"]
    assert Found({DOMAIN: ["AAAA 2001:db8::1"]}).places(DOMAIN) == [f"{DOMAIN}:5269"]
    chat = Found({DOMAIN: ["CNAME b.example"], "b.example": ["A 192.0.2.1"]})
    assert chat.places(DOMAIN) == [f"{DOMAIN}:5269"]


def test_there_is_no_such_domain() -> None:
    found = Found()
    assert refused(found) == (NOT_FOUND, "s2s.no-such-domain")
    assert found.told == [
        f"dns SRV {STARTTLS}: there is no such name",
        f"dns SRV {DIRECT}: there is no such name",
        f"dns A {DOMAIN}: there is no such name",
        f"dns AAAA {DOMAIN}: there is no such name",
    ]


def test_a_domain_without_server_and_address() -> None:
    assert refused(Found({DOMAIN: ["TXT x"]})) == (NOT_FOUND, "s2s.no-address")


def test_a_domain_that_can_not_be_one() -> None:
    assert refused(Found(), "a..b") == (NOT_FOUND, "s2s.no-such-domain")


# ---------------------------------------------------------------------- failures of the DNS


@pytest.mark.parametrize("fault", ["broken", "silent"])
def test_a_failure_of_the_dns_is_no_reason_to_go_to_the_domain_itself_rfc6120_3_2_1(
    fault: str,
) -> None:
    found = Found({DOMAIN: ["A 192.0.2.1"]}, dns_seconds=3)
    getattr(found.zones, fault).add(STARTTLS)
    finding = found.find(DOMAIN)
    found.network.advance(3)
    assert refusal(finding) == (NOT_FOUND, "s2s.dns-failed")
    assert found.told[0].startswith(f"!dns SRV {STARTTLS}: ")
    assert f"A {DOMAIN}" not in found.zones.asked


def test_a_failure_of_one_service_keeps_nobody_from_the_other() -> None:
    found = Found({DIRECT: ["SRV 0 0 443 a.example"]})
    found.zones.broken.add(STARTTLS)
    assert found.places(DOMAIN) == ["a.example:443 with direct TLS"]
    found = Found({STARTTLS: ["SRV 0 0 5269 a.example"]})
    found.zones.broken.add(DIRECT)
    assert found.places(DOMAIN) == ["a.example:5269"]


def test_a_failure_of_direct_tls_alone_changes_nothing() -> None:
    found = Found({DOMAIN: ["A 192.0.2.1"]})
    found.zones.broken.add(DIRECT)
    assert found.places(DOMAIN) == [f"{DOMAIN}:5269"]
    found = Found({STARTTLS: ["SRV 0 0 0 ."]})
    found.zones.broken.add(DIRECT)
    assert refused(found) == (NOT_FOUND, "s2s.not-offered")


def test_a_failure_where_the_other_service_is_not_offered_may_pass() -> None:
    found = Found({DIRECT: ["SRV 0 0 0 ."], DOMAIN: ["A 192.0.2.1"]})
    found.zones.broken.add(STARTTLS)
    assert refused(found) == (NOT_FOUND, "s2s.dns-failed")


def test_a_failure_is_told_as_one_that_may_pass() -> None:
    """What is not there stays away; a name server may be back soon."""
    failing, absent = Found(), Found()
    failing.zones.broken.add(f"A {DOMAIN}")
    types = []
    for found in (failing, absent):
        with pytest.raises(StanzaError) as caught:
            result(found.find(DOMAIN))
        types.append(caught.value.type)
    assert types == ["wait", "cancel"]


def test_a_failure_to_look_up_the_domain_itself() -> None:
    found = Found()
    found.zones.broken.add(f"A {DOMAIN}")
    assert refused(found) == (NOT_FOUND, "s2s.dns-failed")


def test_a_name_of_the_hosts_own_file_needs_no_dns(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"192.0.2.1 {DOMAIN}\n")
    found = Found(hosts=hosts)
    found.zones.broken.add(DOMAIN)
    assert found.places(DOMAIN) == [f"{DOMAIN}:5269"]
    found.reach(Place(DOMAIN, 5269))
    assert found.network.tried == ["192.0.2.1"]
    assert f"dns {DOMAIN}: 192.0.2.1 (from this host's own file)" in found.told
    assert found.zones.asked == [f"SRV {DIRECT}", f"SRV {STARTTLS}"]


# ---------------------------------------------------------------------- names and routes


def test_the_dns_is_asked_for_a_labels_rfc6120_3_2_1() -> None:
    found = Found({"_xmpp-server._tcp.xn--bcher-kva.example": ["SRV 0 0 5269 a.example"]})
    assert found.places("bücher.example") == ["a.example:5269"]


@pytest.mark.parametrize(
    ("domain", "place"),
    [("192.0.2.1", "192.0.2.1:5269"), ("[2001:db8::1]", "[2001:db8::1]:5269")],
)
def test_an_address_needs_no_dns_rfc6120_3_2_2(domain: str, place: str) -> None:
    found = Found()
    assert found.places(domain) == [place]
    assert found.zones.asked == []
    reached = found.reach(result(found.find(domain))[0])
    found.network.connections[0].take()
    found.network.advance(0)
    assert result(reached) is found.built[0]


ROUTES = {
    DOMAIN: ("tcp:127.0.0.1:5269", "tls:[::1]:5270"),
    "*.example": ("tcp:Bücher.example:5000",),
    "*.shut.example": (),
}


def test_a_route_of_the_operators_comes_before_the_dns() -> None:
    found = Found(routes=ROUTES)
    assert found.places(DOMAIN) == ["127.0.0.1:5269", "[::1]:5270 with direct TLS"]
    assert found.places("chat.verona.example") == ["xn--bcher-kva.example:5000"]
    assert found.zones.asked == []
    assert found.told[0] == f"dns [s2s.routes] {DOMAIN}: tcp:127.0.0.1:5269, tls:[::1]:5270"
    assert refused(found, "a.shut.example") == (NOT_FOUND, "s2s.no-route")


def test_a_reload_changes_the_routes() -> None:
    found = Found(routes=ROUTES)
    found.settings = Found(routes={DOMAIN: ("tcp:192.0.2.9:1",)}).settings
    assert found.places(DOMAIN) == ["192.0.2.9:1"]


def test_a_route_may_lead_to_this_host_and_what_the_dns_names_may_not() -> None:
    found = Found({STARTTLS: ["SRV 0 0 5269 a.example"], "a.example": ["A 127.0.0.1"]})
    places = result(found.find(DOMAIN))
    assert refusal(found.reach(places[0])) == (NOT_FOUND, "s2s.this-host")
    assert refusal(found.reach(Place("127.0.0.1", 5269))) == (NOT_FOUND, "s2s.this-host")
    found.settings = Found(routes={DOMAIN: ("tcp:a.example:5269",)}).settings
    places = result(found.find(DOMAIN))
    assert places == (Place("a.example", 5269),)
    found.reach(places[0])
    assert found.network.tried == ["127.0.0.1"]


def test_this_host_may_be_allowed() -> None:
    found = Found({"a.example": ["A 127.0.0.1"]}, this_host=True)
    found.reach(Place("a.example", 5269))
    assert found.network.tried == ["127.0.0.1"]


# ---------------------------------------------------------------------- reaching


def test_the_addresses_of_a_place_are_looked_up_and_tried() -> None:
    found = Found({"a.example": ["A 192.0.2.1", "AAAA 2001:db8::1"]}, connect_seconds=7)
    reached = found.reach(Place("a.example", 5269))
    found.network.advance(DELAY)
    assert found.network.tried == ["2001:db8::1", "192.0.2.1"]
    assert {(each.port, each.timeout) for each in found.network.connections} == {(5269, 7)}
    found.network.connections[1].take()
    found.network.advance(0)
    assert result(reached) is found.built[0]
    assert found.told == [
        "dns AAAA a.example: 2001:db8::1",
        "dns A a.example: 192.0.2.1",
        "tcp 192.0.2.1:5269: connected",
    ]


def test_a_place_that_nobody_answers_at() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]}, connect_seconds=7)
    reached = found.reach(Place("a.example", 5269))
    found.network.connections[0].refuse()
    assert refusal(reached) == (TIMEOUT, "s2s.unreachable")
    late = found.reach(Place("a.example", 5269))
    found.network.advance(7)
    with pytest.raises(StanzaError, match=r"a\.example:5269"):
        result(late)
    assert found.told[-1] == "!tcp 192.0.2.1:5269: timed out after 7 s"


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        ((), (NOT_FOUND, "s2s.no-address")),
        (("A a.example",), (NOT_FOUND, "s2s.dns-failed")),
        (("A a.example", "AAAA a.example"), (NOT_FOUND, "s2s.dns-failed")),
    ],
)
def test_a_place_without_address(broken, outcome) -> None:
    found = Found()
    found.zones.broken.update(broken)
    assert refusal(found.reach(Place("a.example", 5269))) == outcome


def test_a_place_whose_name_has_other_records_only() -> None:
    found = Found({"a.example": ["TXT x"]})
    assert refusal(found.reach(Place("a.example", 5269))) == (NOT_FOUND, "s2s.no-address")


def test_a_silent_question_for_ipv6_keeps_nobody_from_ipv4() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    found.zones.silent.add("AAAA a.example")
    reached = found.reach(Place("a.example", 5269))
    found.network.advance(0.06)
    found.network.connections[0].take()
    found.network.advance(0)
    assert result(reached) is found.built[0]
    found.network.advance(20)
    assert found.told == ["dns A a.example: 192.0.2.1", "tcp 192.0.2.1:5269: connected"]


def test_a_bug_behind_the_dns_fails_what_was_asked_for() -> None:
    found = Found()
    found.zones.silent.add("a.example")
    reached = found.reach(Place("a.example", 5269))
    found.zones.open["A a.example"].errback(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        result(reached)
    found.zones.answer("AAAA a.example")


def test_whoever_gives_up_leaves_nothing_open() -> None:
    found = Found({"a.example": ["A 192.0.2.1"]})
    reached = found.reach(Place("a.example", 5269))
    reached.addErrback(lambda _: None)
    reached.cancel()
    assert [each.stopped for each in found.network.connections] == [True]
    assert found.network.getDelayedCalls() == []
    found.zones.silent.add(DOMAIN)
    finding = found.find(DOMAIN)
    finding.addErrback(lambda _: None)
    finding.cancel()
    found.network.advance(60)
    assert found.network.getDelayedCalls() == []


def test_what_was_forgotten_is_asked_anew_with_the_hosts_that_it_names() -> None:
    found = Found({STARTTLS: ["SRV 0 0 5269 a.example"], "a.example": ["A 192.0.2.1"]})
    found.places(DOMAIN)
    found.reach(Place("a.example", 5269))
    before = sorted(found.zones.asked)
    found.finder.forget("Verona.example")
    found.zones.asked.clear()
    found.places(DOMAIN)
    found.reach(Place("a.example", 5269))
    assert sorted(found.zones.asked) == before
