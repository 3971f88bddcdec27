"""Strangers who show themselves to an account, told to components (XEP-0060 §9.1.3)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tests.support.capabilities import EXODUS, PSI, WHO, Kind, Stage, appear, asked, reply
from tests.support.components import Component, table
from tests.support.people import JULIET, NURSE, ROMEO, friends, put
from tests.support.server import DOMAIN, Client
from xmppd import ns
from xmppd.core import contacts, sharers
from xmppd.core.residents import Resident, Residents
from xmppd.jid import JID
from xmppd.modules import privilege_presence
from xmppd.subscription import FROM, LISTED

PUBSUB, ECHO, MOON = (f"{name}.{DOMAIN}" for name in ("pubsub", "echo", "moon"))
SKY = f"stranger@{MOON}/sky"
MOOD = "urn:example:mood"
TABLE = table(presence="roster", roster="get", roster_push=False, interests=True)
PLAIN = table(presence="roster", roster="get", roster_push=False)

Heard = tuple[str, str, dict[str, list[str]], list[str] | None]


class Verona(Stage):
    """A server, a component that is told, and others."""

    def __init__(self, **tables: object) -> None:
        components = {PUBSUB: TABLE, ECHO: PLAIN, MOON: table()}
        super().__init__(components=components, **tables)  # type: ignore[arg-type]
        self.pubsub = self.connect(PUBSUB)
        self.moon = self.connect(MOON)

    def connect(self, domain: str) -> Component:
        component = Component(self.server, domain).open().prove()
        self.later()
        component.take()
        return component

    def shine(self, *to: str, kind: Kind | None = EXODUS, inner: str = "", type_: str = "") -> None:
        """Have a stranger elsewhere send presence."""
        c = "" if kind is None else kind.c
        shown = f" type='{type_}'" if type_ else ""
        for each in to:
            self.moon.send(f"<presence from='{SKY}' to='{each}'{shown}>{inner}{c}</presence>")

    def answer(self, kind: Kind = EXODUS) -> list[str | None]:
        """Have him say what he can do; who has asked."""
        requests = [each for each in self.moon.elements() if each.get("type") == "get"]
        for each in requests:
            to, id_ = each.get("from"), each.get("id")
            self.moon.send(f"<iq type='result' id='{id_}' from='{SKY}' to='{to}'>{kind.info}</iq>")
        self.later()
        return [each.get("from") for each in requests]

    def heard(self, component: Component | None = None) -> list[Heard]:
        """Presence that a component got: whose, its type, of which accounts, of which nodes."""
        found: list[Heard] = []
        for each in (component or self.pubsub).elements():
            if each.tag != f"{{{ns.COMPONENT}}}presence":
                continue
            accounts: dict[str, list[str]] = {}
            nodes: list[str] | None = None
            for child in each:
                namespace, _, name = child.tag.removeprefix("{").partition("}")
                if namespace == ns.INTERESTS and name == "interests":
                    nodes = [node.text or "" for node in child]
                elif namespace == ns.INTERESTS:
                    accounts.setdefault(name, []).append(child.get("to") or child.get("from", ""))
            found.append((each.get("from", ""), each.get("type", ""), accounts, nodes))
        return found


@pytest.fixture
def verona() -> Verona:
    return Verona()


@pytest.fixture
def mercutio(verona: Verona) -> Client:
    """A user who is there, and whose client is known."""
    mercutio = verona.log_in("mercutio", EXODUS)
    reply(mercutio, asked(mercutio)[0], EXODUS.info)
    verona.later()
    verona.pubsub.take()
    return mercutio


def direct(client: Client, *to: str, type_: str = "", inner: str = "") -> None:
    shown = f" type='{type_}'" if type_ else ""
    for each in to:
        client.send(f"<presence to='{each}'{shown}>{inner}</presence>")


# Users


def test_9_1_3_a_user_who_directs_presence_to_an_account_is_told_of(
    verona: Verona, mercutio: Client
) -> None:
    direct(mercutio, JULIET)
    assert verona.heard() == [(mercutio.jid, "", {"shared": [JULIET]}, [MOOD])]
    direct(mercutio, JULIET)
    assert verona.heard() == [], "once"
    direct(mercutio, f"{NURSE}/r")
    assert verona.heard() == [(mercutio.jid, "", {"shared": [NURSE]}, [MOOD])]


def test_9_1_3_unavailable_presence_ends_it(verona: Verona, mercutio: Client) -> None:
    direct(mercutio, JULIET, NURSE)
    verona.heard()
    direct(mercutio, JULIET, type_="unavailable")
    assert verona.heard() == [(mercutio.jid, "", {"hidden": [JULIET]}, [MOOD])]
    direct(mercutio, JULIET, type_="unavailable")
    assert verona.heard() == []
    direct(mercutio, JULIET)
    assert [each[2] for each in verona.heard()] == [{"shared": [JULIET]}]


@pytest.mark.parametrize("lost", [True, False])
def test_9_1_3_so_does_the_end_of_the_session(verona: Verona, mercutio: Client, lost: bool) -> None:
    direct(mercutio, JULIET)
    verona.heard()
    if lost:
        mercutio.hang_up()
    else:
        mercutio.send("<presence type='unavailable'/>")
    assert verona.heard() == [(mercutio.jid, "unavailable", {}, None)]
    again = appear(verona.log_in("mercutio"), EXODUS)
    assert verona.heard() == [(again.jid, "", {}, [MOOD])], "nothing is left of it"


def test_who_is_a_contact_is_not_told_of_twice(verona: Verona, mercutio: Client) -> None:
    """What goes to subscribers is no directed presence (RFC 6121 §4.6.3)."""
    friends(verona.server, "mercutio@capulet.lit", JULIET)
    direct(mercutio, JULIET)
    appear(mercutio, EXODUS, "<status>here</status>")
    assert [each[2] for each in verona.heard()] == [{}]


def test_who_shows_himself_to_nobody_else_is_told_of_as_well(verona: Verona) -> None:
    """RFC 6121 §4.6: directed presence alone. His capabilities stand in it."""
    mercutio = verona.log_in("mercutio")
    direct(mercutio, JULIET, inner=f"<show>away</show><status>hidden</status>{EXODUS.c}")
    verona.later()
    assert verona.heard() == [(mercutio.jid, "", {"shared": [JULIET]}, None)]
    (request,) = asked(mercutio)
    assert request.get("from") == "mercutio@capulet.lit"
    reply(mercutio, request, EXODUS.info)
    verona.later()
    assert verona.heard() == [(mercutio.jid, "", {"shared": [JULIET]}, [MOOD])]
    mercutio.hang_up()
    assert verona.heard() == [(mercutio.jid, "unavailable", {}, None)]


def test_who_hides_at_last_from_all_has_gone(verona: Verona) -> None:
    mercutio = verona.log_in("mercutio")
    direct(mercutio, JULIET, NURSE)
    verona.heard()
    direct(mercutio, JULIET, type_="unavailable")
    assert [each[1:3] for each in verona.heard()] == [("", {"hidden": [JULIET]})]
    direct(mercutio, NURSE, type_="unavailable")
    assert [each[1] for each in verona.heard()] == ["unavailable"]


def test_nobody_says_it_himself(verona: Verona, mercutio: Client) -> None:
    """Neither in his own presence nor in what he directs to the component or an account."""
    forged = "".join(
        f"<{name} xmlns='{ns.INTERESTS}' {attribute}='{JULIET}'/>"
        for name, attribute in (("shared", "to"), ("shown", "to"), ("hidden", "from"))
    )
    for to in ("", PUBSUB, NURSE):
        address = f" to='{to}'" if to else ""
        mercutio.send(f"<presence{address}>{forged}<show>away</show>{EXODUS.c}</presence>")
        told = [each[2] for each in verona.heard()]
        assert told == [{"shared": [NURSE]} if to == NURSE else {}], to


def test_presence_that_is_sent_to_all_costs_no_look_at_accounts(
    verona: Verona, mercutio: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(verona.server, "mercutio@capulet.lit", ROMEO)
    put(verona.server, ROMEO, "mercutio@capulet.lit")
    direct(mercutio, JULIET)
    verona.heard()
    monkeypatch.setattr(privilege_presence.Told, "_received", None)
    appear(mercutio, EXODUS, "<show>away</show>")
    assert [each[0] for each in verona.heard()] == [mercutio.jid]


# Who is there when a component comes


def test_8_who_connects_is_told_whom_strangers_show_themselves(
    verona: Verona, mercutio: Client
) -> None:
    direct(mercutio, JULIET, NURSE)
    verona.shine(JULIET, inner="<show>dnd</show>")
    verona.answer()
    verona.pubsub.hang_up()
    pubsub = Component(verona.server, PUBSUB).open().prove()
    verona.later()
    assert sorted(verona.heard(pubsub)) == [
        (mercutio.jid, "", {"shared": [JULIET, NURSE]}, [MOOD]),
        (SKY, "", {"shared": [JULIET]}, [MOOD]),
    ]


def test_who_is_not_granted_interests_is_told_nothing(verona: Verona, mercutio: Client) -> None:
    echo = verona.connect(ECHO)
    direct(mercutio, JULIET)
    verona.shine(JULIET)
    assert verona.heard(echo) == []
    direct(mercutio, JULIET, type_="unavailable")
    verona.shine(JULIET, type_="unavailable")
    assert verona.heard(echo) == []


def test_who_is_told_of_users_alone_is_not_told_of_strangers(
    verona: Verona, mercutio: Client
) -> None:
    users = table(presence="managed_entity", interests=True)
    verona.server.reload(components={PUBSUB: TABLE, ECHO: users, MOON: table()})
    direct(mercutio, JULIET)
    echo = Component(verona.server, ECHO).open().prove()
    verona.later()
    direct(mercutio, NURSE)
    verona.shine(JULIET)
    assert verona.heard(echo) == [(mercutio.jid, "", {}, [MOOD])]


def test_where_nobody_is_granted_interests_nothing_is_kept(
    mercutio: Client, verona: Verona
) -> None:
    direct(mercutio, JULIET)
    verona.shine(JULIET)
    verona.server.reload(components={PUBSUB: PLAIN, MOON: table()})
    verona.later()
    verona.heard()
    verona.server.reload(components={PUBSUB: TABLE, MOON: table()})
    verona.later()
    assert verona.heard() == [(mercutio.jid, "", {}, [MOOD])]
    assert verona.server.host.capabilities.of(SKY) is None


def test_only_accounts_of_domains_that_it_is_granted(mercutio: Client, verona: Verona) -> None:
    """Who is granted none of the account's hears of nobody there."""
    tables = {PUBSUB: {**TABLE, "domains": ["montague.lit"]}, ECHO: TABLE, MOON: table()}
    server = {"domains": [DOMAIN, "montague.lit"]}
    verona.server.reload(components=tables, server=server)
    verona.later()
    verona.connect(ECHO)
    verona.heard()
    verona.server.account("abram", domain="montague.lit")
    direct(mercutio, JULIET)
    assert verona.heard() == []
    direct(mercutio, "abram@montague.lit")
    assert verona.heard() == [(mercutio.jid, "", {"shared": ["abram@montague.lit"]}, [MOOD])]
    direct(mercutio, "abram@montague.lit", type_="unavailable")
    assert [each[1] for each in verona.heard()] == ["unavailable"]
    direct(mercutio, "abram@montague.lit")
    verona.heard()
    verona.pubsub.hang_up()
    direct(mercutio, JULIET)
    verona.pubsub = Component(verona.server, PUBSUB).open().prove()
    verona.later()
    assert [each[2] for each in verona.heard()] == [{"shared": ["abram@montague.lit"]}]
    mercutio.hang_up()
    assert [each[1] for each in verona.heard()] == ["unavailable"]


