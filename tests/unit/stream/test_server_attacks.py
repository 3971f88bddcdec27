"""Attacks on streams between servers: nobody is taken for a domain that he has not shown to be."""

from __future__ import annotations

import pytest

from tests.support.server import condition
from tests.support.server_streams import (
    BIDI,
    CAPULET,
    HALLS,
    MONTAGUE,
    ROOMS,
    STARTTLS,
    VERONA,
    Scripted,
    admitted,
    auth,
    header,
    incoming,
    key,
    message,
    outcome,
    outgoing,
    policy,
    sasl,
    verdict,
    verify,
)
from xmppd.stream import dialback
from xmppd.stream.events import Closed
from xmppd.stream.server_events import Admitted, Granted, Judged, KeyGiven
from xmppd.stream.server_outgoing import OutgoingStream
from xmppd.stream.server_stream import MOST_KEYS, MOST_OWN, MOST_PENDING
from xmppd.wire.limits import Limits

UNSOLICITED = "policy-violation s2s.unsolicited"


def asking() -> Scripted:
    """Our stream to montague, on which we have asked for one pair and about one key."""
    scripted = outgoing(MONTAGUE, offers=["bidi", "dialback"])
    assert isinstance(scripted.stream, OutgoingStream)
    scripted.act(scripted.stream.ask(CAPULET, MONTAGUE, "1d", "k"))
    scripted.act(scripted.stream.authenticate())
    return scripted


ANSWERS = {
    "a result": outcome(),
    "a verdict": verdict(),
    "an invalid result": outcome(type_="invalid"),
    "an error": outcome(type_="error"),
    "a verdict that is one": verdict(type_="error"),
}


@pytest.mark.parametrize("sent", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("bidi", [False, True])
def test_answers_that_nobody_asked_for_on_an_incoming_stream_xep0220_3_1(
    sent: str, bidi: bool
) -> None:
    """CVE-2012-3525 and its kin: they made the sender whoever it said."""
    scripted = incoming(require="dialback", bidi=bidi).send(key(), sent)
    assert scripted.error == UNSOLICITED
    assert not scripted.of(Admitted) + scripted.of(Granted) + scripted.of(Judged)


WRONG = {
    "a result of another domain": outcome(VERONA),
    "a result for another of ours": outcome(to=ROOMS),
    "a result for a pair turned round": outcome(CAPULET, MONTAGUE),
    "a verdict of another domain": verdict(VERONA),
    "a verdict for another of ours": verdict(to=ROOMS),
    "a verdict for another stream": verdict(id_="2d"),
}


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG.keys())
def test_answers_to_something_else_on_our_own_stream_xep0220_3_1(sent: str) -> None:
    """Verona's server, say, is asked about one key, and speaks for other domains."""
    scripted = asking().send(sent)
    assert scripted.error == UNSOLICITED
    assert not scripted.of(Granted) + scripted.of(Judged)


@pytest.mark.parametrize("sent", [outcome(), verdict()])
def test_an_answer_counts_once(sent: str) -> None:
    assert asking().send(sent, sent).error == UNSOLICITED


def test_a_key_of_ours_is_good_for_nobody_else() -> None:
    """Who got it on his stream hands it to another, whose stream he gives the same id."""
    scripted = outgoing(MONTAGUE, offers=["dialback"])
    assert isinstance(scripted.stream, OutgoingStream)
    scripted.act(scripted.stream.authenticate())
    ours = scripted.one().text or ""
    authority = incoming(VERONA, require="dialback")
    stolen = verify(VERONA, id_=scripted.stream.id, said=ours)
    assert authority.send(stolen).one().get("type") == "invalid"
    right = verify(MONTAGUE, id_=scripted.stream.id, said=ours)
    assert authority.send(right).one().get("type") == "valid"


def test_a_key_of_an_earlier_stream_over_the_connection_is_good_no_more() -> None:
    scripted = incoming(require="dialback")
    first = scripted.stream.id
    again = incoming(require="dialback").send(key()).stream.id
    assert first != again


