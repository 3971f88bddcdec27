"""Stream Management (XEP-0198): acknowledgements, and sessions that outlive their connection.

A session may be resumed by its SM-ID, which can't be guessed, and only by its own account. What it
keeps meanwhile is `core/managed.py`.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

from twisted.internet.interfaces import IDelayedCall

from xmppd import ns
from xmppd.core.acknowledging import (
    all_handled,
    count,
    enabled,
    failed,
    resumed,
    seconds_wanted,
    too_high,
)
from xmppd.core.context import ModuleContext
from xmppd.core.host import Connection, Host
from xmppd.core.managed import MANAGED, Managed
from xmppd.core.sessions import Session
from xmppd.errors import StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.stream.acks import WRAP, Inbox, TooHighError
from xmppd.stream.features import Feature, static
from xmppd.stream.states import Fact
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Nonza, Stanza

XEP = (198, "1.6.3", "complete")

REMEMBERED = 10_000
"""Of how many ended sessions it is remembered how much they had handled."""

PATIENCE = 15.0
"""Seconds that a client may take to acknowledge what it was sent; then it is kept in the store."""

SOON = 0.25
"""Seconds after which a client is asked about what it was sent, where that is not much."""

_NAME = f"{ns.STREAM_MANAGEMENT} "


def register(context: ModuleContext) -> None:
    """Offer it (§3), and take its elements."""
    management = StreamManagement(context.host)
    offer = static(Tag("sm", ns=ns.STREAM_MANAGEMENT))
    context.feature(Feature("sm", Fact.AUTHENTICATED, Fact(0), offer))
    context.nonza(f"{_NAME}enable", management.enable)
    context.nonza(f"{_NAME}resume", _too_late)
    context.nonza(f"{_NAME}r", management.answer)
    context.nonza(f"{_NAME}a", management.acknowledged)
    context.early_nonza(f"{_NAME}enable", _too_early)
    context.early_nonza(f"{_NAME}resume", management.resume)
    context.hook(context.hooks.session_unbound, Phase.FALLBACK, management.ended)


class StreamManagement:
    """The managed sessions of this server."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._resumable: dict[str, Managed] = {}
        self._ended: OrderedDict[str, tuple[JID, Inbox]] = OrderedDict()
        self._expiring: dict[str, IDelayedCall] = {}
        self._watched: set[Managed] = set()

    # ------------------------------------------------------------------ a session of a client

    def enable(self, connection: Connection, nonza: Nonza) -> None:
        """Manage a session from here on (§3)."""
        session = connection.session
        assert session is not None
        if MANAGED in session.data:
            raise StreamError("policy-violation", "enabled already", reason="acks.enabled")
        most = self._host.config.stream_management.hibernate_seconds
        seconds = seconds_wanted(nonza, most)
        id_ = secrets.token_urlsafe(18) if seconds else ""
        self._host.hooks.session_renewed(session)
        managed = Managed(self._host, session, id_, seconds, self._watch)
        managed.attach(connection)
        if id_:
            self._resumable[id_] = managed
            session.away = lambda: self._hibernate(managed)
        connection.write(enabled(id_, seconds))

    def answer(self, connection: Connection, nonza: Nonza) -> None:
        """Tell a client how much of what it sent is handled (§4)."""
        self._managed(connection).acknowledge()

    def acknowledged(self, connection: Connection, nonza: Nonza) -> None:
        """A client tells how much it has handled (§4)."""
        try:
            self._managed(connection).acknowledged(count(nonza))
        except TooHighError as error:
            raise too_high(error) from error

    def _managed(self, connection: Connection) -> Managed:
        session = connection.session
        managed: Managed | None = None if session is None else session.data.get(MANAGED)
        if managed is None:
            raise StreamError("unsupported-stanza-type", "enable it first", reason="stream.element")
        return managed

    def _watch(self, managed: Managed) -> None:
        """See to it that what a client was sent is asked about soon, and acknowledged in time."""
        if not self._watched:
            self._host.clock.callLater(SOON, self._look)
        self._watched.add(managed)

    def _look(self) -> None:
        watched, self._watched = self._watched, set()
        now = self._host.clock.seconds()
        for managed in watched:
            if managed.connection is None or not managed.outbox:
                continue
            managed.look(now, PATIENCE)
            self._watch(managed)

    # ------------------------------------------------------------------ away and back

    def _hibernate(self, managed: Managed) -> bool:
        """The connection is lost: wait for another one (§5)."""
        managed.leave()
        managed.session.end = lambda error: self._host.unbind(managed.session)
        later = self._host.clock.callLater
        self._expiring[managed.id] = later(managed.seconds, self._expire, managed)
        return True

    def _expire(self, managed: Managed) -> None:
        self._expiring.pop(managed.id, None)
        jid, address = managed.session.jid, managed.session.address
        self._host.refusals.note("session.expired", jid, "", address)
        self._host.unbind(managed.session)

    async def resume(self, connection: Connection, nonza: Nonza) -> Session | None:
        """Go on with a session whose client comes back (§5)."""
        h, id_ = count(nonza), nonza.attrs.get("previd", "")
        account = connection.stream.jid
        if account is None:
            connection.write(failed("unexpected-request"))
            return None
        managed = self._resumable.get(id_)
        if managed is None or managed.session.account != account:
            connection.write(self._unknown(id_, account))
            return None
        try:
            managed.outbox.check(h)
        except TooHighError as error:
            raise too_high(error) from error
        self._part_from_old(managed)
        await self._all_handled(managed, connection)
        if self._resumable.get(id_) is not managed or managed.connection is not None:
            connection.write(self._unknown(id_, account))
            return None
        self._take_over(managed, connection, h)
        return managed.session

    def _part_from_old(self, managed: Managed) -> None:
        """End the connection that the session still has, but not the session (§5)."""
        old = managed.connection
        if old is not None:
            old.detach()
            self._hibernate(managed)
            old.end(StreamError("conflict", reason="session.resumed"))

    async def _all_handled(self, managed: Managed, connection: Connection) -> None:
        """Wait until what was received is in safe hands: so the client need not send it again."""
        handled = all_handled(managed.inbox)
        if not handled.called:
            await connection.waits_for(handled)

    def _take_over(self, managed: Managed, connection: Connection, h: int) -> None:
        self._expiring.pop(managed.id).cancel()
        session = managed.session
        connection.adopt(session)
        managed.attach(connection)
        connection.write(resumed(managed.id, managed.inbox.handled))
        managed.acknowledged(h)
        managed.resend()
        self._host.hooks.session_renewed(session)

    def _unknown(self, id_: str, account: JID) -> bytes:
        """There is no such session (any more); how much of it was handled, if that is known."""
        owner, inbox = self._ended.get(id_, (None, None))
        h = str(inbox.handled % WRAP) if inbox is not None and owner == account else None
        return failed("item-not-found", h)

    # ------------------------------------------------------------------ the end

    def ended(self, session: Session) -> None:
        """A session has ended for good: what its client did not handle goes elsewhere (§4)."""
        managed: Managed | None = session.data.get(MANAGED)
        if managed is None:
            return
        if managed.id:
            self._resumable.pop(managed.id, None)
            expiring = self._expiring.pop(managed.id, None)
            if expiring is not None:
                expiring.cancel()
            managed.inbox.close()
            self._ended[managed.id] = session.account, managed.inbox
            if len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        managed.leave()
        managed.redistribute()
        session.deliver = _nowhere  # or the two would hold each other
        del session.data[MANAGED]


def _nowhere(stanza: Stanza) -> None:
    """Where a session delivers that has ended."""


def _too_late(connection: Connection, nonza: Nonza) -> None:
    """A session that is there already can't go on as another (§5)."""
    connection.write(failed("unexpected-request"))


async def _too_early(connection: Connection, nonza: Nonza) -> None:
    """There is nothing to be managed before a resource is bound, or for strangers (§3)."""
    connection.write(failed("unexpected-request"))
