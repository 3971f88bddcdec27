"""Subscriptions on a whole server (RFC 6121 §3): states, pushes, and who is told what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.logs import logged
from tests.support.people import JULIET, NURSE, ROMEO, friends, item, put, roster, told
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.errors import StoreError
from xmppd.jid import JID
from xmppd.subscription import (
    APPROVED,
    FROM,
    IN,
    INBOUND,
    LISTED,
    NINE,
    NONE,
    OUTBOUND,
    STATES,
    TYPES,
)
from xmppd.wire import build
from xmppd.wire.stanza import Stanza

STRANGER = "mercutio@mantua.lit"
"""A contact at another server, which only notes what it is sent."""


class Elsewhere:
    """The server of `STRANGER`."""

    def __init__(self, server: Verona) -> None:
        self._server = server
        self.received: list[Stanza] = []
        server.host.router.routes["mantua.lit"] = self.received.append

    def send(self, kind: str, to: str = JULIET, *content: Any) -> None:
        attrs = {"type": kind} if kind else {}
        stanza = build.stanza("presence", attrs, *content)
        stanza.sender, stanza.to = JID.parse(STRANGER), JID.parse(to)
        self._server.host.router.route(stanza)

    def got(self) -> list[tuple[str, str]]:
        """What was received since, as (type, from)."""
        found, self.received[:] = list(self.received), []
        return [(stanza.type or "available", str(stanza.sender)) for stanza in found]


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo", "nurse"))


@pytest.fixture
def elsewhere(server: Verona) -> Elsewhere:
    return Elsewhere(server)


def online(server: Verona, name: str, resource: str = "balcony") -> Client:
    """A client that has asked for its roster and is available."""
    client = server.log_in(name, resource)
    roster(client)
    client.send("<presence/>")
    client.take()
    return client


def state_of(server: Verona, contact: str, account: str = JULIET) -> int:
    return server.resident(account).roster.state(contact)


def stored_state(server: Verona, contact: str, account: str = JULIET) -> int:
    """The state as it is read anew."""
    server.host.residents.forget(JID.parse(account))
    return state_of(server, contact, account)


# ---------------------------------------------------------------- appendix A, row by row


@pytest.mark.parametrize("state", STATES, ids=STATES.get)
@pytest.mark.parametrize("kind", TYPES)
def test_a_2_what_a_user_sends_moves_the_state_and_goes_on_as_the_row_says(
    server: Verona, elsewhere: Elsewhere, kind: str, state: int
) -> None:
    put(server, JULIET, STRANGER, state | LISTED)
    juliet = online(server, "juliet")
    elsewhere.got()
    juliet.send(f"<presence to='{STRANGER}' type='{kind}'/>")
    step = OUTBOUND[kind][state]
    sent = [each for each in elsewhere.got() if each[0] in TYPES]
    assert sent == ([(kind, JULIET)] if step.passes else [])
    juliet.hang_up()
    assert stored_state(server, STRANGER) & NINE == step.state


@pytest.mark.parametrize("state", STATES, ids=STATES.get)
@pytest.mark.parametrize("kind", TYPES)
def test_a_3_what_a_contact_sends_moves_the_state_and_reaches_the_user_as_the_row_says(
    server: Verona, elsewhere: Elsewhere, kind: str, state: int
) -> None:
    put(server, JULIET, STRANGER, state | LISTED)
    juliet = online(server, "juliet")
    elsewhere.got()
    elsewhere.send(kind)
    step = INBOUND[kind][state]
    delivered = [each for each in told(juliet) if each[0] in TYPES]
    assert delivered == ([(kind, STRANGER)] if step.passes else [])
    juliet.hang_up()
    assert stored_state(server, STRANGER) & NINE == step.state


# ---------------------------------------------------------------- §3.1 asking


def test_3_1_the_whole_way_from_strangers_to_friends(server: Verona) -> None:
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")
    romeo.send(f"<presence to='{JULIET}/balcony' type='subscribe' id='s1'/>")
    assert told(romeo) == [("push", JULIET, "none+ask")]
    assert told(juliet) == [("subscribe", ROMEO)]
    assert roster(juliet) == {}, "a request makes no item"
    juliet.send(f"<presence to='{ROMEO}' type='subscribed'/>")
    assert told(juliet) == [("push", ROMEO, "from")]
    assert told(romeo) == [
        ("push", JULIET, "to"),
        ("subscribed", JULIET),
        ("available", f"{JULIET}/balcony"),
    ]
    juliet.send(f"<presence to='{ROMEO}' type='subscribe'/>")
    romeo.send(f"<presence to='{JULIET}' type='subscribed'/>")
    assert told(juliet)[-1] == ("available", f"{ROMEO}/orchard")
    assert roster(juliet) == {ROMEO: {"subscription": "both"}}
    assert roster(romeo) == {JULIET: {"subscription": "both"}}


def test_3_1_2_the_stanza_goes_on_from_and_to_bare_jids_with_all_it_has(
    server: Verona, elsewhere: Elsewhere
) -> None:
    juliet = online(server, "juliet")
    juliet.send(
        f"<presence to='{STRANGER}/x' type='subscribe' id='s1'><status>I pray thee</status>"
        "</presence>"
    )
    (stanza,) = elsewhere.received
    assert (stanza.sender, stanza.to, stanza.id) == (JULIET, STRANGER, "s1")
    assert b"I pray thee" in stanza.inner


def test_3_1_3_a_request_waits_for_who_is_offline_and_is_told_at_each_login(
    server: Verona, elsewhere: Elsewhere
) -> None:
    elsewhere.send("subscribe", JULIET, build.Tag("status", {}, "It is Mercutio"))
    for _ in range(2):
        juliet = server.log_in("juliet")
        assert b"subscribe" not in juliet.take()
        juliet.send("<presence/>")
        assert b"It is Mercutio" in juliet.take()
        juliet.send("<presence><show>away</show></presence>")
        assert b"Mercutio" not in juliet.take(), "only initial presence asks for it"
        juliet.hang_up()
    juliet = online(server, "juliet")
    juliet.send(f"<presence to='{STRANGER}' type='unsubscribed'/>")
    juliet.hang_up()
    assert stored_state(server, STRANGER) == NONE
    again = server.log_in("juliet")
    again.send("<presence/>")
    assert b"Mercutio" not in again.take()


def test_3_1_3_a_second_request_is_not_told_again(server: Verona, elsewhere: Elsewhere) -> None:
    juliet = online(server, "juliet")
    elsewhere.send("subscribe")
    assert told(juliet) == [("subscribe", STRANGER)]
    elsewhere.send("subscribe")
    assert told(juliet) == []


def test_3_1_3_who_has_a_subscription_is_told_so_and_sees_the_user(
    server: Verona, elsewhere: Elsewhere
) -> None:
    put(server, JULIET, STRANGER, FROM | LISTED)
    juliet = online(server, "juliet")
    elsewhere.got()
    elsewhere.send("subscribe")
    assert elsewhere.got() == [("subscribed", JULIET), ("available", f"{JULIET}/balcony")]
    assert told(juliet) == []


def test_8_5_1_for_nobody_a_subscription_stanza_vanishes(
    server: Verona, elsewhere: Elsewhere
) -> None:
    for kind in TYPES:
        elsewhere.send(kind, f"nobody@{DOMAIN}")
    assert elsewhere.got() == []


def test_requests_are_bounded_in_number_and_size(elsewhere: Elsewhere, server: Verona) -> None:
    server.reload(roster={"requests": 2})
    for name in ("a", "b", "c"):
        stanza = build.stanza("presence", {"type": "subscribe", "id": name})
        stanza.sender, stanza.to = JID.parse(f"{name}@mantua.lit"), JID.parse(JULIET)
        server.host.router.route(stanza)
    assert elsewhere.got() == [], "nobody is told that there is such an account (§8.5.1)"
    assert len(server.resident(JULIET).roster.requests) == 1
    assert server.host.refusals.counts["limit.subscription-requests"] == 2
    elsewhere.send("subscribe", ROMEO, build.Tag("status", {}, "x" * 5_000))
    (refused,) = elsewhere.received
    assert b"policy-violation" in refused.inner
    assert state_of(server, STRANGER, ROMEO) == NONE


def test_one_server_s_requests_leave_room_for_those_of_others(server: Verona) -> None:
    server.reload(roster={"requests": 8})
    senders = [f"a@m{n}.mantua.lit" for n in range(8)] + ["a@padua.lit", NURSE]
    for sender in senders:
        stanza = build.stanza("presence", {"type": "subscribe"})
        stanza.sender, stanza.to = JID.parse(sender), JID.parse(JULIET)
        server.host.router.route(stanza)
    waiting = sorted(server.resident(JULIET).roster.requests)
    assert waiting == ["a@m0.mantua.lit", "a@m1.mantua.lit", "a@padua.lit", NURSE]


@pytest.mark.parametrize("size", [10, 5_000])
def test_a_request_tells_nobody_who_has_an_account_rfc6121_8_5_1(
    elsewhere: Elsewhere, server: Verona, size: int
) -> None:
    found = []
    for to in (ROMEO, f"nobody@{DOMAIN}"):
        elsewhere.send("subscribe", to, build.Tag("status", {}, "x" * size))
        found.append([each.inner for each in elsewhere.received])
        elsewhere.got()
    assert found[0] == found[1]


# ---------------------------------------------------------------- §3.2, §3.3 ending


def test_3_2_a_cancelled_subscription_ends_with_unavailable_presence(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")
    juliet.take()
    juliet.send(f"<presence to='{ROMEO}' type='unsubscribed'/>")
    assert told(romeo) == [
        ("push", JULIET, "from"),
        ("unsubscribed", JULIET),
        ("unavailable", f"{JULIET}/balcony"),
    ]
    assert told(juliet) == [("push", ROMEO, "to")]
    juliet.send("<presence><show>dnd</show></presence>")
    assert told(romeo) == []


def test_3_3_who_unsubscribes_is_told_that_the_contact_is_gone(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")
    juliet.take()
    romeo.send(f"<presence to='{JULIET}' type='unsubscribe'/>")
    assert told(juliet) == [("push", ROMEO, "to"), ("unsubscribe", ROMEO)]
    assert told(romeo) == [("push", JULIET, "from"), ("unavailable", f"{JULIET}/balcony")]


def test_2_5_2_removing_an_item_ends_both_subscriptions(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")
    juliet.take()
    assert romeo.ask(item(JULIET, subscription="remove"), "set").get("type") == "result"
    assert [each for each in told(juliet) if each[0] in TYPES] == [
        ("unsubscribe", ROMEO),
        ("unsubscribed", ROMEO),
    ]
    assert roster(juliet) == {ROMEO: {"subscription": "none"}}
    assert roster(romeo) == {}


# ---------------------------------------------------------------- §3.4 granting in advance


def test_3_4_who_is_approved_in_advance_gets_in_unasked(
    server: Verona, elsewhere: Elsewhere
) -> None:
    juliet = online(server, "juliet")
    juliet.send(f"<presence to='{STRANGER}' type='subscribed'/>")
    assert elsewhere.got() == []
    assert told(juliet) == [("push", STRANGER, "none+approved")]
    elsewhere.send("subscribe")
    assert elsewhere.got() == [("subscribed", JULIET), ("available", f"{JULIET}/balcony")]
    assert told(juliet) == [("push", STRANGER, "from+approved")]


def test_3_4_an_approval_is_taken_back(server: Verona, elsewhere: Elsewhere) -> None:
    put(server, JULIET, STRANGER, APPROVED | LISTED)
    juliet = online(server, "juliet")
    juliet.send(f"<presence to='{STRANGER}' type='unsubscribed'/>")
    assert told(juliet) == [("push", STRANGER, "none")]
    elsewhere.send("subscribe")
    assert told(juliet) == [("subscribe", STRANGER)]


def test_3_4_1_the_stream_feature_says_so(server: Verona) -> None:
    client = server.connect().open().authenticate("juliet").open()
    assert f"<sub xmlns='{ns.PRE_APPROVAL}'/>".encode() in client.log


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize("kind", TYPES)
def test_nobody_subscribes_to_himself(server: Verona, kind: str) -> None:
    juliet = online(server, "juliet")
    juliet.send(f"<presence to='{JULIET}' type='{kind}'/>")
    assert condition(juliet.one()) == "not-allowed"


def test_order_what_a_client_sends_next_waits_until_the_change_is_stored(server: Verona) -> None:
    """RFC 6120 §10.1: nothing overtakes a subscription."""
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")
    juliet.send(
        f"<presence to='{ROMEO}' type='subscribe'/>"
        f"<message to='{ROMEO}' type='chat'><body>Well?</body></message>"
    )
    assert told(romeo) == [("subscribe", JULIET), ("message", "chat", f"{JULIET}/balcony")]


@pytest.mark.parametrize("kind", ["subscribe", "subscribed"])
def test_where_the_store_fails_the_sender_is_told_and_nothing_changes(
    server: Verona, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    juliet, romeo = online(server, "juliet"), online(server, "romeo", "orchard")

    def fail(*arguments: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(server.host.stores.rosters, "change", fail)
    juliet.send(f"<presence to='{ROMEO}' type='{kind}'/>")
    assert condition(juliet.one()) == "internal-server-error"
    assert told(romeo) == []
    assert state_of(server, ROMEO) == NONE
    juliet.send("<presence><show>away</show></presence>")
    assert told(juliet) == [("available", f"{JULIET}/balcony")], "the client goes on"


def test_deleting_an_account_ends_its_subscriptions(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    put(server, NURSE, JULIET, IN)
    put(server, JULIET, NURSE, LISTED | 4)
    romeo = online(server, "romeo", "orchard")
    nurse = online(server, "nurse", "kitchen")
    server.done(server.host.administrator.remove(JID.parse(JULIET)))
    assert [each for each in told(romeo) if each[0] in TYPES] == [
        ("unsubscribe", JULIET),
        ("unsubscribed", JULIET),
    ]
    assert roster(romeo) == {JULIET: {"subscription": "none"}}
    assert state_of(server, JULIET, NURSE) == NONE
    assert nurse.connection.session is not None


def test_who_deletes_his_account_while_he_is_there_is_unavailable_once(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    romeo = online(server, "romeo", "orchard")
    juliet = online(server, "juliet", "balcony")
    nurse = online(server, "nurse", "kitchen")
    juliet.send(f"<presence to='{NURSE}/kitchen'/>")
    told(romeo), told(nurse)
    with logged("critical") as bugs:
        server.done(server.host.administrator.remove(JID.parse(JULIET)))
        server.clock.advance(0)
    assert juliet.closed
    assert bugs == []
    gone = ("unavailable", f"{JULIET}/balcony")
    assert [each for each in told(romeo) if each[0] != "push"] == [
        ("unsubscribe", JULIET),
        ("unsubscribed", JULIET),
        gone,
    ]
    assert told(nurse) == [gone], "directed presence has its own end (§4.6.3)"


def test_an_account_made_again_inherits_no_contact(server: Verona) -> None:
    friends(server, JULIET, ROMEO)
    server.done(server.host.administrator.remove(JID.parse(JULIET)))
    server.account("juliet")
    assert roster(server.log_in("juliet")) == {}
    assert server.resident(JULIET).roster.state(ROMEO) == NONE


def test_guests_have_no_contacts() -> None:
    server = Verona(server={"domains": [DOMAIN, "masks.lit"]}, auth={"anonymous": ["masks.lit"]})
    guest = server.connect().open("masks.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open("masks.lit").bind()
    guest.take()
    guest.send(f"<presence to='{JULIET}' type='subscribe'/>")
    assert condition(guest.one()) == "not-allowed"