def test_nobody_is_asked_twice_about_one_pair_while_he_waits() -> None:
    scripted = incoming(require="dialback").send(*[key()] * 50)
    assert len(scripted.of(KeyGiven)) == 1
    assert scripted.take() == b""


def test_keys_that_wait_have_a_bound() -> None:
    many = [key(f"m{n}.lit") for n in range(MOST_PENDING + 1)]
    scripted = incoming(require="dialback", max_attempts=2).send(*many)
    assert len(scripted.of(KeyGiven)) == MOST_PENDING
    assert condition(scripted.one()) == "resource-constraint"


def test_who_is_turned_down_again_and_again_is_sent_away() -> None:
    scripted = incoming(require="dialback").send(*[key(to=VERONA)] * MOST_KEYS)
    assert not scripted.of(Closed)
    assert scripted.send(key(to=VERONA)).error == "policy-violation s2s.attempts"
    assert scripted.log.count(b"item-not-found") == MOST_KEYS


def test_who_has_shown_one_domain_does_not_try_for_ever() -> None:
    scripted = admitted().send(*[key(VERONA)] * (2 * MOST_KEYS + 1))
    assert scripted.error == "policy-violation s2s.attempts"


def test_who_has_shown_one_domain_is_not_believed_for_ever() -> None:
    """Each key that a domain disowns is an attempt to speak for it (XEP-0220 §2.2.1)."""
    scripted = admitted(max_attempts=2, require="dialback")
    for number in range(4):
        assert not scripted.of(Closed)
        scripted.send(key(f"m{number}.lit"))
        scripted.act(scripted.stream.judge(f"m{number}.lit", CAPULET, "invalid"))
    assert scripted.error == "policy-violation s2s.attempts"


def test_our_own_questions_have_a_bound() -> None:
    """Strangers make us ask, each about keys of his own."""
    scripted = outgoing(MONTAGUE, offers=["dialback"])
    for n in range(MOST_OWN):
        scripted.act(scripted.stream.ask(CAPULET, MONTAGUE, f"{n}", "k"))
    scripted.take()
    scripted.act(scripted.stream.ask(CAPULET, MONTAGUE, "one more", "k"))
    assert scripted.take() == b""
    assert scripted.of(Judged)[-1].condition == "resource-constraint"


# ---------------------------------------------------------------------- too early

EARLY = {
    "before TLS": [header()],
    "without a proof": [header(), STARTTLS, "secure", header()],
    "with a key that waits": [header(), STARTTLS, "secure", header(), key()],
    "within SASL": [header(), STARTTLS, "prove", header(), auth(None)],
}


@pytest.mark.parametrize("steps", EARLY.values(), ids=EARLY.keys())
@pytest.mark.parametrize("bidi", [False, True])
def test_no_stanza_passes_too_early_rfc6120_6_xep0220_1(steps: list[str], bidi: bool) -> None:
    scripted = incoming(tls=False, require="dialback")
    for step in steps:
        if step == "secure":
            scripted.secure(VERONA)
        elif step == "prove":
            scripted.secure(MONTAGUE)
        else:
            scripted.send(step)
    scripted.send(message())
    assert scripted.error == "not-authorized s2s.not-authorized"
    assert not scripted.stanzas


def test_nor_between_success_and_the_new_header() -> None:
    scripted = incoming(MONTAGUE).send(auth() + message())
    assert scripted.ended is not None
    assert not scripted.stanzas


def test_nor_in_the_read_that_ends_the_stream() -> None:
    scripted = incoming(require="dialback").send(key() + verdict() + message())
    assert scripted.error == UNSOLICITED
    assert not scripted.stanzas


def test_a_key_in_the_clear_does_not_last_into_tls() -> None:
    """One on the way opens the stream in the clear, and lets the true peer go on."""
    scripted = incoming(tls=False, require={VERONA: "none"}).send(header(VERONA), key(VERONA))
    scripted.send(STARTTLS)
    assert scripted.ended is None
    assert not scripted.of(Admitted)


# ---------------------------------------------------------------------- floods

TIGHT = Limits(stanza=4_096, tag=1_024)


