"""A component that sends to the same many again and again, in blind copy (XEP-0033 §4.6.3).

Whom a header names is found out once; what becomes of each copy, anew each time.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.components import Component, table
from tests.support.managed import REQUEST, SM, ack, handled
from tests.support.people import JULIET, NURSE, ROMEO, put
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.subscription import LISTED, TO
from xmppd.wire.stanza import Stanza

ROOMS = "rooms.capulet.lit"
FRIAR = f"verona@{ROOMS}/friar"
BALCONY, ORCHARD, GATE = f"{JULIET}/balcony", f"{ROMEO}/orchard", f"{NURSE}/gate"
GUESTS = (BALCONY, ORCHARD, GATE)
BODY = "<body>Supper is ready</body>"


def header(*jids: str) -> str:
    each = "".join(f"<address type='bcc' jid='{jid}'/>" for jid in jids)
    return f"<addresses xmlns='{ns.ADDRESS}'>{each}</addresses>"


def stanza(
    *jids: str, kind: str = "message", type_: str = "groupchat", to: str = DOMAIN, inner: str = BODY
) -> str:
    typed = f" type='{type_}'" if type_ else ""
    return f"<{kind} from='{FRIAR}' to='{to}' id='m'{typed}>{header(*jids)}{inner}</{kind}>"


def presence(*jids: str, inner: str = "<show>away</show>") -> str:
    return stanza(*jids, kind="presence", type_="", inner=inner)


def count(client: Client) -> int:
    """How many stanzas came, each of them without a trace of who else got it."""
    assert ns.ADDRESS.encode() not in client.log
    return len(client.elements())


@pytest.fixture
def server() -> Verona:
    components = {ROOMS: table(multicast=100)}
    return Verona(accounts=("juliet", "romeo", "nurse"), components=components)


@pytest.fixture
def rooms(server: Verona) -> Component:
    return Component(server, ROOMS).log_in()


@pytest.fixture
def people(server: Verona) -> dict[str, Client]:
    """Juliet, Romeo and the Nurse, by their addresses."""
    found = {jid: server.log_in(*jid.replace(f"@{DOMAIN}", "").split("/")) for jid in GUESTS}
    for client in found.values():
        client.send("<presence/>").take()
    return found


def each(people: dict[str, Client]) -> list[int]:
    return [count(client) for client in people.values()]


# ------------------------------------------------------------------ who is there


@pytest.mark.parametrize("kind", ["message", "presence"])
def test_all_get_it_each_time(rooms: Component, people: dict[str, Client], kind: str) -> None:
    data = stanza(*GUESTS) if kind == "message" else presence(*GUESTS)
    for times in (1, 1, 3):
        rooms.send(data * times)
        assert each(people) == [times] * 3
    assert not rooms.take()


def test_each_copy_is_addressed_to_whom_it_is_for(
    rooms: Component, people: dict[str, Client]
) -> None:
    for kind in ("message", "presence"):
        for _ in range(2):
            rooms.send(stanza(*GUESTS) if kind == "message" else presence(*GUESTS))
            for jid, client in people.items():
                got = client.one()
                assert (got.get("from"), got.get("to"), got.get("id")) == (FRIAR, jid, "m")
                assert len(got) == 1


@pytest.mark.parametrize("type_", ["headline", "chat", "", "groupchat"])
def test_rfc6121_8_5_2_a_bare_jid_gets_it_where_one_sent_by_itself_would_be(
    server: Verona, rooms: Component, people: dict[str, Client], type_: str
) -> None:
    others = {
        f"{JULIET}/hall": server.log_in("juliet", "hall"),
        f"{JULIET}/tomb": server.log_in("juliet", "tomb"),
        f"{NURSE}/kitchen": server.log_in("nurse", "kitchen"),
    }
    for client, priority in zip(others.values(), (0, -1, 5), strict=True):
        client.send(f"<presence><priority>{priority}</priority></presence>")
    people[ORCHARD].send("<presence type='unavailable'/>")
    do(people[GATE], block(f"paris@{DOMAIN}"))  # she has a list, whoever is on it
    everybody = {**people, **others}
    for client in everybody.values():
        client.take()

    def came() -> dict[str, list[tuple[str | None, str | None]]]:
        found = {jid: client.elements() for jid, client in everybody.items()}
        return {jid: [(e.get("to"), e.get("type")) for e in some] for jid, some in found.items()}

    bare = (JULIET, ROMEO, NURSE, f"nobody@{DOMAIN}")
    typed = f" type='{type_}'" if type_ else ""
    for jid in bare:
        rooms.send(f"<message from='{FRIAR}' to='{jid}' id='m'{typed}>{BODY}</message>")
    singly, refused = came(), len(rooms.elements())
    rooms.send(stanza(*bare, type_=type_))
    assert came() == singly
    assert len(rooms.elements()) == refused
    assert (type_ == "groupchat") is not any(singly.values())


def test_who_comes_gets_the_next_one_and_who_goes_none(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    """A room's message for who is gone comes back to it (RFC 6121 §8.5.3.2.1)."""
    late = f"{ROMEO}/cell"
    data = stanza(*GUESTS, late)
    rooms.send(data)
    assert condition(rooms.one()) == "service-unavailable"
    cell = server.log_in("romeo", "cell")
    rooms.send(data)
    assert [*each(people), count(cell)] == [2, 2, 2, 1]
    people[GATE].hang_up()
    rooms.send(data)
    error = rooms.one()
    assert (condition(error), error.get("from")) == ("service-unavailable", GATE)
    assert [count(people[BALCONY]), count(people[ORCHARD]), count(cell)] == [1, 1, 1]


