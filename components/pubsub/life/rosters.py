"""Rosters of accounts, as their server shows them (XEP-0356 §4): who sees whose presence.

Each is read when it is first needed, and follows the pushes from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from components.common.component import Component
from components.common.privilege import Privilege, Push
from xmppd import ns
from xmppd.jid import JID, JIDError

MOST = 500_000
"""Contacts in all rosters that are remembered."""

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


class Roster:
    """The contacts of an account that see its presence, or show it theirs."""

    __slots__ = ("_contacts", "changes")

    def __init__(self, items: Iterable[Element] = ()) -> None:
        self._contacts: dict[JID, Contact] = {}
        self.changes = 0
        """How often it has changed."""
        for item in items:
            self.put(item)

    def __len__(self) -> int:
        return len(self._contacts)

    def put(self, item: Element) -> None:
        """Take an item as it is now; what is removed, or sees nothing either way, is left out."""
        self.changes += 1
        try:
            jid = JID.parse(item.get("jid", ""))
        except JIDError:
            return
        subscription = item.get("subscription", "none")
        if subscription in ("from", "to", "both"):
            groups = frozenset(each.text or "" for each in item.iterfind(_GROUP))
            self._contacts[jid] = Contact(subscription, groups)
        else:
            self._contacts.pop(jid, None)

    def contact(self, jid: JID) -> Contact:
        """What somebody is to the account, by his bare JID."""
        return self._contacts.get(jid, NOBODY)

    @property
    def subscribers(self) -> list[JID]:
        """Those who see the account's presence."""
        return [jid for jid, contact in self._contacts.items() if contact.sees]

    @property
    def groups(self) -> list[str]:
        """The groups that they are in, sorted."""
        return sorted({group for each in self._contacts.values() for group in each.groups})

    @property
    def seen(self) -> list[JID]:
        """Those whose presence the account sees."""
        return [jid for jid, contact in self._contacts.items() if contact.seen]


class Rosters:
    """Those that are remembered, the one that was asked for last at the end."""

    def __init__(self, component: Component, privilege: Privilege, most: int = MOST) -> None:
        self._privilege = privilege
        self._most = most
        self._known: OrderedDict[JID, Roster] = OrderedDict()
        self._contacts = 0
        self._pushed: dict[JID, int] = {}
        """How many pushes have come for rosters that are being read."""
        privilege.on_roster_push(self._push)
        component.on_open(self._opened)

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
            before = self._pushed.setdefault(account, 0)
            try:
                items = await self._privilege.roster(account)
            finally:
                pushed = self._pushed.pop(account, 0)
            roster = self._known.get(account)
            if roster is None and pushed == before:
                roster = self._keep(account, Roster(items))
        return roster

    def _keep(self, account: JID, roster: Roster) -> Roster:
        self._known[account] = roster
        self._contacts += len(roster)
        while self._contacts > self._most and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._contacts -= len(oldest)
        return roster

    def _push(self, push: Push) -> None:
        if push.account in self._pushed:
            self._pushed[push.account] += 1
        roster = self._known.get(push.account)
        if roster is not None:
            self._contacts -= len(roster)
            roster.put(push.item)
            self._contacts += len(roster)

    def forget(self, account: JID) -> None:
        """Let go of the roster of an account that is gone."""
        roster = self._known.pop(account, None)
        if roster is not None:
            self._contacts -= len(roster)

    def _opened(self, resumed: bool) -> None:
        """Pushes have been missed where the stream is another one."""
        if not resumed:
            self._known.clear()
            self._contacts = 0
