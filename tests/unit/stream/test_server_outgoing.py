"""Streams that we have opened to another server (RFC 6120 §4 to §6; XEP-0178; XEP-0220 §2.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.server_streams import (
    BIDI,
    CAPULET,
    CLOSE,
    HALLS,
    MONTAGUE,
    ROOMS,
    VERONA,
    Ends,
    Scripted,
    features,
    header,
    key,
    message,
    outcome,
    outgoing,
    policy,
    sasl,
    verdict,
)
from xmppd import ns
from xmppd.stream.dialback import make_key
from xmppd.stream.events import StartTLS
from xmppd.stream.server_events import Admitted, Denied, Granted, Judged, KeyGiven, Negotiated
from xmppd.stream.server_outgoing import OutgoingStream
from xmppd.stream.states import State

PROCEED = f"<proceed xmlns='{ns.TLS}'/>"
ALL = ("external", "bidi", "dialback", "management")


def fresh(**changes: object) -> Scripted:
    """A stream on which we have sent our header."""
    stream = OutgoingStream(policy(**changes), CAPULET, MONTAGUE)
    scripted = Scripted(stream)
    scripted.act(stream.open())
    return scripted


def authenticate(scripted: Scripted) -> Scripted:
    assert isinstance(scripted.stream, OutgoingStream)
    scripted.act(scripted.stream.authenticate())
    return scripted


# ---------------------------------------------------------------------- both ends talking

WAYS = {
    "EXTERNAL": (Ends, "certificate"),
    "dialback for want of a certificate": (
        lambda: Ends(its=policy(MONTAGUE, require="dialback"), shows=()),
        "dialback",
    ),
    "a key, where the certificate does": (lambda: Ends(external=False), "certificate"),
    "dialback without TLS": (
        lambda: Ends(policy(require="none"), policy(MONTAGUE, require="none"), tls_available=False),
        "dialback",
    ),
    "TLS where none is required": (
        lambda: Ends(policy(require="none"), policy(MONTAGUE, require="none")),
        "certificate",
    ),
}


@pytest.mark.parametrize("made, by", WAYS.values(), ids=WAYS.keys())
def test_two_servers_come_to_terms(made: Callable[[], Ends], by: str) -> None:
    ends = made().open()
    assert ends.ours.events[-1] == Negotiated()
    ends.authenticate()
    for given in ends.its.of(KeyGiven):
        ends.act(ends.its, ends.incoming.judge(given.remote, given.local, "valid"))
    assert ends.its.of(Admitted) == [Admitted(CAPULET, MONTAGUE, by)]  # type: ignore[arg-type]
    assert Granted(CAPULET, MONTAGUE) in ends.ours.of(Granted)
    ends.send(ends.ours, message(f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"))
    assert [each.attrs["from"] for each in ends.its.stanzas] == [f"juliet@{CAPULET}"]
    ends.send(ends.its, message())
    assert [each.attrs["from"] for each in ends.ours.stanzas] == [f"romeo@{MONTAGUE}"]
    ends.act(ends.ours, ends.outgoing.close())
    assert ends.ours.ended is None
    assert ends.its.ended is None


def test_each_end_knows_the_id_of_the_stream_rfc6120_4_7_3() -> None:
    ends = Ends().open().authenticate()
    assert ends.outgoing.id == ends.incoming.id != ""


@pytest.mark.parametrize("side", ["ours", "its"])
def test_one_way_only_where_one_of_them_says_so_xep0288(side: str) -> None:
    one_way = {side: policy(CAPULET if side == "ours" else MONTAGUE, bidirectional=False)}
    ends = Ends(**one_way).open().authenticate()  # type: ignore[arg-type]
    assert ends.ours.of(Granted) and ends.its.of(Admitted)
    assert not ends.ours.of(Admitted) and not ends.its.of(Granted)
    ends.send(ends.its, message())
    assert not ends.ours.stanzas or not ends.outgoing.peers


def test_a_host_that_is_unknown_there() -> None:
    ends = Ends(to=VERONA).open()
    assert ends.its.error == "host-unknown s2s.host-unknown"
    assert ends.ours.ended is None
    assert ends.outgoing.ended_by == "host-unknown"


def test_it_does_not_show_who_it_is() -> None:
    """A certificate is required, and it has another's."""
    ends = Ends(proves={VERONA}).open()
    assert ends.ours.error == "not-authorized s2s.certificate"
    assert not ends.its.of(Admitted)


# ---------------------------------------------------------------------- header


