"""Streams that another server has opened (RFC 6120 §4 to §6; XEP-0178 §3; XEP-0220 §2.2)."""

from __future__ import annotations

import pytest

from tests.support.server import condition
from tests.support.server_streams import (
    BIDI,
    CAPULET,
    CLOSE,
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
    policy,
    sasl,
    verify,
)
from xmppd import ns
from xmppd.stream import dialback
from xmppd.stream.events import StartTLS
from xmppd.stream.server_events import Admitted, Granted, KeyGiven
from xmppd.stream.server_incoming import IncomingStream

LEGACY = header(version=None)


def bare(**changes: object) -> Scripted:
    return incoming(tls=False, **changes)


def offered(scripted: Scripted) -> list[str]:
    """The names in the features that were sent last, "required" where TLS is."""
    (features,) = [e for e in scripted.elements() if e.tag == f"{{{ns.STREAM}}}features"]
    names = []
    for each in features:
        space, _, name = each.tag[1:].partition("}")
        short = {ns.TLS: "tls", ns.SASL: "sasl", ns.STREAM_MANAGEMENT: "sm"}.get(space, name)
        names.append(f"{short} required" if len(each) and short == "tls" else short)
    return names


# ---------------------------------------------------------------------- header


def test_the_answer_says_who_we_are_and_who_is_meant_rfc6120_4_7() -> None:
    stream = bare().send(header()).take()
    assert f"from='{CAPULET}' to='{MONTAGUE}'".encode() in stream
    assert f"xmlns='{ns.SERVER}'".encode() in stream
    assert b"version='1.0'" in stream


@pytest.mark.parametrize("to", [VERONA, None, "juliet@capulet.lit", "a b"])
def test_without_a_host_of_ours_the_answer_is_of_one_that_is_rfc6120_4_9_1_3(
    to: str | None,
) -> None:
    scripted = bare().send(header(to=to))
    shown = scripted.log.decode().partition("<stream:error>")[0]
    assert f" from='{CAPULET}' to='{MONTAGUE}'" in shown
    assert scripted.ended is not None


def test_each_stream_has_an_id_of_its_own_rfc6120_4_7_3() -> None:
    scripted = incoming(MONTAGUE)
    first = scripted.stream.id
    scripted.send(auth(), header())
    ids = {first, scripted.stream.id, bare().send(header()).stream.id}
    assert len(ids) == 3
    assert all(len(each) == 32 for each in ids)


def test_dialback_is_announced_by_its_namespace_xep0220_2_4_1() -> None:
    assert f"xmlns:db='{ns.DIALBACK}'".encode() in bare().send(header()).take()


HEADERS = {
    "no `to`": (header(to=None), "improper-addressing s2s.addressing"),
    "an unknown `to`": (header(to=VERONA), "host-unknown s2s.host-unknown"),
    "an account as `to`": (header(to="juliet@capulet.lit"), "improper-addressing stream.header"),
    "an account as `from`": (header("romeo@montague.lit"), "invalid-from s2s.from"),
    "a resource in `from`": (header("montague.lit/x"), "invalid-from s2s.from"),
    "no domain in `from`": (header("mon tague"), "invalid-from stream.invalid-from"),
    "our own domain": (header(CAPULET), "invalid-from s2s.own-domain"),
    "another of our own": (header(ROOMS), "invalid-from s2s.own-domain"),
    "the clients' namespace": (header(content=ns.CLIENT), "invalid-namespace stream.header"),
    "an unknown version": (header(version="one"), "unsupported-version stream.version"),
    "a later header": (header() + header(), None),
}


@pytest.mark.parametrize("sent, expected", HEADERS.values(), ids=HEADERS.keys())
def test_headers_are_checked_rfc6120_4_7_4_9_3(sent: str, expected: str | None) -> None:
    scripted = bare().send(sent)
    if expected is not None:
        assert scripted.error == expected
    else:
        assert scripted.ended is not None


def test_a_refused_domain_is_told_so() -> None:
    scripted = bare(refused={MONTAGUE: "s2s.refused"}).send(header())
    assert scripted.error == "policy-violation s2s.refused"
    assert b">no traffic with your domain is wanted here</text>" in scripted.take()


