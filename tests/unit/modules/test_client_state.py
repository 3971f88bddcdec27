"""Client State Indication (XEP-0352): what waits for a client that nobody looks at."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.people import JULIET, NURSE, ROMEO, C, friends
from tests.support.server import DOMAIN, Client, Verona
from tests.support.sessions import read
from xmppd import ns
from xmppd.jid import JID
from xmppd.modules.client_state import MOST, OCTETS
from xmppd.wire.stanza import Stanza

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
INACTIVE, ACTIVE = (f"<{state} xmlns='{ns.CLIENT_STATE}'/>" for state in ("inactive", "active"))
COMPOSING, PAUSED, GONE = (
    f"<{state} xmlns='{ns.CHAT_STATES}'/>" for state in ("composing", "paused", "gone")
)
PING = f"<iq type='get' to='{DOMAIN}' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>"
MANAGE = f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>"


@pytest.fixture
def server() -> Verona:
    server = Verona(accounts=("juliet", "romeo", "nurse"))
    friends(server, JULIET, ROMEO)
    friends(server, JULIET, NURSE)
    return server


@pytest.fixture
def juliet(server: Verona) -> Client:
    """Juliet's client, which is available and has said that it is inactive."""
    return asleep(server.log_in("juliet", "balcony"))


@pytest.fixture
def romeo(server: Verona, juliet: Client) -> Client:
    return server.log_in("romeo", "orchard")


def asleep(client: Client) -> Client:
    client.send("<presence/>").take()
    return client.send(INACTIVE)


def shows(status: str, to: str = "") -> str:
    addressed = f" to='{to}'" if to else ""
    return f"<presence{addressed}><status>{status}</status></presence>"


def says(inner: str, to: str = BALCONY) -> str:
    return f"<message to='{to}' type='chat'>{inner}</message>"


def came(client: Client) -> list[str]:
    """What came, each by its status, body, chat state, type or name."""
    return [_short(element) for element in client.elements()]


def _short(element: Element) -> str:
    said = element.findtext(f"{C}status") or element.findtext(f"{C}body")
    if said is None and element.tag == f"{C}message" and len(element):
        return element[0].tag.rpartition("}")[2]
    return said or element.get("type") or element.tag.rpartition("}")[2]


# ---------------------------------------------------------------- §4


def test_4_1_it_is_offered_to_who_has_authenticated() -> None:
    def offered(client: Client) -> bool:
        features = [e for e in client.elements() if e.tag == f"{{{ns.STREAM}}}features"][-1]
        return features.find(f"{{{ns.CLIENT_STATE}}}csi") is not None

    client = Verona().connect().open()
    assert not offered(client)
    assert offered(client.authenticate("juliet").open())


@pytest.mark.parametrize("states", [(INACTIVE,), (ACTIVE,), (INACTIVE, INACTIVE, ACTIVE, ACTIVE)])
def test_4_2_there_is_no_reply_and_the_last_word_counts(
    juliet: Client, romeo: Client, states: tuple[str, ...]
) -> None:
    juliet.send("".join(states))
    assert juliet.take() == b""
    romeo.send(shows("here"))
    assert came(juliet) == ["here"] * (states[-1] == ACTIVE)
    juliet.send(ACTIVE).take()
    romeo.send(shows("there"))
    assert came(juliet) == ["there"]


def test_4_2_a_stream_begins_active(server: Verona, romeo: Client) -> None:
    chamber = server.log_in("juliet", "chamber").send("<presence/>")
    chamber.take()
    romeo.send(shows("here"))
    assert came(chamber) == ["here"]


# ---------------------------------------------------------------- §3 what waits


@pytest.mark.parametrize(
    ("stanza", "shown"),
    [
        (shows("here"), "here"),
        (shows("here", BALCONY), "here"),
        (f"<presence type='unavailable' to='{BALCONY}'/>", "unavailable"),
        (says(COMPOSING), "composing"),
        (says(f"{GONE}<thread>1</thread>"), "gone"),
        (says(f"{COMPOSING}<no-store xmlns='{ns.HINTS}'/>"), "composing"),
    ],
)
def test_3_what_is_of_no_interest_now_waits_until_the_client_is_active(
    juliet: Client, romeo: Client, stanza: str, shown: str
) -> None:
    romeo.send(stanza)
    assert came(juliet) == []
    assert came(juliet.send(ACTIVE)) == [shown]
    assert came(juliet.send(INACTIVE + ACTIVE)) == [], "once"
    romeo.send(stanza)
    assert came(juliet) == [shown], "and nothing waits from then on"


@pytest.mark.parametrize(
    ("stanza", "shown"),
    [
        (says("<body>Lady</body>"), "Lady"),
        (says(f"<body>Lady</body>{COMPOSING}"), "Lady"),
        (says(f"{COMPOSING}<x xmlns='urn:example:x'/>"), "composing"),
        (f"<message to='{BALCONY}' type='headline'><body>News</body></message>", "News"),
        (f"<message to='{BALCONY}' type='error'/>", "error"),
        (f"<iq to='{BALCONY}' type='get' id='1'><x xmlns='urn:example:x'/></iq>", "get"),
        (f"<presence to='{BALCONY}' type='error'/>", "error"),
    ],
)
def test_3_all_else_comes_at_once(juliet: Client, romeo: Client, stanza: str, shown: str) -> None:
    romeo.send(stanza)
    assert came(juliet) == [shown]


