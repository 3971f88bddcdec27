"""Who is told of what happens to a node: its subscribers, and those who see an account's presence.

Subscriptions first (XEP-0060 §7.1.2.4, §12); of an account's nodes also contacts, and its own
clients, by what their clients want (XEP-0163 §4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast

from components.common.multicast import Recipients
from components.pubsub.life import access, subscribers
from components.pubsub.life.access import Access
from components.pubsub.life.ancestry import Above, Ancestry
from components.pubsub.life.listeners import Listeners
from components.pubsub.life.presences import Presences
from components.pubsub.life.rosters import SHARER, Contact, Roster, Rosters
from components.pubsub.model.node import Node
from components.pubsub.model.options import Options
from components.pubsub.model.privileges import Privilege, may
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import BY_ROSTER, Settings
from xmppd.jid import JID

Kind: TypeAlias = Literal["items", "nodes"]
"""Whether an event is about items, or about the node itself (XEP-0248 §5.3)."""

CONFIRMED: Collection[State] = frozenset({State.SUBSCRIBED})
"""Those who are told of what happens,"""
ALL: Collection[State] = frozenset({State.SUBSCRIBED, State.PENDING, State.UNCONFIGURED})
"""and those who are told that the node is no more."""


class Through(NamedTuple):
    """By which collections somebody is told, and which subscriptions to them."""

    collections: list[str]
    subids: list[str]


class _Above(NamedTuple):
    """A collection above a node, and the roster that says who may be told of what is in it."""

    above: Above
    roster: Roster


NOBODY = Recipients(())


class Audience(NamedTuple):
    """Whom an event goes to: once each, those in `subids` with the ids of their subscriptions.

    Those in `through` are told because of collections that the node is in. Those of them all who
    see the presence of the account that it is at are `seeing`. `parts` are those who want bodies
    beside payloads, and the others: None where nobody wants one (§13.8).
    """

    plain: Recipients
    subids: dict[JID, list[str]]
    through: Mapping[JID, Through] = {}
    seeing: Recipients = NOBODY
    parts: tuple[Audience, Audience] | None = None


class Reply(NamedTuple):
    """Where replies to what somebody is told go (XEP-0033 §4.6.4), and who is told of that."""

    to: JID
    told: Recipients


class Audiences:
    """Finds them."""

    def __init__(
        self,
        access: Access,
        presences: Presences,
        listeners: Listeners,
        rosters: Rosters,
        ancestry: Ancestry,
    ) -> None:
        self._access = access
        self._presences = presences
        self._listeners = listeners
        self._rosters = rosters
        self._ancestry = ancestry

    async def of(
        self, node: Node, kind: Kind = "items", states: Collection[State] = CONFIRMED
    ) -> Audience:
        """Who is told of an event of a node: subscribers of these `states`, and others."""
        collections: Sequence[str] = node.settings.collection
        if self._ancestry.shared(node):
            collections = await self._ancestry.collections(node)
        # As long as nothing has changed, it is the same as for the last event.
        key = (node.revision, node.settings)
        usual = kind == "items" and states is CONFIRMED
        if usual and not collections and node.audience is not None and node.audience[0] == key:
            return cast(Audience, node.audience[1])
        above = await self._above(node, collections) if collections else ()
        roster = await self._host(node)
        # All that takes time stands above: who is told is who may be told at this moment.
        found = subscribers.told(node, self._presences, states, self._admits(node, roster))
        seeing: dict[JID, None] = {}
        if node.personal:
            seeing = _seeing(node, roster, (*found.plain, *found.subids))
            interested = dict.fromkeys(self._interested(node, roster))
            seeing |= interested
            found.plain |= interested | dict.fromkeys(self._sharing(node, roster))
            found.plain |= dict.fromkeys(self._listening(node))
            for jid in found.subids:
                found.plain.pop(jid, None)
        through: Mapping[JID, Through] = {}
        if collections:
            through = self._through(node, kind, above)
            for jid in (*found.plain, *found.subids):
                through.pop(jid, None)
            if node.personal:
                seeing |= _seeing(node, roster, through)
        plain = Recipients(found.plain)
        # Mostly they are the same: then what names them is made once.
        seen_by = plain if seeing.keys() == found.plain.keys() else Recipients(seeing)
        parts = _parts(found, through)
        audience = Audience(plain, found.subids, through, seen_by, parts)
        if collections:
            return audience
        if usual and found.lasting and not node.personal and not by_roster(node):
            node.audience = (node.revision, node.settings), audience
        return audience

    def reply(self, node: Node, audience: Audience, by: JID) -> Reply | None:
        """Where replies go to what somebody has published, and who learns it (XEP-0163 §4.3.1).

        To the resource of the account's that it was, so that those who see them can tell them
        apart. Others who may publish there are none of these, nor are the account's contacts to
        learn where they are. A resource that shows itself to nobody is told to nobody.
        """
        if not node.personal or by not in self._presences.of(node.address.service):
            return None
        return Reply(by, audience.seeing)

    async def _host(self, node: Node) -> Roster:
        """The roster that says who may be told, an empty one where none does."""
        whose = access.host(node)
        if whose is None or not (node.personal or by_roster(node)):
            return Roster()
        return await self._rosters.shown(whose) or Roster()

    def _admits(self, node: Node, roster: Roster) -> Callable[[JID], bool] | None:
        """Whether subscribers may still be told, None where all of them may.

        A contact may be one no more since he has subscribed (§15.3), and where there is a whitelist
        since a moment ago, those who are not on it have yet to be unsubscribed.
        """
        if node.settings.access_model in ("open", "authorize"):
            return None

        def admits(jid: JID) -> bool:
            rank = self._access.affiliation(node, jid)
            if rank is Affiliation.NONE:
                return access.admitted(node, roster.contact(jid))
            return may(rank, Privilege.RETRIEVE)

        return admits

    async def above(
        self, node: Node, kind: Kind, collections: Iterable[str] | None = None
    ) -> dict[JID, Through]:
        """Who is told of an event of a node because of the collections that it is in.

        `collections` are others than those. The collection's access model lets the subscribers in
        (XEP-0248 §10.1); those whom the node itself has cast out are not told.
        """
        names = await self._ancestry.collections(node) if collections is None else collections
        return self._through(node, kind, await self._above(node, names))

    async def _above(self, node: Node, names: Iterable[str]) -> Sequence[_Above]:
        """The collections of these names, and those that they are in."""
        above = await self._ancestry.above(node.address.service, names)
        return [_Above(each, await self._host(each.node)) for each in above]

    def _through(self, node: Node, kind: Kind, collections: Iterable[_Above]) -> dict[JID, Through]:
        through: dict[JID, Through] = {}
        for above, roster in collections:
            name, admits = above.node.address.name, self._admits(above.node, roster)
            for each in above.node.subscriptions():
                if each.state is not State.SUBSCRIBED or not each.options.deliver:
                    continue
                if not reaches(each.options, kind, above.distance):
                    continue
                if node.affiliation(each.jid) is Affiliation.OUTCAST:
                    continue
                if admits is not None and not admits(each.jid.bare):
                    continue
                several = len(above.node.of_jid(each.jid)) > 1
                for jid in subscribers.addresses(above.node, each, self._presences):
                    told = through.setdefault(jid, Through([], []))
                    if name not in told.collections:
                        told.collections.append(name)
                    if several:
                        told.subids.append(each.subid)
        return through

    def _interested(self, node: Node, roster: Roster) -> Iterator[JID]:
        """The clients of an account and of its contacts that want a node (XEP-0163 §4)."""
        account, name = node.address
        settings, presences = node.settings, self._presences
        yield from presences.wanting(account, name)
        for jid in roster.subscribers:
            # First of all whether anybody is there: most are not.
            wanting = presences.wanting(jid, name)
            if wanting and hears(settings, node.affiliation(jid), roster.contact(jid)):
                yield from wanting

    def _listening(self, node: Node) -> Sequence[JID]:
        """The services that want a node which everybody may read."""
        if node.settings.access_model != "open":
            return ()
        return self._listeners.wanting(node.address.name)

    def _sharing(self, node: Node, roster: Roster) -> Iterator[JID]:
        """The clients that want a node of those who do not see the account's presence."""
        if node.settings.access_model == "open":
            for client in sharers(self._presences, roster, *node.address):
                if hears(node.settings, node.affiliation(client.bare), SHARER):
                    yield client


