"""One message in a user's name for many (XEP-0356 §5, XEP-0033): each copy as if it came alone."""

from __future__ import annotations

import pytest

from tests.support.components import Component, table
from tests.support.managed import REQUEST, SM, ack
from tests.support.people import JULIET, NURSE, ROMEO
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.core import multicast
from xmppd.phases import Phase

PUBSUB, ROOMS = "pubsub.capulet.lit", "rooms.capulet.lit"
BALCONY, ORCHARD, GATE = f"{JULIET}/balcony", f"{ROMEO}/orchard", f"{NURSE}/gate"
GUESTS = (BALCONY, ORCHARD, GATE)
EVENT = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:tune'/></event>"
FEW = {"message": "outgoing", "multicast": 5}


def header(*jids: str, type_: str = "bcc") -> str:
    each = "".join(f"<address type='{type_}' jid='{jid}'/>" for jid in jids)
    return f"<addresses xmlns='{ns.ADDRESS}'>{each}</addresses>"


def say(
    addressed: str, *, type_: str = "headline", to: str = DOMAIN, inner: str = EVENT, id_: str = "m"
) -> str:
    return (
        f"<message from='{PUBSUB}' to='{DOMAIN}' id='e'><privilege xmlns='{ns.PRIVILEGE}'>"
        f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='jabber:client' from='{JULIET}' to='{to}'"
        f" id='{id_}' type='{type_}'>{addressed}{inner}</message></forwarded></privilege></message>"
    )


def verona(**grants: object) -> Verona:
    components = {PUBSUB: table(**(grants or FEW)), ROOMS: table()}
    return Verona(accounts=("juliet", "romeo", "nurse"), components=components)


@pytest.fixture
def server() -> Verona:
    return verona()


def log_in(server: Verona) -> Component:
    component = Component(server, PUBSUB).log_in()
    component.take()
    return component


@pytest.fixture
def pubsub(server: Verona) -> Component:
    return log_in(server)


@pytest.fixture
def people(server: Verona) -> dict[str, Client]:
    found = {jid: server.log_in(*jid.replace(f"@{DOMAIN}", "").split("/")) for jid in GUESTS}
    for client in found.values():
        client.send("<presence/>").take()
    return found


def each(people: dict[str, Client]) -> list[int]:
    """How many stanzas each got, without a trace of who else did."""
    assert not any(ns.ADDRESS.encode() in client.log for client in people.values())
    return [len(client.elements()) for client in people.values()]


def test_5_3_each_gets_it_from_the_account_and_the_account_too(
    pubsub: Component, people: dict[str, Client]
) -> None:
    for _ in range(2):
        pubsub.send(say(header(*GUESTS)))
        for jid, client in people.items():
            got = client.one()
            assert got.attrib == {"from": JULIET, "to": jid, "type": "headline", "id": "m"}
            assert [child.tag.rpartition("}")[2] for child in got] == ["event"]
    assert not pubsub.take()


@pytest.mark.parametrize("type_", ["to", "cc"])
def test_4_6_open_addresses_are_shown(
    pubsub: Component, people: dict[str, Client], type_: str
) -> None:
    blind = f"<address type='bcc' jid='{GATE}'/>"
    pubsub.send(say(header(ORCHARD, type_=type_).replace("</", f"{blind}</", 1)))
    for jid in (ORCHARD, GATE):
        got = people[jid].one()
        assert got.get("from") == JULIET
        assert [a.get("jid") for a in got.iter(f"{{{ns.ADDRESS}}}address")] == [ORCHARD]
    assert each({BALCONY: people[BALCONY]}) == [0]


