"""The last items, for who has just come, or become a contact (XEP-0163 §4.3.3, §4.3.4).

A client that begins to want nodes is sent the last item of each that its account has, and that the
accounts have whose presence it sees, where it may be told of them. So are the clients of a contact
that gets to see an account's presence, or into a group that sees more, and those of contacts whom a
node lets in from now on (XEP-0060 §13.2). Of nodes that are open to everybody they are sent also to
who shows an account his presence and does not see its own (XEP-0060 §9.1.3).

The law of this file: nobody is sent an item behind a newer one that he was told of. What happens to
a node while it is being looked up is noted, and what was found of it is not sent, but read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common.component import Component
from components.common.instances import Instances
from components.common.requests import RequestFailed
from components.pubsub.life.audience import hears, sharers
from components.pubsub.life.nodes import Nodes
from components.pubsub.life.notices import Notices
from components.pubsub.life.presences import Presences
from components.pubsub.life.publishing import Publishing
from components.pubsub.life.rosters import (
    ITSELF,
    NOBODY,
    SHARER,
    Change,
    Contact,
    Roster,
    Rosters,
)
from components.pubsub.model import settings as setting
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import PERSONAL, Settings
from components.pubsub.store.last_items import LastItem, SQLLastItems, slices
from xmppd.errors import StoreError
from xmppd.jid import JID

log = Logger(namespace="component")

AT_ONCE = 8
"""How many clients are seen to at the same time; the others wait for their turn."""

MOST_WAITING = 100_000
"""How many wait: of more than that those who have waited longest are told of nothing."""
MOST_STRANGERS = 10_000
"""How many strangers do, who wait behind all others: anybody can be one."""

_ANYBODY = Contact("from", frozenset())
"""Whose own roster says that he sees an account's presence."""


class _Key(NamedTuple):
    """Who is to be told, by full JID, and of which account's nodes, None for all."""

    client: JID
    account: JID | None


class _Wish(NamedTuple):
    """What is left to be told."""

    names: frozenset[str]
    before: Contact | None
    """What he was to the account until now: what he was told of by that is left out. None where
    its roster says what: he has been there for all who have him in theirs."""


