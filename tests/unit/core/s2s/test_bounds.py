"""What other servers, and those who write to them, can make grow; and what is left behind."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.federated import Hand, Town, Web
from tests.support.logs import logged
from tests.support.server import Client, condition
from tests.support.server_streams import auth, features, header, key, message, verdict, verify
from xmppd import ns
from xmppd.core.s2s import management as management_module
from xmppd.core.s2s import remotes as remotes_module
from xmppd.core.s2s.incoming import IncomingConnection
from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError
from xmppd.net.s2s import IncomingProtocol

CAPULET, MONTAGUE, SILENT = "capulet.lit", "montague.lit", "silent.lit"
ROMEO = "romeo@montague.lit"
PROCEED = f"<proceed xmlns='{ns.TLS}'/>"


def chat(to: str = ROMEO, body: str = "x") -> str:
    return f"<message to='{to}' type='chat' id='c'><body>{body}</body></message>"


def answer(client: Client) -> str:
    (element,) = client.elements()
    return condition(element)


def proved(town: Town) -> Hand:
    """Montague's server has connected and has shown who it is."""
    hand = town.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header())
    hand.take()
    return hand


def at_rest(town: Town) -> bool:
    """Whether nothing is left of any connection but what is known of domains."""
    remotes = town.remotes
    pairs = [pair for each in remotes._remotes.values() for pair in each.pairs.values()]
    return (
        not remotes.connections
        and not remotes.by_place
        and remotes.attempts.count == remotes.attempts.waiting == 0
        and not remotes.attempts._by
        and all(pair.idle and not pair.waiting and not pair.questions for pair in pairs)
    )


# ---------------------------------------------------------------------- questions


def asked(web: Web, town: Town, hand: Hand) -> Hand:
    """A key of silent.lit's was given, and its server is asked about it."""
    played = web.played(SILENT)
    hand.send(key(SILENT))
    (theirs,) = played.hands
    theirs.send(header(SILENT, CAPULET, id="a1"), features("starttls"), PROCEED)
    theirs.send(header(SILENT, CAPULET, id="a2"), features("dialback"))
    assert "<db:verify" in theirs.take()
    return theirs


@pytest.mark.parametrize("idle", [0, 600])
def test_a_question_that_nobody_answers_is_given_up_in_time_xep0220_2_1_1(idle: int) -> None:
    """The one who gave the key waited as long as he was there, and could not give it again."""
    web = Web()
    s2s = {"attempt_seconds": 20, "idle_seconds": idle}
    s2s |= {"domains": {SILENT: {"require": "dialback"}}}
    verona = web.town(CAPULET, s2s=s2s)
    hand = proved(verona)
    theirs = asked(web, verona, hand)
    web.advance(15)
    assert hand.take() == ""
    web.advance(20)
    assert condition(hand.elements()[0]) == "remote-server-timeout"
    assert theirs.closed
    assert not hand.closed
    hand.send(key(SILENT))
    assert len(web.at[f"host.{SILENT}"].hands) == 2  # type: ignore[union-attr]


def test_an_answer_that_comes_too_late_lets_nobody_in() -> None:
    web = Web()
    s2s: dict[str, Any] = {"attempt_seconds": 20}
    s2s |= {"domains": {SILENT: {"require": "dialback"}}}
    verona = web.town(CAPULET, s2s=s2s)
    juliet = verona.log_in("juliet")
    hand = proved(verona)
    theirs = asked(web, verona, hand)
    stream_id = hand.id
    web.advance(35)
    theirs.wire.gone = False
    theirs.send(verdict(SILENT, id_=stream_id))
    hand.send(message(f"a@{SILENT}"))
    assert juliet.take() == b""


# ---------------------------------------------------------------------- attempts


def test_many_that_fail_at_once_are_many_all_the_same() -> None:
    """Each that ended began the next within itself, until there was no more stack."""
    web = Web()
    verona = web.town(CAPULET, s2s={"attempts": 2, "attempt_seconds": 10})
    juliet = verona.log_in("juliet")
    web.places["first.lit"] = None
    juliet.send(chat("a@first.lit"))
    web.advance(1)
    for n in range(500):
        juliet.send(chat(f"a@m{n}.lit"))
    assert juliet.take() == b""
    web.advance(11)
    found = Counter(condition(each) for each in juliet.elements())
    assert found == {"remote-server-timeout": 1, "remote-server-not-found": 500}
    assert at_rest(verona)


