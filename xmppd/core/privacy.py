"""Privacy lists as values: whether one lets a stanza pass (XEP-0016 §2.1, §2.2).

A list is a sequence of rules, and the first that matches decides. A list is compiled when it is
first asked: for each kind of stanza, dictionaries say which rule is the first to match an address,
a group, a subscription. Rules that go by the roster look at it as it stands (§2.2, rule 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xmppd.core.roster import Roster
from xmppd.jid import JID
from xmppd.storage.privacy import PrivacyItem
from xmppd.subscription import BOTH, SUBSCRIPTIONS
from xmppd.wire.stanza import Stanza

MESSAGE = 1
"""Messages that come in (§2.9)."""
IQ = 2
"""IQs that come in (§2.12)."""
PRESENCE_IN = 4
"""Presence notifications that come in: available and unavailable presence (§2.10)."""
PRESENCE_OUT = 8
"""Presence notifications that go out (§2.11)."""
OTHER = 16
"""What only a rule for all stanzas covers: messages and IQs that go out, subscriptions (§2.13)."""

KINDS = (MESSAGE, IQ, PRESENCE_IN, PRESENCE_OUT, OTHER)
ALL = sum(KINDS)
"""The kinds of a rule that names none."""

_NOTIFICATIONS = ("", "unavailable")
_PASS = 1 << 40
"""The rank of what no rule matches, behind all others: it passes (§2.2, rule 7)."""


def inbound(stanza: Stanza) -> int:
    """The kind of a stanza that comes in."""
    if stanza.kind == "presence":
        return PRESENCE_IN if stanza.type in _NOTIFICATIONS else OTHER
    return MESSAGE if stanza.kind == "message" else IQ


def outbound(stanza: Stanza) -> int:
    """The kind of a stanza that goes out."""
    notifies = stanza.kind == "presence" and stanza.type in _NOTIFICATIONS
    return PRESENCE_OUT if notifies else OTHER


class _Rules(NamedTuple):
    """The rules for one kind of stanza, each as a rank: twice its order, and one more to deny."""

    jids: dict[str, int]
    groups: dict[str, int]
    subscriptions: dict[str, int]
    rest: int


class PrivacyList:
    """A list that can be asked; `items` by ascending order. It never changes."""

    __slots__ = ("_compiled", "items", "name", "names_resources")

    def __init__(self, name: str, items: Iterable[PrivacyItem]) -> None:
        self.name = name
        self.items = tuple(sorted(items, key=lambda item: item.order))
        self.names_resources = any(i.type == "jid" and "/" in i.value for i in self.items)
        """Whether a rule is for one resource of an account, not for all of it."""
        self._compiled: dict[int, _Rules] = {}

    def permits(self, kind: int, peer: JID, roster: Roster) -> bool:
        """Whether a stanza of a kind may pass, from or to `peer`; `roster` is the user's."""
        rules = self._compiled.get(kind) or self._compile(kind)
        first = rules.rest
        jids = rules.jids
        if jids:
            # A domain matches all its addresses, a bare JID all its resources (§2.1).
            first = min(
                first,
                jids.get(peer, _PASS),
                jids.get(peer.bare, _PASS),
                jids.get(peer.domain, _PASS),
            )
        if rules.groups or rules.subscriptions:
            item = roster.get(peer.bare)
            state = 0 if item is None else item.state & BOTH
            first = min(first, rules.subscriptions.get(SUBSCRIPTIONS[state], _PASS))
            if item is not None:
                for group in item.groups:
                    first = min(first, rules.groups.get(group, _PASS))
        return not first & 1

    @property
    def blocked(self) -> Iterator[str]:
        """The JIDs that have a rule denying them everything: the blocklist (XEP-0191 §5)."""
        return (item.value for item in self.items if is_block(item))

    def blocks(self, peer: JID) -> bool:
        """Whether `peer` matches one of `blocked`."""
        blocked = set(self.blocked)
        return not blocked.isdisjoint((peer, peer.bare, peer.domain))

    def _compile(self, kind: int) -> _Rules:
        by: dict[str, dict[str, int]] = {"jid": {}, "group": {}, "subscription": {}}
        rest = _PASS
        for item in self.items:
            if not item.kinds & kind:
                continue
            rank = item.order << 1 | item.deny
            if not item.type:
                rest = rank  # nothing behind it is ever reached
                break
            by[item.type].setdefault(item.value, rank)
        rules = _Rules(by["jid"], by["group"], by["subscription"], rest)
        self._compiled[kind] = rules
        return rules


def is_block(item: PrivacyItem) -> bool:
    """Whether a rule is one that the blocking command makes (XEP-0191 §5)."""
    return item.deny and item.type == "jid" and item.kinds == ALL
