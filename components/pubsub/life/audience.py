"""Who is told of what happens to a node: its subscribers, and those who see an account's presence.

Subscriptions first (XEP-0060 §7.1.2.4, §12); of an account's nodes also contacts, and its own
clients, by what their clients want (XEP-0163 §4).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from components.common.privilege import NotGranted
from components.common.requests import RequestFailed
from components.pubsub.life import access
from components.pubsub.life.ancestry import Ancestry
from components.pubsub.life.presences import Presences
from components.pubsub.life.rosters import Contact, Roster, Rosters
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import Options
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import Settings
from xmppd.jid import JID

Kind: TypeAlias = Literal["items", "nodes"]
"""Whether an event is about items, or about the node itself (XEP-0248 §5.3)."""

CONFIRMED: Collection[State] = frozenset({State.SUBSCRIBED})
ALL: Collection[State] = frozenset({State.SUBSCRIBED, State.PENDING, State.UNCONFIGURED})


class Through(NamedTuple):
    """By which collections somebody is told, and which subscriptions to them."""

    collections: list[str]
    subids: list[str]


class Audience(NamedTuple):
    """Whom an event goes to: once each, those in `subids` with the ids of their subscriptions.

    Those in `through` are told because of collections that the node is in.
    """

    plain: list[JID]
    subids: dict[JID, list[str]]
    through: Mapping[JID, Through] = {}


class Audiences:
    """Finds them."""

    def __init__(self, presences: Presences, rosters: Rosters, ancestry: Ancestry) -> None:
        self._presences = presences
        self._rosters = rosters
        self._ancestry = ancestry

    async def of(
        self, node: Node, kind: Kind = "items", states: Collection[State] = CONFIRMED
    ) -> Audience:
        """Who is told of an event of a node: subscribers of these `states`, and others."""
        plain: dict[JID, None] = {}
        subids: dict[JID, list[str]] = {}
        self._subscribers(node, states, plain, subids)
        if node.personal:
            roster = self._rosters.at_hand(node.address.service)
            if roster is None:
                roster = await self._roster(node.address.service)
            plain.update(dict.fromkeys(self._interested(node, roster)))
            for jid in subids:
                plain.pop(jid, None)
        if not node.settings.collection:
            return Audience(list(plain), subids)
        through = await self.above(node, kind)
        for jid in (*plain, *subids):
            through.pop(jid, None)
        return Audience(list(plain), subids, through)

    async def above(
        self, node: Node, kind: Kind, collections: Iterable[str] | None = None
    ) -> dict[JID, Through]:
        """Who is told of an event of a node because of the collections that it is in.

        `collections` are others than those. The collection's access model has let the subscribers
        in (XEP-0248 §10.1); those whom the node itself has cast out are not told.
        """
        names = node.settings.collection if collections is None else collections
        through: dict[JID, Through] = {}
        for above in await self._ancestry.above(node.address.service, names):
            name = above.node.address.name
            for each in above.node.subscriptions():
                if each.state is not State.SUBSCRIBED or not each.options.deliver:
                    continue
                if not reaches(each.options, kind, above.distance):
                    continue
                if node.affiliation(each.jid) is Affiliation.OUTCAST:
                    continue
                several = len(above.node.of_jid(each.jid)) > 1
                for jid in self._addresses(above.node, each):
                    told = through.setdefault(jid, Through([], []))
                    if name not in told.collections:
                        told.collections.append(name)
                    if several:
                        told.subids.append(each.subid)
        return through

    def _subscribers(
        self,
        node: Node,
        states: Collection[State],
        plain: dict[JID, None],
        subids: dict[JID, list[str]],
    ) -> None:
        for each in node.subscriptions():
            if each.state not in states or not each.options.deliver:
                continue
            several = len(node.of_jid(each.jid)) > 1
            for jid in self._addresses(node, each):
                if several:
                    subids.setdefault(jid, []).append(each.subid)
                else:
                    plain[jid] = None

    def _addresses(self, node: Node, subscription: Subscription) -> Iterator[JID]:
        """Where a subscriber is told: where he has said, or at all his resources that are there."""
        jid = subscription.jid
        if not node.settings.presence_based_delivery:
            yield jid
            return
        shows = subscription.options.show_values
        for full, seen in self._presences.of(jid.bare).items():
            if (jid in (full, jid.bare)) and seen.show in shows:
                yield full

    async def _roster(self, account: JID) -> Roster:
        try:
            return await self._rosters.of(account)
        except (NotGranted, RequestFailed):
            return Roster()

    def _interested(self, node: Node, roster: Roster) -> Iterator[JID]:
        """The clients of an account and of its contacts that want a node (XEP-0163 §4)."""
        account, name = node.address
        settings, presences = node.settings, self._presences
        yield from presences.wanting(account, name)
        for jid in roster.subscribers:
            # First of all whether anybody is there: most are not.
            wanting = presences.wanting(jid, name)
            if wanting and admits(settings, node.affiliation(jid), roster.contact(jid)):
                yield from wanting


def reaches(options: Options, kind: Kind, distance: int) -> bool:
    """Whether a subscription to a collection is for an event so far below it (XEP-0248 §6.1)."""
    depth = options.subscription_depth
    return options.subscription_type in (kind, "all") and (depth == "all" or distance <= int(depth))


def admits(settings: Settings, affiliation: Affiliation, contact: Contact) -> bool:
    """Whether a contact of an account is told of a node without having subscribed to it.

    Whoever sees the account's presence, as the access model says (XEP-0163 §4).
    """
    if affiliation in (Affiliation.OUTCAST, Affiliation.PUBLISH_ONLY) or not contact.sees:
        return False
    if affiliation is not Affiliation.NONE:
        return True
    if settings.access_model in ("presence", "roster"):
        return access.admitted(settings, contact)
    return settings.access_model == "open"