@pytest.mark.parametrize("lost", [True, False])
def test_who_hides_while_an_account_is_read_has_hidden(
    verona: Verona, mercutio: Client, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    juliet = verona.server.resident(JULIET)
    reading: list[Deferred[Resident | None]] = []

    def slowly(residents: Residents, account: JID) -> Deferred[Resident | None]:
        reading.append(Deferred())
        return reading[-1]

    monkeypatch.setattr(Residents, "fetch", slowly)
    direct(mercutio, JULIET)
    if lost:
        mercutio.hang_up()
    else:
        direct(mercutio, JULIET, type_="unavailable")
    verona.heard()
    for each in reading:
        each.callback(juliet)
    assert verona.heard() == []


def test_nothing_is_kept_of_a_session_that_has_ended(verona: Verona) -> None:
    romeo = verona.log_in("romeo")
    direct(romeo, JULIET)
    direct(romeo, JULIET, type_="unavailable")
    romeo.hang_up()
    hooks = verona.server.host.hooks
    (told,) = {
        handler.__self__
        for handler in hooks.account_presence.handlers
        if isinstance(handler.__self__, privilege_presence.Told)
    }
    assert (told._directing, told._unknown, len(told._strangers.of(JID(JULIET)))) == (
        set(),
        set(),
        0,
    )


# Elsewhere


def test_9_1_3_a_stranger_elsewhere_is_told_of(verona: Verona) -> None:
    """What he shows and wants, and no more of his presence."""
    verona.shine(JULIET, inner="<status>What light</status>")
    assert verona.heard() == [(SKY, "", {"shared": [JULIET]}, None)]
    assert verona.answer() == [DOMAIN], "asked in nobody's name"
    assert verona.heard() == [(SKY, "", {"shared": [JULIET]}, [MOOD])]
    verona.shine(JULIET, inner="<status>through yonder window</status>")
    assert verona.heard() == []
    verona.shine(JULIET, inner="<show>away</show>")
    assert [each[0] for each in verona.heard()] == [SKY]
    verona.shine(JULIET, type_="unavailable")
    assert verona.heard() == [(SKY, "unavailable", {"hidden": [JULIET]}, None)]
    assert verona.server.host.capabilities.of(SKY) is None


def test_9_1_3_of_each_account_that_he_shows_himself_to(verona: Verona) -> None:
    verona.shine(JULIET, NURSE)
    assert [each[2] for each in verona.heard()] == [{"shared": [JULIET]}, {"shared": [NURSE]}]
    verona.shine(JULIET, type_="unavailable")
    assert [each[1:3] for each in verona.heard()] == [("", {"hidden": [JULIET]})]
    verona.shine(NURSE, type_="error")
    assert [each[1] for each in verona.heard()] == ["unavailable"]


def test_presence_of_other_types_says_nothing(verona: Verona) -> None:
    verona.shine(JULIET)
    verona.heard()
    for type_ in ("subscribe", "unsubscribe", "probe", "subscribed"):
        verona.shine(JULIET, type_=type_)
    assert verona.heard() == []


@pytest.mark.parametrize(
    ("sender", "to"),
    [(f"stranger@{MOON}", JULIET), (MOON, JULIET), (SKY, f"nobody@{DOMAIN}"), (SKY, DOMAIN)],
)
def test_who_has_no_full_jid_and_what_is_no_account_are_not_told_of(
    verona: Verona, sender: str, to: str
) -> None:
    verona.moon.send(f"<presence from='{sender}' to='{to}'>{EXODUS.c}</presence>")
    assert verona.heard() == []


def test_an_occupant_of_a_room_has_not_sent_his_presence_to_the_others(verona: Verona) -> None:
    """XEP-0045 §7.2.3: the room has."""
    verona.shine(JULIET, f"{JULIET}/r", inner=f"<x xmlns='{ns.MUC_USER}'/>")
    assert verona.heard() == []
    assert verona.answer() == [], "nor is he asked what he can do"


def test_a_contact_elsewhere_is_told_of_as_one(verona: Verona) -> None:
    put(verona.server, JULIET, f"stranger@{MOON}")
    verona.shine(JULIET, NURSE)
    assert [each[2] for each in verona.heard()] == [{"shown": [JULIET]}, {"shared": [NURSE]}]
    verona.shine(NURSE, type_="unavailable")
    assert [each[1:3] for each in verona.heard()] == [("", {"hidden": [NURSE]})]
    verona.shine(NURSE)
    verona.heard()
    verona.shine(JULIET, type_="unavailable")
    assert verona.heard() == [(SKY, "unavailable", {}, None)]
    verona.shine(NURSE, type_="unavailable")
    assert verona.heard() == []


def test_who_is_seen_no_more_and_has_gone_is_told_of(verona: Verona) -> None:
    """His server says so behind the end of the subscription (RFC 6121 §3.3.3)."""
    for account in (JULIET, NURSE):
        put(verona.server, account, f"stranger@{MOON}")
    verona.shine(JULIET, NURSE)
    verona.heard()
    put(verona.server, JULIET, f"stranger@{MOON}", FROM | LISTED)
    verona.shine(JULIET, type_="unavailable")
    assert [each[1:3] for each in verona.heard()] == [("", {"hidden": [JULIET]})]
    put(verona.server, NURSE, f"stranger@{MOON}", FROM | LISTED)
    verona.shine(NURSE, type_="unavailable")
    assert [each[1] for each in verona.heard()] == ["unavailable"]


def test_a_stranger_who_has_become_a_contact_and_has_gone_is_told_of(verona: Verona) -> None:
    """Though he was never seen as one."""
    verona.shine(JULIET)
    verona.heard()
    put(verona.server, JULIET, f"stranger@{MOON}")
    verona.shine(JULIET, type_="unavailable")
    assert [each[:2] for each in verona.heard()] == [(SKY, "unavailable")]


def test_who_is_forgotten_as_a_contact_is_known_as_a_stranger(
    verona: Verona, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "REMEMBERED", 1)
    for name in ("stranger", "dream"):
        put(verona.server, JULIET, f"{name}@{MOON}")
    verona.shine(NURSE, JULIET)
    verona.moon.send(f"<presence from='dream@{MOON}/sky' to='{JULIET}'/>")
    verona.heard()
    verona.answer()
    assert verona.heard() == [(SKY, "", {"shared": [NURSE]}, [MOOD])]


# What does not get through


def block(client: Client, *jids: str) -> None:
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    assert (
        client.ask(f"<block xmlns='{ns.BLOCKING}'>{items}</block>", "set").get("type") == "result"
    )


@pytest.mark.parametrize("there", [True, False])
def test_who_is_blocked_shows_himself_to_nobody(
    verona: Verona, mercutio: Client, there: bool
) -> None:
    """XEP-0191, also while its user is not there."""
    juliet = appear(verona.log_in("juliet"), None)
    block(juliet, "mercutio@capulet.lit", MOON)
    if not there:
        juliet.hang_up()
    verona.heard()
    direct(mercutio, JULIET, f"{JULIET}/r")
    verona.shine(JULIET, f"{JULIET}/r")
    assert verona.heard() == []
    assert verona.answer() == []


def test_who_is_blocked_afterwards_does_so_no_more(verona: Verona, mercutio: Client) -> None:
    juliet = appear(verona.log_in("juliet"), None)
    direct(mercutio, JULIET, NURSE)
    verona.shine(JULIET)
    verona.heard()
    block(juliet, "mercutio@capulet.lit", MOON)
    assert sorted(each[:3] for each in verona.heard()) == [
        (mercutio.jid, "", {"hidden": [JULIET]}),
        (SKY, "unavailable", {"hidden": [JULIET]}),
    ]


def test_an_account_that_is_removed_is_shown_nothing(verona: Verona, mercutio: Client) -> None:
    direct(mercutio, JULIET)
    verona.heard()
    verona.server.host.hooks.account_removed(verona.server.resident(JULIET).jid)
    assert [each[2] for each in verona.heard()] == [{"hidden": [JULIET]}]


# Bounds


def test_who_is_forgotten_is_told_of(verona: Verona, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharers, "MOST_OF_ACCOUNT", 1)
    for number in (1, 2):
        verona.moon.send(f"<presence from='stranger@{MOON}/{number}' to='{JULIET}'/>")
    assert [each[:3] for each in verona.heard()] == [
        (f"stranger@{MOON}/1", "", {"shared": [JULIET]}),
        (f"stranger@{MOON}/1", "unavailable", {"hidden": [JULIET]}),
        (f"stranger@{MOON}/2", "", {"shared": [JULIET]}),
    ]


def test_strangers_take_no_contacts_place(verona: Verona, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "REMEMBERED", 1)
    put(verona.server, JULIET, f"stranger@{MOON}")
    verona.shine(JULIET)
    for number in range(5):
        verona.moon.send(f"<presence from='other@{MOON}/{number}' to='{JULIET}'/>")
    verona.pubsub.hang_up()
    pubsub = Component(verona.server, PUBSUB).open().prove()
    verona.later()
    assert (SKY, "", {"shown": [JULIET]}, None) in verona.heard(pubsub)


def test_a_user_shows_himself_to_many(verona: Verona, mercutio: Client) -> None:
    for name in WHO:
        direct(mercutio, f"{name}@{DOMAIN}")
    assert len(verona.heard()) == len(WHO) - 1, "his own account sees him anyway"


def test_what_is_multicast_counts_as_well(verona: Verona) -> None:
    """XEP-0033: a stranger's presence to many, by a service that may send it so."""
    tables = {PUBSUB: TABLE, MOON: table(multicast=100)}
    verona.server.reload(components=tables)
    for name in ("juliet", "nurse"):
        appear(verona.log_in(name), PSI)
    verona.heard()
    addresses = "".join(f"<address type='bcc' jid='{to}/r'/>" for to in (JULIET, NURSE))
    header = f"<addresses xmlns='{ns.ADDRESS}'>{addresses}</addresses>"
    verona.moon.send(f"<presence from='{SKY}' to='{DOMAIN}'>{header}</presence>")
    assert [each[2] for each in verona.heard()] == [{"shared": [JULIET]}, {"shared": [NURSE]}]
