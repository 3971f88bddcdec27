"""Rosters as slixmpp reads, changes and keeps them, on each store (RFC 6121 §2, XEP-0237)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slixmpp.exceptions import IqError

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import soon
from tests.support.company import Person, settled, there
from tests.support.people import R, item, items
from tests.support.server import condition
from xmppd import ns

JULIET, ROMEO = f"juliet@{VERONA}", f"romeo@{VERONA}"
BALCONY, GARDEN, CHAMBER, ORCHARD = (
    f"{JULIET}/balcony",
    f"{JULIET}/garden",
    f"{JULIET}/chamber",
    f"{ROMEO}/orchard",
)
NAME = "R. <Montague> & 'Co' \N{ROSE}"
GROUPS = ['Friends & "Foes"', "<Verona>", " with spaces "]
MOST = 20


@pytest.fixture
def server(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    tables = {"store": store, "roster": {"items": MOST}}
    with running(tmp_path, tables, (JULIET, ROMEO)) as server:
        yield server


async def test_2_1_to_2_5_items_come_change_and_go_and_whoever_is_interested_is_told(
    server: Server,
) -> None:
    async with (
        there(server, BALCONY, CHAMBER) as (juliet, chamber),
        Person(GARDEN, server) as garden,
        Person(ORCHARD, server) as romeo,
    ):
        assert await juliet.contacts() == await romeo.contacts() == {}
        juliet.told(), chamber.told()
        chamber.send_presence(ptype="unavailable")
        await juliet.is_told(("unavailable", CHAMBER))
        shown = {"subscription": "none", "name": NAME, "groups": GROUPS}
        await soon(juliet.update_roster(ROMEO, name=NAME, groups=GROUPS, subscription="both"))
        versions = set()
        for client in (juliet, chamber):
            (push,) = await client.is_told(("push", ROMEO, "none"))
            assert push.get("from") in (None, JULIET), "§2.1.6: only the account may"
            assert push.get("to") == str(client.boundjid)
            assert items(push) == {ROMEO: shown}
            versions.add(push.find(f"{R}query").get("ver"))  # type: ignore[union-attr]
        assert len(versions) == 1
        sly = item("nurse@mantua.lit", ask="subscribe", approved="true", subscription="to")
        assert (await juliet.ask(sly, "set")).get("type") == "result"
        for client in (juliet, chamber):
            await client.is_told(("push", "nurse@mantua.lit", "none"))
        await settled(garden, romeo)
        assert garden.told() == romeo.told() == [], "§2.2: it has not asked for the roster"
        nurse = {"subscription": "none"}
        assert await garden.contacts() == {ROMEO: shown, "nurse@mantua.lit": nurse}
        await soon(garden.update_roster(ROMEO, name="Romeo"))
        for client in (juliet, chamber, garden):
            (push,) = await client.is_told(("push", ROMEO, "none"))
            assert items(push) == {ROMEO: {"subscription": "none", "name": "Romeo"}}
        await soon(garden.del_roster_item("nurse@mantua.lit"))
        for client in (juliet, chamber, garden):
            await client.is_told(("push", "nurse@mantua.lit", "remove"))
        with pytest.raises(IqError) as gone:
            await soon(juliet.del_roster_item("nurse@mantua.lit"))
        assert gone.value.condition == "item-not-found"
        assert (await romeo.ask(item(ROMEO), "set", to=JULIET)).get("type") == "error"
        assert (await romeo.ask(f"<query xmlns='{ns.ROSTER}'/>", to=JULIET)).get("type") == "error"
        await soon(juliet.update_roster(ROMEO, name=NAME, groups=GROUPS))
        assert await romeo.contacts() == {}
        await settled(juliet, chamber, garden, romeo)
        assert [p.told() for p in (juliet, chamber, garden, romeo)] == [
            *[[("push", ROMEO, "none")]] * 3,
            [],
        ]
    server.process.kill()
    server.start()
    async with Person(BALCONY, server) as juliet:
        assert await juliet.contacts() == {ROMEO: shown}


LONG = "x" * 1024
TWO = f"<query xmlns='{ns.ROSTER}'><item jid='a@x.lit'/><item jid='b@x.lit'/></query>"
WRONG = [
    (TWO, "bad-request"),
    (f"<query xmlns='{ns.ROSTER}'/>", "bad-request"),
    (item("a@x.lit", groups=["g", "h", "g"]), "bad-request"),
    (item("a@x.lit", groups=[""]), "not-acceptable"),
    (item("a@x.lit", groups=[LONG]), "not-acceptable"),
    (item("a@x.lit", LONG), "not-acceptable"),
    (item("a@x.lit", groups=map(str, range(101))), "not-acceptable"),
    (item("a b@x.lit"), "jid-malformed"),
    (item("a@x.lit/street"), "bad-request"),
    (item(JULIET), "not-allowed"),
    (item("a@x.lit", subscription="remove"), "item-not-found"),
]


async def test_2_3_3_what_is_wrong_is_refused_and_so_is_one_item_too_many(server: Server) -> None:
    async with Person(BALCONY, server) as juliet:
        assert await juliet.contacts() == {}
        answers = [await juliet.ask(payload, "set") for payload, _ in WRONG]
        assert [condition(answer) for answer in answers] == [why for _, why in WRONG]
        assert await juliet.contacts() == {}
        for number in range(MOST):
            assert not condition(await juliet.ask(item(f"c{number}@x.lit"), "set"))
        one_more = await juliet.ask(item("one.more@x.lit"), "set")
        assert condition(one_more) == "resource-constraint"
        juliet.send_presence_subscription(ROMEO)
        await settled(juliet)
        assert juliet.told() == [
            *(("push", f"c{number}@x.lit", "none") for number in range(MOST)),
            ("error", ROMEO),
        ], "a subscription is no way around it"
        longest = item("c0@x.lit", LONG[1:], [LONG[1:]])
        assert not condition(await juliet.ask(longest, "set"))
        assert not condition(await juliet.ask(item("c1@x.lit", subscription="remove"), "set"))
        assert not condition(await juliet.ask(item("one.more@x.lit"), "set"))
        kept = await juliet.contacts()
    server.process.kill()
    server.start()
    async with Person(BALCONY, server) as juliet:
        assert await juliet.contacts() == kept
        assert kept["c0@x.lit"] == {
            "subscription": "none",
            "name": LONG[1:],
            "groups": [LONG[1:]],
        }
        assert len(kept) == MOST
        assert condition(await juliet.ask(item("c1@x.lit"), "set")) == "resource-constraint"


class Kept:
    """The roster as a client keeps it while it is away (§2.6)."""

    def __init__(self) -> None:
        self.version = ""
        self.contacts: dict[str, dict[str, Any]] = {}

    async def catch_up(self, person: Person) -> list[tuple[str, str]] | None:
        """Tell the server the version that is kept; what it pushes, None for the whole roster."""
        assert "rosterver" in person.features
        person.client_roster.version = self.version
        answer = await soon(person.get_roster())
        version = answer["roster"]["ver"]  # slixmpp makes a query where there is none
        if version is not None:
            self.version, self.contacts = version, items(answer.xml)
            return None
        assert not items(answer.xml)
        await settled(person)
        pushes = [person.news.get_nowait() for _ in range(person.news.qsize())]
        return [self.take(push) for push in pushes]

    def take(self, push: Any) -> tuple[str, str]:
        self.version = push.find(f"{R}query").get("ver")
        ((jid, attrs),) = items(push).items()
        self.contacts.pop(jid, None)
        if attrs["subscription"] != "remove":
            self.contacts[jid] = attrs
        return jid, attrs["subscription"]


async def test_2_6_who_comes_back_is_told_what_has_changed_and_nothing_else(
    server: Server,
) -> None:
    kept = Kept()

    async def change(person: Person, jid: str, name: str = "", **attrs: str) -> None:
        assert not condition(await person.ask(item(jid, name, **attrs), "set"))

    async with Person(BALCONY, server) as juliet, Person(GARDEN, server) as garden:
        assert await kept.catch_up(juliet) is None, "ver='' asks for all (§2.6.2)"
        assert kept.contacts == {}
        await juliet.leave()
        for number in range(12):
            await change(garden, f"c{number}@x.lit", f"C {number}")
    server.process.kill()
    server.start()
    async with Person(BALCONY, server) as juliet, Person(GARDEN, server) as garden:
        assert await kept.catch_up(juliet) == [(f"c{n}@x.lit", "none") for n in range(12)]
        assert await kept.catch_up(juliet) == [], "an empty result, and no push"
        assert kept.contacts == await garden.contacts()
        assert len(kept.contacts) == 12
        await change(garden, "c0@x.lit", "while she is there")
        (push,) = await juliet.is_told(("push", "c0@x.lit", "none"))
        kept.take(push)
        await juliet.leave()
        await change(garden, "c1@x.lit", "changed")
        await change(garden, "c2@x.lit", subscription="remove")
        await change(garden, "c3@x.lit", "changed")
        await change(garden, "c1@x.lit", "changed again")
        await change(garden, "c4@x.lit", subscription="remove")
        await change(garden, "c4@x.lit", "back")
        await change(garden, "brief@x.lit")
        await change(garden, "brief@x.lit", subscription="remove")
    server.process.stop()
    server.start()
    async with Person(BALCONY, server) as juliet:
        assert await kept.catch_up(juliet) == [
            ("c2@x.lit", "remove"),
            ("c3@x.lit", "none"),
            ("c1@x.lit", "none"),
            ("c4@x.lit", "none"),
            ("brief@x.lit", "remove"),
        ]
        assert kept.contacts == await juliet.contacts()
    async with Person(BALCONY, server) as juliet:
        assert await kept.catch_up(juliet) == []
        kept.version = ""
        assert await kept.catch_up(juliet) is None
        assert kept.contacts == await juliet.contacts()
        assert await kept.catch_up(juliet) == []
        kept.version = "of some other server"
        assert await kept.catch_up(juliet) is None