def test_the_first_word_is_ours_rfc6120_4_7() -> None:
    scripted = fresh()
    said = scripted.take().decode()
    assert f"from='{CAPULET}' to='{MONTAGUE}'" in said
    assert f"xmlns='{ns.SERVER}'" in said
    assert f"xmlns:db='{ns.DIALBACK}'" in said
    assert " id=" not in said


HEADERS = {
    "no id": (header(), "bad-format stream.header"),
    "an id that others would end a stream for": (
        header(id="1" * 256),
        "bad-format stream.header",
    ),
    "the clients' namespace": (
        header(id="1", content=ns.CLIENT),
        "invalid-namespace stream.header",
    ),
    "twice": (header(id="1") + features("dialback") + header(id="2"), None),
    "another's name": (header(VERONA, id="1") + features("starttls"), "invalid-from s2s.from"),
}


@pytest.mark.parametrize("sent, expected", HEADERS.values(), ids=HEADERS.keys())
def test_its_header_is_checked_rfc6120_4_7(sent: str, expected: str | None) -> None:
    scripted = fresh(require="none").send(sent)
    if expected is None:
        assert scripted.ended is not None
    else:
        assert scripted.error == expected


@pytest.mark.parametrize("sender", [None, "MONTAGUE.lit"])
def test_it_may_leave_its_name_out_or_write_it_in_another_way(sender: str | None) -> None:
    scripted = fresh(require="none").send(header(sender, id="1"), features("dialback"))
    assert scripted.of(Negotiated)


def test_an_error_in_another_s_name_is_read_for_what_it_says() -> None:
    """Who does not know the domain says so in the name of one that it knows."""
    error = f"<stream:error><host-unknown xmlns='{ns.STREAM_ERRORS}'/></stream:error>"
    scripted = fresh().send(header(VERONA, id="1") + error + CLOSE)
    assert scripted.ended is None
    assert scripted.stream.ended_by == "host-unknown"


def test_a_peer_from_before_1_0_offers_nothing_rfc6120_4_7_5() -> None:
    scripted = fresh(require="none").send(header(id="1", version=None))
    assert scripted.of(Negotiated)
    scripted.take()
    assert b"<db:result" in authenticate(scripted).take()


def test_a_peer_from_before_1_0_has_no_tls_where_that_is_required() -> None:
    scripted = fresh(require="dialback").send(header(id="1", version=None))
    assert scripted.error == "policy-violation s2s.no-tls"


def test_a_peer_that_announces_no_dialback_is_asked_for_none_xep0220_2_4_1() -> None:
    scripted = fresh(require="none").send(header(id="1", version=None, declared=""))
    assert authenticate(scripted).of(Denied) == [Denied(CAPULET, MONTAGUE, "not-authorized")]
    assert b"<db:result" not in scripted.log


@pytest.mark.parametrize("declared", [f"xmlns:back='{ns.DIALBACK}'", f"xmlns:db='{ns.DIALBACK}'"])
def test_any_prefix_announces_dialback_xep0220_2(declared: str) -> None:
    scripted = fresh(require="none").send(header(id="1", version=None, declared=declared))
    assert b"<db:result" in authenticate(scripted).log


# ---------------------------------------------------------------------- TLS


@pytest.mark.parametrize("inside, handled", [("", False), ("<errors/>", True)])
def test_who_handles_errors_of_dialback_says_so_xep0220_2_4(inside: str, handled: bool) -> None:
    """Dialback alone does not mean that a stream may be shared (§2.6.2)."""
    offer = f"<dialback xmlns='{ns.DIALBACK_FEATURE}'>{inside}</dialback>"
    text = f"<stream:features>{offer}</stream:features>"
    scripted = fresh(require="none").send(header(id="1"), text)
    assert isinstance(scripted.stream, OutgoingStream)
    assert scripted.stream.offers_errors is handled
    assert scripted.stream.knows_dialback


def test_tls_that_is_taken_out_on_the_way_is_missed_rfc6120_13_9() -> None:
    """One in the middle takes STARTTLS out of the features."""
    scripted = fresh(require="dialback").send(header(id="1"), features("dialback"))
    assert scripted.error == "policy-violation s2s.no-tls"


def test_tls_is_taken_where_it_is_offered() -> None:
    scripted = fresh(require="none").send(header(id="1"), features("starttls", "dialback"))
    scripted.send(PROCEED)
    assert scripted.of(StartTLS) == [StartTLS(MONTAGUE)]
    assert not scripted.of(Negotiated)