def test_3_a_request_for_a_subscription_comes_at_once(server: Verona, juliet: Client) -> None:
    server.account("tybalt")
    server.log_in("tybalt").send(f"<presence to='{JULIET}' type='subscribe'/>")
    assert came(juliet) == ["subscribe"]


def test_3_of_each_sender_the_newest_presence_is_told(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    nurse = server.log_in("nurse", "kitchen")
    romeo.send(shows("r1"))
    nurse.send(shows("n1"))
    romeo.send(shows("r2"))
    romeo.send(says(COMPOSING) + says(PAUSED))
    nurse.send(shows("n2") + "<presence type='unavailable'/>")
    romeo.send(shows("r3"))
    assert came(juliet) == []
    assert came(juliet.send(ACTIVE)) == ["paused", "unavailable", "r3"]


def test_3_what_waits_comes_before_what_matters(juliet: Client, romeo: Client) -> None:
    romeo.send(shows("here") + says(COMPOSING))
    romeo.send(says("<body>Lady</body>"))
    assert came(juliet) == ["here", "composing", "Lady"]
    romeo.send(says(COMPOSING))
    assert came(juliet) == [], "it is inactive all the same"


def of_somebody(name: str, filling: str = "") -> Stanza:
    stanza = read(f"<presence><status>{name}</status>{filling}</presence>")
    stanza.sender, stanza.to = JID.parse(f"{name}@mantua.lit/x"), JID.parse(BALCONY)
    return stanza


def test_what_waits_is_bounded_in_number(server: Verona, juliet: Client) -> None:
    (session,) = server.host.directory.of(JULIET)
    for number in range(MOST + 1):
        stanza = of_somebody(f"nurse{number}")
        assert juliet.take() == b""
        session.deliver(stanza)
    got = came(juliet)
    assert got == [f"nurse{number}" for number in range(MOST + 1)]
    session.deliver(of_somebody("again"))
    assert came(juliet) == []


def test_what_waits_is_bounded_in_octets(server: Verona, juliet: Client) -> None:
    (session,) = server.host.directory.of(JULIET)
    filling = f"<x xmlns='urn:example:x'>{'x' * (OCTETS // 4)}</x>"
    for _ in range(10):
        session.deliver(of_somebody("same", filling))
    for name in ("b", "c"):
        session.deliver(of_somebody(name, filling))
    assert came(juliet) == [], "what was replaced does not count"
    session.deliver(of_somebody("d", filling))
    assert came(juliet) == ["same", "b", "c", "d"]
    for name in "abc":
        session.deliver(of_somebody(name, filling))
    assert came(juliet) == [], "nor does what was sent"


# ---------------------------------------------------------------- §5


def test_5_presence_does_not_make_a_client_active(juliet: Client, romeo: Client) -> None:
    juliet.send("<presence><show>away</show></presence>").take()
    romeo.send(shows("here"))
    assert came(juliet) == []


def test_5_who_is_unavailable_is_not_told_of_presence_that_waited(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    romeo.send(shows("here") + says(COMPOSING))
    juliet.send("<presence type='unavailable'/>")
    assert came(juliet.send(ACTIVE)) == ["composing"]
    juliet.send(INACTIVE + "<presence/>")
    assert came(juliet.send(ACTIVE)).count("here") == 1, "as who becomes available anew is"


def test_5_1_all_that_waits_comes_before_the_answer_to_what_is_asked_next(
    juliet: Client, romeo: Client
) -> None:
    romeo.send(shows("here") + says(COMPOSING))
    assert came(juliet.send(ACTIVE + PING)) == ["here", "composing", "result"]


def resumed(server: Verona, id_: str, h: int) -> Client:
    client = server.connect().open().authenticate("juliet").open()
    client.take()
    client.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='{h}'/>")
    return client


def test_5_2_a_resumed_stream_is_active(server: Verona) -> None:
    juliet = server.log_in("juliet", "balcony")
    id_ = juliet.send(MANAGE).one().get("id", "")
    asleep(juliet)
    romeo = server.log_in("romeo", "orchard").send(shows("here"))
    assert came(juliet) == []
    juliet.hang_up()
    romeo.send(says(COMPOSING))
    back = resumed(server, id_, h=juliet.log.count(b"<presence "))
    assert [each for each in came(back) if each != "r"] == ["resumed", "here", "composing"]
    romeo.send(shows("there"))
    assert [each for each in came(back) if each != "r"] == ["there"]


def test_a_sender_need_not_wait_for_what_waits(server: Verona) -> None:
    juliet = server.log_in("juliet", "balcony")
    juliet.send(MANAGE)
    asleep(juliet)
    romeo = server.log_in("romeo", "orchard")
    romeo.send(MANAGE).take()

    def handled() -> list[str | None]:
        romeo.send(f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>")
        acks = [e for e in romeo.elements() if e.tag == f"{{{ns.STREAM_MANAGEMENT}}}a"]
        return [ack.get("h") for ack in acks]

    romeo.send(says(COMPOSING) + shows("here", BALCONY))
    assert handled() == ["2"]
    juliet.send(ACTIVE)
    romeo.send(PING)
    assert handled() == ["3"], "nor is anything else of it in doubt when it is sent at last"


def test_what_waits_is_gone_with_the_session(server: Verona, juliet: Client, romeo: Client) -> None:
    romeo.send(shows("here") + says(COMPOSING))
    juliet.send("</stream:stream>")
    assert b"here" not in juliet.log
    assert b"composing" not in juliet.log
    assert romeo.take().count(b"error") == 0
