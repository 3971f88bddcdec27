"""Streams of clients that a component carries are as those of TCP (docs/session-tunnel.md)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import pytest

from tests.support.components import table
from tests.support.gateway import GRANTED, HTTP, Gateway, TunneledClient
from tests.support.managed import SM, S, ack, come_back, handled, managed, resumed
from tests.support.offline import bodies, chat, numbered, numbers
from tests.support.people import JULIET, ROMEO
from tests.support.server import DOMAIN, PASSWORD, STRANGER, Client, Verona, condition
from xmppd import ns

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"


def offers(client: Client) -> set[str]:
    """The features on offer, and the mechanisms."""
    (features,) = [e for e in client.elements() if e.tag == f"{{{ns.STREAM}}}features"]
    mechanisms = [e.text or "" for e in features.iter(f"{{{ns.SASL}}}mechanism")]
    return {child.tag.rpartition("}")[2] for child in features} | set(mechanisms)


def one(client: Client, name: str) -> Element:
    """The only element that came, which is `name` of SASL."""
    element = client.one()
    assert element.tag == f"{{{ns.SASL}}}{name}", element.tag
    return element


# ------------------------------------------------------------------ a session


def test_a_client_logs_in_and_talks_both_ways(juliet: TunneledClient, romeo: Client) -> None:
    assert juliet.jid == BALCONY
    juliet.send(chat(ORCHARD, "Art thou not Romeo?"))
    assert bodies(romeo) == ["Art thou not Romeo?"]
    romeo.send(chat(BALCONY, "Neither, fair maid"))
    assert bodies(juliet) == ["Neither, fair maid"]


def test_two_tunneled_clients_talk(gateway: Gateway, juliet: TunneledClient) -> None:
    romeo = gateway.log_in("romeo", "orchard")
    juliet.send(chat(ORCHARD, "1") + chat(ORCHARD, "2"))
    assert bodies(romeo) == ["1", "2"]
    assert not juliet.take()


def test_a_session_has_the_address_and_the_security_of_its_client(
    server: Verona, juliet: TunneledClient
) -> None:
    session = server.host.directory.get(BALCONY)
    assert session is not None
    assert (session.address, session.secure) == (STRANGER, True)


def test_the_stream_is_opened_as_it_is_answered(gateway: Gateway) -> None:
    client = gateway.connect().open(**{"from": JULIET, "xml:lang": "it"})
    client.take()
    shown = client.header
    assert len(shown.pop("id")) > 16
    xml_lang = shown.pop(f"{{{ns.XML}}}lang")
    assert (shown, xml_lang) == ({"from": DOMAIN, "to": JULIET, "version": "1.0"}, "en")


def test_the_first_header_is_read_as_any(server: Verona, gateway: Gateway) -> None:
    gateway.connect().open(**{"xml:lang": "it"})
    (connection,) = server.host.connections
    assert connection.stream.lang == "it"


def test_the_language_of_the_stream_is_that_of_its_stanzas(gateway: Gateway, romeo: Client) -> None:
    client = gateway.connect().open(**{"xml:lang": "it"}).authenticate("juliet")
    client.open(**{"xml:lang": "it"}).bind()
    client.send(chat(ORCHARD, "Chi è?"))
    assert romeo.one().get(f"{{{ns.XML}}}lang") == "it"


def test_what_is_written_in_one_turn_travels_in_one_message_in_order(
    juliet: TunneledClient, romeo: Client
) -> None:
    before = juliet.messages
    romeo.send(numbered(1, 20, BALCONY))
    assert bodies(juliet) == numbers(1, 20)
    assert juliet.messages == before + 1


def test_a_client_may_be_from_before_1_0(gateway: Gateway) -> None:
    """RFC 6120 §4.7.5: it is told no version, and no features."""
    client = gateway.connect().open(version=None)
    assert client.take() == b""
    assert "version" not in client.header


def test_a_loopback_address_is_of_the_gateways_machine(server: Verona, gateway: Gateway) -> None:
    """It may stand behind a proxy: what is for this machine alone is not for its clients."""
    server.reload(
        components=GRANTED,
        registration={"policy": "loopback"},
        auth={"plain_without_tls": "loopback"},
    )
    client = gateway.connect("127.0.0.1", secure=False).open()
    assert not offers(client)
    client.authenticate("juliet")
    assert condition(one(client, "failure")) == "encryption-required"
    inside = gateway.connect("127.0.0.1").open()
    assert "register" not in offers(inside)
    answer = inside.ask(f"<query xmlns='{ns.REGISTER}'/>")
    assert condition(answer) == "service-unavailable"
    juliet = inside.log_in("juliet", resource="balcony")
    session = server.host.directory.get(str(juliet.jid))
    assert session is not None
    assert session.address == f"127.0.0.1 at {HTTP}"


def test_a_gateway_of_this_machine_says_which_clients_are_on_it(
    server: Verona, gateway: Gateway
) -> None:
    local = " local='true'"
    policy = {"policy": "loopback"}
    server.reload(components={HTTP: table(tunnel=True, tunnel_local=True)}, registration=policy)
    inside = gateway.connect("127.0.0.1")
    inside.begin(f" to='{DOMAIN}' version='1.0'{local}")
    assert "register" in offers(inside)
    answer = inside.ask(f"<query xmlns='{ns.REGISTER}'/>")
    assert answer.get("type") == "result"
    elsewhere = gateway.connect()
    elsewhere.begin(f" to='{DOMAIN}' version='1.0'{local}")
    assert "register" not in offers(elsewhere)
    server.reload(components=GRANTED, registration=policy)
    another = gateway.connect("127.0.0.1")
    another.begin(f" to='{DOMAIN}' version='1.0'{local}")
    assert "register" not in offers(another)


# ------------------------------------------------------------------ logging in


def scram(client: Client, name: str, password: str = PASSWORD) -> Element:
    """Log in by SCRAM-SHA-256 (RFC 7677); what the server says to the proof."""
    bare = f"n={name},r=rose"
    first = b64encode(f"n,,{bare}".encode()).decode()
    client.send(f"<auth xmlns='{ns.SASL}' mechanism='SCRAM-SHA-256'>{first}</auth>")
    server_first = b64decode(one(client, "challenge").text or "").decode()
    fields = dict(part.split("=", 1) for part in server_first.split(","))
    salt, rounds = b64decode(fields["s"]), int(fields["i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={fields['r']}"
    signed = f"{bare},{server_first},{final}".encode()
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    said = b64encode(f"{final},p={proof}".encode()).decode()
    return client.send(f"<response xmlns='{ns.SASL}'>{said}</response>").one()


def test_inside_tls_passwords_may_come_and_nothing_is_bound_to_a_channel(
    gateway: Gateway,
) -> None:
    """The TLS is the gateway's: no -PLUS, no EXTERNAL, no STARTTLS."""
    client = gateway.connect().open()
    assert offers(client) & {
        *("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "EXTERNAL", "starttls"),
        *("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "sasl-channel-binding"),
    } == {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}
    assert scram(client, "juliet").tag == f"{{{ns.SASL}}}success"


def test_without_tls_nobody_logs_in_where_that_is_required(gateway: Gateway) -> None:
    client = gateway.connect(secure=False).open()
    assert not offers(client)
    client.authenticate("juliet")
    assert condition(one(client, "failure")) == "encryption-required"


def test_without_tls_no_password_comes_as_it_is(server: Verona, gateway: Gateway) -> None:
    server.reload(components=GRANTED, tls={"require": False})
    client = gateway.connect(secure=False).open()
    offered = offers(client)
    assert "SCRAM-SHA-256" in offered and not offered & {"PLAIN", "starttls"}
    client.authenticate("juliet")
    assert condition(one(client, "failure")) == "encryption-required"
    assert condition(scram(client, "juliet", "wrong")) == "not-authorized"
    assert scram(client, "juliet").tag == f"{{{ns.SASL}}}success"
    session_jid = client.open().bind("balcony").findtext(f".//{{{ns.BIND}}}jid")
    session = server.host.directory.get(str(session_jid))
    assert session is not None and not session.secure


def test_who_may_act_as_whom_is_decided_as_elsewhere(gateway: Gateway) -> None:
    client = gateway.connect().open()
    client.authenticate("juliet", authzid=ROMEO)
    assert condition(client.elements()[-1]) == "invalid-authzid"


def test_a_failed_login_is_held_against_the_address_of_the_client(
    server: Verona, gateway: Gateway
) -> None:
    client = gateway.connect("198.51.100.4").open().authenticate("juliet", "guess")
    assert condition(client.elements()[-1]) == "not-authorized"
    refusal = server.host.refusals.recent[-1]
    assert (refusal.reason, refusal.who, refusal.address) == (
        "auth.credentials",
        JULIET,
        "198.51.100.4",
    )


@pytest.mark.parametrize(
    ("element", "said"),
    [
        (f"<starttls xmlns='{ns.TLS}'/>", f"{{{ns.TLS}}}failure"),
        (
            f"<compress xmlns='{ns.COMPRESS}'><method>zlib</method></compress>",
            f"{{{ns.COMPRESS}}}failure",
        ),
    ],
)
def test_what_belongs_to_tcp_is_not_offered_and_refused(
    server: Verona, gateway: Gateway, element: str, said: str
) -> None:
    server.reload(components=GRANTED, compression={"enabled": True})
    client = gateway.connect().open().authenticate("juliet")
    client.take()
    client.open()
    assert not offers(client) & {"compression", "starttls"}
    client.send(element)
    assert client.elements()[-1].tag == said


# ------------------------------------------------------------------ restart


def test_behind_sasl_the_stream_is_opened_anew(gateway: Gateway) -> None:
    client = gateway.connect().open().authenticate("juliet")
    client.take()
    first = client.header["id"]
    client.open()
    assert "bind" in offers(client)
    assert client.header["id"] != first


def test_a_stream_that_is_not_opened_anew_ends(gateway: Gateway) -> None:
    client = gateway.connect().open().authenticate("juliet")
    client.take()
    client.send("<presence/>")
    assert condition(client.one()) == "invalid-namespace"
    assert client.events == ["close"]


def test_a_stream_is_not_opened_anew_where_it_likes(gateway: Gateway) -> None:
    client = gateway.connect().open()
    client.take()
    client.open()
    assert condition(client.one()) == "bad-format"


def test_the_domain_of_a_stream_stays_what_it_was() -> None:
    """RFC 6120 §4.9.3.6: who has authenticated at one domain is nobody at another."""
    server = Verona(server={"domains": [DOMAIN, "mantua.lit"]}, components=GRANTED)
    client = Gateway(server).connect().open().authenticate("juliet")
    client.take()
    client.open(to="mantua.lit")
    assert condition(client.one()) == "not-authorized"


# ------------------------------------------------------------------ the end


def test_the_client_closes_its_stream(server: Verona, juliet: TunneledClient) -> None:
    juliet.say("<t:close/>")
    assert juliet.take() == b""
    assert juliet.events == ["close"]
    assert server.host.directory.get(BALCONY) is None


def test_the_server_closes_the_stream_and_says_why(server: Verona, juliet: TunneledClient) -> None:
    server.host.shut_down()
    assert condition(juliet.one()) == "system-shutdown"
    assert juliet.events == ["close"]
    assert server.host.directory.get(BALCONY) is None


def test_a_header_that_is_wrong_is_the_streams_affair(gateway: Gateway) -> None:
    """The session is there, and says as on TCP why it ends."""
    client = gateway.connect().open(to="verona.lit")
    assert condition(client.one()) == "host-unknown"
    assert client.headers and client.events == ["close"]


MANY = " ".join(f"a{n}=''" for n in range(65))
DEEP = "<x xmlns='urn:x'>" * 65 + "</x>" * 65


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<rose xmlns='urn:rose'/>", "unsupported-stanza-type"),
        (f"<message>{DEEP}</message>", "policy-violation"),
        (f"<message a='{'x' * 25_000}'/>", "policy-violation"),
        (f"<message {MANY}/>", "policy-violation"),
    ],
)
def test_what_is_wrong_ends_that_stream_and_no_other(
    gateway: Gateway, juliet: TunneledClient, romeo: Client, text: str, error: str
) -> None:
    """Nor that of the component: it may have larger stanzas than its clients, and deeper ones."""
    other = gateway.log_in("romeo", "garden")
    juliet.send(text)
    assert condition(juliet.one()) == error
    other.send(chat(ORCHARD, "x"))
    assert bodies(romeo) == ["x"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<message", ""),
        ("<message></iq>", "not-well-formed"),
        ("<message>&nbsp;</message>", "restricted-xml"),
        ("<!-- soft -->", "restricted-xml"),
        ("<!DOCTYPE x>", "not-well-formed"),
        ("But soft <br/>", "bad-format"),
        (f"<message xmlns:x='{'x' * 600}'/>", "policy-violation"),
        (f"<message>{'<x>' * 300}", "policy-violation"),
        (f"<message><x xmlns='{ns.STREAM}'/></message>", "bad-format"),
        (f"<x:iq xmlns:x='{'x' * 500}'>{'<x:x/>' * 40_000}</x:iq>", "policy-violation"),
    ],
)
def test_what_could_not_stand_in_a_stanza_may_be_text(
    gateway: Gateway, juliet: TunneledClient, romeo: Client, text: str, error: str
) -> None:
    """The server alone reads it, so the gateway need not be wary of its clients."""
    other = gateway.log_in("romeo", "garden")
    juliet.write_down(text)
    assert [condition(e) for e in juliet.elements()] == ([error] if error else [])
    other.write_down(f"<message to='{ORCHARD}'><body>&lt;&amp;</body></message>")
    assert bodies(romeo) == ["<&"]