def test_a_sender_that_reaches_for_everybody_keeps_nobody_else_waiting() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET, s2s={"attempts": 10}), web.town(MONTAGUE)
    juliet, nurse = verona.log_in("juliet"), verona.log_in("romeo", "v")
    romeo = mantua.log_in("romeo")
    for n in range(100):
        web.places[f"m{n}.lit"] = None
        juliet.send(chat(f"a@m{n}.lit"))
    nurse.send(chat(body="through"))
    web.settle()
    assert len(romeo.elements()) == 1


# ---------------------------------------------------------------------- what is known


def test_of_so_many_domains_only_is_anything_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes_module, "MOST", 10)
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat())
    web.settle()
    for n in range(50):
        juliet.send(chat(f"a@m{n}.lit"))
        web.settle()
    assert len(verona.remotes._remotes) == 10
    juliet.send(chat(body="still there"))
    web.settle()
    assert len(romeo.elements()) == 2
    assert len(web.dialled) == 1


def test_where_all_of_them_are_in_use_no_other_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes_module, "MOST", 3)
    web = Web()
    verona = web.town(CAPULET)
    juliet = verona.log_in("juliet")
    for n in range(4):
        web.places[f"m{n}.lit"] = None
        juliet.send(chat(f"a@m{n}.lit"))
    assert answer(juliet) == "resource-constraint"


def test_who_is_sent_no_stanzas_is_owed_little() -> None:
    """Answers about keys, say, for one who does not read them, on 500 connections."""
    verona = Web().town(CAPULET)
    factory: Any = SimpleNamespace(host=verona.host, turn=verona.turn)
    protocol = IncomingProtocol(factory)
    connection = IncomingConnection(verona.remotes, tls_available=True)
    protocol._carried = connection
    assert protocol.most_unsent() == verona.config.limits.write_buffer_bytes
    connection.stream.grants.add((CAPULET, MONTAGUE))
    assert protocol.most_unsent() == verona.config.limits.write_buffer_bytes
    verona.remotes.pair(CAPULET, MONTAGUE).line = connection
    assert protocol.most_unsent() > verona.config.s2s.octets


def test_a_domain_that_takes_too_long_is_left_alone_for_a_while() -> None:
    """Each stanza for it would wait as long as the one before it."""
    web = Web()
    verona = web.town(CAPULET, s2s={"attempt_seconds": 10})
    juliet = verona.log_in("juliet")
    web.places[MONTAGUE] = (Place("nowhere", 5269),)
    web.at["nowhere"] = None
    juliet.send(chat())
    web.advance(10.5)
    assert answer(juliet) == "remote-server-timeout"
    juliet.send(chat())
    web.settle()
    assert answer(juliet) == "remote-server-timeout"
    remote = verona.remotes.find(MONTAGUE)
    assert remote is not None
    assert remote.backoff.count == 1


def test_who_has_only_asked_about_keys_is_not_sent_away_in_anger() -> None:
    verona = Web().town(CAPULET, s2s={"require": "dialback"})
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(verify())
    hand.take()
    verona.clock.advance(verona.config.limits.negotiation_seconds + 1)
    assert hand.take() == "</stream:stream>"
    assert not verona.host.refusals.counts["stream.timeout"]


def test_one_domain_s_lost_streams_make_room_for_each_other_alone(monkeypatch) -> None:
    monkeypatch.setattr(management_module, "OF_ONE", 2)
    verona = Web().town(CAPULET)
    for _ in range(3):
        hand = proved(verona)
        hand.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>")
        hand.wire.cut()
        verona.web.settle()
    assert len(verona.remotes.management._lost) == 2


def test_strangers_do_not_fill_the_log() -> None:
    web = Web()
    verona = web.town(CAPULET)
    with logged() as told:
        for _ in range(10):
            verona.called().send("<a></b>")
    assert told == []
    assert sum(verona.host.refusals.counts.values()) == 10
    with logged() as told:
        proved(verona).send("<a></b>")
    assert [each for each in told if "ended: not-well-formed" in each]


# ---------------------------------------------------------------------- what is left