def test_nor_does_what_a_header_in_the_clear_has_said_rfc6120_5_4_3_3() -> None:
    """Somebody on the way may have written it; the certificate names both."""
    peer = incoming(tls=False).send(header(VERONA), STARTTLS).secure(MONTAGUE, VERONA)
    assert b"EXTERNAL" not in peer.send(header(None)).take()


def test_a_giant_header_is_refused_rfc6120_4_9_3_17() -> None:
    scripted = incoming(tls=False, before=TIGHT).send("<stream:stream x='" + "y" * 2_000)
    assert scripted.error == "policy-violation limit.tag-size"


def test_a_giant_element_is_refused_before_anybody_is_shown() -> None:
    scripted = incoming(MONTAGUE, before=TIGHT).send("<db:result from='a.lit' to='b.lit'>")
    scripted.send(*["<a>" + "k" * 1_000] * 5)
    assert scripted.error == "policy-violation limit.stanza-size"


def test_what_is_granted_to_peers_is_so_from_then_on() -> None:
    big = message().replace("wherefore", "w" * 5_000)
    assert admitted(before=TIGHT).send(big).stanzas


def test_headers_do_not_come_again_and_again() -> None:
    assert incoming(MONTAGUE).send(header()).ended is not None


@pytest.mark.parametrize("sent", [verify(), key("x.lit")])
def test_a_stranger_is_not_answered_for_ever(sent: str) -> None:
    """Each answer is kept for one who does not read."""
    scripted = incoming(require="dialback").send(*[sent] * 20_000)
    assert len(scripted.log) < 200_000


def test_who_was_admitted_is_answered_as_often_as_he_asks() -> None:
    scripted = admitted().send(*[verify()] * 2_000)
    assert scripted.log.count(b"<db:verify") == 2_000


# ---------------------------------------------------------------------- SASL

NO_RIGHT = {
    "no certificate": ((), "dialback"),
    "that of another": ((VERONA,), "dialback"),
}


@pytest.mark.parametrize("names, require", NO_RIGHT.values(), ids=NO_RIGHT.keys())
def test_external_without_a_certificate_of_the_domain_xep0178_3(
    names: tuple[str, ...], require: str
) -> None:
    scripted = incoming(*names, require=require).send(auth())
    assert condition(scripted.one()) == "invalid-mechanism"
    scripted.send(sasl("response", "bW9udGFndWUubGl0"))
    assert scripted.error == "policy-violation stream.element"


def test_a_certificate_of_ours_makes_nobody_us() -> None:
    scripted = incoming(tls=False).send(header(), STARTTLS).secure(CAPULET, MONTAGUE)
    scripted.send(header(), key(CAPULET))
    assert condition(scripted.elements()[-1]) == "not-allowed"
    assert not scripted.stream.peers


def test_bidi_grants_nothing_to_who_has_shown_nothing_xep0288_2_2() -> None:
    scripted = incoming(require="dialback").send(BIDI, key())
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "error", "remote-server-timeout"))
    assert not scripted.of(Granted)
    assert not scripted.stream.grants


def test_another_domain_is_not_granted_for_the_asking_xep0288_4() -> None:
    """On a stream that serves both ways a key for one domain opens the way to that one alone."""
    scripted = admitted(require={MONTAGUE: "certificate", HALLS: "dialback"}).send(key(HALLS))
    assert scripted.of(KeyGiven) == [KeyGiven(HALLS, CAPULET, "5p0of")]
    assert scripted.stream.peers == {MONTAGUE}


def test_the_secret_is_in_no_key() -> None:
    secret = policy().secret
    assert secret.decode() not in dialback.make_key(secret, MONTAGUE, CAPULET, "1")


def test_a_word_that_nobody_waits_for_admits_nobody() -> None:
    """It comes twice, say, or for a key that was answered meanwhile."""
    scripted = incoming(require="dialback").send(key())
    scripted.act(scripted.stream.judge(HALLS, CAPULET, "valid"))
    scripted.act(scripted.stream.judge(MONTAGUE, ROOMS, "valid"))
    assert not scripted.stream.peers
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "error", "remote-server-timeout"))
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "valid"))
    assert not scripted.stream.peers
