"""Rosters of accounts, as their server shows them (XEP-0356 §4): who sees whose presence.

Each is read when it is first needed, and follows the pushes from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.privilege import NotGranted, Privilege, Push
from components.common.requests import RequestFailed
from xmppd import ns
from xmppd.jid import JID, JIDError

MOST = 256 * 1024 * 1024
"""What all rosters may have in memory that are remembered, in octets, about."""
ROSTER_OCTETS, CONTACT_OCTETS, GROUP_OCTETS = 500, 400, 60
"""What a roster takes, a contact in it, and a group of a contact, besides their names."""

_GROUP = f"{{{ns.ROSTER}}}group"


class Contact(NamedTuple):
    """Somebody in a roster (RFC 6121 §2.1.2)."""

    subscription: str
    groups: frozenset[str]

    @property
    def sees(self) -> bool:
        """Whether he sees the account's presence."""
        return self.subscription in ("from", "both")

    @property
    def seen(self) -> bool:
        """Whether the account sees his."""
        return self.subscription in ("to", "both")


NOBODY = Contact("none", frozenset())

SHARER = Contact("to", frozenset())
"""Somebody who shows the account his presence, which it has no subscription to (XEP-0060 §9.1.3):
what a contact is whose presence it sees, and who does not see its own."""

ITSELF = Contact("both", frozenset())
"""What an account is to itself."""


class Roster:
    """The contacts of an account that see its presence, show it theirs, or are in groups."""

    __slots__ = ("_contacts", "_sharers", "_subscribers", "octets")

    def __init__(self, items: Iterable[Element] = ()) -> None:
        self._contacts: dict[JID, Contact] = {}
        self._subscribers: tuple[JID, ...] | None = None
        self._sharers: tuple[JID, ...] | None = None
        self.octets = ROSTER_OCTETS
        """What it takes in memory, about."""
        for item in items:
            self.put(item)

    def put(self, item: Element) -> None:
        """Take an item as it is now; what is removed, or would let nobody in, is left out."""
        self._subscribers = self._sharers = None
        read = _read(item)
        if read is None:
            return
        jid, contact = read
        before = self._contacts.pop(jid, None)
        if before is not None:
            self.octets -= _octets(jid, before)
        if contact != NOBODY:
            self._contacts[jid] = contact
            self.octets += _octets(jid, contact)

    def contact(self, jid: JID) -> Contact:
        """What somebody is to the account, by his bare JID."""
        return self._contacts.get(jid, NOBODY)

    @property
    def subscribers(self) -> Collection[JID]:
        """Those who see the account's presence."""
        found = self._subscribers
        if found is None:
            found = tuple(jid for jid, contact in self._contacts.items() if contact.sees)
            self._subscribers = found
        return found

    @property
    def sharers(self) -> Collection[JID]:
        """Those whose presence it sees, and who do not see its own."""
        found = self._sharers
        if found is None:
            found = tuple(
                jid for jid, contact in self._contacts.items() if contact.seen and not contact.sees
            )
            self._sharers = found
        return found

    @property
    def groups(self) -> list[str]:
        """The groups that they are in, sorted."""
        return sorted({group for each in self._contacts.values() for group in each.groups})

    @property
    def shown(self) -> Mapping[JID, Contact]:
        """Those whose presence the account sees, or who see its own."""
        return {jid: each for jid, each in self._contacts.items() if each.seen or each.sees}


class Change(NamedTuple):
    """A contact of an account is another than before."""

    account: JID
    jid: JID
    before: Contact | None
    """None where the roster was not remembered, so that nobody knows."""
    now: Contact


OnChange = Callable[[Change], object]