def test_4_6_4_all_are_shown_where_replies_go_and_nothing_else(
    pubsub: Component, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the way of what goes to many at once."""
    monkeypatch.setattr(multicast, "read", None)
    for reply in (f"{JULIET}/chamber", f"{JULIET}/chamber", BALCONY):
        address = f"<address type='replyto' jid='{reply}'/>"
        pubsub.send(say(header(*GUESTS).replace("'>", "'>" + address, 1)))
        for jid, client in people.items():
            got = client.one()
            assert (got.get("from"), got.get("to")) == (JULIET, jid)
            addresses, _ = got
            assert addresses.tag == f"{{{ns.ADDRESS}}}addresses"
            assert [each.attrib for each in addresses] == [{"type": "replyto", "jid": reply}]
    assert not pubsub.take()


def test_a_header_behind_the_event_does_as_well(
    pubsub: Component, people: dict[str, Client]
) -> None:
    pubsub.send(say(EVENT, inner=header(*GUESTS)))
    assert each(people) == [1] * 3


def test_it_goes_to_components_and_other_servers(server: Verona, pubsub: Component) -> None:
    gone: list[str | None] = []
    server.host.router.remote = lambda stanza: gone.append(stanza.render().decode())
    rooms = Component(server, ROOMS).log_in()
    pubsub.send(
        say(header(f"verona@{ROOMS}", "tybalt@mantua.lit", "benvolio@mantua.lit/x", ORCHARD))
    )
    assert rooms.one().get("from") == JULIET
    assert [str(one).split("'")[1] for one in gone] == [
        "tybalt@mantua.lit",
        "benvolio@mantua.lit/x",
    ]
    assert all(f"from='{JULIET}'" in str(one) for one in gone)
    assert not pubsub.take()


def test_what_comes_back_is_told_to_nobody_but_the_account(
    pubsub: Component, people: dict[str, Client]
) -> None:
    """As of one that is sent alone: an error for a bare JID ends there (RFC 6121 §8.5.2)."""
    pubsub.send(say(header("x@mantua.lit", f"{ROMEO}/gone", ORCHARD), type_="normal"))
    assert not pubsub.take()
    assert each(people) == [0, 1, 0]


# ------------------------------------------------------------------ who may


@pytest.mark.parametrize(
    ("grants", "error"),
    [
        ({"message": "outgoing"}, "forbidden"),
        ({"multicast": 5}, "forbidden"),
        ({"message": "outgoing", "multicast": 2}, "not-acceptable"),
    ],
)
def test_5_1_9_both_must_be_granted_and_as_many(grants: dict[str, object], error: str) -> None:
    server = verona(**grants)
    pubsub = log_in(server)
    romeo = server.log_in("romeo", "orchard")
    pubsub.send(say(header(*GUESTS)))
    answer = pubsub.one()
    assert (answer.get("id"), condition(answer)) == ("e", error)
    assert not romeo.take()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (say(header(ORCHARD, DOMAIN)), "bad-request"),
        (say(header(ORCHARD, "@")), "jid-malformed"),
        (say(header(ORCHARD, "@", type_="to")), "jid-malformed"),
        (say(header()), "bad-request"),
        (say(header(ORCHARD) + header(GATE)), "bad-request"),
        (say(header(ORCHARD), id_="m" * 1024), "bad-request"),
        (say(header(ORCHARD)).replace(f"from='{JULIET}'", f"from='nobody@{DOMAIN}'"), "forbidden"),
        (say(header(ORCHARD)).replace(f"from='{JULIET}'", "from='x@mantua.lit'"), "forbidden"),
    ],
)
def test_9_what_is_refused_reaches_nobody(
    pubsub: Component, people: dict[str, Client], said: str, error: str
) -> None:
    pubsub.send(said)
    assert condition(pubsub.one()) == error
    assert each(people) == [0] * 3


def test_3_what_is_for_somebody_else_is_not_sent_on(
    pubsub: Component, people: dict[str, Client]
) -> None:
    pubsub.send(say(header(*GUESTS), to=ORCHARD))
    assert people[ORCHARD].one().find(f"{{{ns.ADDRESS}}}addresses") is not None
    assert each({BALCONY: people[BALCONY], GATE: people[GATE]}) == [0, 0]


# ------------------------------------------------------------------ lists, carbons, claims


@pytest.mark.parametrize("online", [True, False])
def test_whom_the_user_blocks_goes_without_and_the_others_have_it(
    server: Verona, pubsub: Component, people: dict[str, Client], online: bool
) -> None:
    """XEP-0191 §3.3; told once, as of one that is sent alone."""
    assert not do(people[BALCONY], block(ROMEO))
    people[BALCONY].take()
    if not online:
        people[BALCONY].hang_up()
        server.host.residents.forget(people[BALCONY].jid.bare)
    for client in people.values():
        client.take()
    pubsub.send(say(header(ORCHARD, f"{ROMEO}/x", GATE)))
    answer = pubsub.one()
    assert (answer.get("id"), condition(answer)) == ("e", "not-acceptable")
    assert each({ORCHARD: people[ORCHARD], GATE: people[GATE]}) == [0, 1]


def test_who_blocks_the_user_gets_nothing(pubsub: Component, people: dict[str, Client]) -> None:
    pubsub.send(say(header(*GUESTS)))
    assert each(people) == [1] * 3
    put_list(people[ORCHARD], "quiet", rule(1, "deny", "message", jid=JULIET), apply="default")
    people[ORCHARD].take()
    pubsub.send(say(header(*GUESTS)))
    assert each(people) == [1, 0, 1]
    assert not pubsub.take()


@pytest.mark.parametrize(("type_", "copies"), [("headline", 0), ("chat", 2)])
def test_the_users_other_clients_see_what_carbons_are_for(
    pubsub: Component, people: dict[str, Client], type_: str, copies: int
) -> None:
    """XEP-0280 §8: one of each copy, and none of a headline."""
    assert not do(people[BALCONY], f"<enable xmlns='{ns.CARBONS}'/>")
    pubsub.send(say(header(ORCHARD, GATE), type_=type_))
    assert each(people) == [copies, 1, 1]


def test_nobody_forges_a_carbon_or_a_delay(pubsub: Component, people: dict[str, Client]) -> None:
    """XEP-0280 §11, XEP-0203 §5: what no client may say nobody says in its user's name."""
    for forged in (
        f"<sent xmlns='{ns.CARBONS}'/>",
        f"<delay xmlns='{ns.DELAY}' from='{DOMAIN}' stamp='2026-01-01T00:00:00Z'/>",
    ):
        pubsub.send(say(header(*GUESTS), inner=forged))
    assert each(people) == [0] * 3


def test_a_hook_that_does_not_say_whom_it_concerns_sees_every_copy(
    server: Verona, pubsub: Component, people: dict[str, Client]
) -> None:
    shown: list[object] = []
    remove = server.host.hooks.client_message.add(
        Phase.COPY, lambda stanza, session: shown.append(stanza.to) or stanza
    )
    pubsub.send(say(header(*GUESTS)))
    assert shown == list(GUESTS)
    remove()
    pubsub.send(say(header(*GUESTS)))
    assert (shown, each(people)) == (list(GUESTS), [2] * 3)


def test_who_is_away_gets_a_message_later(server: Verona, pubsub: Component) -> None:
    pubsub.send(say(header(ROMEO, NURSE), type_="chat", inner="<body>Hist!</body>"))
    for name in ("romeo", "nurse"):
        client = server.log_in(name).send("<presence/>")
        said = [each.findtext("{jabber:client}body") for each in client.elements()]
        assert said.count("Hist!") == 1


@pytest.mark.parametrize("listed", [False, True])
def test_it_is_handled_when_those_who_manage_their_streams_have_it(
    pubsub: Component, people: dict[str, Client], listed: bool
) -> None:
    """XEP-0198 §4, whether copies go at once or each by itself."""
    if listed:
        put_list(people[BALCONY], "some", rule(1, "deny", jid="x@mantua.lit"), apply="default")
    pubsub.send(f"<enable {SM} resume='true'/>").take()
    people[ORCHARD].send(f"<enable {SM}/>").take()
    pubsub.send(say(header(*GUESTS)))
    assert int(pubsub.send(REQUEST).elements()[-1].attrib["h"]) == 0
    ack(people[ORCHARD], 1)
    assert int(pubsub.send(REQUEST).elements()[-1].attrib["h"]) == 1