def test_text_is_read_as_it_comes_and_in_its_order(juliet: TunneledClient, romeo: Client) -> None:
    juliet.write_down(chat(ORCHARD, "1") + "<message to=").write_down(f"'{ORCHARD}'><body>2</body>")
    juliet.write_down(f"</message>{chat(ORCHARD, '3')}").send(chat(ORCHARD, "4"))
    assert bodies(romeo) == numbers(1, 4)


MESSAGE = f"<message to='{ORCHARD}'><body>1</body></message>"


@pytest.mark.parametrize(
    "texts", [[MESSAGE[:9]], [MESSAGE[:-1]], [MESSAGE * 2], [MESSAGE, ""], ["</stream:stream>"]]
)
def test_a_message_is_one_element_where_that_is_said_rfc7395_3_3_3(
    juliet: TunneledClient, romeo: Client, texts: list[str]
) -> None:
    juliet.say(f"<t:text end='true'>{escape(MESSAGE)}</t:text>")
    assert bodies(romeo) == ["1"]
    juliet.say("".join(f"<t:text end='true'>{escape(text)}</t:text>" for text in texts))
    assert condition(juliet.one()) == "not-well-formed"
    assert juliet.events == ["close"]
    assert bodies(romeo) == ["1"] * (len(texts) - 1)


