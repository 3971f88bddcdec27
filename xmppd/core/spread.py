"""One stanza for many: what all copies have in common is found out once.

Most copies are for a session that is no more than written to, and concern nobody on the way there.
Of these no stanza is made: what they begin with is known, and so is the rest. All others go the way
of a stanza that was sent by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from xmppd.core.delivery import AT_ONCE, TO_ALL, reachable
from xmppd.core.hooks import Hooks
from xmppd.core.sessions import SessionDirectory
from xmppd.jid import JID
from xmppd.wire.claim import Claim
from xmppd.wire.recipients import Recipients
from xmppd.wire.stanza import Stanza


class Ways(Protocol):
    """The ways that a copy may go: the router's."""

    def route(self, stanza: Stanza) -> None:
        """Take a stanza where it belongs; never raises."""

    def bounce(self, stanza: Stanza, error: BaseException) -> None:
        """Answer a stanza with an error; never raises."""


class Spread:
    """Takes one stanza to many.

    What comes for the accounts in `held` must wait.
    """

    __slots__ = ("_directory", "_get", "_held", "_hooks", "_ways")

    def __init__(
        self,
        ways: Ways,
        hooks: Hooks,
        directory: SessionDirectory,
        held: AbstractSet[JID],
    ) -> None:
        self._ways = ways
        self._hooks = hooks
        self._directory = directory
        self._get = directory.get
        self._held = held

    def __call__(self, stanza: Stanza, recipients: Recipients) -> None:
        """Take a stanza, whose `sender` is set, to each of `recipients`; never raises.

        A claim that it has is held by those who hold a copy.
        """
        get, tail, apart = self._get, stanza.tail(), self._concerned(stanza, recipients)
        to_all = (stanza.kind, stanza.type) in TO_ALL
        singly: list[JID] = []
        for jid, begun in zip(recipients.jids, recipients.begun(stanza.kind), strict=True):
            session = get(jid)
            if session is None and to_all:
                if not self._to_all(jid, begun + tail, stanza, apart):
                    singly.append(jid)
                continue
            if (
                session is None
                or session.deliver is not session.plain
                or (apart and session.account in apart)
            ):
                singly.append(jid)
                continue
            try:
                session.write(begun + tail)
            except Exception as error:  # noqa: BLE001 - the others are to have it all the same
                self._ways.bounce(stanza.addressed(jid), error)
        if singly:
            self._send_singly(stanza, singly, apart)

    def _to_all(self, jid: JID, copy: bytes, stanza: Stanza, apart: AbstractSet[JID]) -> bool:
        """Write a copy to all reachable sessions of a bare JID; False where it goes the long way.

        (RFC 6121 §8.5.2.1.1)
        """
        found = reachable(self._directory.of(jid))
        if not found or (apart and jid in apart):
            return False
        if any(session.deliver is not session.plain for session in found):
            return False
        for session in found:
            try:
                session.write(copy)
            except Exception as error:  # noqa: BLE001 - as above
                self._ways.bounce(stanza.addressed(jid), error)
        return True

    def _concerned(self, stanza: Stanza, recipients: Recipients) -> AbstractSet[JID]:
        """The accounts that somebody has to see a stanza for, before it gets to a session."""
        accounts = recipients.accounts
        tell = self._hooks.concerned[stanza.kind]
        if tell is None or (stanza.kind, stanza.type) not in AT_ONCE:
            return accounts
        found: AbstractSet[JID] = accounts & self._held if self._held else _NOBODY
        for concerned in tell:
            found = found | concerned(stanza, accounts)
        return found

    def _send_singly(self, stanza: Stanza, jids: Iterable[JID], apart: AbstractSet[JID]) -> None:
        """Send a copy to each of `jids`, past whoever has to see those for the accounts `apart`."""
        get, ways, whole = self._get, self._ways, stanza.claim
        part: Claim | None = None
        parts: list[Claim] = []
        for jid in jids:
            session = get(jid)
            copy = stanza.addressed(jid)
            if whole is not None and part is None:
                part = whole.split()
            copy.claim = part
            if session is None or session.account in apart:
                ways.route(copy)
            else:
                try:
                    session.deliver(copy)
                except Exception as error:  # noqa: BLE001 - as above
                    ways.bounce(copy, error)
            if part is not None and not part.untouched:
                part.let_go()
                parts.append(part)
                part = None
        if part is not None:
            part.let_go()
        if whole is not None:
            whole.keepers += tuple(part for part in parts if part.held)


_NOBODY: frozenset[JID] = frozenset()