def test_what_comes_with_proceed_is_not_read_behind_it_rfc6120_5_4_3_3() -> None:
    scripted = fresh().send(header(id="1"), features("starttls"))
    scripted.send(PROCEED + header(id="2") + features("dialback"))
    assert scripted.error == "policy-violation tls.injection"
    assert not scripted.of(StartTLS)


def test_tls_that_fails_ends_the_stream_rfc6120_5_4_2_2() -> None:
    scripted = fresh().send(header(id="1"), features("starttls"), f"<failure xmlns='{ns.TLS}'/>")
    assert scripted.error == "policy-violation s2s.no-tls"


def test_nothing_offered_before_tls_counts_behind_it_rfc6120_5_4_3_3() -> None:
    scripted = fresh().send(header(id="1"), features("starttls", *ALL), PROCEED)
    scripted.secure(MONTAGUE).send(header(id="2"), features("dialback"))
    stream = scripted.stream
    assert isinstance(stream, OutgoingStream)
    assert not stream.bidirectional
    assert not stream.external
    assert not stream.offers_management


def test_nor_does_dialback_that_was_announced_in_the_clear_rfc6120_5_4_3_3() -> None:
    scripted = fresh().send(header(id="1"), features("starttls", "dialback"), PROCEED)
    scripted.secure(MONTAGUE).send(header(id="2", declared=""), features())
    assert authenticate(scripted).of(Denied) == [Denied(CAPULET, MONTAGUE, "not-authorized")]


UNEXPECTED = {
    "proceed": PROCEED,
    "success": sasl("success"),
    "failure": sasl("failure", "<not-authorized/>"),
    "challenge": sasl("challenge"),
    "features": features("dialback"),
}


@pytest.mark.parametrize("sent", UNEXPECTED.values(), ids=UNEXPECTED.keys())
def test_what_nobody_asked_for_ends_the_stream(sent: str) -> None:
    scripted = outgoing(MONTAGUE, offers=ALL).send(sent)
    assert scripted.error == "policy-violation stream.element"
    assert not scripted.of(Granted)


# ---------------------------------------------------------------------- EXTERNAL


def test_external_names_our_domain_xep0178_3() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["external"]))
    found = scripted.one()
    assert (found.tag, found.text) == (f"{{{ns.SASL}}}auth", "Y2FwdWxldC5saXQ=")


def test_bidi_is_asked_for_before_that_xep0288_2_2() -> None:
    said = authenticate(outgoing(MONTAGUE, offers=ALL)).take().decode()
    assert said.startswith(BIDI + "<auth")


def test_the_stream_begins_anew_behind_success_and_then_grants_rfc6120_6_4_6() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=ALL))
    scripted.take()
    scripted.send(sasl("success"))
    assert scripted.take().startswith(b"<?xml")
    assert not scripted.of(Granted)
    scripted.send(header(id="3"), features("dialback"))
    assert scripted.of(Granted) == [Granted(CAPULET, MONTAGUE)]
    assert scripted.stream.id == "3"


def test_a_challenge_is_answered_by_the_same_rfc6120_6_4_3() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["external"]))
    scripted.take()
    scripted.send(sasl("challenge"))
    assert scripted.one().text == "Y2FwdWxldC5saXQ="


def test_dialback_follows_where_external_fails_xep0178_3() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["external", "dialback"]))
    scripted.take()
    scripted.send(sasl("failure", "<not-authorized/>"))
    assert b"<db:result" in scripted.take()
    assert scripted.send(outcome()).of(Granted) == [Granted(CAPULET, MONTAGUE)]


@pytest.mark.parametrize("offers", [["dialback"], ["plain", "dialback"]])
def test_without_external_dialback_is_tried(offers: list[str]) -> None:
    said = authenticate(outgoing(MONTAGUE, offers=offers)).take()
    assert said.startswith(b"<db:result")


def test_it_authenticates_but_once() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["external"]))
    scripted.take()
    assert authenticate(scripted).take() == b""


# ---------------------------------------------------------------------- dialback


def test_the_key_is_for_the_stream_s_last_id_xep0220_2_1_1() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["dialback"]))
    found = scripted.one()
    assert found.get("from") == CAPULET
    assert found.get("to") == MONTAGUE
    assert found.text == make_key(policy().secret, MONTAGUE, CAPULET, "2")