@pytest.mark.parametrize("end", ["cut", "closed", "nonsense", "disabled", "stopped"])
def test_nothing_is_left_of_a_stream(end: str) -> None:
    web = Web()
    tables: dict[str, Any] = {"s2s": {"resume_seconds": 0}}
    verona, mantua = web.town(CAPULET, **tables), web.town(MONTAGUE, **tables)
    juliet = verona.log_in("juliet")
    mantua.log_in("romeo")
    juliet.send(chat())
    web.advance(1)
    (connection,) = verona.remotes.connections
    wire: Any = connection.wire
    if end == "cut":
        wire.cut()
    elif end == "closed":
        connection.close()
    elif end == "nonsense":
        wire.arrive(b"<a></b>")
    elif end == "disabled":
        verona.reload(server={"domains": [CAPULET]}, s2s={"enabled": False})
    else:
        verona.remotes.close()
    web.settle()
    web.advance(1)
    assert at_rest(verona)
    assert at_rest(mantua)
    left = [c for c in web.clock.getDelayedCalls() if "Looping" not in repr(c)]
    assert left == []


def test_nothing_is_left_of_a_stranger_who_goes_in_the_middle() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={"require": "dialback"})
    web.played(MONTAGUE)
    hand = verona.called().through_tls(MONTAGUE, CAPULET)
    hand.send(key())
    hand.wire.cut()
    web.advance(100)
    assert at_rest(verona)


# ---------------------------------------------------------------------- pauses


def down(web: Web) -> tuple[Client, Town]:
    verona = web.town(CAPULET, s2s={"retry_seconds": 60})
    web.places[MONTAGUE] = (Place("down", 5269),)
    web.at["down"] = StanzaError("remote-server-timeout", reason="s2s.unreachable")
    return verona.log_in("juliet"), verona


def test_a_domain_that_can_t_be_reached_is_left_alone_for_a_while() -> None:
    web = Web()
    juliet, _ = down(web)
    for _ in range(5):
        juliet.send(chat())
        web.settle()
    assert [condition(each) for each in juliet.elements()] == ["remote-server-timeout"] * 5
    assert len(web.dialled) == 1


def test_each_failure_makes_the_pause_longer_up_to_a_bound() -> None:
    web = Web()
    juliet, _ = down(web)
    times: list[float] = []
    for _ in range(4_000):
        before = len(web.dialled)
        juliet.send(chat())
        web.settle()
        if len(web.dialled) > before:
            times.append(web.clock.seconds())
        web.advance(0.25)
    pauses = [b - a for a, b in pairwise(times)]
    assert pauses[0] <= 2.25
    assert all(1.5 * 0.75 <= b / a <= 3 for a, b in pairwise(pauses[:5]))
    assert max(pauses) <= 60.25
    assert min(pauses[6:]) >= 45


def test_a_change_in_the_dns_ends_the_pause() -> None:
    web = Web()
    juliet, _ = down(web)
    juliet.send(chat())
    web.settle()
    juliet.take()
    mantua = web.town(MONTAGUE)
    romeo = mantua.log_in("romeo")
    juliet.send(chat())
    web.settle()
    assert len(romeo.elements()) == 1


def test_who_was_reached_begins_anew() -> None:
    web = Web()
    juliet, verona = down(web)
    for _ in range(4):
        juliet.send(chat())
        web.advance(20)
    remote = verona.remotes.find(MONTAGUE)
    assert remote is not None
    assert remote.backoff.count == 4
    web.at["down"] = web.town(MONTAGUE)
    web.places[MONTAGUE] = (Place("down", 5269),)
    juliet.send(chat())
    web.advance(60)
    juliet.send(chat())
    web.settle()
    assert remote.backoff.count == 0


# ---------------------------------------------------------------------- managed streams


@pytest.mark.parametrize(
    "sent, expected",
    [
        (message("a@verona.lit"), "invalid-from"),
        (message(to="a@verona.lit"), "host-unknown"),
        (message().replace(" to=", " x="), "improper-addressing"),
    ],
)
def test_a_managed_stream_lets_no_more_pass_than_others_rfc6120_8_1(
    sent: str, expected: str
) -> None:
    web = Web()
    verona = web.town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = proved(verona)
    hand.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>")
    hand.send(sent + message())
    assert f"<{expected} " in hand.take()
    assert hand.closed
    assert juliet.take() == b""
