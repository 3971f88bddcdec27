"""The privacy lists of an account: which applies to whom, and how they change (XEP-0016 §2.2).

The default list applies to the account as a whole, and is what is blocked (XEP-0191 §5); an active
list applies to one session instead. Changes are stored first, then in memory, then pushed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from xmppd import ns
from xmppd.core import visibility
from xmppd.core.host import Host
from xmppd.core.privacy import PrivacyList
from xmppd.core.residents import Load, Resident
from xmppd.core.roster import Roster
from xmppd.core.sessions import Session
from xmppd.core.visibility import Switch
from xmppd.errors import StanzaError
from xmppd.storage.interfaces import Stores, Transaction
from xmppd.storage.rosters import RosterItem, StoredRoster
from xmppd.wire import build
from xmppd.wire.build import Tag

LISTS = object()
"""The key in `Resident.data` of the account's `Lists`."""

ACTIVE = object()
"""The key in `Session.data` of the name of its active list, where it has one (XEP-0016 §2.4)."""

INTERESTED = object()
"""The key in `Session.data` of who has asked for the blocklist (XEP-0191 §3.3)."""


class Lists:
    """The lists of one account by their names; it never changes, but is replaced.

    `default_name` is "" where there is no default list.
    """

    __slots__ = ("by_name", "default_name")

    def __init__(self, by_name: Mapping[str, PrivacyList], default_name: str = "") -> None:
        self.by_name = by_name
        self.default_name = default_name

    @property
    def default(self) -> PrivacyList | None:
        """The default list."""
        return self.by_name.get(self.default_name)

    @property
    def blocked(self) -> tuple[str, ...]:
        """The blocklist: the JIDs that the default list blocks, each once (XEP-0191 §5)."""
        default = self.default
        return () if default is None else tuple(dict.fromkeys(default.blocked))

    @property
    def weight(self) -> int:
        """How much it adds to `Resident.weight`."""
        return sum(len(each.items) + 1 for each in self.by_name.values())

    def with_list(self, changed: PrivacyList) -> Lists:
        """The same lists but for one, new or in place of the one of its name."""
        return Lists({**self.by_name, changed.name: changed}, self.default_name)

    def without(self, name: str) -> Lists:
        """The same lists but for one that is gone."""
        left = {n: each for n, each in self.by_name.items() if n != name}
        return Lists(left, "" if name == self.default_name else self.default_name)

    def with_default(self, name: str) -> Lists:
        """The same lists with another default list, "" for none."""
        return Lists(self.by_name, name)


NONE = Lists({})
"""No lists at all."""


def loader(stores: Stores) -> Load:
    """What reads an account's lists, for `ModuleContext.keep`."""

    async def load(tx: Transaction, account: int) -> Lists:
        stored = await stores.privacy.load(tx, account)
        if not stored.lists:
            return NONE
        by_name = {name: PrivacyList(name, items) for name, items in stored.lists.items()}
        return Lists(by_name, stored.default)

    return load


def available(host: Host) -> bool:
    """Whether lists are read and applied: the module that does so may be switched off."""
    return LISTS in host.residents.loads


def of(resident: Resident) -> Lists:
    """The lists of an account; a guest has none.

    Raises StanzaError `service-unavailable` where they have not been read.
    """
    if resident.guest:
        return NONE
    lists: Lists | None = resident.data.get(LISTS)
    if lists is None:
        raise StanzaError("service-unavailable", reason="privacy.unavailable")
    return lists


def applied_name(session: Session) -> str:
    """The name of the list that applies to a session: its active one, else the default."""
    active: str | None = session.data.get(ACTIVE)
    if active is not None:
        return active
    lists: Lists = session.resident.data.get(LISTS, NONE)
    return lists.default_name


def applied(session: Session) -> PrivacyList | None:
    """The list that applies to a session; None where none does, or an empty one."""
    lists: Lists = session.resident.data.get(LISTS, NONE)
    if not lists.by_name:
        return None
    found = lists.by_name.get(applied_name(session))
    return found if found is not None and found.items else None


def has_any(resident: Resident) -> bool:
    """Whether an account has lists at all, in force or not."""
    lists: Lists = resident.data.get(LISTS, NONE)
    return bool(lists.by_name)


