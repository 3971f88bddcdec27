"""How SQLite goes about what is asked of it: by indexes, however many nodes and items there are.

It plans without knowing how many there are, so an empty store tells as much as a full one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from components.common.paging import Page
from components.pubsub.model.node import Address, Subscription
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.room import Room
from components.pubsub.model.settings import AT_DOMAIN, stored
from components.pubsub.store.fleeting import SQLFleeting
from components.pubsub.store.items import SQLItems
from components.pubsub.store.last_items import SQLLastItems
from components.pubsub.store.listing import Scope, SQLListing
from components.pubsub.store.nodes import SQLNodes
from components.pubsub.store.relations import SQLRelations
from tests.support.pubsub_items import HAMLET, HORATIO, SERVICE, entry
from xmppd.jid import JID

BERNARDO = JID.parse("bernardo@denmark.lit")
SUBSCRIPTION = Subscription(HORATIO, "1", State.SUBSCRIBED)
MANY = 10**6
ROOM = Room(MANY, MANY)


class Asking:
    """A transaction that asks how it would go about each statement, and does it then."""

    def __init__(self, tx: Any, plans: list[list[str]]) -> None:
        self._tx = tx
        self._plans = plans

    async def execute(self, sql: str, params: Any = ()) -> Any:
        rows = (await self._tx.execute(f"EXPLAIN QUERY PLAN {sql}", params)).rows
        self._plans.append([row[3] for row in rows])
        return await self._tx.execute(sql, params)


class Explained:
    """A database that writes down how it goes about what is asked of it."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.plans: list[list[str]] = []

    def read(self, work: Callable[[Any], Any]) -> Any:
        return self._database.read(lambda tx: work(Asking(tx, self.plans)))

    def write(self, work: Callable[[Any], Any]) -> Any:
        return self._database.write(lambda tx: work(Asking(tx, self.plans)))


class Store(NamedTuple):
    """All that asks a database."""

    nodes: SQLNodes
    items: SQLItems
    relations: SQLRelations
    listing: SQLListing
    last_items: SQLLastItems
    fleeting: SQLFleeting


def scans(plan: list[str]) -> list[str]:
    """The steps that look at all rows of a table."""
    made = {step.split()[1] for step in plan if step.startswith(("CO-ROUTINE", "MATERIALIZE"))}
    steps = [step for step in plan if step.startswith("SCAN") and "CONSTANT ROW" not in step]
    return [step for step in steps if step.split()[1] not in made]


def sorts(plan: list[str]) -> list[str]:
    """The steps that put rows in order which do not come in it."""
    return [step for step in plan if "TEMP B-TREE" in step]


def services(plan: list[str]) -> list[str]:
    """The steps that look at all nodes of a service, or at those behind one of them."""
    return [step for step in plan if "(service=?" in step and "name=?" not in step]


@pytest.fixture
def explained(wait, database, node) -> Callable[[Callable[[Store, int], Any]], list[list[str]]]:
    def explained(ask: Callable[[Store, int], Any]) -> list[list[str]]:
        asked = Explained(database)
        made: list[Any] = [
            each(asked)  # type: ignore[operator]
            for each in (SQLNodes, SQLItems, SQLRelations, SQLListing, SQLLastItems, SQLFleeting)
        ]
        store = Store(*made)
        wait(store.items.publish(node, [entry("1"), entry("2"), entry("3")], most=MANY))
        asked.plans.clear()
        wait(ask(store, node))
        assert asked.plans
        return asked.plans

    return explained