def test_a_peer_without_from_is_offered_no_external_but_dialback() -> None:
    scripted = bare(require="dialback").send(header(None), STARTTLS).secure(MONTAGUE)
    scripted.take()
    scripted.send(header(None))
    assert offered(scripted) == ["bidi", "sm", "dialback"]
    assert scripted.send(key()).stream.peers == {MONTAGUE}


def test_who_it_was_in_the_clear_counts_no_more_rfc6120_5_4_3_3() -> None:
    scripted = bare().send(header(), STARTTLS).secure(MONTAGUE)
    scripted.take()
    scripted.send(header(None))
    assert offered(scripted) == ["bidi", "sm", "dialback"]
    assert scripted.stream.remote == ""


def test_a_certificate_that_is_required_is_looked_at_with_the_header_xep0178_3() -> None:
    scripted = bare().send(header(), STARTTLS).secure(VERONA).send(header())
    assert scripted.error == "not-authorized s2s.certificate"


# ---------------------------------------------------------------------- features


def test_tls_comes_first_where_it_is_required_rfc6120_5_3_1() -> None:
    assert offered(bare().send(header())) == ["tls required"]


def test_without_required_tls_all_is_offered_with_it() -> None:
    scripted = bare(require="none").send(header())
    assert offered(scripted) == ["tls", "bidi", "sm", "dialback"]


def test_external_is_offered_to_whom_has_the_certificate_xep0178_3() -> None:
    scripted = bare().send(header(), STARTTLS).secure(MONTAGUE)
    scripted.take()
    assert offered(scripted.send(header())) == ["sasl", "bidi", "dialback"]


def test_no_external_without_a_certificate_of_the_domain_xep0178_3() -> None:
    scripted = bare(require="dialback").send(header(), STARTTLS).secure(VERONA)
    scripted.take()
    assert offered(scripted.send(header())) == ["bidi", "sm", "dialback"]


def test_behind_sasl_there_is_neither_sasl_nor_bidi_rfc6120_6_3_4() -> None:
    scripted = incoming(MONTAGUE).send(auth())
    scripted.take()
    assert offered(scripted.send(header())) == ["sm", "dialback"]


def test_direct_tls_offers_none() -> None:
    scripted = Scripted(IncomingStream(policy(), tls_available=False))
    assert offered(scripted.secure(MONTAGUE).send(header())) == ["sasl", "bidi", "dialback"]


def test_what_is_switched_off_is_not_offered() -> None:
    scripted = bare(require="none", bidirectional=False, manageable=False).send(header())
    assert offered(scripted) == ["tls", "dialback"]


def test_a_peer_from_before_1_0_gets_no_features_rfc6120_4_7_5() -> None:
    scripted = bare(require="none").send(LEGACY)
    said = scripted.take()
    assert b"features" not in said
    assert said.count(b"version=") == 1, "that of XML alone"
    scripted.send(key())
    assert scripted.of(KeyGiven) == [KeyGiven(MONTAGUE, CAPULET, "5p0of")]


def test_a_peer_from_before_1_0_has_no_tls_where_that_is_required() -> None:
    assert bare().send(LEGACY).error == "policy-violation tls.required"


def test_a_peer_from_before_1_0_need_not_name_us() -> None:
    scripted = bare(require="none").send(header(to=None, version=None))
    assert scripted.stream.local == ""
    assert f"from='{CAPULET}'".encode() in scripted.take()


# ---------------------------------------------------------------------- STARTTLS


def test_tls_begins_with_the_certificate_of_the_domain_of_the_header() -> None:
    scripted = bare().send(header(to=ROOMS))
    scripted.take()
    scripted.send(STARTTLS)
    assert scripted.of(StartTLS) == [StartTLS(ROOMS)]
    assert scripted.one().tag == f"{{{ns.TLS}}}proceed"


def test_what_comes_with_starttls_is_not_read_behind_it_rfc6120_5_4_3_3() -> None:
    scripted = bare().send(header(), STARTTLS + key())
    assert scripted.error == "policy-violation tls.injection"
    assert not scripted.of(StartTLS)


def test_bidi_asked_for_before_tls_counts_for_nothing_behind_it_xep0288_2_1() -> None:
    scripted = bare(require="none").send(header(), BIDI, STARTTLS)
    assert not scripted.secure(MONTAGUE).send(header()).stream.bidirectional


def test_tls_twice_fails_rfc6120_5_4_2_2() -> None:
    scripted = incoming(MONTAGUE).send(STARTTLS)
    assert scripted.ended is None
    assert b"<failure" in scripted.take()


