"""Dialback between servers: who is asked about keys, and what becomes of that (XEP-0220 §2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.federated import Hand, Town, Web
from tests.support.server import Client, condition
from tests.support.server_streams import (
    BIDI,
    VERONA,
    features,
    header,
    key,
    message,
    outcome,
    verdict,
    verify,
)
from xmppd import ns
from xmppd.core.s2s.places import Place
from xmppd.errors import StanzaError

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
ROMEO = "romeo@montague.lit"
DIALBACK: dict[str, Any] = {"require": "dialback"}
NONE: dict[str, Any] = {"require": "none"}
PROCEED = f"<proceed xmlns='{ns.TLS}'/>"


def chat(body: str, to: str = ROMEO) -> str:
    return f"<message to='{to}' type='chat'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


def called(web: Web, town: Town, sender: str = MONTAGUE, *, before: str = "") -> Hand:
    """Somebody has connected, says he is `sender`, and has given a key."""
    hand = town.called().through_tls(sender, CAPULET)
    if before:
        hand.send(before)
    return hand.send(key(sender))


def authority(hand: Hand, name: str = MONTAGUE) -> str:
    """Go on as the server that was connected to, up to the question; what was sent."""
    hand.send(header(name, CAPULET, id="a1"), features("starttls"), PROCEED)
    hand.send(header(name, CAPULET, id="a2"), features("dialback"))
    return hand.take()


# ---------------------------------------------------------------------- two servers


@pytest.mark.parametrize("settings", [DIALBACK, NONE, {**DIALBACK, "bidirectional": False}])
def test_two_servers_without_certificates_come_to_terms(settings: dict[str, Any]) -> None:
    web = Web()
    verona = web.town(CAPULET, names=(), s2s=settings)
    mantua = web.town(MONTAGUE, names=(), s2s=settings)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]
    romeo.send(chat("by a name", "juliet@capulet.lit"))
    web.settle()
    assert bodies(juliet) == ["by a name"]
    web.advance(700)
    assert not verona.remotes.connections
    assert not mantua.remotes.connections


@pytest.mark.parametrize("bidi", [True, False])
def test_both_at_once_do_not_wait_for_each_other_xep0220_2_1_1(bidi: bool) -> None:
    web = Web()
    settings = {**DIALBACK, "bidirectional": bidi}
    verona = web.town(CAPULET, names=(), s2s=settings)
    mantua = web.town(MONTAGUE, names=(), s2s=settings)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("one"))
    romeo.send(chat("two", "juliet@capulet.lit"))
    web.settle()
    assert bodies(romeo) == ["one"]
    assert bodies(juliet) == ["two"]
    juliet.send(chat("three"))
    romeo.send(chat("four", "juliet@capulet.lit"))
    web.settle()
    assert (bodies(romeo), bodies(juliet)) == (["three"], ["four"])


def test_one_shows_a_certificate_and_the_other_a_key() -> None:
    web = Web()
    verona = web.town(CAPULET, names=(), s2s={"domains": {}, "require": "certificate"})
    mantua = web.town(MONTAGUE, s2s=DIALBACK)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]
    romeo.send(chat("by a name", "juliet@capulet.lit"))
    web.settle()
    assert bodies(juliet) == ["by a name"]


# ---------------------------------------------------------------------- the authority


def test_the_domain_itself_is_asked_xep0220_2_1_2() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    asked = authority(theirs)
    assert f"id='{hand.id}'" in asked
    assert ">5p0of</db:verify>" in asked
    assert "<db:result" not in asked, "nothing is to be sent there"
    theirs.send(verdict(id_=hand.id))
    hand.send(message())
    assert bodies(juliet) == ["wherefore"]


def test_a_stream_that_has_served_to_ask_is_closed_xep0220_2_1_2() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    authority(theirs)
    theirs.send(verdict(id_=hand.id))
    web.advance(11)
    assert theirs.closed
    assert not hand.closed


def test_a_spoofer_is_found_out_xep0220_2_2_1() -> None:
    web = Web()
    verona, mantua = web.town(CAPULET, s2s=DIALBACK), web.town(MONTAGUE, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    hand = called(web, verona)
    assert "type='invalid'" in hand.take()
    hand.send(message())
    assert hand.closed
    assert juliet.take() == b""
    assert mantua.remotes.connections == set() or not verona.remotes.pair(CAPULET, MONTAGUE).line


NOT_FOUND, FAILED = "remote-server-not-found", "remote-connection-failed"
IN_VAIN = {
    "not found": (StanzaError(NOT_FOUND, reason="s2s.no-such-domain"), None, NOT_FOUND),
    "not looked up": (StanzaError(NOT_FOUND, reason="s2s.dns-failed"), None, FAILED),
    "not reached": (None, StanzaError("remote-server-timeout", reason="s2s.unreachable"), FAILED),
}


@pytest.mark.parametrize("found, there, expected", IN_VAIN.values(), ids=IN_VAIN.keys())
def test_a_domain_that_can_t_be_asked_xep0220_2_5(
    found: StanzaError | None, there: StanzaError | None, expected: str
) -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    web.places[MONTAGUE] = found or (Place("down", 5269),)
    if there is not None:
        web.at["down"] = there
    hand = called(web, verona)
    (answer,) = hand.elements()
    assert (answer.get("type"), condition(answer)) == ("error", expected)
    assert not hand.closed, "an error of dialback is not one of the stream"
    assert verona.remotes.attempts.count == 0


@pytest.mark.parametrize("said", ["item-not-found", "policy-violation", "gone"])
def test_a_domain_that_answers_with_an_error_xep0220_2_5(said: str) -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    assert "<db:verify" in authority(theirs)
    error = f"<error type='cancel'><{said} xmlns='{ns.STANZA_ERRORS}'/></error>"
    id_ = hand.id
    theirs.send(
        f"<db:verify from='{MONTAGUE}' to='{CAPULET}' id='{id_}' type='error'>{error}</db:verify>"
    )
    (answer,) = hand.elements()
    assert (answer.get("type"), condition(answer)) == ("error", NOT_FOUND)
    assert not hand.closed


@pytest.mark.parametrize("said", ["host-unknown", "host-gone"])
def test_a_domain_that_is_not_there_any_more_xep0220_2_5(said: str) -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    theirs.send(header(MONTAGUE, CAPULET, id="a1"))
    theirs.send(f"<stream:error><{said} xmlns='{ns.STREAM_ERRORS}'/></stream:error>")
    assert condition(hand.elements()[0]) == NOT_FOUND


@pytest.mark.parametrize("until", ["dialled", "open", "asked"])
@pytest.mark.parametrize("then", ["silent", "dies", "ends"])
def test_an_authority_that_says_nothing_xep0220_2_5(until: str, then: str) -> None:
    web = Web()
    verona = web.town(CAPULET, s2s={**DIALBACK, "attempt_seconds": 20})
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    if until == "open":
        theirs.send(header(MONTAGUE, CAPULET, id="a1"))
    elif until == "asked":
        assert "<db:verify" in authority(theirs)
    if then == "dies":
        theirs.wire.cut()
    elif then == "ends":
        theirs.send(("" if until != "dialled" else header(id="1")) + "</stream:stream>")
    else:
        web.advance(25)
    if (until, then) == ("asked", "silent"):
        web.advance(700)  # the one who has given the key is sent away before that
        assert hand.closed
        assert theirs.closed
    else:
        assert condition(hand.elements()[0]) == "remote-server-timeout"
    web.settle()
    assert not verona.remotes.pair(CAPULET, MONTAGUE).questions
    assert verona.remotes.attempts.count == 0


def test_a_question_is_never_put_where_the_key_was_given_xep0288_2_2() -> None:
    """The spoofer would say that the key is valid."""
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    hand = called(web, verona, before=BIDI)
    assert "<db:verify" not in hand.take()
    assert len(played.hands) == 1
    hand.send(verdict(id_=hand.id))
    assert "s2s.unsolicited" in [each.reason for each in verona.host.refusals.recent]
    hand.send(message())
    assert juliet.take() == b""


def test_who_was_asked_too_late_is_told_nothing() -> None:
    """The one who gave the key is gone."""
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    played = web.played(MONTAGUE)
    hand = called(web, verona)
    (theirs,) = played.hands
    authority(theirs)
    stream_id = hand.id
    hand.wire.cut()
    theirs.send(verdict(id_=stream_id))
    assert not theirs.closed
    assert not verona.host.refusals.counts["stream.internal"]


def test_a_question_that_comes_while_stanzas_are_on_their_way_is_put_as_well() -> None:
    """An attempt under way was thought to do for both, and forgot the question."""
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    juliet.send(chat("wherefore"))
    web.settle()
    hand = called(web, verona)
    (theirs,) = played.hands
    said = authority(theirs)
    assert "<db:verify" in said
    assert "<db:result" in said
    theirs.send(outcome(), verdict(id_=hand.id))
    assert "type='valid'" in hand.take()
    assert "wherefore" in theirs.take()


def test_stanzas_that_come_while_a_question_is_put_are_sent_as_well() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    called(web, verona)
    juliet.send(chat("wherefore"))
    web.settle()
    (theirs,) = played.hands
    assert "<db:verify" in authority(theirs)
    theirs.send(outcome())
    assert "wherefore" in theirs.take()


def test_the_pair_s_own_stream_serves_for_questions_xep0220_2_1_2() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    juliet.send(chat("wherefore"))
    web.settle()
    (theirs,) = played.hands
    authority(theirs)
    theirs.send(outcome())
    theirs.take()
    hand = called(web, verona)
    assert f"id='{hand.id}'" in theirs.take()
    assert len(played.hands) == 1


def test_we_answer_for_our_own_keys_on_any_stream_xep0220_2_2_2() -> None:
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    juliet.send(chat("wherefore"))
    web.settle()
    said = authority(played.hands[0])
    given = said.partition("<db:result")[2].partition(">")[2].partition("<")[0]
    asking = verona.called().through_tls(MONTAGUE, CAPULET)
    asking.send(verify(id_="a2", said=given))
    assert "type='valid'" in asking.take()
    asking.send(verify(VERONA, id_="a2", said=given), verify(id_="a1", said=given))
    assert asking.take().count("type='invalid'") == 2


def test_strangers_keep_nobody_from_reaching_anybody() -> None:
    """They claim to be domains that don't answer, twenty on each connection."""
    web = Web()
    verona, mantua = web.town(CAPULET, s2s={**DIALBACK, "attempts": 10}), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    for n in range(15):
        web.places[f"m{n}.lit"] = None
        called(web, verona, f"m{n}.lit")
    assert verona.remotes.attempts.count == 2
    juliet.send(chat("wherefore"))
    web.settle()
    assert bodies(romeo) == ["wherefore"]
    web.advance(100)
    assert verona.remotes.attempts.count == 0


def test_each_word_is_for_the_stream_that_it_names_xep0220_2_1_2() -> None:
    """Two claim to be montague at once, and one of them is."""
    web = Web()
    verona = web.town(CAPULET, s2s=DIALBACK)
    juliet = verona.log_in("juliet")
    played = web.played(MONTAGUE)
    liar, true = called(web, verona), called(web, verona)
    (theirs,) = played.hands
    assert authority(theirs).count("<db:verify") == 2
    theirs.send(verdict(id_=true.id), verdict(id_=liar.id, type_="invalid"))
    assert "type='valid'" in true.take()
    assert "type='invalid'" in liar.take()
    liar.send(message())
    assert juliet.take() == b""
    true.send(message())
    assert bodies(juliet) == ["wherefore"]