def test_a_resource_that_is_replaced_gets_it_where_it_is_now(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    rooms.send(stanza(*GUESTS))
    old = people[ORCHARD]
    assert count(old) == 1
    new = server.log_in("romeo", "orchard")
    assert old.closed
    before = old.log
    rooms.send(stanza(*GUESTS))
    assert (count(new), old.log) == (1, before)


def test_who_is_not_there_gets_a_message_later(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    people[GATE].hang_up()
    for _ in range(2):
        rooms.send(stanza(ORCHARD, NURSE, type_="chat"))
    assert not rooms.take()
    nurse = server.log_in("nurse", "gate").send("<presence/>")
    assert len([e for e in nurse.elements() if e.tag.endswith("message")]) == 2


def test_who_joins_is_told_of_with_the_others(rooms: Component, people: dict[str, Client]) -> None:
    for number in range(1, 4):
        rooms.send(presence(*GUESTS[:number]))
    assert each(people) == [3, 2, 1]
    rooms.send(presence(*GUESTS[1:]))
    assert each(people) == [0, 1, 1]


def test_a_header_in_what_is_for_a_user_is_information_for_him(
    rooms: Component, people: dict[str, Client]
) -> None:
    """§3: only what is addressed to the service is sent on."""
    rooms.send(stanza(*GUESTS)).send(stanza(*GUESTS, to=ORCHARD))
    _, got = people[ORCHARD].elements()
    assert len(list(got.iter(f"{{{ns.ADDRESS}}}address"))) == 3
    assert count(people[BALCONY]) == 1


# ------------------------------------------------------------------ what holds by now


def test_a_grant_that_is_less_by_now_holds(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    rooms.send(stanza(*GUESTS))
    assert each(people) == [1] * 3
    server.reload(components={ROOMS: table(multicast=2)})
    rooms.send(stanza(*GUESTS))
    assert condition(rooms.one()) == "not-acceptable"
    assert each(people) == [0] * 3


def test_a_domain_that_is_the_services_by_now_is_refused(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    components = {ROOMS: table(multicast=100)}
    data = stanza(*GUESTS, "mantua.lit")
    rooms.send(data)
    assert condition(rooms.one()) == "remote-server-not-found"
    server.reload(server={"domains": [DOMAIN, "mantua.lit"]}, components=components)
    assert each(people) == [1] * 3
    rooms.send(data)
    assert condition(rooms.one()) == "bad-request"
    assert each(people) == [0] * 3


@pytest.mark.parametrize("blocked", [ROOMS, f"verona@{ROOMS}", FRIAR])
def test_who_blocks_the_sender_meanwhile_gets_no_more(
    rooms: Component, people: dict[str, Client], blocked: str
) -> None:
    """XEP-0191 §3.2: and a message is answered as if he were not there."""
    rooms.send(stanza(*GUESTS))
    assert each(people) == [1] * 3
    do(people[ORCHARD], block(blocked))
    people[ORCHARD].take()
    rooms.send(stanza(*GUESTS) + presence(*GUESTS))
    error = rooms.one()
    assert (condition(error), error.get("from")) == ("service-unavailable", ORCHARD)
    assert each(people) == [2, 0, 2]


def test_a_privacy_list_of_one_session_holds_for_it_alone(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    """XEP-0016 §2.2: an active list affects the session that it was activated for."""
    cell = server.log_in("romeo", "cell")
    put_list(people[ORCHARD], "quiet", rule(1, "deny", "presence-in", jid=ROOMS), apply="active")
    for client in (people[ORCHARD], cell):
        client.take()
    rooms.send(presence(*GUESTS, f"{ROMEO}/cell") + stanza(*GUESTS, f"{ROMEO}/cell"))
    assert [*each(people), count(cell)] == [2, 1, 2, 2]


# ------------------------------------------------------------------ who else has to do with it


@pytest.mark.parametrize(("type_", "copies"), [("chat", 1), ("groupchat", 0)])
def test_carbons_are_made_of_what_is_eligible(
    server: Verona, rooms: Component, people: dict[str, Client], type_: str, copies: int
) -> None:
    """XEP-0280 §6.1: a message of type chat is, one of type groupchat is not."""
    cell = server.log_in("romeo", "cell")
    assert not do(cell, f"<enable xmlns='{ns.CARBONS}'/>")
    for _ in range(2):
        rooms.send(stanza(*GUESTS, type_=type_))
    assert [*each(people), len(cell.elements())] == [2, 2, 2, 2 * copies]


def test_what_a_client_does_not_look_at_waits(rooms: Component, people: dict[str, Client]) -> None:
    """XEP-0352 §4: presence, until the client is active again; what is said, at once."""
    romeo = people[ORCHARD].send(f"<inactive xmlns='{ns.CLIENT_STATE}'/>")
    rooms.send(presence(*GUESTS))
    assert each(people) == [1, 0, 1]
    rooms.send(stanza(*GUESTS))
    assert [e.tag.rpartition("}")[2] for e in romeo.elements()] == ["presence", "message"]
    romeo.send(f"<active xmlns='{ns.CLIENT_STATE}'/>").take()
    rooms.send(presence(*GUESTS))
    assert count(romeo) == 1


def test_what_is_for_an_account_that_is_held_waits(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    release = server.host.router.hold(JID(ROMEO))
    rooms.send(stanza(*GUESTS) + presence(*GUESTS))
    assert each(people) == [2, 0, 2]
    release()
    assert each(people) == [0, 2, 0]


def test_a_handler_sees_what_it_does_not_say_is_none_of_its_business(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    shown: list[str | None] = []

    def see(stanza: Stanza, *_: Any) -> Stanza:
        shown.append(stanza.to)
        return stanza

    hooks = server.host.hooks
    for point in (hooks.account_message, hooks.session_stanza):
        remove = point.add(Phase.COPY, see)
        rooms.send(stanza(*GUESTS))
        remove()
        assert shown == list(GUESTS)
        shown.clear()
        remove = point.add(Phase.COPY, see, lambda stanza, accounts: {JID(ROMEO)} & accounts)
        rooms.send(stanza(*GUESTS))
        remove()
        assert shown == [ORCHARD]
        shown.clear()
    assert each(people) == [4] * 3


def test_the_capabilities_of_a_contact_elsewhere_are_asked_for(
    server: Verona, rooms: Component
) -> None:
    """XEP-0115 §5.4: in the name of a user who has him in the roster, and of nobody else."""
    put(server, ROMEO, f"verona@{ROOMS}", TO | LISTED)
    romeo, nurse = server.log_in("romeo", "orchard"), server.log_in("nurse", "gate")
    caps = (
        f"<c xmlns='{ns.CAPS}' hash='sha-1' node='urn:friar' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>"
    )
    rooms.send(presence(GATE, inner=caps))
    assert not rooms.take()
    rooms.send(presence(ORCHARD, GATE, inner=caps))
    asked = rooms.one()
    assert (asked.tag.rpartition("}")[2], asked.get("to")) == ("iq", FRIAR)
    assert (count(romeo), count(nurse)) == (1, 2)


# ------------------------------------------------------------------ acknowledged (XEP-0198 §4)


def managing(rooms: Component) -> Component:
    rooms.send(f"<enable {SM} resume='true'/>").take()
    return rooms


def told(rooms: Component) -> int:
    """How many of the component's stanzas the server says it has handled."""
    return int(rooms.send(REQUEST).elements()[-1].attrib["h"])


def test_what_is_written_to_all_is_handled_at_once(
    rooms: Component, people: dict[str, Client]
) -> None:
    managing(rooms).send(stanza(*GUESTS) + presence(*GUESTS) + stanza(*GUESTS))
    assert told(rooms) == 3
    assert each(people) == [3] * 3


def test_it_is_handled_when_those_who_manage_their_streams_have_it(
    rooms: Component, people: dict[str, Client]
) -> None:
    managing(rooms)
    for jid in (BALCONY, ORCHARD):
        people[jid].send(f"<enable {SM}/>").take()
    rooms.send(stanza(*GUESTS))
    assert told(rooms) == 0
    ack(people[BALCONY], 1)
    assert told(rooms) == 0
    ack(people[ORCHARD], 1)
    assert told(rooms) == 1
    rooms.send(presence(*GUESTS))
    assert told(rooms) == 2, "nobody waits for presence"
    assert handled(people[BALCONY]) == 0


def test_what_is_not_taken_is_offered_to_the_store_when_somebody_waits_for_it(
    server: Verona, rooms: Component, people: dict[str, Client]
) -> None:
    """The delivery contract holds for each copy: it waits for him, and only for him."""
    managing(rooms)
    juliet = people[BALCONY].send(f"<enable {SM} resume='true'/>")
    juliet.take()
    rooms.send(stanza(*GUESTS, type_="chat"))
    assert told(rooms) == 0
    juliet.hang_up()
    assert told(rooms) == 1
    server.clock.advance(600)
    again = server.log_in("juliet", "balcony").send("<presence/>")
    assert [e.findtext(f"{{{ns.CLIENT}}}body") for e in again.elements() if len(e)][-1:] == [
        "Supper is ready"
    ]
    assert [count(people[ORCHARD]), count(people[GATE])] == [1, 1]
