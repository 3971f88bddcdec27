"""Clients that are read more slowly, since somebody whom they write to does not keep up."""

from __future__ import annotations

from collections.abc import Callable

from xmppd.core.sessions import Session


class Holding:
    """Holds clients back from `begin` to `end`."""

    __slots__ = ("_held", "active")

    def __init__(self) -> None:
        self.active = False
        """Whether somebody is behind."""
        self._held: dict[str, Callable[[], None]] = {}
        """By full JID, what lets a client go on."""

    def begin(self) -> None:
        """Somebody is behind: clients that write to him are to be held."""
        self.active = True

    def hold(self, session: Session) -> bool:
        """Take nothing more of a client for now, while somebody is behind; whether that is news."""
        if not self.active or session.jid in self._held:
            return False
        self._held[session.jid] = session.hold()
        return True

    def release(self, session: Session) -> None:
        """Let a client go on, though somebody is still behind."""
        release = self._held.pop(session.jid, None)
        if release is not None:
            release()

    def end(self) -> None:
        """He has caught up, or is gone: all clients go on."""
        self.active = False
        held, self._held = self._held, {}
        for release in held.values():
            release()