def test_tls_comes_too_late_behind_dialback() -> None:
    scripted = bare(require="none").send(header(), key(), STARTTLS)
    assert scripted.ended is None
    assert not scripted.of(StartTLS)


# ---------------------------------------------------------------------- SASL EXTERNAL


@pytest.mark.parametrize("said", [MONTAGUE, "MONTAGUE.lit", ""])
def test_external_admits_the_domain_of_the_header_xep0178_3(said: str) -> None:
    scripted = incoming(MONTAGUE).send(auth(said))
    assert scripted.one().tag == f"{{{ns.SASL}}}success"
    assert not scripted.stream.peers, "the stream has to begin anew first"
    scripted.send(header())
    assert scripted.of(Admitted) == [Admitted(MONTAGUE, CAPULET, "certificate")]
    assert [s.attrs["to"] for s in scripted.send(message()).stanzas] == [f"juliet@{CAPULET}"]


def test_without_an_initial_response_it_is_asked_for_rfc6120_6_4_2() -> None:
    scripted = incoming(MONTAGUE).send(auth(None))
    assert scripted.one().tag == f"{{{ns.SASL}}}challenge"
    scripted.send(sasl("response", "bW9udGFndWUubGl0"), header())
    assert scripted.stream.peers == {MONTAGUE}


@pytest.mark.parametrize("answer", [sasl("response"), sasl("response", "=")])
def test_an_empty_response_means_the_domain_of_the_header(answer: str) -> None:
    scripted = incoming(MONTAGUE).send(auth(None), answer, header())
    assert scripted.stream.peers == {MONTAGUE}


FAILURES = {
    "another mechanism": (auth(mechanism="PLAIN"), "invalid-mechanism"),
    "another domain": (auth(VERONA), "invalid-authzid"),
    "an account there": (auth(f"romeo@{MONTAGUE}"), "invalid-authzid"),
    "our own domain": (auth(CAPULET), "invalid-authzid"),
    "no base64": (f"<auth xmlns='{ns.SASL}' mechanism='EXTERNAL'>!</auth>", "incorrect-encoding"),
    "no UTF-8": (f"<auth xmlns='{ns.SASL}' mechanism='EXTERNAL'>/w==</auth>", "invalid-authzid"),
    "an abort": (auth(None) + sasl("abort"), "aborted"),
    "a late other domain": (auth(None) + sasl("response", "dmVyb25hLmxpdA=="), "invalid-authzid"),
}


@pytest.mark.parametrize("sent, expected", FAILURES.values(), ids=FAILURES.keys())
def test_external_fails_rfc6120_6_5(sent: str, expected: str) -> None:
    """A certificate that names both makes nobody another than the header says."""
    scripted = incoming(MONTAGUE, VERONA).send(sent)
    assert condition(scripted.elements()[-1]) == expected
    assert not scripted.stream.peers
    assert scripted.send(auth(), header()).stream.peers == {MONTAGUE}


def test_external_has_no_place_without_tls_rfc6120_6() -> None:
    scripted = bare(require="none").send(header())
    scripted.take()
    assert condition(scripted.send(auth()).one()) == "invalid-mechanism"


def test_too_many_failures_end_the_stream_rfc6120_6_4_5() -> None:
    scripted = incoming(MONTAGUE, max_attempts=3).send(*[auth(VERONA)] * 2)
    assert scripted.stream.state.name == "NEGOTIATING"
    assert scripted.send(auth(VERONA)).error == "policy-violation s2s.attempts"


@pytest.mark.parametrize("again", [header(VERONA), header(to=ROOMS)])
def test_who_has_authenticated_stays_who_he_is_rfc6120_4_9_3_6(again: str) -> None:
    scripted = incoming(MONTAGUE, VERONA).send(auth(), again)
    assert scripted.error == "invalid-from stream.pinned"
    assert not scripted.stream.peers


def test_sasl_twice_is_refused() -> None:
    assert admitted().send(auth()).error == "policy-violation stream.element"


@pytest.mark.parametrize("name", ["response", "abort"])
def test_what_belongs_to_an_exchange_has_no_place_without_one(name: str) -> None:
    assert incoming(MONTAGUE).send(sasl(name)).error == "policy-violation stream.element"


# ---------------------------------------------------------------------- dialback


