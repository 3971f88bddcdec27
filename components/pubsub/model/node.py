"""A node as it is in memory: whose it is, how it is set up, who has to do with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from components.common.whole import Lock
from components.pubsub.model import settings as setting
from components.pubsub.model.options import DEFAULT, Options
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import Settings
from xmppd.jid import JID

NODE_OCTETS, ENTRY_OCTETS = 2_000, 600
"""What a node takes in memory that is set up as in most, and an affiliation or a subscription."""
SPELLINGS = 4
"""How often an address is there: as a text, with and without its resource, and as it is written."""


class Address(NamedTuple):
    """Where a node is: the service's domain or an account's bare JID, and the NodeID (§4.6)."""

    service: JID
    name: str

    @property
    def personal(self) -> bool:
        """Whether it is an account's (XEP-0163)."""
        return bool(self.service.local)


class Subscription(NamedTuple):
    """Somebody is told of a node, or wants to be (§4.2). `jid` may be bare or full."""

    jid: JID
    subid: str
    state: State
    options: Options = DEFAULT


class Node:
    """A node that is open. What it is changes only once the store has it.

    Whoever changes something holds `lock`. `id` is the store's.
    """

    __slots__ = (
        "_characters",
        "_subscriptions",
        "address",
        "affiliations",
        "audience",
        "changes",
        "counted",
        "created",
        "creator",
        "gone",
        "id",
        "lock",
        "published",
        "publishing",
        "revision",
        "settings",
        "subscribed",
    )

    def __init__(
        self, id_: int, address: Address, settings: Settings, creator: JID, created: float
    ) -> None:
        self.id = id_
        self.address = address
        self.settings = settings
        self.creator = creator
        self.created = created
        self.affiliations: dict[JID, Affiliation] = {}
        """By bare JID, those that are not "none"."""
        self._subscriptions: dict[JID, dict[str, Subscription]] = {}
        """By bare JID and SubID."""
        self.subscribed = 0
        """How many subscriptions there are."""
        self.lock = Lock()
        self.gone = False
        """Whether it was deleted since it was opened."""
        self.revision = 0
        """Grows with each change of who is to be told of what."""
        self.audience: tuple[object, object] | None = None
        """Who was told of the last event, where that holds on, and as long as what does not change
        (see `life.audience`)."""
        self.changes = 0
        """Grows whenever items come or go: what was read of them before may hold no more."""
        self.published = 0
        """Grows whenever items come, as people are told of them."""
        self.publishing = 0
        """How many publications are under way: people have yet to be told of them."""
        self._characters = 0
        """Of the addresses that are subscribed."""
        self.counted: tuple[int, int] = (0, 0)
        """What of its weight is counted among open nodes, and at which revision."""

    @property
    def personal(self) -> bool:
        """Whether it is an account's."""
        return self.address.personal

    @property
    def leaf(self) -> bool:
        """Whether it has items, and not nodes (XEP-0248)."""
        return self.settings.node_type == "leaf"

    def affiliation(self, jid: JID) -> Affiliation:
        """What somebody is to it; an account's nodes are its own (XEP-0163 §3)."""
        bare = jid.bare
        if bare == self.address.service:
            return Affiliation.OWNER
        return self.affiliations.get(bare, Affiliation.NONE)

    @property
    def owners(self) -> list[JID]:
        """Those whom it belongs to."""
        found = [jid for jid, rank in self.affiliations.items() if rank is Affiliation.OWNER]
        if self.personal and self.address.service not in found:
            found.insert(0, self.address.service)
        return found

    @property
    def owner(self) -> JID | None:
        """The one owner who stands for them all: the account, or who has made it and is one still.

        Else the one of the least address, which every instance finds, and always.
        """
        first = self.address.service if self.personal else self.creator
        if self.affiliation(first) is Affiliation.OWNER:
            return first.bare
        return min(self.owners, default=None)

    # ------------------------------------------------------------------ subscriptions

    def subscriptions(self) -> Iterator[Subscription]:
        """All of them, in no order."""
        for of_one in self._subscriptions.values():
            yield from of_one.values()

    def by_account(self) -> Iterable[Mapping[str, Subscription]]:
        """All of them by SubID, those of a bare JID and all its resources together."""
        return self._subscriptions.values()

    def of_jid(self, jid: JID) -> list[Subscription]:
        """Those of exactly this JID, as far as is known the oldest first."""
        return [each for each in self.of_account(jid.bare) if each.jid == jid]

    def of_account(self, bare: JID) -> list[Subscription]:
        """Those of a bare JID and all its resources."""
        return list(self._subscriptions.get(bare, {}).values())

    def put(self, subscription: Subscription) -> None:
        """Have a subscription, in place of that of the same SubID."""
        of_one = self._subscriptions.setdefault(subscription.jid.bare, {})
        if subscription.subid not in of_one:
            self.subscribed += 1
            self._characters += len(subscription.jid)
        of_one[subscription.subid] = subscription
        self.revision += 1

    def drop(self, subscription: Subscription) -> None:
        """Have it no more."""
        bare = subscription.jid.bare
        of_one = self._subscriptions.get(bare, {})
        if of_one.pop(subscription.subid, None) is not None:
            self.subscribed -= 1
            self._characters -= len(subscription.jid)
        if not of_one:
            self._subscriptions.pop(bare, None)
        self.revision += 1

    @property
    def weight(self) -> int:
        """About how many octets it takes in memory."""
        entries = len(self.affiliations) + self.subscribed
        characters = self._characters + sum(map(len, self.affiliations))
        settings = setting.octets(self.settings)
        return NODE_OCTETS + settings + ENTRY_OCTETS * entries + SPELLINGS * characters
