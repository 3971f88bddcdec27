"""Who is there, and what his clients want to be told of: by presence (XEP-0356 §7, XEP-0115).

The server says with presence which nodes a client wants (`+notify`), as far as it has verified it,
and to which accounts somebody shows himself of whom their rosters do not tell (XEP-0060 §9.1.3).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from components.common.component import Component
from components.common.interests import REMEMBERED, hidden, interests, shared, shown
from components.common.privilege import Privilege
from components.common.stanza import Stanza
from components.pubsub.model import parcels
from components.pubsub.model.options import SHOW_VALUES
from xmppd import ns
from xmppd.jid import JID

MOST_WANTED = 128
"""How many nodes a client may want: others it is not told of;"""
WANTED_OCTETS = 4_096
"""and what their names may take together."""

MOST_ELSEWHERE = 50_000
"""How many resources of contacts elsewhere are known: others are as if they were not there. And how
many of those besides who have shown themselves to accounts as strangers, or to the service alone,
which anybody may do: they are never known in a contact's place, nor the latter in a stranger's."""


LATER = 60.0
"""Seconds that a server is given to tell anew who is there."""


class Seen(NamedTuple):
    """A resource that is there."""

    show: str
    """As in `options.SHOW_VALUES`."""
    interests: frozenset[str] | None
    """The NodeIDs that it wants to be told of; None where that is not known yet."""


Know = Callable[[JID], object]
"""Told of a full JID that is there, and of which it has become known what it wants."""

Gain = Callable[[JID, frozenset[str]], object]
"""Told of a full JID, and of nodes that it wants now and did not a moment ago."""

Arrive = Callable[[JID, bool], object]
"""Told of a full JID that has become available, and whether no other of its bare JID was there."""

Show = Callable[[JID, JID], object]
"""Told of the full JID of who is no user of the server, or a stranger to an account, and of that
account, which he shows himself to."""

NOBODY: Mapping[JID, Seen] = {}

_OURS = frozenset(f"{ns.INTERESTS} {name}" for name in ("interests", "shown", "shared", "hidden"))

_NOTHING: frozenset[str] = frozenset()
_NOBODY: frozenset[JID] = frozenset()


class Presences:
    """Everybody who is there, as far as the server tells."""

    def __init__(self, component: Component, privilege: Privilege) -> None:
        self._component = component
        self._servers = frozenset(component.servers)
        self._there: dict[JID, dict[JID, Seen]] = {}
        """By bare JID and full JID."""
        self._unheard: dict[JID, dict[JID, Seen]] = {}
        """Those who were there, and of whom the server's new stream has not said anything yet."""
        self._elsewhere: OrderedDict[JID, None] = OrderedDict()
        """Those of them that are none of the servers', who came last at the end."""
        self._sharers: OrderedDict[JID, None] = OrderedDict()
        """Those that no account has for a contact to which they have shown themselves,"""
        self._strangers: OrderedDict[JID, bool] = OrderedDict()
        """and those that have shown themselves to no account, or to the service as well (True)."""
        self._shown: dict[JID, set[JID]] = {}
        """To which accounts resources elsewhere have shown themselves, by full JID."""
        self._shared: dict[JID, dict[JID, None]] = {}
        """To which accounts those of strangers have, wherever they are;"""
        self._sharing: dict[JID, dict[JID, None]] = {}
        """and by account, who has: of either kind."""
        self._on_arrival: list[Arrive] = []
        self._on_known: list[Know] = []
        self._on_gain: list[Gain] = []
        self._on_shown: list[Show] = []
        privilege.on_presence(self._told)
        component.on_open(self._opened)

    def of(self, bare: JID) -> Mapping[JID, Seen]:
        """The resources of a bare JID that are there."""
        return self._there.get(bare, NOBODY)

    def there(self, jid: JID) -> bool:
        """Whether somebody is there, with whatever resource."""
        return jid.bare in self._there

    def unsure(self, bare: JID) -> bool:
        """Whether somebody may be there, with a resource of which the server is yet to tell."""
        return bare in self._unheard

    def wanting(self, bare: JID, node: str) -> Sequence[JID]:
        """The resources of a bare JID that want to be told of a node."""
        there = self._there.get(bare)
        if there is None:
            return ()
        return [jid for jid, seen in there.items() if seen.interests and node in seen.interests]

    def interests_of(self, full: JID) -> frozenset[str]:
        """The nodes that a resource wants to be told of, none where it is not there."""
        seen = self.of(full.bare).get(full)
        return _NOTHING if seen is None or seen.interests is None else seen.interests

    def on_arrival(self, tell: Arrive) -> None:
        """Have `tell` called when a resource comes that was not there."""
        self._on_arrival.append(tell)

    def on_known(self, tell: Know) -> None:
        """Have `tell` called when it becomes known what a resource wants that was there before."""
        self._on_known.append(tell)

    def on_gain(self, tell: Gain) -> None:
        """Have `tell` called when a resource wants nodes that it did not want."""
        self._on_gain.append(tell)

    def shown_to(self, full: JID) -> Collection[JID]:
        """The accounts that a resource of a contact elsewhere has shown itself to."""
        return self._shown.get(full, ())

    def shared_to(self, full: JID) -> Collection[JID]:
        """The accounts that a resource has shown itself to as a stranger."""
        return self._shared.get(full, ())

    def sharing(self, account: JID, node: str) -> Sequence[JID]:
        """The resources of strangers to an account that want to be told of a node."""
        return [each for each in self._sharing.get(account, ()) if node in self.interests_of(each)]

    def on_shown(self, tell: Show) -> None:
        """Have `tell` called when a contact elsewhere, or a stranger, shows himself to one more.

        Where he begins to want nodes at the same time, that is told by `on_gain` alone.
        """
        self._on_shown.append(tell)

    def _told(self, stanza: Stanza) -> None:
        jid = stanza.sender
        if not jid.resource:
            return
        self._heard(jid)
        if stanza.type == "unavailable":
            self._leave(jid, hidden(stanza))
            return
        there = self._there.setdefault(jid.bare, {})
        first, last = not there, there.get(jid)
        seen = there[jid] = _seen(stanza, last)
        before = _NOTHING if last is None else last.interests or _NOTHING
        new = self._note(jid, stanza)
        self._tell_who_comes(jid, seen, last, first=first)
        gained = (seen.interests or _NOTHING) - before
        if gained:
            for tell in self._on_gain:
                tell(jid, gained)
        if before and new:
            for show in self._on_shown:
                for account in new:
                    show(jid, account)

    def _tell_who_comes(self, jid: JID, seen: Seen, last: Seen | None, *, first: bool) -> None:
        if last is None:
            for arrive in self._on_arrival:
                arrive(jid, first)
        elif last.interests is None and seen.interests is not None:
            for know in self._on_known:
                know(jid)

    def _note(self, jid: JID, stanza: Stanza) -> Sequence[JID]:
        """Know to whom a resource shows itself; the accounts that it had not shown itself to."""
        for account in hidden(stanza):
            self._hide(jid, account)
        new = [account for account in shared(stanza) if account not in self.shared_to(jid)]
        for account in new:
            self._shared.setdefault(jid, {})[account] = None
            self._sharing.setdefault(account, {})[jid] = None
        if jid.domain in self._servers:
            return new
        known = self._shown.get(jid, _NOBODY)
        seen = [account for account in shown(stanza) if account not in known]
        if seen:
            self._shown.setdefault(jid, set()).update(seen)
        # Of others whom it tells of, the server says more than what they have sent.
        self._keep(jid, itself=not known and _OURS.isdisjoint(stanza.children))
        return [*new, *seen]

    def _keep(self, jid: JID, *, itself: bool) -> None:
        """Have a resource elsewhere in the table that it belongs to.

        And among the strangers besides where it has shown `itself` to the service.
        """
        self._elsewhere.pop(jid, None)
        self._sharers.pop(jid, None)
        known = self._elsewhere if jid in self._shown else self._sharers
        if jid in self._shown or jid in self._shared:
            known[jid] = None
            if len(known) > MOST_ELSEWHERE:
                self._drop(next(iter(known)))
        itself = self._strangers.pop(jid, False) or itself
        if itself or jid not in known:
            self._strangers[jid] = itself
            if len(self._strangers) > MOST_ELSEWHERE:
                self._lose_stranger()

    def _lose_stranger(self) -> None:
        oldest, _ = self._strangers.popitem(last=False)
        if oldest not in self._shown and oldest not in self._shared:
            self._drop(oldest)

    def _leave(self, jid: JID, accounts: Sequence[JID]) -> None:
        """A resource has gone; where `accounts` are named for these, and maybe for nobody else."""
        for account in accounts:
            self._hide(jid, account)
        shows = jid in self._shown or jid in self._shared or self._strangers.get(jid, False)
        if not accounts or not shows:
            self._drop(jid)
        elif jid.domain not in self._servers:
            self._keep(jid, itself=False)

    def _hide(self, jid: JID, account: JID) -> None:
        """A resource shows itself to an account no more."""
        shown = self._shown.get(jid)
        if shown is not None:
            shown.discard(account)
            if not shown:
                del self._shown[jid]
        for table, key, value in ((self._shared, jid, account), (self._sharing, account, jid)):
            of_one = table.get(key)
            if of_one is not None and value in of_one:
                del of_one[value]
                if not of_one:
                    del table[key]

    def _drop(self, jid: JID) -> None:
        for table in (self._elsewhere, self._sharers, self._strangers):
            table.pop(jid, None)
        self._shown.pop(jid, None)
        for account in list(self.shared_to(jid)):
            self._hide(jid, account)
        of_one = self._there.get(jid.bare)
        if of_one is not None and of_one.pop(jid, None) is not None and not of_one:
            del self._there[jid.bare]

    def _heard(self, jid: JID) -> None:
        unheard = self._unheard.get(jid.bare)
        if unheard is not None:
            unheard.pop(jid, None)
            if not unheard:
                del self._unheard[jid.bare]

    def _opened(self, resumed: bool) -> None:
        """A server that has a new stream tells of all who are there anew."""
        if not resumed:
            self._unheard, self._there = self._there, {}
            self._component.clock.callLater(LATER, self._told_of_all, self._unheard)
            for table in (self._elsewhere, self._sharers, self._strangers):
                table.clear()
            for each in (self._shown, self._shared, self._sharing):
                each.clear()

    def _told_of_all(self, unheard: dict[JID, dict[JID, Seen]]) -> None:
        if unheard is self._unheard:
            self._unheard = {}


def _seen(stanza: Stanza, last: Seen | None) -> Seen:
    """A resource as presence tells of it, and as it was seen last."""
    wanted = interests(stanza)
    if wanted is not None:
        return Seen(_show(stanza), _bounded(wanted))
    # What was known of a client holds until something else is (XEP-0115 §8.4).
    return Seen(_show(stanza), None if last is None else last.interests)


@lru_cache(REMEMBERED)
def _bounded(wanted: frozenset[str]) -> frozenset[str]:
    """As many of these names as a client may want."""
    names = sorted(wanted)
    some = parcels.short(names[:MOST_WANTED], WANTED_OCTETS)
    return wanted if len(some) == len(names) else frozenset(some)


def _show(stanza: Stanza) -> str:
    name = f"{stanza.content} show"
    if name not in stanza.children:
        return "online"
    show = stanza.element.findtext(stanza.named("show")) or ""
    # Whatever else somebody says means no more than that he is there (RFC 6121 §4.7.2.1).
    return show if show in SHOW_VALUES else "online"
