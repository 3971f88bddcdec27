"""Delayed Delivery (XEP-0203): who may say that a stanza was delayed, and by whom."""

from __future__ import annotations

import pytest

from tests.support.offline import bodies, chat, messages
from tests.support.people import JULIET, NURSE, ROMEO, C
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

BALCONY = f"{JULIET}/balcony"
ROOM = f"coven@chat.{DOMAIN}"
D = f"{{{ns.DELAY}}}"


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo", "nurse"))


@pytest.fixture
def juliet(server: Verona) -> Client:
    client = server.log_in("juliet", "balcony").send("<presence/>")
    client.take()
    return client


@pytest.fixture
def romeo(server: Verona, juliet: Client) -> Client:
    client = server.log_in("romeo", "orchard").send("<presence/>")
    client.take()
    return client


def delayed(by: str, name: str = "delay", namespace: str = ns.DELAY) -> str:
    named = f" from='{by}'" if by else ""
    return f"<{name} xmlns='{namespace}'{named} stamp='2002-09-10T23:08:25Z'/>"


# ---------------------------------------------------------------- §5


@pytest.mark.parametrize(
    ("by", "passes"),
    [
        (DOMAIN, False),
        (DOMAIN.upper(), False),
        (f"{DOMAIN}/anything", False),
        ("montague.lit", False),
        (f"chat.{DOMAIN}", False),
        (JULIET, False),
        ("Juliet@CAPULET.lit/balcony", False),
        # his own word
        ("", True),
        (ROMEO, True),
        (f"{ROMEO}/street", True),
        # of third ones, as XEP-0045 §7.9 has it; nobody can know them all
        (NURSE, True),
        ("witch@macbeth.lit", True),
        ("macbeth.lit", True),
        (f"{DOMAIN}.lit", True),
        ("a@b@c", True),
    ],
)
@pytest.mark.parametrize("to", [JULIET, BALCONY])
def test_5_a_client_speaks_for_no_server_and_not_for_the_recipient(
    by: str, passes: bool, to: str
) -> None:
    server = Verona(server={"domains": [DOMAIN, "montague.lit"]})
    server.host.router.attach(lambda stanza: None, f"chat.{DOMAIN}")
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    romeo = server.log_in("romeo", "orchard")
    romeo.send(chat(to, "x", delayed(by)))
    assert bodies(juliet) == ["x"] * passes
    assert [condition(e) for e in romeo.elements()] == ["not-acceptable"] * (not passes)
    assert [r.reason for r in server.host.refusals.recent] == ["delay.forged"] * (not passes)


@pytest.mark.parametrize(
    "notation",
    [
        delayed(DOMAIN, "x", ns.OLD_DELAY),
        f"<d:delay xmlns:d='{ns.DELAY}' from='{DOMAIN}'/>",
        f"<delay xmlns='urn:xmpp:d&#101;lay' from='{DOMAIN}'/>",
        "<delay xmlns='urn:xmpp:d&#x65;lay' from='capulet&#x2e;lit'/>",
        f"<x xmlns='jabber:x:d&#101;lay' from='{DOMAIN}'/>",
        delayed(ROMEO) + delayed(DOMAIN),
    ],
)
def test_5_it_is_forged_however_it_is_spelled(juliet: Client, romeo: Client, notation: str) -> None:
    romeo.send(chat(BALCONY, "x", notation))
    assert condition(romeo.one()) == "not-acceptable"
    assert bodies(juliet) == []


@pytest.mark.parametrize(
    "inner",
    [
        f"<x xmlns='urn:example:x'>{delayed(DOMAIN)}</x>",
        f"<forwarded xmlns='{ns.FORWARD}'>{delayed(DOMAIN)}</forwarded>",
        delayed(DOMAIN, "stamp"),
        delayed(DOMAIN, "delay", "urn:example:delay"),
        "<subject>urn:xmpp:delay</subject>",
    ],
)
def test_5_what_is_no_notation_of_the_stanza_passes(
    juliet: Client, romeo: Client, inner: str
) -> None:
    romeo.send(chat(BALCONY, "x", inner))
    assert bodies(juliet) == ["x"]


def test_5_what_an_error_gives_back_passes(juliet: Client, romeo: Client) -> None:
    romeo.send(chat(BALCONY, "x", delayed(DOMAIN), type_="error"))
    assert bodies(juliet) == ["x"]


