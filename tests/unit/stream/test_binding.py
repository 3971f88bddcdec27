"""Resource binding (RFC 6120 §7), requests before login, compression (XEP-0138)."""

from __future__ import annotations

import pytest

from tests.support.frames import CLOSE, HEADER
from tests.support.streams import (
    COMPRESS,
    POLICY,
    STARTTLS,
    Client,
    bind,
    ended,
    frames,
    names,
    offered,
    plain,
    reasons,
    sent,
)
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.stream.events import Authenticated, BindResource, OpenRequest, StartCompression
from xmppd.stream.states import Fact, State
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Nonza, Stanza

REGISTER = f"{ns.REGISTER} query"
OPEN = POLICY._replace(open_requests=(REGISTER,), switches=Fact.REGISTRATION)
GET = f"<iq type='get' id='r1'><query xmlns='{ns.REGISTER}'/></iq>".encode()
SQUEEZED = POLICY._replace(switches=Fact.COMPRESSION)


def bound_to(client: Client) -> str:
    """The resource that the client's last request asked for."""
    question = client.asked[-1]
    assert isinstance(question, BindResource)
    return question.resource


@pytest.mark.parametrize("resource", ["", "orchard"])
def test_a_resource_is_bound_and_told(resource: str) -> None:
    client = Client().authenticated()
    said = client.send(bind(resource, id_="it&apos;s"))
    assert bound_to(client) == resource
    (result,) = (f for f in frames(sent(said)) if isinstance(f, Stanza) and f.kind == "iq")
    assert (result.type, result.id) == ("result", "it's")
    bound = result.element.findtext(f"{{{ns.BIND}}}bind/{{{ns.BIND}}}jid")
    assert bound == client.stream.jid == f"romeo@verona.lit/{resource or 'chosen'}"
    assert client.stream.state is State.BOUND


def test_a_resource_that_is_not_to_be_had_may_be_followed_by_another() -> None:
    """RFC 6120 §7.7.2.2."""
    client = Client().authenticated()
    client.later(BindResource)
    client.send(bind("orchard"))
    client.new()
    said = client.answer(StanzaError("conflict", reason="bind.conflict"))
    assert names(said) == ["iq error"]
    assert client.stream.state is State.NEGOTIATING
    client.send(bind("street"))
    client.answer(JID("romeo@verona.lit/street"))
    assert client.stream.state is State.BOUND


def test_a_second_bind_is_a_stanza_like_any_other() -> None:
    """It is refused where IQs are answered (RFC 6120 §7.7.2.1, one resource a stream)."""
    client = Client().bound()
    client.new()
    assert names(client.send(bind("street"))) == ["<Stanza iq set None -> None>"]
    assert client.stream.jid == "romeo@verona.lit/orchard"
    assert bound_to(client) == "orchard"


@pytest.mark.parametrize(
    "stanza",
    [
        b"<message/>",
        b"<presence/>",
        bind(type_="get"),
        bind(type_="result"),
        b"<iq type='set' id='1'/>",
        b"<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
        bind().replace(b"<bind", b"<rose/><bind"),
        GET,
    ],
)
def test_nothing_but_a_bind_comes_before_a_session(stanza: bytes) -> None:
    """RFC 6120 §7.1."""
    client = Client(OPEN).authenticated()
    client.send(stanza)
    assert reasons(client) == ("not-authorized", "stream.not-authorized")


@pytest.mark.parametrize("data", [b"<rose xmlns='urn:montague'/>", b"<r xmlns='urn:xmpp:sm:3'/>"])
def test_other_elements_are_for_others_to_know(data: bytes) -> None:
    client = Client().bound()
    client.new()
    (event,) = client.send(data)
    assert isinstance(event, Nonza)
    early = Client().opened()
    early.send(data)
    assert reasons(early) == ("unsupported-stanza-type", "stream.element")


def test_what_comes_behind_an_element_that_ends_the_stream_is_not_kept() -> None:
    """As if an answer to that were still owed: a client could go on sending for ever."""
    client = Client().opened()
    client.send(b"<rose xmlns='urn:montague'/>" + GET, GET * 10)
    assert reasons(client) == ("unsupported-stanza-type", "stream.element")
    assert not client.stream.framer.unread


def test_stanzas_of_a_session_come_in_order_however_they_are_cut() -> None:
    client = Client().bound()
    client.new()
    data = b"".join(b"<message id='%d'><body>x</body></message>\n" % i for i in range(50))
    for at in range(0, len(data), 17):
        client.send(data[at : at + 17])
    found = [e.id for e in client.events if isinstance(e, Stanza)]
    assert found == [str(i) for i in range(50)]


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (b"<message></iq>", "not-well-formed"),
        (b"<!-- rose -->", "restricted-xml"),
        (b"text<message/>", "bad-format"),
        (b"<message>\xff</message>", "unsupported-encoding"),
        (b"<message><stream:x/></message>", "bad-format"),
        (HEADER, "not-well-formed"),
        (HEADER.partition(b"?>")[2], "bad-format"),
    ],
)
def test_what_breaks_the_stream_of_a_session(data: bytes, condition: str) -> None:
    client = Client().bound()
    client.new()
    said = names(client.send(b"<message/>" + data))
    assert said[0] == "<Stanza message - None -> None>"
    assert said[1:] == [f"error {condition}", "close", f"Closed {condition}"]


