"""What is sent to another domain, from the first stanza to the last (RFC 6120 §10.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.federated import Played, Town, Web
from tests.support.server import Client, condition
from tests.support.server_streams import features, header, outcome
from xmppd import ns
from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

CAPULET, MONTAGUE, HALLS = "capulet.lit", "montague.lit", "halls.montague.lit"
ROMEO = "romeo@montague.lit"


def chat(body: str, to: str = ROMEO, id_: str = "c") -> str:
    return f"<message to='{to}' type='chat' id='{id_}'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


def answer(client: Client) -> str:
    """Type and condition of the one stanza that came, and from whom."""
    (element,) = client.elements()
    return f"{element.get('type')} {condition(element)} {element.get('from')}"


def pair_of(town: Town, remote: str = MONTAGUE, local: str = CAPULET) -> Any:
    found = town.remotes.find(remote)
    assert found is not None
    return found.pair(local)


def late(web: Web, domain: str = MONTAGUE) -> Callable[[], None]:
    """Have a domain that is looked for found only when what is returned is called."""
    known, web.places[domain] = web.places[domain], None
    waiting: list[Any] = []
    web.hang = lambda: waiting.append(Deferred()) or waiting[-1]  # type: ignore[method-assign]

    def found() -> None:
        web.places[domain] = known
        for each in waiting:
            each.callback(known)
        web.settle()

    return found


# ---------------------------------------------------------------------- while it is reached


def test_what_waits_keeps_its_order_and_one_attempt_does_for_all() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    found = late(web)
    for n in range(20):
        juliet.send(chat(f"{n}"))
    web.settle()
    assert pair_of(verona).waiting == 20
    assert web.asked == [MONTAGUE]
    found()
    juliet.send(chat("20"))
    web.settle()
    assert bodies(romeo) == [f"{n}" for n in range(21)]
    assert web.dialled == [(CAPULET, "host.montague.lit")]


def test_what_waits_has_a_bound() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={"queue": 3})
    juliet = verona.log_in("juliet")
    web.places[MONTAGUE] = None
    for n in range(3):
        juliet.send(chat(f"{n}"))
    assert juliet.take() == b""
    juliet.send(chat("too many"))
    assert answer(juliet) == f"error resource-constraint {ROMEO}"
    assert pair_of(verona).waiting == 3


def test_what_waits_has_a_bound_of_octets() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={"octets": 65_536})
    juliet = verona.log_in("juliet")
    web.places[MONTAGUE] = None
    juliet.send(chat("x" * 60_000))
    juliet.send(chat("y" * 6_000))
    assert answer(juliet) == f"error resource-constraint {ROMEO}"
    juliet.send(chat("z"))
    assert juliet.take() == b""


IN_VAIN = {
    "it can't be resolved": (
        StanzaError("remote-server-not-found", reason="s2s.no-such-domain"),
        "remote-server-not-found",
    ),
    "it can't be reached": (
        StanzaError("remote-server-timeout", reason="s2s.unreachable"),
        "remote-server-timeout",
    ),
}


@pytest.mark.parametrize("error, expected", IN_VAIN.values(), ids=IN_VAIN.keys())
def test_each_sender_is_told_what_went_wrong_rfc6120_10_4(
    error: StanzaError, expected: str
) -> None:
    web = Web()
    verona = web.town(CAPULET)
    juliet = verona.log_in("juliet")
    web.places[MONTAGUE] = error
    for stanza in (
        chat("wherefore"),
        f"<iq type='get' id='q' to='{ROMEO}/x'><ping xmlns='{ns.PING}'/></iq>",
        f"<presence to='{ROMEO}/x'/>",
    ):
        juliet.send(stanza)
        web.settle()
        (element,) = juliet.elements()
        assert (element.get("type"), condition(element)) == ("error", expected)
        assert element.get("from", "").startswith(ROMEO)


def test_errors_and_results_are_answered_by_nothing_rfc6120_8_3_1() -> None:
    web = Web()
    juliet = web.town(CAPULET).log_in("juliet")
    juliet.send(f"<message to='{ROMEO}' type='error'><body>x</body></message>")
    juliet.send(f"<iq type='result' id='r' to='{ROMEO}/x'/>")
    web.settle()
    assert juliet.take() == b""


@pytest.mark.parametrize("type_", ["subscribe", "unsubscribed", "probe"])
def test_subscriptions_and_probes_fail_as_well_rfc6120_10_4(type_: str) -> None:
    web = Web()
    verona = web.town(CAPULET)
    sent = Stanza("presence", {"type": type_}, [], b"")
    sent.sender, sent.to = JID.parse("juliet@capulet.lit"), JID.parse(ROMEO)
    verona.host.router.route(sent)
    web.settle()
    (told,) = [each for each in verona.host.refusals.recent if each.target == ROMEO]
    assert (told.reason, told.who) == ("s2s.no-such-domain", "juliet@capulet.lit")
    assert pair_of(verona).waiting == 0


def test_a_domain_that_does_not_answer_is_given_up_in_time() -> None:
    web = Web()
    juliet = (verona := web.town(CAPULET, s2s={"attempt_seconds": 30})).log_in("juliet")
    web.places[MONTAGUE] = None
    juliet.send(chat("wherefore"))
    web.advance(29)
    assert juliet.take() == b""
    web.advance(2)
    assert answer(juliet) == f"error remote-server-timeout {ROMEO}"
    assert web.given_up == 1
    assert not pair_of(verona).trying


@pytest.mark.parametrize("there", [None, "silent", "header", "tls", "sasl"])
def test_a_server_that_falls_silent_is_given_up_in_time(there: str | None) -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={"attempt_seconds": 30})
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE, MONTAGUE)
    if there is None:
        web.at["host.montague.lit"] = None
    juliet.send(chat("wherefore"))
    web.settle()
    if there is not None and there != "silent":
        (hand,) = played.hands
        hand.send(header(MONTAGUE, CAPULET, id="1"))
        if there != "header":
            hand.send(features("starttls"), f"<proceed xmlns='{ns.TLS}'/>")
        if there == "sasl":
            hand.send(header(MONTAGUE, CAPULET, id="2"), features("external", "bidi"))
            assert "<auth" in hand.take()
    web.advance(61)
    assert answer(juliet) == f"error remote-server-timeout {ROMEO}"
    assert not verona.remotes.connections
    if played.hands:
        assert played.hands[0].closed
    assert [c for c in web.clock.getDelayedCalls() if c.getTime() - web.clock.seconds() < 9] == []


def test_after_a_time_out_the_next_attempt_is_a_new_one() -> None:
    """A stream on which nothing was answered was used again, and again for nothing."""
    web = Web()
    verona = web.town(CAPULET, s2s={"attempt_seconds": 30})
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE, MONTAGUE)
    juliet.send(chat("wherefore"))
    web.settle()
    (hand,) = played.hands
    hand.send(header(MONTAGUE, CAPULET, id="1"), features("starttls"))
    hand.send(f"<proceed xmlns='{ns.TLS}'/>")
    hand.send(header(MONTAGUE, CAPULET, id="2"), features("external"))
    web.advance(31)
    juliet.take()
    web.advance(600)
    mantua = web.town(MONTAGUE)
    romeo = mantua.log_in("romeo")
    juliet.send(chat("again"))
    web.settle()
    assert bodies(romeo) == ["again"]


# ---------------------------------------------------------------------- several places


def test_places_are_tried_in_their_order() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    web.places[MONTAGUE] = (Place("down", 5269), Place("host.montague.lit", 5269), Place("c", 1))
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]
    assert [host for _, host in web.dialled] == ["down", "host.montague.lit"]


def test_a_place_that_is_silent_is_not_waited_for_until_there_is_no_time_left() -> None:
    """It takes connections and says nothing: the next place was never tried."""
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    web.at["silent"] = Played(web, ())
    web.places[MONTAGUE] = (Place("silent", 5269), Place("host.montague.lit", 5269))
    juliet.send(chat("wherefore"))
    web.advance(40)
    assert bodies(romeo) == ["wherefore"]
    assert juliet.take() == b""


def test_a_place_whose_certificate_is_another_s_is_passed_over() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    web.at["impostor"] = web.town("impostor.lit", MONTAGUE, names=["impostor.lit"])
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    web.places[MONTAGUE] = (Place("impostor", 5269), Place("host2", 5269))
    web.at["host2"] = mantua
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]
    assert [host for _, host in web.dialled] == ["impostor", "host2"]


def test_direct_tls_needs_no_starttls_xep0368() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    web.places[MONTAGUE] = (Place("host.montague.lit", 5270, direct=True),)
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]


# ---------------------------------------------------------------------- what the peer says


def met(web: Web, town: Town, *offers: str) -> tuple[Any, Client]:
    """A server played by the test, which juliet writes to, up to its features."""
    juliet = town.log_in("juliet")
    played = web.played(MONTAGUE, MONTAGUE)
    juliet.send(chat("wherefore"))
    web.settle()
    (hand,) = played.hands
    hand.send(header(MONTAGUE, CAPULET, id="1"), features("starttls"))
    hand.send(f"<proceed xmlns='{ns.TLS}'/>")
    hand.send(header(MONTAGUE, CAPULET, id="2"), features(*offers))
    return hand, juliet


SAID = {
    "invalid": (outcome(type_="invalid"), "internal-server-error"),
    "an error": (outcome(type_="error"), "remote-server-timeout"),
    "not found": (
        f"<db:result from='{MONTAGUE}' to='{CAPULET}' type='error'><error type='cancel'>"
        f"<item-not-found xmlns='{ns.STANZA_ERRORS}'/></error></db:result>",
        "remote-server-timeout",
    ),
    "the end": ("</stream:stream>", "remote-server-timeout"),
    "host-unknown": (
        f"<stream:error><host-unknown xmlns='{ns.STREAM_ERRORS}'/></stream:error>",
        "remote-server-timeout",
    ),
    "see-other-host": (
        f"<stream:error><see-other-host xmlns='{ns.STREAM_ERRORS}'>verona.lit</see-other-host>"
        "</stream:error>",
        "remote-server-timeout",
    ),
    "nonsense": ("<a></b>", "remote-server-timeout"),
}


@pytest.mark.parametrize("said, expected", SAID.values(), ids=SAID.keys())
def test_senders_are_told_what_the_peer_has_said_rfc6120_10_4_3_xep0220_2_1_1(
    said: str, expected: str
) -> None:
    web = Web()
    verona = web.town(CAPULET)
    hand, juliet = met(web, verona, "dialback")
    assert "<db:result" in hand.take()
    assert juliet.take() == b""
    hand.send(said)
    assert answer(juliet) == f"error {expected} {ROMEO}"
    assert not verona.remotes.connections
    assert not pair_of(verona).trying


def test_nothing_is_sent_before_the_peer_has_granted_it_xep0220_2_1_1() -> None:
    web = Web()
    hand, _ = met(web, web.town(CAPULET), "dialback")
    assert "wherefore" not in hand.take()
    assert "wherefore" in hand.send(outcome()).take()


def test_who_refuses_external_and_ends_the_stream_is_shown_a_key_xep0178_3() -> None:
    web = Web()
    verona = web.town(CAPULET)
    hand, juliet = met(web, verona, "external", "dialback")
    refused = f"<failure xmlns='{ns.SASL}'><not-authorized/></failure></stream:stream>"
    hand.send(refused)
    (_, second) = web.at["host.montague.lit"].hands  # type: ignore[union-attr]
    second.send(header(MONTAGUE, CAPULET, id="1"), features("starttls"))
    second.send(f"<proceed xmlns='{ns.TLS}'/>")
    second.send(header(MONTAGUE, CAPULET, id="2"), features("external", "dialback"))
    said = second.take()
    assert "<db:result" in said
    assert "<auth" not in said
    second.send(outcome())
    assert "wherefore" in second.take()
    assert juliet.take() == b""


# ---------------------------------------------------------------------- sharing


def two(town: Town) -> tuple[Client, Client]:
    """Juliet, and somebody at the other domain of the server."""
    town.account("nurse", domain="rooms.capulet.lit")
    nurse = town.connect().open("rooms.capulet.lit")
    nurse.authenticate("nurse").open("rooms.capulet.lit")
    nurse.bind("n")
    nurse.take()
    return town.log_in("juliet"), nurse


def test_a_second_sender_is_asked_for_on_the_first_one_s_stream_xep0220_2_6_1() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET, "rooms.capulet.lit"), web.town(MONTAGUE)
    romeo = mantua.log_in("romeo")
    juliet, nurse = two(verona)
    juliet.send(chat("one"))
    web.settle()
    nurse.send(chat("two"))
    web.settle()
    assert bodies(romeo) == ["one", "two"]
    assert web.dialled == [(CAPULET, "host.montague.lit")]


@pytest.mark.parametrize("says", ["error", "nothing"])
def test_where_that_is_not_taken_it_has_a_stream_of_its_own_xep0220_2_5(says: str) -> None:
    web = Web()
    verona = web.town(CAPULET, "rooms.capulet.lit")
    _, nurse = two(verona)
    hand, _ = met(web, verona, "external", "dialback")
    hand.send(f"<success xmlns='{ns.SASL}'/>")
    hand.send(header(MONTAGUE, CAPULET, id="3"), features("dialback"))
    hand.take()
    nurse.send(chat("two"))
    web.settle()
    assert "from='rooms.capulet.lit'" in hand.take()
    if says == "error":
        hand.send(outcome(to="rooms.capulet.lit", type_="error"))
    else:
        web.advance(11)
    assert [local for local, _ in web.dialled] == [CAPULET, "rooms.capulet.lit"]
    assert nurse.take() == b""


def test_what_the_first_stream_says_too_late_is_no_answer_of_the_second() -> None:
    """Its error would have been taken for that of the stream that is being opened."""
    web = Web()
    verona = web.town(CAPULET, "rooms.capulet.lit")
    _, nurse = two(verona)
    hand, _ = met(web, verona, "external", "dialback")
    hand.send(f"<success xmlns='{ns.SASL}'/>")
    hand.send(header(MONTAGUE, CAPULET, id="3"), features("dialback"))
    nurse.send(chat("two"))
    web.advance(11)
    second = web.at["host.montague.lit"].hands[1]  # type: ignore[union-attr]
    second.send(header(MONTAGUE, "rooms.capulet.lit", id="1"), features("starttls"))
    second.send(f"<proceed xmlns='{ns.TLS}'/>")
    second.send(header(MONTAGUE, "rooms.capulet.lit", id="2"), features("dialback"))
    assert "<db:result" in second.take()
    hand.send(outcome(to="rooms.capulet.lit", type_="error"))
    assert nurse.take() == b""
    second.send(outcome(to="rooms.capulet.lit"))
    assert "two" in second.take()


# ---------------------------------------------------------------------- the end of a stream


def test_a_stream_that_breaks_is_made_anew() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = verona.remotes.connections
    connection.wire.cut()  # type: ignore[union-attr]
    web.settle()
    juliet.send(chat("two"))
    web.settle()
    assert bodies(romeo) == ["one", "two"]
    assert len(verona.remotes.connections) == 1


def test_an_idle_stream_is_closed_and_nothing_is_left() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, _ = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.advance(700)
    assert not verona.remotes.connections
    assert not mantua.remotes.connections
    assert pair_of(verona).idle


def test_the_end_of_the_server_ends_the_streams_rfc6120_4_9_3_20() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet = verona.log_in("juliet")
    mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    verona.remotes.close()
    web.settle()
    assert not verona.remotes.connections
    assert not mantua.remotes.connections


def test_who_writes_to_a_slow_peer_is_read_more_slowly() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = verona.remotes.connections
    connection.clogged()
    juliet.send(chat("two"))
    assert juliet.paused
    juliet.send(chat("three"))
    web.settle()
    assert bodies(romeo) == ["one", "two"]
    connection.unclogged()
    web.settle()
    assert bodies(romeo) == ["three"]


def test_there_is_an_end_of_what_a_slow_peer_is_owed() -> None:
    web = Web()
    verona, _ = web.town(CAPULET, s2s={"octets": 65_536}), web.town(MONTAGUE)
    juliet = verona.log_in("juliet")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = verona.remotes.connections
    connection.clogged()
    connection.wire.behind = 70_000  # type: ignore[union-attr]
    juliet.send(chat("two"))
    assert answer(juliet) == f"error resource-constraint {ROMEO}"


def test_a_peer_that_goes_lets_its_writers_go_on() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet = verona.log_in("juliet")
    mantua.log_in("romeo")
    juliet.send(chat("one"))
    web.settle()
    (connection,) = verona.remotes.connections
    connection.clogged()
    juliet.send(chat("two"))
    assert juliet.paused
    connection.wire.cut()  # type: ignore[union-attr]
    web.settle()
    assert not juliet.paused


def test_a_stream_that_was_lost_with_nothing_on_it_keeps_nobody_from_being_forgotten() -> None:
    """What was left of it would have stayed for good, and with 20,000 such nobody else is met."""
    web = Web()
    verona, _ = web.town(CAPULET), web.town(MONTAGUE)
    juliet = verona.log_in("juliet")
    juliet.send(chat("one"))
    web.advance(1)
    (connection,) = verona.remotes.connections
    connection.wire.cut()  # type: ignore[union-attr]
    assert not pair_of(verona).idle
    web.advance(121)
    assert pair_of(verona).idle


def test_a_stream_goes_on_by_one_of_its_own_xep0198_5() -> None:
    """By that of another pair what was handled was sent once more."""
    web = Web()
    verona, mantua = web.town(CAPULET, "rooms.capulet.lit"), web.town(MONTAGUE)
    romeo = mantua.log_in("romeo")
    juliet, nurse = two(verona)
    found = late(web)
    juliet.send(chat("one"))
    web.settle()
    nurse.send(chat("two"))
    found()
    assert sorted(bodies(romeo)) == ["one", "two"]
    first = pair_of(verona).line
    assert first is not pair_of(verona, local="rooms.capulet.lit").line
    first.wire.cut()
    web.advance(1)
    assert bodies(romeo) == []
    assert len(verona.remotes.connections) == 2