def test_a_key_is_given_to_be_asked_about_xep0220_2_2_1() -> None:
    scripted = incoming(require="dialback").send(key())
    assert scripted.of(KeyGiven) == [KeyGiven(MONTAGUE, CAPULET, "5p0of")]
    assert not scripted.stream.peers
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "valid"))
    answer = scripted.one()
    assert (answer.get("from"), answer.get("to")) == (CAPULET, MONTAGUE)
    assert answer.get("type") == "valid"
    assert scripted.of(Admitted) == [Admitted(MONTAGUE, CAPULET, "dialback")]


def test_a_first_key_that_is_invalid_ends_the_stream_xep0220_2_2_1() -> None:
    scripted = incoming(require="dialback").send(key())
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "invalid"))
    assert b"type='invalid'/>" in scripted.log
    assert scripted.error == "not-authorized s2s.key"


def test_a_later_key_that_is_invalid_is_an_error_xep0220_2_2_1() -> None:
    scripted = admitted(require={MONTAGUE: "certificate", HALLS: "dialback"}).send(key(HALLS))
    scripted.act(scripted.stream.judge(HALLS, CAPULET, "invalid"))
    answer = scripted.one()
    assert (answer.get("type"), condition(answer)) == ("error", "forbidden")
    assert scripted.stream.peers == {MONTAGUE}


def test_a_domain_that_could_not_be_asked_is_an_error_xep0220_2_5() -> None:
    scripted = incoming(require="dialback").send(key())
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "error", "remote-server-timeout"))
    assert condition(scripted.one()) == "remote-server-timeout"
    assert scripted.send(key()).of(KeyGiven) == [KeyGiven(MONTAGUE, CAPULET, "5p0of")] * 2


def test_a_certificate_does_for_a_key_xep0220_2_2_1() -> None:
    """ "Any method": nobody is asked."""
    scripted = incoming(MONTAGUE).send(key())
    assert not scripted.of(KeyGiven)
    assert scripted.of(Admitted) == [Admitted(MONTAGUE, CAPULET, "certificate")]
    assert scripted.one().get("type") == "valid"


TURNED_DOWN = {
    "an unknown domain of ours": ({}, key(to=VERONA), "item-not-found"),
    "a refused domain": ({"refused": {VERONA: "s2s.refused"}}, key(VERONA), "not-allowed"),
    "our own domain": ({}, key(CAPULET), "not-allowed"),
    "no certificate of it": ({}, key(VERONA), "not-authorized"),
}


@pytest.mark.parametrize("changes, sent, expected", TURNED_DOWN.values(), ids=TURNED_DOWN.keys())
def test_keys_are_turned_down_and_the_stream_goes_on_xep0220_2_5(
    changes: dict[str, object], sent: str, expected: str
) -> None:
    scripted = incoming(MONTAGUE, **changes).send(sent)
    assert condition(scripted.one()) == expected
    assert not scripted.of(KeyGiven)
    assert scripted.send(key()).stream.peers == {MONTAGUE}


def test_a_domain_that_has_to_show_more_than_the_header_s_does_so_xep0220_2_5() -> None:
    """The header names one that may do without TLS, the key another."""
    require = {MONTAGUE: "none", HALLS: "dialback", VERONA: "certificate"}
    scripted = bare(require=require).send(header())
    scripted.take()
    assert condition(scripted.send(key(HALLS)).one()) == "policy-violation"
    assert condition(scripted.send(key(VERONA)).one()) == "not-authorized"
    assert not scripted.of(KeyGiven)


def test_dialback_without_tls_has_no_place_where_that_is_required() -> None:
    scripted = bare(require="dialback").send(header(), key())
    assert scripted.error == "unsupported-stanza-type stream.element"


def test_a_key_has_no_place_within_sasl() -> None:
    scripted = incoming(MONTAGUE).send(auth(None), key())
    assert scripted.error == "unsupported-stanza-type stream.element"


def test_sasl_has_no_place_while_a_key_is_looked_at() -> None:
    scripted = incoming(MONTAGUE, require="dialback").send(key(HALLS), auth())
    assert scripted.error == "policy-violation stream.element"


def test_a_domain_that_is_refused_meanwhile_is_not_admitted() -> None:
    """A reload while its key was looked at."""
    refused: dict[str, str] = {}
    scripted = incoming(require="dialback", refused=refused).send(key())
    refused[MONTAGUE] = "s2s.refused"
    scripted.act(scripted.stream.judge(MONTAGUE, CAPULET, "valid"))
    assert condition(scripted.one()) == "not-allowed"
    assert not scripted.stream.peers