def test_limits_of_a_session() -> None:
    client = Client(POLICY._replace(after=Limits(stanza=300))).bound()
    client.send(b"<message><body>" + b"x" * 300)
    assert reasons(client) == ("policy-violation", "limit.stanza-size")


def test_the_end_of_a_session() -> None:
    client = Client().bound()
    client.new()
    assert names(client.send(b"<message/>" + CLOSE + b"<message/>")) == [
        "<Stanza message - None -> None>",
        "close",
        "Closed",
    ]
    assert ended(client) is None


# ------------------------------------------------------------------------ before the login


def test_a_request_may_come_before_the_login() -> None:
    client = Client(OPEN, secure=True).opened()
    client.new()
    assert names(client.send(GET)) == ["iq result"]
    assert client.stream.state is State.NEGOTIATING
    assert names(client.send(plain())) == ["success", "Authenticated"]


def test_not_before_tls_where_that_is_required() -> None:
    """A password may be in it (XEP-0077 §7, XEP-0078 §6)."""
    client = Client(OPEN).opened()
    client.send(GET)
    assert reasons(client) == ("policy-violation", "tls.required")
    assert client.asked == []


def test_a_request_that_is_refused_may_be_followed_by_another() -> None:
    client = Client(OPEN, secure=True).opened()
    client.later(OpenRequest)
    client.new()
    client.send(GET)
    said = client.answer(StanzaError("conflict", reason="register.conflict"))
    assert names(said) == ["iq error"]
    assert client.stream.state is State.NEGOTIATING


@pytest.mark.parametrize(
    "stanza",
    [
        GET.replace(b"get", b"result"),
        GET.replace(b"<query", b"<rose/><query"),
        GET.replace(b"jabber:iq:register", b"jabber:iq:roster"),
        GET.replace(b"<iq", b"<message").replace(b"/iq", b"/message"),
    ],
)
def test_no_other_request_may(stanza: bytes) -> None:
    client = Client(OPEN, secure=True).opened()
    client.send(stanza)
    assert reasons(client) == ("not-authorized", "stream.not-authorized")
    assert client.asked == []


def test_not_in_the_midst_of_an_exchange() -> None:
    client = Client(OPEN, secure=True).opened()
    client.send(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>", GET)
    assert reasons(client) == ("not-authorized", "stream.not-authorized")


def test_a_thousand_requests_in_one_segment_do_not_nest() -> None:
    client = Client(OPEN._replace(most_requests=1000), secure=True).opened()
    client.new()
    assert names(client.send(GET * 1000)) == ["iq result"] * 1000


def test_a_login_by_other_means_is_answered_before_its_stanzas_are_read() -> None:
    """XEP-0078: the session is there when the reply is, and not a stanza sooner."""
    client = Client(OPEN, secure=True).opened()
    client.later(OpenRequest)
    client.send(GET)
    jid = JID("romeo@verona.lit")
    client.new()
    full = jid.with_resource("orchard")
    assert client.run(client.stream.admit(full)) == [Authenticated(jid)]
    assert client.stream.state is State.WAITING  # nobody takes a stanza from it yet
    assert client.send(b"<presence/>") == []
    reply = Stanza("iq", {"type": "result", "id": "r1"}, [], b"")
    assert names(client.answer(reply)) == ["iq result", "Bound", "<Stanza presence - None -> None>"]


# ------------------------------------------------------------------------ compression


def test_compression_begins_a_new_stream() -> None:
    client = Client(SQUEEZED).authenticated()
    client.new()
    assert names(client.send(COMPRESS)) == ["compressed", "StartCompression"]
    assert StartCompression() in client.events
    assert offered(client.send(HEADER)) == ["bind"]
    client.send(bind())
    assert client.stream.state is State.BOUND


@pytest.mark.parametrize(
    ("method", "condition"),
    [
        (b"<method>lzw</method>", "unsupported-method"),
        (b"<method>ZLIB</method>", "unsupported-method"),
        (b"<method/>", "unsupported-method"),
        (b"", "unsupported-method"),
        (b"<method xmlns='urn:rose'>zlib</method>", "unsupported-method"),
    ],
)
def test_methods_there_are_not(method: bytes, condition: str) -> None:
    """XEP-0138 §3; the stream goes on."""
    client = Client(SQUEEZED).authenticated()
    client.new()
    data = COMPRESS.replace(b"<method>zlib</method>", method)
    assert names(client.send(data)) == [f"failure {condition}"]
    assert client.stream.state is State.NEGOTIATING
    client.send(bind())
    assert client.stream.state is State.BOUND


@pytest.mark.parametrize("when", ["off", "early", "twice", "late"])
def test_compression_is_set_up_where_it_is_offered_only(when: str) -> None:
    client = Client(POLICY if when == "off" else SQUEEZED)
    if when == "early":
        client.send(HEADER, STARTTLS, HEADER)
    elif when == "late":
        client.bound()
    else:
        client.authenticated()
    if when == "twice":
        client.send(COMPRESS, HEADER)
    client.new()
    assert names(client.send(COMPRESS)) == ["failure setup-failed"]
    assert client.stream.state is not State.CLOSED


def test_nothing_may_follow_uncompressed() -> None:
    """It would be read as if it had come compressed."""
    client = Client(SQUEEZED).authenticated()
    client.new()
    assert names(client.send(COMPRESS + HEADER + bind()))[0] == "error policy-violation"
    assert client.stream.jid == "romeo@verona.lit"
    assert not client.stream.facts & (Fact.BOUND | Fact.COMPRESSED)