class LastItems:
    """Sends them."""

    def __init__(
        self,
        component: Component,
        store: SQLLastItems,
        nodes: Nodes,
        rosters: Rosters,
        presences: Presences,
        publishing: Publishing,
        notices: Notices,
        instances: Instances,
    ) -> None:
        self._servers = frozenset(component.servers)
        self._store = store
        self._nodes = nodes
        self._rosters = rosters
        self._presences = presences
        self._publishing = publishing
        self._notices = notices
        self._own = instances.own
        self._waiting: OrderedDict[_Key, _Wish] = OrderedDict()
        """In the order in which they have come."""
        self._behind: OrderedDict[_Key, _Wish] = OrderedDict()
        """Strangers, likewise."""
        self._working = 0
        self._lookups: list[set[Address]] = []
        """Of each lookup that is under way, the nodes to which something has happened meanwhile."""
        presences.on_gain(self._gained)
        presences.on_shown(self._shown)
        rosters.on_change(self._changed)
        notices.on_tell(self._told)
        publishing.on_change(lambda node, _: self._told(node.address))

    # ------------------------------------------------------------------ who is to be told

    def _gained(self, client: JID, names: frozenset[str]) -> None:
        stranger = client.domain not in self._servers and not self._presences.shown_to(client)
        self._add(_Key(client, None), _Wish(names, NOBODY), stranger=stranger)

    def _shown(self, client: JID, account: JID) -> None:
        if self._own(account):
            before = None if client.domain in self._servers else NOBODY
            wish = _Wish(self._presences.interests_of(client), before)
            stranger = account not in self._presences.shown_to(client)
            self._add(_Key(client, account), wish, stranger=stranger)

    def _changed(self, change: Change) -> None:
        """A contact may see more than before."""
        account, before, now = change.account, change.before or NOBODY, change.now
        more = now.sees and not (before.sees and now.groups <= before.groups)
        # Of others it is told when they show themselves.
        more |= now.seen and not before.seen and change.jid.domain in self._servers
        if more and self._own(account):
            for client, seen in self._presences.of(change.jid).items():
                if seen.interests:
                    stranger = not before.sees and account in self._presences.shared_to(client)
                    was = SHARER if stranger else before
                    self._add(_Key(client, account), _Wish(seen.interests, was))

    async def configured(self, node: Node, before: Settings) -> None:
        """See `Configuring.on_configured`: more of an account's contacts may see a node now."""
        account, name = node.address
        if not node.personal or node.settings.access_model == before.access_model != "roster":
            return
        roster = await self._rosters.shown(account)
        if roster is None:
            return
        for jid in roster.subscribers:
            wanting = self._presences.wanting(jid, name)
            rank, contact = node.affiliation(jid), roster.contact(jid)
            if wanting and hears(node.settings, rank, contact) > hears(before, rank, contact):
                for client in wanting:
                    self._let_in(node, client)
        if hears(node.settings, Affiliation.NONE, SHARER):
            for client in sharers(self._presences, roster, account, name):
                if not hears(before, node.affiliation(client.bare), SHARER):
                    self._let_in(node, client)

    def _let_in(self, node: Node, client: JID) -> None:
        account, name = node.address
        if not _subscribed(node, client):
            self._add(_Key(client, account), _Wish(frozenset({name}), NOBODY))

    def _add(self, key: _Key, wish: _Wish, *, stranger: bool = False) -> None:
        queue = self._behind if stranger else self._waiting
        waiting = queue.get(key)
        if waiting is not None:
            wish = _Wish(waiting.names | wish.names, waiting.before)
        elif len(queue) >= (MOST_STRANGERS if stranger else MOST_WAITING):
            queue.popitem(last=False)
        queue[key] = wish
        if self._working < AT_ONCE:
            self._working += 1
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("last items were not sent", failure))

    def _told(self, address: Address) -> None:
        for lookup in self._lookups:
            lookup.add(address)

    # ------------------------------------------------------------------ telling

    async def _work(self) -> None:
        try:
            while self._waiting or self._behind:
                key, wish = (self._waiting or self._behind).popitem(last=False)
                await self._see_to(key, wish)
        finally:
            self._working -= 1

    async def _see_to(self, key: _Key, wish: _Wish) -> None:
        try:
            accounts, before = await self._accounts(key), wish.before
            if before is None:
                before = await self._by_roster(key)
            for some in slices(list(accounts), len(wish.names)):
                names = wish.names & self._presences.interests_of(key.client)
                if names:
                    part = {each: accounts[each] for each in some}
                    await self._tell(key.client, part, names, before)
        except (StoreError, RequestFailed) as error:
            log.warn("{jid} is not told of last items: {error}", jid=key.client, error=str(error))

    async def _by_roster(self, key: _Key) -> Contact:
        roster = None if key.account is None else await self._rosters.shown(key.account)
        return NOBODY if roster is None else roster.contact(key.client.bare)

    async def _accounts(self, key: _Key) -> Mapping[JID, Contact | None]:
        """The accounts of this instance that somebody may be told of; his own first.

        And what he is to each by his own roster, None where that does not tell.
        """
        client, bare = key
        if bare is not None:
            return {bare: None}
        found: dict[JID, Contact | None] = {}
        bare = client.bare
        if bare.domain in self._servers:
            roster = await self._rosters.shown(bare) or Roster()
            found[bare] = ITSELF
            for jid, contact in roster.shown.items():
                if jid.domain in self._servers:
                    found[jid] = _ANYBODY if contact.seen else SHARER
        for jid in (*self._presences.shown_to(client), *self._presences.shared_to(client)):
            found.setdefault(jid, None)
        return {jid: contact for jid, contact in found.items() if self._own(jid)}

    async def _tell(
        self,
        client: JID,
        accounts: Mapping[JID, Contact | None],
        names: Collection[str],
        before: Contact,
    ) -> None:
        await self._notices.room()
        lookup: set[Address] = set()
        self._lookups.append(lookup)
        try:
            for found in await self._store.find(list(accounts), names, client.bare):
                settings, rank = self._as_it_is(found, client.bare)
                known = accounts[found.address.service]
                contact = await self._contact(found.address, client, settings, rank, known)
                settings, rank = self._as_it_is(found, client.bare)
                if contact is None or not _wanted(settings, rank, contact, before):
                    continue
                if found.address.name in self._presences.interests_of(client):
                    told = found.address in lookup
                    await self._send(client, found, settings, contact, told=told)
        finally:
            self._lookups[:] = [each for each in self._lookups if each is not lookup]

    def _as_it_is(self, found: LastItem, bare: JID) -> tuple[Settings, Affiliation]:
        """How a node is set up by now: one that is open may be ahead of what was read."""
        node = self._nodes.at_hand(found.address)
        if node is not None:
            return node.settings, node.affiliation(bare)
        rank = Affiliation.OWNER if found.address.service == bare else found.affiliation
        return setting.read(found.settings, PERSONAL), rank

    async def _contact(
        self,
        address: Address,
        client: JID,
        settings: Settings,
        rank: Affiliation,
        known: Contact | None,
    ) -> Contact | None:
        """What somebody is to an account by its roster; None where he is to be told nothing.

        It is not asked for where that of a user of the same server has told enough: what he is
        `known` to be. A stranger who has subscribed is told as a subscriber.
        """
        account, bare = address.service, client.bare
        if account == bare:
            return ITSELF
        roster = self._rosters.at_hand(account)
        by_group = settings.access_model == "roster" and rank is Affiliation.NONE
        if roster is None and (by_group or known is None):
            roster = await self._rosters.shown(account)
        contact = known if roster is None else roster.contact(bare)
        stranger = account in self._presences.shared_to(client)
        if not stranger or (contact is not None and contact.sees):
            return contact
        node = await self._nodes.open(address)
        return None if node is None or _subscribed(node, client) else SHARER

    async def _send(
        self, client: JID, found: LastItem, settings: Settings, contact: Contact, *, told: bool
    ) -> None:
        open_ = self._nodes.at_hand(found.address)
        told = told or found.large or (open_ is not None and open_.publishing > 0)
        if found.item is not None and settings.persist_items and not told:
            if found.item.at > self._publishing.since_as(settings):
                account = found.address.service
                self._publishing.tell_last(found.address, settings, account, found.item, (client,))
        elif told or not settings.persist_items:
            node = await self._nodes.open(found.address)
            if node is not None:
                bare = client.bare
                await self._publishing.send_last(
                    node,
                    (client,),
                    still=lambda: hears(node.settings, node.affiliation(bare), contact),
                )


def _subscribed(node: Node, client: JID) -> bool:
    """Whether a client is told of a node by a subscription: of the last item as well."""
    subscriptions = node.of_account(client.bare)
    return any(
        each.state is State.SUBSCRIBED and each.jid in (client, client.bare)
        for each in subscriptions
    )


def _wanted(settings: Settings, rank: Affiliation, contact: Contact, before: Contact) -> bool:
    """Whether somebody is to be sent the last item of a node, as what he is and was until now."""
    if not settings.tells_who_comes:
        return False
    return hears(settings, rank, contact) and not hears(settings, rank, before)