def in_force(resident: Resident, sessions: Iterable[Session]) -> set[PrivacyList | None]:
    """The lists that apply to `sessions`, all that an account has; without any, the default."""
    found = {applied(session) for session in sessions}
    if not found:
        lists: Lists = resident.data.get(LISTS, NONE)
        found.add(lists.default)
    return found


async def activate(host: Host, session: Session, name: str | None) -> None:
    """Have a list apply to a session instead of the default; None to decline (XEP-0016 §2.4).

    `resident.lock` is held.
    """
    before = applied(session)
    if name is None:
        session.data.pop(ACTIVE, None)
    else:
        session.data[ACTIVE] = name
    await _switched(host, session.resident, {session: before})


async def change(
    host: Host, resident: Resident, after: Lists, *, edited: str = "", all_unblocked: bool = False
) -> None:
    """Keep `after` in place of the lists that an account has, and tell its sessions.

    `edited` is a list that is told of even where it is as it was; `all_unblocked` has what is no
    longer blocked told as everything (XEP-0191 §3.5). `resident.lock` is held. Raises StoreError;
    nothing has changed then.
    """
    before = of(resident)
    names = [
        n for n in {**before.by_name, **after.by_name} if _items(before, n) != _items(after, n)
    ]
    stored = {n: None if n not in after.by_name else after.by_name[n].items for n in names}
    if stored or before.default_name != after.default_name:
        await host.stores.privacy.change(resident.id, stored, after.default_name)
    sessions = tuple(host.directory.of(resident.jid))
    lists_before = {session: applied(session) for session in sessions}
    resident.data[LISTS] = after
    for session in sessions:
        if session.data.get(ACTIVE) in names and session.data[ACTIVE] not in after.by_name:
            del session.data[ACTIVE]
    for name in dict.fromkeys([*names, *filter(None, (edited,))]):
        _push(sessions, Tag("query", {}, [Tag("list", {"name": name})], ns=ns.PRIVACY))
    _push_blocks(sessions, before.blocked, after.blocked, all_unblocked)
    await _switched(host, resident, lists_before)


async def _switched(
    host: Host, resident: Resident, before: Mapping[Session, PrivacyList | None]
) -> None:
    """Other lists than `before` apply to sessions: their presence follows."""
    host.hooks.privacy_changed(resident)
    switches = [Switch(session, old, applied(session)) for session, old in before.items()]
    await visibility.follow(host, resident, [s for s in switches if s.before is not s.after])


def follow_roster(host: Host, resident: Resident, before: RosterItem) -> None:
    """Have presence follow when the roster has a contact otherwise than `before` (rule 9).

    Where a subscription begins or ends, presence follows that, and nothing is done here.
    """
    if not has_any(resident):
        return
    was = Roster(StoredRoster(0, {before.contact: before}))
    for session in host.directory.of(resident.jid):
        listed = applied(session)
        if listed is not None:
            visibility.moved(host, resident, session, listed, before.contact, was)


def _items(lists: Lists, name: str) -> object:
    found = lists.by_name.get(name)
    return None if found is None else found.items


def _push(sessions: Iterable[Session], payload: Tag) -> None:
    stanza = build.stanza("iq", {"type": "set", "id": secrets.token_hex(8)}, payload)
    for session in sessions:
        stanza.sender = session.account
        session.deliver(stanza.addressed(session.jid))


def _push_blocks(
    sessions: Iterable[Session], before: Iterable[str], after: Iterable[str], everything: bool
) -> None:
    """Tell those who have asked for the blocklist what it gained and lost (XEP-0191 §3.3, §3.4)."""
    was, now = dict.fromkeys(before), dict.fromkeys(after)
    lost, gained = [jid for jid in was if jid not in now], [jid for jid in now if jid not in was]
    interested = [session for session in sessions if INTERESTED in session.data]
    for name, jids in (("unblock", lost), ("block", gained)):
        if jids:
            told = () if everything and name == "unblock" else jids
            items = [Tag("item", {"jid": jid}) for jid in told]
            _push(interested, Tag(name, {}, items, ns=ns.BLOCKING))
