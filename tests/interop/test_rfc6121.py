"""RFC 6121 from the outside: its sample session (§7), and presence that comes in (§4)."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, NURSE, ROMEO, C, friends, item, put, roster, told
from tests.support.server import Verona
from xmppd import ns
from xmppd.subscription import FROM, LISTED

BALCONY, GARDEN, CHAMBER, ORCHARD = (
    f"{JULIET}/balcony",
    f"{JULIET}/garden",
    f"{JULIET}/chamber",
    f"{ROMEO}/orchard",
)


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo", "nurse"))


def test_7_the_sample_session(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    romeo = server.log_in("romeo", resource="orchard")
    romeo.send("<presence><show>dnd</show><status>courting</status></presence>")
    romeo.take()
    juliet = server.log_in("juliet", resource="balcony")
    assert roster(juliet) == {ROMEO: {"subscription": "both"}}
    juliet.send("<presence/>")
    own, his = juliet.elements()
    assert (own.get("from"), his.get("from"), his.get("to")) == (BALCONY, ORCHARD, BALCONY)
    assert (his.findtext(f"{C}show"), his.findtext(f"{C}status")) == ("dnd", "courting")
    assert told(romeo) == [("available", BALCONY)]
    juliet.send(
        f"<message to='{ROMEO}' type='chat' xml:lang='en'><body>My ears</body>"
        "<thread>e0ffe42b</thread></message>"
    )
    heard = romeo.one()
    assert (heard.get("from"), heard.get("to"), heard.get("type")) == (BALCONY, ROMEO, "chat")
    assert (heard.findtext(f"{C}body"), heard.findtext(f"{C}thread")) == ("My ears", "e0ffe42b")
    romeo.send(f"<message to='{BALCONY}' type='chat'><body>Neither</body></message>")
    assert juliet.one().get("from") == ORCHARD
    romeo.send("<presence><show>away</show></presence>")
    romeo.take()
    assert juliet.one().findtext(f"{C}show") == "away"
    juliet.send("<presence type='unavailable'/></stream:stream>")
    assert told(romeo) == [("unavailable", BALCONY)]
    assert juliet.closed


@pytest.mark.parametrize("stranger", [False, True])
@pytest.mark.parametrize("kind", ["", "unavailable"])
def test_4_2_3_4_4_3_4_5_3_4_6_4_presence_that_comes_is_for_all_who_are_available(
    server: Verona, kind: str, stranger: bool
) -> None:
    """Whatever their priority. Who sends it need be no contact: it may be directed."""
    if not stranger:
        friends(server, JULIET, ROMEO)
    balcony, garden, chamber = (
        server.log_in("juliet", resource=name) for name in ("balcony", "garden", "chamber")
    )
    balcony.send("<presence><priority>7</priority></presence>")
    garden.send("<presence><priority>-7</priority></presence>")
    romeo = server.log_in("romeo", resource="orchard")
    if not stranger:
        romeo.send("<presence/>")
    for client in (balcony, garden, chamber):
        client.take()
    to = f" to='{JULIET}'" if stranger else ""
    type_ = f" type='{kind}'" if kind else ""
    romeo.send(f"<presence{to}{type_} id='p' xml:lang='it'><x xmlns='urn:x'/></presence>")
    for client in (balcony, garden):
        came = client.one()
        assert (came.get("from"), came.get("to"), came.get("id")) == (ORCHARD, JULIET, "p")
        assert came.get("type", "") == kind
        assert [child.tag for child in came] == ["{urn:x}x"]
    assert chamber.elements() == []
    romeo.send(f"<presence to='{CHAMBER}'{type_}/>")
    assert told(chamber) == [(kind or "available", ORCHARD)], "one resource, available or not"
    assert told(balcony) == told(garden) == []


def test_4_6_3_a_contact_that_is_shown_presence_of_its_own_still_gets_the_updates(
    server: Verona,
) -> None:
    friends(server, JULIET, ROMEO)
    romeo = server.log_in("romeo", resource="orchard").send("<presence/>")
    juliet = server.log_in("juliet", resource="balcony").send("<presence/>")
    romeo.take()
    juliet.send(f"<presence to='{ROMEO}'><show>chat</show></presence>")
    juliet.send("<presence><show>away</show></presence>")
    assert [e.findtext(f"{C}show") for e in romeo.elements()] == ["chat", "away"]


def test_4_6_3_of_who_has_become_a_subscriber_meanwhile_the_end_is_told_once(
    server: Verona,
) -> None:
    put(server, JULIET, NURSE, LISTED)
    nurse = server.log_in("nurse", resource="kitchen").send("<presence/>")
    juliet = server.log_in("juliet", resource="balcony").send("<presence/>")
    juliet.send(f"<presence to='{NURSE}/kitchen'/>")
    nurse.send(f"<presence to='{JULIET}' type='subscribe'/>")
    juliet.send(f"<presence to='{NURSE}' type='subscribed'/>")
    assert server.resident(JULIET).roster.state(NURSE) & FROM
    nurse.take()
    juliet.send("<presence type='unavailable'/>")
    assert told(nurse) == [("unavailable", BALCONY)]


def test_2_3_to_2_5_what_a_client_does_without_ever_being_available(server: Verona) -> None:
    """A roster needs no presence: whoever has asked for it is interested (§2.2)."""
    one, other = server.log_in("juliet", resource="a"), server.log_in("juliet", resource="b")
    assert roster(one) == roster(other) == {}
    assert one.ask(item(ROMEO, "R", ["Verona"]), "set").get("type") == "result"
    assert told(other) == [("push", ROMEO, "none")]
    one.ask(item(ROMEO, subscription="remove"), "set")
    assert told(other) == [("push", ROMEO, "remove")]
    assert one.ask(f"<query xmlns='{ns.ROSTER}'/>", to=ROMEO).get("type") == "error"