def test_another_key_of_who_is_there_is_checked_for_our_domain_xep0220_2_2_1() -> None:
    scripted = admitted().send(key(to=VERONA))
    assert condition(scripted.one()) == "item-not-found"
    assert scripted.send(key(to=ROOMS)).one().get("type") == "valid"
    assert len(scripted.of(Admitted)) == 1


# ---------------------------------------------------------------------- as authority


def our_key(stream_id: str = "1d", to: str = MONTAGUE, sender: str = CAPULET) -> str:
    return dialback.make_key(policy().secret, to, sender, stream_id)


@pytest.mark.parametrize(
    "sent, expected",
    [
        (verify(said=our_key()), "valid"),
        (verify(said=our_key("another")), "invalid"),
        (verify(said=our_key(to=VERONA)), "invalid"),
        (verify(said=our_key(sender=ROOMS)), "invalid"),
        (verify(to=ROOMS, said=our_key(sender=ROOMS)), "valid"),
        (verify(to=VERONA), "item-not-found"),
    ],
)
def test_we_know_our_own_keys_xep0220_2_2_2(sent: str, expected: str) -> None:
    scripted = incoming(require="dialback").send(sent)
    answer = scripted.one()
    assert answer.get("id") == "1d"
    assert (condition(answer) or answer.get("type")) == expected


def test_we_say_nothing_of_keys_without_tls_where_that_is_required_xep0220_2_5() -> None:
    scripted = bare(require={MONTAGUE: "none", VERONA: "dialback"}).send(header())
    scripted.take()
    assert condition(scripted.send(verify(VERONA)).one()) == "policy-violation"


def test_who_only_asks_is_admitted_for_nothing() -> None:
    scripted = incoming(require="dialback").send(verify(said=our_key()), message())
    assert scripted.error == "not-authorized s2s.not-authorized"


# ---------------------------------------------------------------------- both ways, the end


def test_a_stream_that_serves_both_ways_grants_the_inverse_xep0288_2_2() -> None:
    scripted = incoming(MONTAGUE, bidi=True)
    assert not scripted.of(Granted)
    scripted.send(auth(), header())
    assert scripted.of(Granted) == [Granted(CAPULET, MONTAGUE)]


def test_each_pair_that_is_asked_for_serves_both_ways_xep0288_2_2() -> None:
    scripted = incoming(MONTAGUE, bidi=True).send(auth(), header(), key(to=ROOMS))
    assert scripted.of(Granted) == [Granted(CAPULET, MONTAGUE), Granted(ROOMS, MONTAGUE)]
    scripted.send(key(to=ROOMS))
    assert len(scripted.of(Granted)) == 2


def test_without_bidi_nothing_is_granted() -> None:
    assert not admitted().send(key(to=ROOMS)).of(Granted)


@pytest.mark.parametrize("before", [auth() + header(), key(), auth(None)])
def test_bidi_comes_before_any_proof_xep0288_2_2(before: str) -> None:
    scripted = incoming(MONTAGUE)
    for part in before.replace("<?xml", "\n<?xml").split("\n"):
        scripted.send(part)
    assert scripted.send(BIDI).error == "policy-violation stream.element"


def test_bidi_that_is_switched_off_is_refused() -> None:
    scripted = incoming(MONTAGUE, bidirectional=False).send(BIDI)
    assert scripted.error == "policy-violation stream.element"


def test_the_end_is_answered_rfc6120_4_4() -> None:
    scripted = admitted().send(CLOSE)
    assert scripted.ended is None
    assert scripted.take() == CLOSE.encode()


def test_an_error_of_the_peer_is_the_end_rfc6120_4_9_1_1() -> None:
    words = f"<text xmlns='{ns.STREAM_ERRORS}'>moved &amp; gone</text>"
    text = f"<stream:error><host-gone xmlns='{ns.STREAM_ERRORS}'/>{words}</stream:error>"
    scripted = admitted().send(text + CLOSE)
    assert scripted.ended is None
    assert scripted.stream.ended_by == "host-gone"
    assert scripted.stream.last_words == "moved & gone"


def test_nothing_is_read_behind_the_end() -> None:
    scripted = admitted().send("<poison/>")
    assert not scripted.send(message()).stanzas