@pytest.mark.parametrize("by", [DOMAIN, BALCONY])
def test_5_nor_in_presence(juliet: Client, romeo: Client, by: str) -> None:
    romeo.send(f"<presence to='{JULIET}'>{delayed(by)}</presence>")
    assert condition(romeo.one()) == "not-acceptable"
    assert juliet.take() == b""
    romeo.send(f"<presence to='{JULIET}'>{delayed(ROMEO)}</presence>")
    assert juliet.one().find(f"{D}delay") is not None


def test_5_nor_in_presence_for_all(server: Verona, romeo: Client) -> None:
    romeo.send(f"<presence>{delayed(DOMAIN)}</presence>")
    assert condition(romeo.one()) == "not-acceptable"
    (session,) = server.host.directory.of(ROMEO)
    assert session.presence is not None
    assert session.presence.inner == b""


@pytest.mark.parametrize("to", ["witch@macbeth.lit/cave", "macbeth.lit"])
@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("macbeth.lit", "not-acceptable"),
        ("witch@macbeth.lit/fire", None),
        ("hecate@macbeth.lit", "remote-server-not-found"),
        ("dunsinane.lit", "remote-server-not-found"),
    ],
)
def test_5_nor_for_servers_elsewhere(romeo: Client, to: str, by: str, says: str | None) -> None:
    if says is None:
        says = "not-acceptable" if "@" in to else "remote-server-not-found"
    romeo.send(chat(to, "x", delayed(by)))
    assert condition(romeo.one()) == says


def test_5_nor_by_way_of_the_multicast_service(juliet: Client, romeo: Client) -> None:
    for by, passes in ((BALCONY, False), (NURSE, True)):
        named = f"<address type='to' jid='{JULIET}'/>"
        header = f"<addresses xmlns='{ns.ADDRESS}'>{named}</addresses>"
        romeo.send(chat(DOMAIN, "x", header + delayed(by)))
        assert [condition(e) for e in romeo.elements()] == ["not-acceptable"] * (not passes)
        assert bodies(juliet) == ["x"] * passes


def test_5_a_request_is_none_of_its_business(juliet: Client) -> None:
    assert juliet.ask(delayed(DOMAIN), to=BALCONY).get("type") == "get"


def test_5_to_oneself_one_may_say_it(romeo: Client) -> None:
    romeo.send(chat(ROMEO, "x", delayed(ROMEO)))
    assert bodies(romeo) == ["x"]


def test_5_a_room_is_the_recipient_of_what_is_sent_to_it(server: Verona, romeo: Client) -> None:
    taken: list[Stanza] = []
    server.host.router.attach(taken.append, f"chat.{DOMAIN}")
    for by in (ROOM, f"{ROOM}/romeo"):
        romeo.send(chat(ROOM, "x", delayed(by), type_="groupchat"))
        assert condition(romeo.one()) == "not-acceptable"
    romeo.send(chat(ROOM, "x", delayed(f"{NURSE}/kitchen"), type_="groupchat"))
    assert len(taken) == 1, "history of a chat, XEP-0045 §7.9"


# ---------------------------------------------------------------- what servers and services say


@pytest.mark.parametrize("by", [ROOM, f"chat.{DOMAIN}", DOMAIN])
def test_2_what_a_component_says_passes(server: Verona, juliet: Client, by: str) -> None:
    server.host.router.attach(lambda stanza: None, f"chat.{DOMAIN}")
    stanza = read(chat(BALCONY, "x", delayed(by), type_="groupchat"))
    stanza.sender, stanza.to = JID.parse(f"{ROOM}/hecate"), JID.parse(BALCONY)
    server.host.router.route(stanza)
    (message,) = messages(juliet)
    assert [each.get("from") for each in message.findall(f"{D}delay")] == [by]


def test_2_the_servers_own_passes_a_second_time(server: Verona) -> None:
    """A kept message that a client did not acknowledge goes to the account again."""
    romeo = server.log_in("romeo").send(chat(JULIET, "x"))
    juliet = server.log_in("juliet")
    juliet.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/><presence/></stream:stream>")
    (message,) = messages(server.log_in("juliet").send("<presence/>"))
    assert message.findtext(f"{C}body") == "x"
    assert [each.get("from") for each in message.findall(f"{D}delay")] == [DOMAIN]
    assert romeo.elements() == []


# ---------------------------------------------------------------- what it costs


@pytest.mark.parametrize("inner", ["", "<body>O blessed night!</body>"])
def test_nobody_reads_the_children_of_a_stanza_without_any(romeo: Client, inner: str) -> None:
    stanza = Stanza("message", {}, None, inner.encode())
    session = romeo.connection.session
    assert session is not None
    for handler in romeo.server.host.hooks.from_client["message"]:
        assert handler(stanza, session) is stanza
    assert stanza._children is None