ON_THE_WAY = {
    "publish": lambda store, node: store.items.publish(node, [entry("4")], most=2, octets=MANY),
    "publish again": lambda store, node: store.items.publish(node, [entry("1")], most=9, full=True),
    "retract": lambda store, node: store.items.retract(node, ["1", "2"], of=HAMLET),
    "purge": lambda store, node: store.items.purge(node),
    "trim": lambda store, node: store.items.trim(node, 1),
    "expire": lambda store, node: store.items.expire(node, 1700.0, 2),
    "the newest": lambda store, node: store.items.last(node, 1),
    "some": lambda store, node: store.items.named(node, ["1", "3"], ROOM),
    "the first": lambda store, node: store.items.page(node, Page(2), ROOM),
    "the last": lambda store, node: store.items.page(node, Page(2, before=""), ROOM),
    "after one": lambda store, node: store.items.page(node, Page(2, after="1"), ROOM),
    "before one": lambda store, node: store.items.page(node, Page(2, before="3"), ROOM),
    "by number": lambda store, node: store.items.page(node, Page(2, index=1), ROOM),
    "ids": lambda store, node: store.items.ids(node, Page(2, after="1")),
    "open": lambda store, node: store.nodes.load(Address(SERVICE, "princely_musings")),
    "create": lambda store, node: store.nodes.create(
        Address(SERVICE, "new"), stored(AT_DOMAIN), {}, creator=HAMLET, now=1.0, most=MANY
    ),
    "subscribe": lambda store, node: store.nodes.subscribe(node, [SUBSCRIPTION], most=MANY),
    "affiliate": lambda store, node: store.nodes.affiliate(node, {BERNARDO: Affiliation.MEMBER}),
    "last items": lambda store, node: store.last_items.find([HAMLET, SERVICE], ["a", "b"], HORATIO),
    "who comes": lambda store, node: store.relations.nodes_of(BERNARDO, 0, 9),
    "who of many": lambda store, node: store.relations.subscribed([BERNARDO, HAMLET]),
    "leases": lambda store, node: store.relations.ended(1700.0, 9),
    "who goes": lambda store, node: store.relations.temporary_of(BERNARDO),
    "set up": lambda store, node: store.nodes.save(
        node, stored(AT_DOMAIN.change(purge_offline=True))
    ),
    "whose items go": lambda store, node: store.fleeting.nodes_of(HAMLET, 0, 9),
    "his items": lambda store, node: store.fleeting.take(node, HAMLET, 1700.0, 9),
    "whether there are any": lambda store, node: store.fleeting.any_of(HAMLET),
    "who is there": lambda store, node: store.fleeting.seen(HAMLET),
    "what came back": lambda store, node: store.relations.of_subscriber(SERVICE, HORATIO),
}
"""What happens whenever something is published or read, or somebody comes."""


@pytest.mark.parametrize("backend", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize("ask", ON_THE_WAY.values(), ids=ON_THE_WAY)
def test_nothing_is_looked_for_nor_sorted_among_all(explained, ask) -> None:
    for plan in explained(ask):
        assert not (scans(plan) or sorts(plan) or services(plan)), plan


OF_ONE = {
    "subscriptions": lambda store, node: store.relations.subscriptions(SERVICE, BERNARDO),
    "affiliations": lambda store, node: store.relations.affiliations(SERVICE, BERNARDO, 9),
    "pending": lambda store, node: store.relations.pending(SERVICE, HAMLET, 9),
    "in a collection": lambda store, node: store.listing.after(Scope(SERVICE, HAMLET, node), "", 9),
    "its end": lambda store, node: store.listing.before(Scope(SERVICE, HAMLET, node), "", 9),
    "how many": lambda store, node: store.listing.count(Scope(SERVICE, HAMLET, node)),
}
"""What somebody has to do with, or a collection, of which there is little in all."""


@pytest.mark.parametrize("backend", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize("ask", OF_ONE.values(), ids=OF_ONE)
def test_what_is_of_one_is_not_looked_for_among_all_nodes(wait, database, explained, ask) -> None:
    """It may be sorted: then it is there already."""
    nodes, address = SQLNodes(database), Address(SERVICE, "diary")
    owner = {HAMLET: Affiliation.OWNER}
    wait(nodes.create(address, stored(AT_DOMAIN), owner, creator=HAMLET, now=1.0))
    for plan in explained(ask):
        assert not (scans(plan) or services(plan)), plan


IN_ORDER = {
    "after": lambda store, node: store.listing.after(Scope(SERVICE, HORATIO), "a", 9),
    "before": lambda store, node: store.listing.before(Scope(SERVICE, HORATIO), "z", 9),
    "the end": lambda store, node: store.listing.before(Scope(SERVICE, HORATIO), "", 9),
    "names": lambda store, node: store.nodes.names(SERVICE, "a", 9),
}


@pytest.mark.parametrize("backend", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize("ask", IN_ORDER.values(), ids=IN_ORDER)
def test_a_page_of_nodes_is_read_in_the_order_of_its_index(explained, ask) -> None:
    for plan in explained(ask):
        assert not (scans(plan) or sorts(plan)), plan


@pytest.mark.parametrize("backend", ["sqlite-memory"], indirect=True)
def test_whose_items_go_is_read_from_an_index_of_these_alone(explained) -> None:
    ((step,),) = explained(lambda store, node: store.fleeting.publishers())
    assert step.endswith("USING COVERING INDEX pubsub_items_fleeting")
    for name in ("nodes_of", "any_of", "seen"):
        more = (0, 9) if name == "nodes_of" else ()
        plan = str(
            explained(lambda store, node, n=name, m=more: getattr(store.fleeting, n)(HAMLET, *m))
        )
        assert "COVERING INDEX pubsub_items_fleeting (publisher=?" in plan
    plan = str(explained(lambda store, node: store.fleeting.take(node, HAMLET, 1700.0, 9)))
    assert "INDEX pubsub_items_fleeting (publisher=? AND fleeting=? AND node=?)" in plan