ANSWERS = {
    "valid": (outcome(), Granted(CAPULET, MONTAGUE)),
    "invalid": (outcome(type_="invalid"), Denied(CAPULET, MONTAGUE, "invalid")),
    "an error without a condition": (
        outcome(type_="error"),
        Denied(CAPULET, MONTAGUE, "undefined-condition"),
    ),
    "an error": (
        f"<db:result from='{MONTAGUE}' to='{CAPULET}' type='error'><error type='cancel'>"
        f"<item-not-found xmlns='{ns.STANZA_ERRORS}'/></error></db:result>",
        Denied(CAPULET, MONTAGUE, "item-not-found"),
    ),
}


@pytest.mark.parametrize("sent, expected", ANSWERS.values(), ids=ANSWERS.keys())
def test_its_answer_is_told_xep0220_2_1_1(sent: str, expected: object) -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["dialback"])).send(sent)
    assert scripted.events[-1] == expected
    assert scripted.stream.state is State.BOUND


def test_a_pair_that_was_denied_may_be_asked_for_again() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["dialback"])).send(outcome(type_="error"))
    scripted.take()
    scripted.act(scripted.stream.request(CAPULET, MONTAGUE))
    assert b"<db:result" in scripted.take()
    assert scripted.send(outcome()).of(Granted)


def test_it_may_be_asked_whether_it_made_a_key_xep0220_2_1_2() -> None:
    scripted = outgoing(MONTAGUE, offers=["dialback"])
    scripted.act(scripted.stream.ask(CAPULET, MONTAGUE, "417GAF25", "k"))
    found = scripted.one()
    assert (found.get("id"), found.text) == ("417GAF25", "k")
    scripted.send(verdict(id_="417GAF25"))
    assert scripted.of(Judged) == [Judged(MONTAGUE, CAPULET, "417GAF25", "valid", "")]
    assert not scripted.stream.asking


ON_THE_WAY = (sasl("success"), header(id="3"), features("dialback"))


@pytest.mark.parametrize("step", [0, 2, 3])
def test_a_question_may_be_answered_while_we_authenticate(step: int) -> None:
    """Asked before, it is answered whenever the peer has looked; that ended the stream."""
    scripted = outgoing(MONTAGUE, offers=ALL)
    scripted.act(scripted.stream.ask(CAPULET, MONTAGUE, "1d", "k"))
    authenticate(scripted).send(*ON_THE_WAY[:step], verdict(), *ON_THE_WAY[step:])
    assert scripted.of(Judged) == [Judged(MONTAGUE, CAPULET, "1d", "valid", "")]
    assert scripted.of(Granted) == [Granted(CAPULET, MONTAGUE)]


def test_both_ends_take_a_question_just_before_external() -> None:
    ends = Ends().open()
    ends.act(ends.ours, ends.outgoing.ask(CAPULET, MONTAGUE, "1d", "k"))
    ends.authenticate()
    assert ends.ours.of(Judged) == [Judged(MONTAGUE, CAPULET, "1d", "invalid", "")]
    assert ends.its.of(Admitted)


# ---------------------------------------------------------------------- what it may send


def test_stanzas_do_not_come_on_a_stream_that_serves_one_way() -> None:
    scripted = outgoing(MONTAGUE, offers=["dialback"]).send(message())
    assert scripted.error == "not-authorized s2s.not-authorized"


def test_nor_before_it_has_taken_us_for_who_we_are_xep0288_2_2() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=ALL)).send(message())
    assert scripted.error == "not-authorized s2s.not-authorized"


def test_it_may_not_ask_to_send_on_a_stream_that_serves_one_way_xep0220_2_3() -> None:
    scripted = authenticate(outgoing(MONTAGUE, offers=["dialback"])).send(outcome(), key())
    assert scripted.error == "unsupported-stanza-type stream.element"
    assert not scripted.of(KeyGiven)


def test_on_one_that_serves_both_it_may_add_domains_xep0288_2_2() -> None:
    scripted = authenticate(
        outgoing(MONTAGUE, offers=["bidi", "dialback"], require={HALLS: "dialback"})
    )
    scripted.send(outcome(), key(HALLS))
    assert scripted.of(KeyGiven) == [KeyGiven(HALLS, CAPULET, "5p0of")]
    assert HALLS not in scripted.stream.peers


def test_the_inverse_of_another_pair_may_be_sent_xep0288_2_2() -> None:
    """It was seen before that the peer serves that domain (XEP-0220 §2.6.2)."""
    scripted = authenticate(outgoing(MONTAGUE, offers=["bidi", "dialback"])).send(outcome())
    scripted.act(scripted.stream.request(ROOMS, HALLS))
    scripted.send(outcome(HALLS, ROOMS))
    assert Granted(ROOMS, HALLS) in scripted.of(Granted)
    assert scripted.stream.peers == {MONTAGUE, HALLS}