@pytest.mark.parametrize("text", ["<auth", f"<auth xmlns='{ns.SASL}'/><a/>"])
def test_and_before_login(gateway: Gateway, text: str) -> None:
    client = gateway.connect().open()
    client.take()
    client.say(f"<t:text end='true'>{escape(text)}</t:text>")
    assert condition(client.one()) == "not-well-formed"
    assert client.events == ["close"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_end_may_come_in_a_text_of_its_own(
    juliet: TunneledClient, romeo: Client, pieces: int
) -> None:
    for at in range(pieces):
        text = escape(MESSAGE[at * 9 : at * 9 + 9])
        juliet.say(f"<t:text end='false'>{text}</t:text>")
    juliet.say(f"<t:text end='true'>{escape(MESSAGE[pieces * 9 :])}</t:text>")
    assert bodies(romeo) == ["1"]


@pytest.mark.parametrize("cut", [len(MESSAGE), len(MESSAGE) + 5, 2 * len(MESSAGE)])
def test_of_a_long_message_with_two_elements_none_is_taken_rfc7395_3_3_3(
    juliet: TunneledClient, romeo: Client, cut: int
) -> None:
    text = MESSAGE * 2
    juliet.say(f"<t:text end='false'>{escape(text[:cut])}</t:text>")
    juliet.say(f"<t:text end='true'>{escape(text[cut:])}</t:text>")
    assert condition(juliet.one()) == "not-well-formed"
    assert juliet.events == ["close"]
    assert bodies(romeo) == []


def test_who_is_too_slow_to_log_in_is_ended(server: Verona, gateway: Gateway) -> None:
    client = gateway.connect().open()
    client.take()
    server.clock.advance(server.config.limits.negotiation_seconds)
    assert condition(client.one()) == "connection-timeout"
    assert client.events == ["close"]


def test_nothing_follows_the_end(server: Verona, juliet: TunneledClient, romeo: Client) -> None:
    """What is still on its way in either direction reaches nobody."""
    juliet.say(f"<t:close/><f:forwarded>{chat(ORCHARD, 'late')}</f:forwarded>")
    romeo.send(chat(BALCONY, "late"))
    assert juliet.take() == b""
    assert "late" not in bodies(romeo)


def test_a_lost_connection_ends_a_session_that_can_not_be_resumed(
    server: Verona, juliet: TunneledClient
) -> None:
    juliet.hang_up()
    assert server.host.directory.get(BALCONY) is None
    assert juliet.events == []
    assert not server.host.connections


def test_who_is_gone_is_sent_nothing(server: Verona, juliet: TunneledClient, romeo: Client) -> None:
    before = juliet.messages
    romeo.send(chat(BALCONY, "written in the turn in which she leaves"))
    juliet.hang_up()
    assert juliet.take() == b"" and juliet.messages == before


def test_nor_is_who_has_left_something_behind(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    """Her session is there until what she said is done."""
    session = server.host.directory.get(BALCONY)
    assert session is not None
    release = session.hold()
    juliet.hang_up()
    before = juliet.messages
    romeo.send(chat(BALCONY, "x"))
    assert juliet.take() == b"" and juliet.messages == before
    release()
    assert server.host.directory.get(BALCONY) is None


def test_what_a_client_said_last_is_done_all_the_same(
    server: Verona, juliet: TunneledClient, romeo: Client
) -> None:
    session = server.host.directory.get(BALCONY)
    assert session is not None
    release = session.hold()
    juliet.send(chat(ORCHARD, "1")).send(chat(ORCHARD, "2"))
    juliet.hang_up()
    assert not romeo.take()
    release()
    assert bodies(romeo) == ["1", "2"]
    assert server.host.directory.get(BALCONY) is None


# ------------------------------------------------------------------ stream management (XEP-0198)


def test_a_session_is_resumed_by_another_session_of_the_tunnel(
    gateway: Gateway, romeo: Client
) -> None:
    juliet, id_ = managed(gateway, "juliet", "balcony")
    romeo.send(numbered(1, 3, BALCONY))
    juliet.send(chat(ORCHARD, "a"))
    assert len(juliet.elements()) == 3
    juliet.hang_up()
    romeo.send(numbered(4, 5, BALCONY))
    romeo.take()
    back, h, again = resumed(gateway, "juliet", id_, h=1)
    assert h == 1
    assert [each.get("id") for each in again] == numbers(2, 5)
    assert ack(back, 5).take() == b""
    back.send(chat(ORCHARD, "b"))
    assert handled(back) == 2
    assert bodies(romeo) == ["b"]


@pytest.mark.parametrize("there", [True, False], ids=["tunnel-tcp", "tcp-tunnel"])
def test_a_session_moves_between_the_tunnel_and_tcp(
    server: Verona, gateway: Gateway, romeo: Client, there: bool
) -> None:
    first, second = (gateway, server) if there else (server, gateway)
    juliet, id_ = managed(first, "juliet", "balcony")
    back, _, _ = resumed(second, "juliet", id_)
    assert condition(juliet.one()) == "conflict"
    assert juliet.closed
    romeo.send(chat(BALCONY, "Where art thou?"))
    assert bodies(back) == ["Where art thou?"]
    session = server.host.directory.get(BALCONY)
    assert session is not None
    assert session.address == ("127.0.0.1" if there else STRANGER)


def test_who_has_closed_the_stream_can_not_resume(gateway: Gateway) -> None:
    juliet, id_ = managed(gateway, "juliet", "balcony")
    juliet.say("<t:close/>")
    assert come_back(gateway, "juliet", id_).one().tag == f"{S}failed"


def test_acknowledgements_travel_as_other_elements_do(juliet: TunneledClient) -> None:
    enabled = juliet.send(f"<enable {SM}/>").one()
    assert enabled.tag == f"{S}enabled"
    juliet.send(chat(BALCONY, "1") + f"<r {SM}/>")
    tags = [e.tag for e in juliet.elements()]
    assert tags[0] == f"{{{ns.CLIENT}}}message" and f"{S}a" in tags
