"""Who has shown his presence to which account without a subscription (XEP-0060 §9.1.3).

Anybody may, to as many accounts and from as many addresses as he likes. So it is known of so many
at most: of each that shows himself, of each account, and in all; who did it longest ago is
forgotten first. They take nobody's place whom an account sees by subscription.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from xmppd import ns
from xmppd.jid import JID
from xmppd.wire import build, tree
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

MOST = 10_000
"""How many are known in all: each of one account."""

MOST_OF_ACCOUNT = 200
"""How many are known that have shown themselves to one account,"""

MOST_ACCOUNTS = 200
"""and to how many accounts one of them has."""

_SHOWS = frozenset({"away", "chat", "dnd", "xa"})
_ROOM = f"{ns.MUC_USER} x"


class Shared(NamedTuple):
    """That somebody, by full JID, has shown himself to an account."""

    sender: JID
    account: JID


def of_room(stanza: Stanza) -> bool:
    """Whether presence is a room's, of an occupant (XEP-0045 §7.2.3): he has not sent it there."""
    return _ROOM in stanza.children


class Sharers:
    """Those that are known."""

    def __init__(self) -> None:
        self._all: OrderedDict[Shared, None] = OrderedDict()
        self._accounts: dict[JID, dict[JID, None]] = {}
        """By full JID, to which accounts; the oldest first."""
        self._senders: dict[JID, dict[JID, None]] = {}
        """By account, who; likewise."""

    def __len__(self) -> int:
        """How many there are, each of one account."""
        return len(self._all)

    def __contains__(self, shared: object) -> bool:
        return shared in self._all

    def __iter__(self) -> Iterator[Shared]:
        return iter(self._all)

    def accounts(self, sender: JID) -> Collection[JID]:
        """To which accounts a full JID has shown itself."""
        return self._accounts.get(sender, {}).keys()

    def of(self, account: JID) -> Collection[JID]:
        """The full JIDs that have shown themselves to an account."""
        return self._senders.get(account, {}).keys()

    def add(self, shared: Shared) -> list[Shared]:
        """Know of one; those that are forgotten for it."""
        self.remove(shared)
        accounts = self._accounts.get(shared.sender, {})
        senders = self._senders.get(shared.account, {})
        gone = []
        if len(accounts) >= MOST_ACCOUNTS:
            gone.append(Shared(shared.sender, next(iter(accounts))))
        if len(senders) >= MOST_OF_ACCOUNT:
            gone.append(Shared(next(iter(senders)), shared.account))
        if len(self._all) - len(gone) >= MOST:
            gone.append(next(each for each in self._all if each not in gone))
        for each in gone:
            self.remove(each)
        self._all[shared] = None
        self._accounts.setdefault(shared.sender, {})[shared.account] = None
        self._senders.setdefault(shared.account, {})[shared.sender] = None
        return gone

    def remove(self, shared: Shared) -> bool:
        """Forget one; False where it was not known."""
        if shared not in self._all:
            return False
        del self._all[shared]
        sender, account = shared
        for table, key, value in (
            (self._accounts, sender, account),
            (self._senders, account, sender),
        ):
            of_one = table[key]
            del of_one[value]
            if not of_one:
                del table[key]
        return True

    def drop(self, sender: JID) -> list[JID]:
        """Forget a full JID; to which accounts it had shown itself."""
        accounts = list(self.accounts(sender))
        for account in accounts:
            self.remove(Shared(sender, account))
        return accounts

    def clear(self) -> None:
        """Forget everybody."""
        self._all.clear()
        self._accounts.clear()
        self._senders.clear()


class Strangers:
    """Users of the server, others, and what they show; neither take the place of the others."""

    def __init__(self, domains: Callable[[], Collection[str]]) -> None:
        self._domains = domains
        self._users = Sharers()
        self._others = Sharers()
        self._shows: dict[JID, str] = {}

    def __contains__(self, sender: object) -> bool:
        """Whether a full JID has shown itself to any account."""
        return sender in self._shows

    def accounts(self, sender: JID) -> Collection[JID]:
        """To which accounts it has."""
        return self._of(sender).accounts(sender)

    def of(self, account: JID) -> list[JID]:
        """Who has shown himself to an account."""
        return [*self._users.of(account), *self._others.of(account)]

    def add(self, shared: Shared, show: str) -> tuple[bool, list[Shared]]:
        """Take what somebody shows: whether that is news, and of whom it is forgotten for him."""
        table, sender = self._of(shared.sender), shared.sender
        news = shared not in table or self._shows.get(sender) != show
        gone = table.add(shared)
        self._shows[sender] = show
        self._forget(each.sender for each in gone)
        return news, gone

    def remove(self, shared: Shared) -> bool:
        """Forget that somebody has; False where it was not known."""
        removed = self._of(shared.sender).remove(shared)
        self._forget((shared.sender,))
        return removed

    def drop(self, sender: JID) -> list[JID]:
        """Forget a full JID; to which accounts it had shown itself."""
        if sender not in self._shows:
            return []
        del self._shows[sender]
        return self._of(sender).drop(sender)

    def clear(self) -> None:
        """Forget everybody."""
        self._users.clear()
        self._others.clear()
        self._shows.clear()

    def shown_to(self, domain: str) -> dict[JID, None]:
        """Who has shown himself to any account of a domain."""
        pairs = chain(self._users, self._others)
        return {each.sender: None for each in pairs if each.account.domain == domain}

    def presence(self, sender: JID) -> Stanza | None:
        """The presence of a full JID: that it is there and what it shows, nothing else."""
        show = self._shows.get(sender)
        if show is None:
            return None
        stanza = build.stanza("presence", {}, *([Tag("show", {}, show)] if show else []))
        stanza.sender = sender
        return stanza

    def _of(self, sender: JID) -> Sharers:
        return self._users if sender.domain in self._domains() else self._others

    def _forget(self, senders: Iterable[JID]) -> None:
        for sender in senders:
            if not self._of(sender).accounts(sender):
                self._shows.pop(sender, None)


def show_of(stanza: Stanza) -> str:
    """The `<show/>` of presence, "" where it has none that is known (RFC 6121 §4.7.2.1)."""
    if f"{stanza.content} show" not in stanza.children:
        return ""
    show = tree.child_text(stanza.element, f"{{{stanza.content}}}show")
    return show if show in _SHOWS else ""