def _seeing(node: Node, roster: Roster, told: Iterable[JID]) -> dict[JID, None]:
    """Those who see the presence of the account that a node is at, by its own roster."""
    account = node.address.service
    return {jid: None for jid in told if jid.bare == account or roster.contact(jid.bare).sees}


def _parts(
    found: subscribers.Told, through: Mapping[JID, Through]
) -> tuple[Audience, Audience] | None:
    """Those who want bodies, and the others; None where nobody wants one."""
    if not found.bodies:
        return None

    def those(*, wanting: bool) -> Audience:
        plain = [jid for jid in found.plain if (jid in found.bodies) == wanting]
        subids = {
            jid: subids for jid, subids in found.subids.items() if (jid in found.bodies) == wanting
        }
        return Audience(Recipients(plain), subids)

    return those(wanting=True), those(wanting=False)._replace(through=through)


def sharers(presences: Presences, roster: Roster, account: JID, node: str) -> Iterator[JID]:
    """The clients that want a node of those who show an account their presence (XEP-0060 §9.1.3).

    Contacts and strangers, but for those who see its own.
    """
    for client in presences.sharing(account, node):
        if not roster.contact(client.bare).sees:
            yield client
    for jid in roster.sharers:
        yield from presences.wanting(jid, node)


def by_roster(node: Node) -> bool:
    """Whether rosters say who may be told."""
    return node.settings.access_model in BY_ROSTER


def reaches(options: Options, kind: Kind, distance: int) -> bool:
    """Whether a subscription to a collection is for an event so far below it (XEP-0248 §6.1)."""
    depth = options.subscription_depth
    return options.subscription_type in (kind, "all") and (depth == "all" or distance <= int(depth))


def hears(settings: Settings, affiliation: Affiliation, contact: Contact) -> bool:
    """Whether a contact of an account is told of a node without having subscribed to it.

    Whoever sees the account's presence, as the access model says (XEP-0163 §4); who merely shows it
    his, of what is open to everybody (XEP-0060 §9.1.3).
    """
    if affiliation in (Affiliation.OUTCAST, Affiliation.PUBLISH_ONLY):
        return False
    if not contact.sees:
        return contact.seen and settings.access_model == "open"
    if affiliation is not Affiliation.NONE:
        return True
    if settings.access_model in BY_ROSTER:
        return access.by_contact(settings, contact)
    return settings.access_model == "open"
