"""The multicast service on a whole server (XEP-0033)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.support.components import Component, table
from tests.support.people import JULIET, NURSE, ROMEO, friends, told
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.core.presence import MOST_DIRECTED
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
TYBALT, PARIS = f"tybalt@{DOMAIN}", "paris@mantua.lit"
ROOMS = "rooms.capulet.lit"
A = f"{{{ns.ADDRESS}}}"
BODY = "<body>A plague on both your houses</body>"


def header(*recipients: str, type_: str = "to", inner: str = "") -> str:
    """An address header, each recipient a JID or the attributes of an address."""
    shown = [r if "=" in r else f"type='{type_}' jid='{r}'" for r in recipients]
    within = "".join(f"<address {attributes}/>" for attributes in shown) + inner
    return f"<addresses xmlns='{ns.ADDRESS}'>{within}</addresses>"


def message(*recipients: str, to: str = DOMAIN, content: str = BODY) -> str:
    return f"<message to='{to}' type='chat' id='m'>{content}{header(*recipients)}</message>"


def presence(*recipients: str, type_: str = "") -> str:
    typed = f" type='{type_}'" if type_ else ""
    return (
        f"<presence to='{DOMAIN}' id='p'{typed}><show>away</show>{header(*recipients)}</presence>"
    )


def seen(element: Element) -> list[dict[str, str]]:
    """The addresses that a recipient sees."""
    return [dict(each.attrib) for each in element.iter(f"{A}address")]


def bodies(client: Client) -> list[str | None]:
    return [each.findtext("{jabber:client}body") for each in client.elements()]


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo", "nurse", "tybalt"))


class People:
    """Who is there, and available; all have been told of that."""

    def __init__(self, server: Verona) -> None:
        self.juliet = server.log_in("juliet", "balcony")
        self.romeo = server.log_in("romeo", "orchard")
        self.nurse = server.log_in("nurse", "gate")
        for each in (self.juliet, self.romeo, self.nurse):
            each.send("<presence/>").take()


@pytest.fixture
def people(server: Verona) -> People:
    return People(server)


def route(server: Verona, text: str, sender: str, to: str = DOMAIN) -> None:
    """A stanza comes from elsewhere than a client."""
    stanza = read(text)
    stanza.sender, stanza.to = JID.parse(sender), JID.parse(to)
    server.host.router.route(stanza)


# ------------------------------------------------------------------ §2, §3


def features(client: Client) -> set[str | None]:
    answer = client.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    return {each.get("var") for each in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}


def test_2_1_the_server_tells_of_it_where_users_may(server: Verona, juliet: Client) -> None:
    assert ns.ADDRESS in features(juliet)
    server.reload(multicast={"users": False})
    assert ns.ADDRESS not in features(juliet)


def test_2_1_it_tells_of_it_where_a_component_may() -> None:
    """By that the component finds it."""
    off = {"users": False}
    server = Verona(multicast=off, components={ROOMS: table(multicast=100)})
    rooms = Component(server, ROOMS).log_in()
    rooms.take()
    rooms.send(f"<iq type='get' id='d' to='{DOMAIN}'><query xmlns='{ns.DISCO_INFO}'/></iq>")
    assert ns.ADDRESS in [each.get("var") for each in rooms.one()[0]]


def test_3_a_message_reaches_each_whom_it_names(people: People) -> None:
    """From who has sent it, to each himself, with all that was in it."""
    people.juliet.send(message(ROMEO, f"{NURSE}/gate", content=f"<thread>t</thread>{BODY}"))
    for client, to in ((people.romeo, ROMEO), (people.nurse, f"{NURSE}/gate")):
        got = client.one()
        assert (got.get("from"), got.get("to")) == (BALCONY, to)
        assert (got.get("type"), got.get("id")) == ("chat", "m")
        assert got.findtext("{jabber:client}thread") == "t"
        assert [each["jid"] for each in seen(got)] == [ROMEO, f"{NURSE}/gate"]
    assert not people.juliet.take()


@pytest.mark.parametrize("to", [ROMEO, ORCHARD, f"{DOMAIN}/gate"])
def test_3_only_what_is_addressed_to_the_service_is_sent_on(people: People, to: str) -> None:
    """A header in a stanza for somebody else is information for him (§3)."""
    people.juliet.send(message(NURSE, to=to))
    assert not people.nurse.take()
    if to.startswith("romeo"):
        (address,) = seen(people.romeo.one())
        assert address == {"type": "to", "jid": NURSE}
    else:
        assert condition(people.juliet.one()) == "service-unavailable"


def test_3_an_iq_is_never_sent_on(people: People) -> None:
    people.juliet.send(f"<iq type='get' id='i' to='{DOMAIN}'>{header(ROMEO)}</iq>")
    assert condition(people.juliet.one()) == "service-unavailable"
    assert not people.romeo.take()


def test_3_an_error_is_answered_by_nothing(people: People) -> None:
    people.juliet.send(message(ROMEO, ORCHARD).replace("'chat'", "'error'"))
    assert not people.juliet.take() and not people.romeo.take()


def test_a_stanza_for_a_domain_without_a_header_is_as_it_was(people: People) -> None:
    people.juliet.send(f"<message to='{DOMAIN}' id='m'>{BODY}</message>")
    assert condition(people.juliet.one()) == "service-unavailable"


# ------------------------------------------------------------------ §4


def test_4_5_what_was_delivered_already_is_not_delivered_again(people: People) -> None:
    given = f"type='to' jid='{ROMEO}' delivered='true'"
    people.juliet.send(message(given, NURSE))
    assert not people.romeo.take()
    assert [each.get("delivered") for each in seen(people.nurse.one())] == ["true", "true"]


def test_4_6_to_cc_and_bcc_get_it_and_no_other_types(server: Verona, people: People) -> None:
    others = [f"type='{type_}' jid='{TYBALT}'" for type_ in ("replyto", "replyroom", "ofrom")]
    tybalt = server.log_in("tybalt", "sword").send("<presence/>")
    tybalt.take()
    people.juliet.send(
        message(f"type='cc' jid='{ROMEO}'", f"type='bcc' jid='{NURSE}'", "type='noreply'", *others)
    )
    types = ["noreply", "replyto", "replyroom", "ofrom"]
    assert [each["type"] for each in seen(people.romeo.one())] == ["cc", *types]
    assert [each["type"] for each in seen(people.nurse.one())] == ["cc", "bcc", *types]
    assert not tybalt.take()


def test_4_6_3_nobody_learns_who_gets_blind_copies_but_himself(
    server: Verona, people: People
) -> None:
    blind = [f"type='bcc' jid='{jid}'" for jid in (NURSE, TYBALT)]
    tybalt = server.log_in("tybalt", "sword").send("<presence/>")
    tybalt.take()
    people.juliet.send(message(ROMEO, *blind))
    assert b"bcc" not in people.romeo.take()
    for client, own in ((people.nurse, NURSE), (tybalt, TYBALT)):
        got = client.one()
        assert [(each["type"], each["jid"]) for each in seen(got)] == [("to", ROMEO), ("bcc", own)]
        assert "delivered" not in seen(got)[1]


def test_4_6_3_without_open_addresses_nothing_is_left_of_the_header(people: People) -> None:
    people.juliet.send(message(f"type='bcc' jid='{ROMEO}'", f"type='bcc' jid='{NURSE}'"))
    for client, own in ((people.romeo, ROMEO), (people.nurse, NURSE)):
        assert [each["jid"] for each in seen(client.one())] == [own]


@pytest.mark.parametrize("types", [("to", "to"), ("to", "bcc"), ("bcc", "cc"), ("bcc", "bcc")])
def test_who_is_named_twice_gets_it_once(people: People, types: Iterable[str]) -> None:
    people.juliet.send(message(*(f"type='{type_}' jid='Romeo@Capulet.LIT'" for type_ in types)))
    assert len(people.romeo.elements()) == 1


def test_4_7_what_is_not_understood_is_passed_on(people: People) -> None:
    extra = "<seal xmlns='urn:verona'>wax</seal>"
    people.juliet.send(f"<message to='{DOMAIN}'>{header(ROMEO, inner=extra)}{BODY}</message>")
    assert people.romeo.one().findtext(f"{A}addresses/{{urn:verona}}seal") == "wax"


# ------------------------------------------------------------------ §5 presence


@pytest.mark.parametrize(
    "end", [Client.hang_up, lambda juliet: juliet.send("<presence type='unavailable'/>")]
)
def test_5_1_presence_sent_to_many_is_directed_presence(
    people: People, end: Callable[[Client], object]
) -> None:
    """So who has been shown it sees its end, however that comes (RFC 6121 §4.6.3)."""
    people.juliet.send(presence(ROMEO, f"{NURSE}/gate"))
    for client in (people.romeo, people.nurse):
        got = client.one()
        assert (got.get("from"), got.findtext("{jabber:client}show")) == (BALCONY, "away")
    end(people.juliet)
    for client in (people.romeo, people.nurse):
        assert told(client) == [("unavailable", BALCONY)]


def test_5_1_the_end_told_to_the_service_is_told_to_whom_it_has_reached(people: People) -> None:
    people.juliet.send(presence(ROMEO))
    people.juliet.send(presence(NURSE))
    people.romeo.take(), people.nurse.take()
    people.juliet.send(f"<presence to='{DOMAIN}' type='unavailable'><status>x</status></presence>")
    for client in (people.romeo, people.nurse):
        (got,) = client.elements()
        assert (got.get("type"), got.get("from")) == ("unavailable", BALCONY)
        assert got.findtext("{jabber:client}status") == "x"
    people.juliet.send(f"<presence to='{DOMAIN}' type='unavailable'/>")
    people.juliet.hang_up()
    assert not people.romeo.take() and not people.nurse.take(), "once is enough"


def test_5_1_the_end_may_be_told_to_some_of_them(people: People) -> None:
    people.juliet.send(presence(ROMEO, NURSE))
    people.romeo.take(), people.nurse.take()
    people.juliet.send(presence(ROMEO, type_="unavailable"))
    assert told(people.romeo) == [("unavailable", BALCONY)]
    people.juliet.send(f"<presence to='{DOMAIN}' type='unavailable'/>")
    assert told(people.nurse) == [("unavailable", BALCONY)]
    assert not people.romeo.take()


@pytest.mark.parametrize("type_", ["subscribe", "subscribed", "unsubscribe", "probe"])
def test_5_1_no_other_presence_is_sent_to_many(people: People, type_: str) -> None:
    people.juliet.send(presence(ROMEO, type_=type_))
    assert not people.romeo.take()


def test_presence_is_remembered_for_so_many_and_no_more(server: Verona, people: People) -> None:
    server.reload(multicast={"addresses": 1_000})
    server.host.router.routes["mantua.lit"] = lambda stanza: None
    people.juliet.send(presence(*(f"p{n}@mantua.lit" for n in range(MOST_DIRECTED))))
    assert not people.juliet.take()
    people.juliet.send(presence(ROMEO, NURSE))
    assert condition(people.juliet.one()) == "resource-constraint"
    assert not people.romeo.take()


# ------------------------------------------------------------------ §9 refused


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([ROMEO, "type='to' uri='sip:paris@mantua.lit'"], "jid-malformed"),
        ([ROMEO, "type='to' jid='@@'"], "jid-malformed"),
        ([ROMEO, "type='whom' jid='a@b.lit'"], "bad-request"),
        ([ROMEO, DOMAIN], "bad-request"),
        ([ROMEO, f"{DOMAIN}/x"], "bad-request"),
        ([], "bad-request"),
        (["type='noreply'"], "bad-request"),
        ([f"type='to' jid='{ROMEO}' delivered='true'"], "bad-request"),
        ([ROMEO, *(f"p{n}@mantua.lit" for n in range(50))], "not-acceptable"),
    ],
)
def test_9_what_is_refused_reaches_nobody(
    people: People, addresses: list[str], expected: str
) -> None:
    people.juliet.send(message(*addresses))
    assert condition(people.juliet.one()) == expected
    assert not people.romeo.take()


def test_9_the_number_of_addresses_is_configured(server: Verona, people: People) -> None:
    server.reload(multicast={"addresses": 2})
    people.juliet.send(message(ROMEO, NURSE))
    assert people.romeo.one() is not None
    people.juliet.send(message(ROMEO, NURSE, TYBALT))
    assert condition(people.juliet.one()) == "not-acceptable"


def test_9_users_may_be_forbidden_to(server: Verona, people: People) -> None:
    server.reload(multicast={"users": False})
    people.juliet.send(message(ROMEO))
    assert condition(people.juliet.one()) == "forbidden"
    assert not people.romeo.take()


def test_9_a_guest_may_not() -> None:
    server = Verona(server={"domains": [DOMAIN, "masks.lit"]}, auth={"anonymous": ["masks.lit"]})
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    romeo.take()
    guest = server.connect().open(to="masks.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open("masks.lit").bind()
    guest.take()
    guest.send(message(ROMEO, to="masks.lit"))
    assert condition(guest.one()) == "forbidden"
    assert not romeo.take()


@pytest.mark.parametrize("sender", [PARIS, f"{PARIS}/ring", ORCHARD + "x", ROOMS])
def test_2_2_9_nobody_from_elsewhere_may(server: Verona, people: People, sender: str) -> None:
    answers: list[Stanza] = []
    for domain in ("mantua.lit", ROOMS):
        server.host.router.routes[domain] = answers.append
    route(server, message(ROMEO, "benvolio@mantua.lit"), sender)
    assert [condition(each.element) for each in answers] == (
        [] if sender.startswith("romeo") else ["forbidden"]
    )
    assert not people.romeo.take()


# ------------------------------------------------------------------ the copies


def test_6_what_can_not_be_delivered_comes_back_and_the_others_have_it(people: People) -> None:
    people.juliet.send(message(f"unknown@{DOMAIN}/x", PARIS, ROMEO))
    answers = {each.get("from"): condition(each) for each in people.juliet.elements()}
    assert answers[PARIS] == "remote-server-not-found"
    assert bodies(people.romeo) == ["A plague on both your houses"]


def test_6_a_copy_goes_to_other_servers_for_each_address(server: Verona, people: People) -> None:
    out: list[Stanza] = []
    server.host.router.routes["mantua.lit"] = out.append
    people.juliet.send(message(PARIS, ROMEO, "apothecary@mantua.lit/shop"))
    assert [str(each.to) for each in out] == [PARIS, "apothecary@mantua.lit/shop"]
    for each in out:
        assert [a["delivered"] for a in seen(each.element)] == ["true"] * 3


def test_a_copy_waits_for_who_is_away(server: Verona, people: People) -> None:
    people.juliet.send(message(TYBALT, f"type='bcc' jid='{NURSE}'"))
    people.nurse.take()
    tybalt = server.log_in("tybalt", "sword").send("<presence/>")
    (got,) = (each for each in tybalt.elements() if each.tag.endswith("message"))
    assert got.findtext("{jabber:client}body") == "A plague on both your houses"
    assert [each["jid"] for each in seen(got)] == [TYBALT]
    assert got.find(f"{{{ns.DELAY}}}delay") is not None


def test_the_senders_other_clients_see_it_once_as_he_sent_it(
    server: Verona, people: People
) -> None:
    """Carbons (XEP-0280 §8): of the whole, and of no copy."""
    garden = server.log_in("juliet", "garden")
    assert not do(garden, f"<enable xmlns='{ns.CARBONS}'/>")
    people.juliet.send(message(ROMEO, NURSE))
    (copy,) = garden.elements()
    original = copy.find(f".//{{{ns.FORWARD}}}forwarded/{{jabber:client}}message")
    assert original is not None and original.get("to") == DOMAIN
    assert [each["jid"] for each in seen(copy)] == [ROMEO, NURSE]


def test_the_recipients_other_clients_see_his_copy(server: Verona, people: People) -> None:
    """Carbons (XEP-0280 §7)."""
    mantua = server.log_in("romeo", "mantua").send("<presence><priority>-1</priority></presence>")
    assert not do(mantua, f"<enable xmlns='{ns.CARBONS}'/>")
    mantua.take()
    people.juliet.send(message(f"type='bcc' jid='{NURSE}'", ORCHARD))
    (copy,) = mantua.elements()
    assert [each["jid"] for each in seen(copy)] == [ORCHARD], "nor do they see who is blind"


def test_who_blocks_the_sender_gets_nothing_by_it(server: Verona, people: People) -> None:
    """XEP-0191 §3.3: nor does the sender learn that he is blocked rather than unknown."""
    assert not do(people.romeo, block(JULIET))
    people.romeo.take()
    people.juliet.send(message(ROMEO, NURSE))
    people.juliet.send(presence(ORCHARD))
    assert not people.romeo.take()
    assert len(people.nurse.elements()) == 1
    errors = people.juliet.elements()
    assert [(e.get("from"), condition(e)) for e in errors] == [(ROMEO, "service-unavailable")]


def test_whom_the_sender_blocks_gets_nothing_by_it(people: People) -> None:
    assert not do(people.juliet, block(ROMEO))
    people.juliet.take()
    people.juliet.send(message(ROMEO, ORCHARD, NURSE))
    people.juliet.send(presence(ROMEO))
    assert not people.romeo.take()
    assert len(people.nurse.elements()) == 1
    refused = [e for e in people.juliet.elements() if e.tag.endswith("message")]
    assert [(e.get("from"), condition(e)) for e in refused] == [
        (ROMEO, "not-acceptable"),
        (ORCHARD, "not-acceptable"),
    ]


def test_a_list_of_the_sender_that_hides_him_hides_him_here(people: People) -> None:
    """XEP-0016 §2.11."""
    put_list(people.juliet, "hidden", rule(1, kinds="presence-out", jid=ROMEO), apply="active")
    people.juliet.take()
    people.juliet.send(presence(ROMEO, NURSE))
    assert not people.romeo.take()
    assert told(people.nurse) == [("available", BALCONY)]


def test_what_it_costs_is_charged_to_the_sender(people: People) -> None:
    before = people.juliet.charged
    people.juliet.send(message(ROMEO))
    assert people.juliet.charged == before, "one copy is what he has sent himself"
    text = message(ROMEO, NURSE, TYBALT)
    people.juliet.send(text)
    assert people.juliet.charged - before > 2 * (len(text) - 100)


# ------------------------------------------------------------------ components


def granted(addresses: int) -> dict[str, Any]:
    return {ROOMS: table(multicast=addresses)}


def test_a_component_with_a_grant_may_send_to_as_many_as_that_says(
    server: Verona, people: People
) -> None:
    server.reload(multicast={"users": False}, components=granted(2))
    rooms = Component(server, ROOMS).log_in()
    route(server, message(ROMEO, NURSE), f"verona@{ROOMS}/friar")
    for client in (people.romeo, people.nurse):
        got = client.one()
        assert got.get("from") == f"verona@{ROOMS}/friar"
        assert len(seen(got)) == 2
    route(server, message(ROMEO, NURSE, TYBALT), ROOMS)
    assert condition(rooms.one()) == "not-acceptable"


def test_a_component_without_a_grant_may_not(server: Verona, people: People) -> None:
    server.reload(components=granted(0))
    rooms = Component(server, ROOMS).log_in()
    route(server, message(ROMEO), ROOMS)
    assert condition(rooms.one()) == "forbidden"
    assert not people.romeo.take()


def test_a_components_blind_copies_have_no_address_at_all(server: Verona, people: People) -> None:
    """Its recipients are told by it what they are to know: they all get the same bytes."""
    server.reload(components=granted(100))
    blind = [f"type='bcc' jid='{jid}'" for jid in (ROMEO, NURSE)]
    route(server, message(*blind), f"verona@{ROOMS}/friar")
    for client in (people.romeo, people.nurse):
        assert ns.ADDRESS.encode() not in client.log
        assert bodies(client) == ["A plague on both your houses"]


def test_presence_of_a_component_is_sent_and_is_its_own_to_end(
    server: Verona, people: People
) -> None:
    server.reload(components=granted(100))
    friends(server, ROMEO, JULIET)
    for type_ in ("", "unavailable"):
        route(server, presence(ROMEO, NURSE, type_=type_), f"verona@{ROOMS}/friar")
        for client in (people.romeo, people.nurse):
            assert told(client) == [(type_ or "available", f"verona@{ROOMS}/friar")]


# ------------------------------------------------------------------ acknowledged (XEP-0198)


def test_it_is_acknowledged_when_every_copy_is_in_safe_hands(
    server: Verona, people: People
) -> None:
    sm = ns.STREAM_MANAGEMENT
    for client in (people.juliet, people.romeo, people.nurse):
        client.send(f"<enable xmlns='{sm}'/>").take()
    people.juliet.send(message(ROMEO, NURSE, TYBALT)).send(f"<r xmlns='{sm}'/>")
    assert people.juliet.one().get("h") == "0", "two of the three have not acknowledged it"
    people.romeo.send(f"<a xmlns='{sm}' h='1'/>")
    assert not people.juliet.take()
    people.nurse.send(f"<a xmlns='{sm}' h='1'/>")
    assert people.juliet.one().get("h") == "1"


@pytest.mark.parametrize("resource", ['my "phone"', f'x jid="{TYBALT}'])
def test_a_quotation_mark_in_a_resource_is_part_of_it(server: Verona, resource: str) -> None:
    """A room may write it as it is: whoever is in one has chosen his resource himself."""
    server.reload(components=granted(100))
    rooms = Component(server, ROOMS).log_in()
    occupant, tybalt = server.connect().log_in("romeo", resource=resource), server.log_in("tybalt")
    for each in (occupant, tybalt):
        each.send("<presence/>").take()
    assert occupant.jid is not None
    addresses = f"<address type='bcc' jid='{occupant.jid.attr.decode()}'/>"
    header_ = f"<addresses xmlns='{ns.ADDRESS}'>{addresses}</addresses>"
    rooms.send(f"<message to='{DOMAIN}'>{BODY}{header_}</message>")
    assert bodies(occupant) == ["A plague on both your houses"]
    assert not tybalt.take()


def test_who_blocks_a_component_gets_nothing_of_its_blind_copies(
    server: Verona, people: People
) -> None:
    server.reload(components=granted(100))
    rooms = Component(server, ROOMS).log_in()
    do(people.romeo, block(ROOMS))
    people.romeo.take()
    blind = [f"type='bcc' jid='{jid}'" for jid in (ORCHARD, f"{NURSE}/gate")]
    rooms.send(message(*blind))
    assert not people.romeo.take()
    assert bodies(people.nurse) == ["A plague on both your houses"]
