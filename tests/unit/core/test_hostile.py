"""Whatever a client sends, in whatever order, it meets a rule and never a bug of ours.

A bug shows as `internal-server-error`; the other client, who did nothing, must not notice.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.server import DOMAIN, PASSWORD, STRANGER, Client, Verona, condition
from xmppd import ns

PLAIN = b64encode(f"\0juliet\0{PASSWORD}".encode()).decode()
SCRAM = b64encode(b"n,,n=juliet,r=fyko+d2lbbFgONRv9qkxdawL").decode()
HEADER = (
    f"<?xml version='1.0'?><stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}'"
    f" to='{DOMAIN}' version='1.0'>"
)
NEGOTIATION = [
    HEADER,
    HEADER.replace("version='1.0'>", ">"),
    HEADER.replace(f" to='{DOMAIN}'", ""),
    "</stream:stream>",
    f"<starttls xmlns='{ns.TLS}'/>",
    f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{PLAIN}</auth>",
    f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'/>",
    f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>=</auth>",
    f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>!!</auth>",
    f"<auth xmlns='{ns.SASL}' mechanism='SCRAM-SHA-1'>{SCRAM}</auth>",
    f"<auth xmlns='{ns.SASL}'/>",
    f"<auth xmlns='{ns.SASL}' mechanism='X'><x/></auth>",
    f"<response xmlns='{ns.SASL}'>{PLAIN}</response>",
    f"<response xmlns='{ns.SASL}'/>",
    f"<abort xmlns='{ns.SASL}'/>",
    f"<compress xmlns='{ns.COMPRESS}'><method>zlib</method></compress>",
    f"<compress xmlns='{ns.COMPRESS}'/>",
    f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>",
    f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'><resource>balcony</resource></bind></iq>",
    f"<iq type='set' id='b'><bind xmlns='{ns.BIND}'><resource>&#x7;</resource></bind></iq>",
    f"<iq type='set'><bind xmlns='{ns.BIND}'><resource>\u0645</resource><x/></bind></iq>",
    f"<iq type='set' id='s'><session xmlns='{ns.SESSION}'/></iq>",
]
STANZAS = [
    "<message/>",
    "<message to=''/>",
    "<message type='error'/>",
    f"<message to='juliet@{DOMAIN}'><body>a</body></message>",
    f"<message to='juliet@{DOMAIN}/balcony' type='headline'/>",
    f"<message to='{DOMAIN}/x' xml:lang='\u0000'/>".replace("\0", ""),
    "<message from='romeo@capulet.lit'/>",
    "<presence/>",
    "<presence><priority>-1</priority></presence>",
    "<presence><priority>x</priority><priority/></presence>",
    "<presence type='probe'/>",
    "<presence type='unavailable'/>",
    f"<presence type='subscribe' to='romeo@{DOMAIN}'/>",
    "<presence to='@'/>",
    "<iq/>",
    "<iq type='get' id='1'/>",
    "<iq type='result' id='1'/>",
    "<iq type='error' id='1'><x/><y/></iq>",
    f"<iq type='get' id='1'><ping xmlns='{ns.PING}'/></iq>",
    f"<iq type='get' id='1' to='{DOMAIN}'><query xmlns='{ns.DISCO_INFO}' node='x'/></iq>",
    f"<iq type='get' id='1' to='{DOMAIN}'><query xmlns='{ns.DISCO_ITEMS}'/></iq>",
    f"<iq type='set' id='1' to='{DOMAIN}'><query xmlns='{ns.REGISTER}'><remove/></query></iq>",
    f"<iq type='set' id='1'><query xmlns='{ns.REGISTER}'><username/></query></iq>",
    f"<iq type='get' id='1'><query xmlns='{ns.REGISTER}'/></iq>",
    f"<iq type='set' id='1'><query xmlns='{ns.REGISTER}'><username>\u0645a</username>"
    "<password>\u0645a\u0645aaaaaa</password></query></iq>",
    f"<iq type='get' id='1'><query xmlns='{ns.AUTH}'><username>juliet</username></query></iq>",
    f"<iq type='set' id='1'><query xmlns='{ns.AUTH}'><username>juliet</username>"
    f"<password>{PASSWORD}</password><resource>balcony</resource></query></iq>",
    f"<iq type='set' id='1'><query xmlns='{ns.AUTH}'><digest>\u0645</digest></query></iq>",
]
RUBBISH = [
    " ",
    "<x/>",
    "<x xmlns='urn:example:x'><y/></x>",
    "<!-- -->",
    "<!DOCTYPE x>",
    "<?x?>",
    "<iq type='get' id='1'><x>&y;</x></iq>",
    "</iq>",
    "text",
    "<stream:features/>",
    "<message><stream:stream/></message>",
    "<m:message xmlns:m='jabber:client'/>",
    "<message xmlns='jabber:server'/>",
    "<message><body><![CDATA[<]]></body></message>",
    "<" + "a" * 9_000,
    "<iq>" * 70,
    "\ud7ff\uffff",
]

TOKENS = st.sampled_from(NEGOTIATION + STANZAS + RUBBISH)
LOGIN = [NEGOTIATION[0], NEGOTIATION[5], NEGOTIATION[0], NEGOTIATION[18]]
TABLES = {
    "auth": {"legacy": True, "digest_md5": True},
    "registration": {"policy": "on"},
    "compression": {"enabled": True},
}


def deliver(client: Client, data: bytes, cuts: list[int]) -> None:
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        if client.closed:
            return
        client.send(data[start:cut])
        client.server.clock.advance(0)
        start = max(start, cut)


@pytest.mark.parametrize("address", ["127.0.0.1", STRANGER])
@pytest.mark.parametrize("begun", [0, 1, 2, 4])
@settings(max_examples=60)
@given(tokens=st.lists(TOKENS, max_size=8), cuts=st.lists(st.integers(0, 3_000), max_size=3))
def test_no_client_finds_a_bug_by_its_words(
    begun: int, address: str, tokens: list[str], cuts: list[int]
) -> None:
    server = Verona(accounts=("juliet", "romeo"), **TABLES)
    romeo = server.log_in("romeo")
    client = server.connect(address, secure=address == STRANGER)
    for text in LOGIN[:begun]:
        client.send(text)
        server.clock.advance(0)
    data = "".join(tokens).encode("utf-8", "surrogatepass")
    deliver(client, data, [c for c in cuts if c < len(data)])
    server.clock.advance(100)
    internal = {r for r in server.host.refusals.counts if r.endswith(".internal")}
    assert internal == set(), client.log[-2_000:]
    romeo.take()
    assert romeo.ask(f"<ping xmlns='{ns.PING}'/>", to=DOMAIN).get("type") == "result"
    if client.closed:
        assert len(server.host.connections) == 1
        assert client.log.count(b"</stream:stream>") <= 1


@pytest.mark.parametrize("begun", [0, 1, 2, 4])
@settings(max_examples=60)
@given(data=st.binary(max_size=200))
def test_bytes_that_mean_nothing_end_their_own_stream_at_most(begun: int, data: bytes) -> None:
    server = Verona()
    client = server.connect()
    for text in LOGIN[:begun]:
        client.send(text)
    client.send(data)
    if not client.closed:
        client.send(b"</>>")  # whatever was begun is not well-formed now
    assert client.closed
    assert {r for r in server.host.refusals.counts if r.endswith(".internal")} == set()


@pytest.mark.parametrize("kind", ["iq type='get'", "message", "presence type='subscribe'"])
def test_an_id_that_is_too_long_is_refused(kind: str) -> None:
    server = Verona()
    juliet, romeo = server.log_in("juliet", "balcony"), server.log_in("romeo", "orchard")
    content = "<q xmlns='urn:q'/>"
    name = kind.split()[0]
    juliet.send(f"<{kind} to='{romeo.jid}' id='{'i' * 1_024}'>{content}</{name}>")
    assert condition(juliet.one()) == "bad-request"
    assert romeo.take() == b""
    juliet.send(f"<message to='{romeo.jid}' id='{'i' * 1_023}'>{content}</message>")
    assert len(romeo.one().get("id", "")) == 1_023


def test_whoever_answers_repeats_what_grows_and_keeps_his_stream() -> None:
    """Quotation marks in an id and in two resources: each becomes a reference of six octets."""
    server = Verona()
    quotes = "'" * 1_023
    juliet, romeo = (server.log_in(name, quotes) for name in ("juliet", "romeo"))
    answered = f"romeo@capulet.lit/{quotes}"
    juliet.send(f'<iq type="get" to="{answered}" id="{quotes}"><q xmlns="urn:q"/></iq>')
    asked = romeo.one()
    assert (asked.get("from"), asked.get("id")) == (f"juliet@capulet.lit/{quotes}", quotes)
    escaped = {name: escape(asked.get(name, "")) for name in ("from", "to", "id")}
    romeo.send(
        f"<iq type='result' to='{escaped['from']}' from='{escaped['to']}' id='{escaped['id']}'/>"
    )
    assert not romeo.closed
    assert juliet.one().get("id") == quotes


def escape(value: str) -> str:
    return value.replace("'", "&apos;")
