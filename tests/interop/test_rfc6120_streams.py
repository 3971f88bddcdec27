"""RFC 6120 §4 to §7 from the outside: raw XML in, what the RFC asks for out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.support.server import DOMAIN, PASSWORD, STRANGER, Client, Verona, condition
from xmppd import ns
from xmppd.errors import STREAM_CONDITIONS, StreamError
from xmppd.stream.states import State
from xmppd.wire.compression import Inflater

ROMEO = f"romeo@{DOMAIN}"
SESSION = f"<session xmlns='{ns.SESSION}'/>"
BIND = f"<bind xmlns='{ns.BIND}'/>"


def header(to: str | None = DOMAIN, version: str | None = "1.0", rest: str = "") -> str:
    said = "".join(f" {k}='{v}'" for k, v in (("to", to), ("version", version)) if v is not None)
    return f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'{said}{rest}>"


def ended(client: Client) -> str:
    """The condition of the stream error that the stream has ended with."""
    last = client.elements()[-1]
    assert last.tag == f"{{{ns.STREAM}}}error"
    assert client.log.endswith(b"</stream:error></stream:stream>")
    assert client.closed
    return condition(last)


# ---------------------------------------------------------------- §4.2, §4.7: headers


HEADERS = {
    "4.7.2 no to": (header(None), "improper-addressing"),
    "4.7.2 an empty to": (header(""), "improper-addressing"),
    "4.7.2 an account": (header(ROMEO), "improper-addressing"),
    "4.9.3.6 another domain": (header("montague.lit"), "host-unknown"),
    "4.7.1 no address": (header(rest=" from='@'"), "invalid-from"),
    "4.7.5 no number": (header(version="one"), "unsupported-version"),
    "4.8.1 another stream namespace": (header().replace("etherx", "xehter"), "invalid-namespace"),
    "4.8.2 a server's content": (header().replace(ns.CLIENT, ns.SERVER), "invalid-namespace"),
    "4.2 another root": (header().replace("<stream:stream", "<stream:flow"), "bad-format"),
    "4.9.1.2 no XML": ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"),
    "4.4 the end first": ("</stream:stream>", "not-well-formed"),
}


@pytest.mark.parametrize(("sent", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_4_9_1_2_a_wrong_header_is_answered_by_header_error_and_end(sent, expected):
    client = Verona().connect().send(sent)
    assert ended(client) == expected
    assert client.header["from"] == DOMAIN  # an authoritative name, §4.9.1.2
    assert client.header["id"]


@pytest.mark.parametrize(
    "wrong", [{"to": "elsewhere.lit"}, {"to": ""}, {"version": "one"}], ids=repr
)
def test_4_9_1_3_a_client_that_is_refused_is_told_its_name_all_the_same(wrong):
    client = Verona().connect().send(header(rest=f" from='{ROMEO}/orchard'", **wrong))
    assert ended(client)
    assert (client.header["from"], client.header["to"]) == (DOMAIN, ROMEO)


@pytest.mark.parametrize(
    ("version", "answered"),
    [("1.0", "1.0"), ("1.9", "1.0"), ("2.0", "1.0"), ("0.9", None), (None, None)],
)
def test_4_7_5_the_lower_version_counts_and_before_1_0_there_are_no_features(version, answered):
    client = Verona().connect().send(header(version=version))
    assert client.header.get("version") == answered
    assert [e.tag for e in client.elements()] == ([f"{{{ns.STREAM}}}features"] if answered else [])


def test_4_7_the_response_header_names_both_sides_language_and_id():
    client = Verona().connect().send(header(rest=f" from='{ROMEO}/orchard' xml:lang='it'"))
    said = client.header
    assert (said["from"], said["to"], said["version"]) == (DOMAIN, ROMEO, "1.0")
    assert said["{http://www.w3.org/XML/1998/namespace}lang"] == "en"


def test_4_8_5_the_stream_prefix_may_be_any_and_ours_is_stream():
    for sent in (
        header(),
        header().replace("stream:stream", "s:stream").replace(":stream=", ":s="),
    ):
        client = Verona().connect().send(sent)
        assert b"<stream:stream xmlns='jabber:client' xmlns:stream=" in client.log
        assert client.one().tag == f"{{{ns.STREAM}}}features"


def test_4_4_a_closing_tag_is_answered_by_one():
    client = Verona().log_in("juliet").send("</stream:stream>")
    assert (client.take(), client.closed) == (b"</stream:stream>", True)


def test_4_6_1_white_space_between_stanzas_is_nothing():
    client = Verona().log_in("juliet").send(" \n\t ")
    assert (client.take(), client.closed) == (b"", False)


# ---------------------------------------------------------------- §4.9.3: every condition


def _bound(data: str | bytes) -> Callable[[], Client]:
    return lambda: Verona().log_in("juliet", "balcony").send(data)


def _early(data: str | bytes) -> Callable[[], Client]:
    return lambda: Verona().connect().send(header()).send(data)


def _replaced() -> Client:
    server = Verona()
    first = server.log_in("juliet", "balcony")
    server.log_in("juliet", "balcony")
    return first


def _too_slow() -> Client:
    server = Verona()
    client = server.connect().open()
    server.clock.advance(server.config.limits.negotiation_seconds + 1)
    return client


def _domain_removed() -> Client:
    server = Verona(server={"domains": [DOMAIN, "montague.lit"]})
    client = server.connect().open(to="montague.lit")
    server.reload(server={"domains": [DOMAIN]})
    return client


def _bug() -> Client:
    server = Verona()
    server.host.nonzas["urn:apothecary poison"] = lambda session, nonza: 1 / 0
    return server.log_in("juliet").send("<poison xmlns='urn:apothecary'/>")


def _shut_down() -> Client:
    server = Verona()
    client = server.log_in("juliet")
    server.host.shut_down()
    return client


def _not_compressed() -> Client:
    client = Verona().log_in("juliet")
    try:
        Inflater(1 << 16, 100).feed(b"no zlib")
    except StreamError as error:
        client.connection.end(error)
    return client


GENERATED: dict[str, list[Callable[[], Client]]] = {
    "bad-format": [_bound("O Romeo<presence/>"), _bound("<message><stream:error/></message>")],
    "conflict": [_replaced],
    "connection-timeout": [_too_slow],
    "host-gone": [_domain_removed],
    "host-unknown": [lambda: Verona().connect().open(to="montague.lit")],
    "improper-addressing": [lambda: Verona().connect().open(to=None)],
    "internal-server-error": [_bug],
    "invalid-from": [_bound(f"<message from='{ROMEO}'/>"), _bound("<message from=''/>")],
    "invalid-namespace": [lambda: Verona().connect().send(header().replace("etherx", "x"))],
    "not-authorized": [
        _early("<message/>"),
        _early(f"<iq type='set' id='b'>{BIND}</iq>"),
        _early("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"),
    ],
    "not-well-formed": [_bound("<a></b>"), _bound("<x:a/>"), _bound("<a b='1' b='2'/>")],
    "policy-violation": [_bound("<message>" + "x" * 300_000), _bound("<a>" * 70)],
    "restricted-xml": [
        _bound("<message><!-- Nurse --></message>"),
        _bound("<?nurse?>"),
        _bound("<message>&nurse;</message>"),
        lambda: Verona().connect().send("<!DOCTYPE a>"),
    ],
    "system-shutdown": [_shut_down],
    "undefined-condition": [_not_compressed],
    "unsupported-encoding": [
        _bound(b"<message>\xff</message>"),
        lambda: Verona().connect().send("<?xml version='1.0' encoding='ISO-8859-1'?>" + header()),
    ],
    "unsupported-stanza-type": [_bound("<poison/>"), _early("<poison xmlns='urn:apothecary'/>")],
    "unsupported-version": [lambda: Verona().connect().open(version="one")],
}

NEVER = {
    "bad-namespace-prefix": "any prefix will do (§4.8.5)",
    "invalid-xml": "no schema is looked at (§11.4)",
    "remote-connection-failed": "between servers",
    "reset": "no feature of a living stream is ever taken back",
    "resource-constraint": "who is one too many is turned away before there is a stream",
    "see-other-host": "there is no other host",
    "unsupported-feature": "between servers, and for clients",
}


def test_4_9_3_every_condition_is_generated_or_has_a_reason_not_to_be():
    assert GENERATED.keys() | NEVER.keys() == STREAM_CONDITIONS
    assert not GENERATED.keys() & NEVER.keys()


CASES = [(expected, make) for expected, makers in GENERATED.items() for make in makers]


@pytest.mark.parametrize(("expected", "make"), CASES, ids=[expected for expected, _ in CASES])
def test_4_9_3_what_brings_about_a_condition(expected, make):
    assert ended(make()) == expected


def test_4_9_1_1_nothing_is_said_behind_the_end():
    client = Verona().log_in("juliet").send(f"<a></b><iq type='get' id='p'>{SESSION}</iq>")
    assert ended(client) == "not-well-formed"
    client.connection.receive(b"<presence/>")
    assert client.take() == b""


def test_4_9_1_1_an_error_of_the_client_is_answered_by_the_end_alone():
    said = f"<stream:error><conflict xmlns='{ns.STREAM_ERRORS}'/></stream:error>"
    assert Verona().log_in("juliet").send(said).take() == b"</stream:stream>"


def test_xep_0138_2_data_that_is_not_zlib_is_named_in_the_stream_error():
    client = _not_compressed()
    error = client.elements()[-1]
    failure = error.find(f"{{{ns.COMPRESS}}}failure")
    assert failure is not None
    assert [child.tag for child in failure] == [f"{{{ns.COMPRESS}}}processing-failed"]


# ---------------------------------------------------------------- §9.1: a whole negotiation


def features(element: Element) -> list[str]:
    assert element.tag == f"{{{ns.STREAM}}}features"
    return [child.tag.rpartition("}")[2] for child in element]


def test_9_1_a_session_from_the_first_header_to_the_last():
    client = Verona().connect(STRANGER).send(header())
    (tls,) = client.one()
    assert tls.tag == f"{{{ns.TLS}}}starttls"
    assert [child.tag for child in tls] == [f"{{{ns.TLS}}}required"]  # §5.3.1
    client.send(f"<starttls xmlns='{ns.TLS}'/>")
    assert client.one().tag == f"{{{ns.TLS}}}proceed"
    first = client.header["id"]

    client.send(header())  # §5.4.3.3: a new stream, with a new id
    assert features(client.one()) == ["mechanisms"]
    assert client.header["id"] != first
    message = b64encode(f"\0juliet\0{PASSWORD}".encode()).decode()
    client.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
    assert client.one().tag == f"{{{ns.SASL}}}success"

    client.send(header())  # §6.4.6
    assert features(client.one()) == ["bind", "c", "csi", "ver", "session", "sm", "sub"]
    client.send(f"<iq type='set' id='b'>{BIND}</iq>")
    bound = client.one()
    assert (bound.get("type"), bound.get("id")) == ("result", "b")
    jid = bound.findtext(f"{{{ns.BIND}}}bind/{{{ns.BIND}}}jid") or ""
    assert jid.startswith(f"juliet@{DOMAIN}/")
    client.send("<presence/></stream:stream>")  # §7.3.2: no restart
    own = f"<presence to='juliet@{DOMAIN}' from='{jid}'/>"  # RFC 6121 §4.2.2
    assert client.take() == f"{own}</stream:stream>".encode()


# ---------------------------------------------------------------- §5, §6, §7: refusals


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_6_5_4_no_mechanism_runs_before_tls_where_that_is_required(mechanism):
    client = Verona().connect(STRANGER).send(header())
    client.take()
    client.send(f"<auth xmlns='{ns.SASL}' mechanism='{mechanism}'/>")
    assert condition(client.one()) == "encryption-required"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("<auth xmlns='{}'/>", "invalid-mechanism"),
        ("<auth xmlns='{}' mechanism='plain'/>", "invalid-mechanism"),
        ("<auth xmlns='{}' mechanism='PLAIN'>a=b</auth>", "incorrect-encoding"),
        ("<auth xmlns='{}' mechanism='PLAIN'> AAA= </auth>", "incorrect-encoding"),
        ("<auth xmlns='{}' mechanism='PLAIN'>=</auth>", "malformed-request"),
        ("<auth xmlns='{}' mechanism='PLAIN'/><abort xmlns='{}'/>", "aborted"),
    ],
)
def test_6_5_a_failure_says_why_and_leaves_the_stream_open(sent, expected):
    client = Verona().connect().send(header())
    client.take()
    client.send(sent.replace("{}", ns.SASL))
    assert condition(client.elements()[-1]) == expected
    assert not client.closed


def authenticated() -> Client:
    client = Verona().connect().open().authenticate("juliet")
    client.take()
    return client


@pytest.mark.parametrize(
    ("rest", "expected"),
    [(f" from='{ROMEO}'", "invalid-from"), (" from='juliet@montague.lit'", "invalid-from")],
)
def test_15_sasl_correlate_the_header_after_sasl_can_name_no_one_else(rest, expected):
    assert ended(authenticated().send(header(rest=rest))) == expected


@pytest.mark.parametrize(
    "stanza",
    [
        f"<message to='{ROMEO}'/>",
        "<presence/>",
        f"<iq type='get' id='b'>{BIND}</iq>",
        f"<iq type='set' id='b'>{SESSION}</iq>",
        f"<iq type='set' id='b'>{BIND}{BIND}</iq>",
    ],
)
def test_7_1_nothing_but_a_bind_comes_before_a_session(stanza):
    assert ended(authenticated().send(header()).send(stanza)) == "not-authorized"


def test_8_2_3_rule_1_a_bind_without_an_id_is_a_bad_request_and_binds_nothing():
    client = authenticated().send(header())
    client.take()
    client.send(f"<iq type='set'>{BIND}</iq>")
    assert condition(client.one()) == "bad-request"
    assert client.bind("balcony").get("type") == "result"


def test_7_6_1_two_sessions_get_two_resources():
    server = Verona()
    jids = {server.log_in("juliet").jid for _ in range(3)}
    assert len(jids) == 3


def test_13_6_the_header_after_sasl_can_name_no_other_domain():
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]})
    client = server.connect().open().authenticate("juliet")
    client.take()
    assert ended(client.open(to="mantua.lit")) == "not-authorized"


def test_a_reload_shuts_a_domain_to_streams_that_were_opened_before_it():
    """RFC 6120 §4.9.3.6; also to those that have come to another domain, or to none yet."""
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]})
    server.account("benvolio", domain="mantua.lit")
    silent, elsewhere = server.connect(), server.connect().open()
    elsewhere.take()
    server.reload(server={"domains": [DOMAIN]})
    assert ended(silent.open(to="mantua.lit")) == "host-unknown"
    elsewhere.connection.stream.framer.restart()
    elsewhere.connection.stream.state = State.EXPECT_HEADER  # as STARTTLS leaves it
    assert ended(elsewhere.open(to="mantua.lit")) == "host-unknown"


def test_a_stream_that_has_named_no_domain_is_not_ended_for_one_that_is_gone():
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]})
    silent, old = server.connect(), server.connect()
    server.reload(server={"domains": ["mantua.lit"]})
    silent.open(to="mantua.lit")
    assert silent.header["from"] == "mantua.lit"
    old.open(to=None, version=None)
    assert old.header["from"] == "mantua.lit"