class Rosters:
    """Those that are remembered, the one that was asked for last at the end."""

    def __init__(self, component: Component, privilege: Privilege, most: int = MOST) -> None:
        self._privilege = privilege
        self._most = most
        self._known: OrderedDict[JID, Roster] = OrderedDict()
        self._weight = 0
        self._reading: dict[JID, list[Deferred[None]]] = {}
        """Who waits for rosters that are being read."""
        self._pushed: set[JID] = set()
        """Those that have changed while they are being read."""
        self._on_change: list[OnChange] = []
        privilege.on_roster_push(self._push)
        component.on_open(self._opened)

    def on_change(self, tell: OnChange) -> None:
        """Have `tell` called when a contact of somebody has changed, as far as pushes tell."""
        self._on_change.append(tell)

    def at_hand(self, account: JID) -> Roster | None:
        """The roster of a bare JID, if it is remembered."""
        roster = self._known.get(account)
        if roster is not None:
            self._known.move_to_end(account)
        return roster

    async def of(self, account: JID) -> Roster:
        """The roster of a bare JID; an empty one where the server shows none.

        Raises NotGranted, or RequestFailed.
        """
        roster = self.at_hand(account)
        while roster is None:
            first = account not in self._reading
            reading = self._reading.setdefault(account, [])
            waiting: Deferred[None] = Deferred(reading.remove)
            reading.append(waiting)
            if first:
                # Nobody's own: who gives up takes nobody with him.
                Deferred.fromCoroutine(self._read(account))
            await waiting
            roster = self.at_hand(account)
        return roster

    async def shown(self, account: JID) -> Roster | None:
        """The same; None where the server shows it to nobody, or does not answer."""
        try:
            return await self.of(account)
        except (NotGranted, RequestFailed):
            return None

    async def _read(self, account: JID) -> None:
        """Ask for a roster, once for all who want it at the same time.

        They go on in the order in which they have asked, so that what each of them tells comes in
        that order. Where it has changed meanwhile it is to be asked for again.
        """
        self._pushed.discard(account)
        outcome = None
        try:
            items = await self._privilege.roster(account)
        except Exception:  # noqa: BLE001 - who waits is told
            outcome = Failure()
        else:
            if account not in self._pushed:
                self._keep(account, Roster(items))
        self._pushed.discard(account)
        waiting = self._reading.pop(account)
        while waiting:
            waiting.pop(0).callback(outcome)

    def _keep(self, account: JID, roster: Roster) -> None:
        self._known[account] = roster
        self._weight += roster.octets
        self._make_room()

    def _make_room(self) -> None:
        while self._weight > self._most and len(self._known) > 1:
            self.forget(next(iter(self._known)))

    def _push(self, push: Push) -> None:
        account = push.account
        if account in self._reading:
            self._pushed.add(account)
        read = _read(push.item)
        if read is None:
            return
        jid, now = read
        before = None
        roster = self._known.get(account)
        if roster is not None:
            before = roster.contact(jid)
            self._weight -= roster.octets
            roster.put(push.item)
            self._weight += roster.octets
            self._make_room()
        if before != now:
            for tell in self._on_change:
                tell(Change(account, jid, before, now))

    def forget(self, account: JID) -> None:
        """Let go of the roster of an account."""
        roster = self._known.pop(account, None)
        if roster is not None:
            self._weight -= roster.octets

    def _opened(self, resumed: bool) -> None:
        """Pushes have been missed where the stream is another one."""
        if not resumed:
            self._known.clear()
            self._weight = 0
            self._pushed.update(self._reading)


def _octets(jid: JID, contact: Contact) -> int:
    names = sum(GROUP_OCTETS + len(group) for group in contact.groups)
    return CONTACT_OCTETS + 3 * len(jid) + names


def _read(item: Element) -> tuple[JID, Contact] | None:
    """What an item says, None where its address is none."""
    try:
        jid = JID.parse(item.get("jid", ""))
    except JIDError:
        return None
    subscription = item.get("subscription", "none")
    if subscription not in ("from", "to", "both", "none"):
        return jid, NOBODY
    groups = frozenset(each.text for each in item.iterfind(_GROUP) if each.text)
    return jid, Contact(subscription, groups)
