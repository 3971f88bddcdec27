"""Last Activity (XEP-0012): how long the server has been up, and how long a user has been away.

Who may not see a user's presence learns nothing, neither from the account nor from one of its
clients: he reads the same error where there is no such resource, or no such account.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core import presence
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.presence import DIRECTED, LAST
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.last import LastPresence
from xmppd.subscription import FROM
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

XEP = (12, "2.0", "complete")

_QUERY = f"{ns.LAST} query"


def register(context: ModuleContext) -> None:
    """Answer for the server and its accounts, and stand before their clients."""
    activity = LastActivity(context.host)
    context.iq(On.HOST, "get", _QUERY, activity.uptime)
    context.iq(On.ACCOUNT, "get", _QUERY, activity.of_account)
    context.hook(context.hooks.account_iq, Phase.GUARD, activity.for_client)
    context.advertise(ns.LAST, *On)


class LastActivity:
    """What the server tells of itself and its users."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def uptime(self, request: Request) -> Tag:
        """Tell the seconds since the server was started (§5)."""
        return self._since(self._host.started)

    async def of_account(self, request: Request) -> Tag:
        """Tell the seconds since the user was last available, and what he said then (§3).

        They are 0 while he is available. A session that is not counts for himself alone, since
        nobody else is to know of it. Who was never available has been away since he has had an
        account.
        """
        host = self._host
        resident = await host.residents.fetch(request.to)
        if resident is None or not presence.visible(host, resident, request.sender):
            raise _forbidden()
        if request.own or presence.shown(host, resident, request.sender):
            return self._since(host.clock.seconds())
        last: LastPresence | None = resident.data.get(LAST)
        return self._since(resident.created) if last is None else self._since(*last)

    def _since(self, at: float, status: str = "") -> Tag:
        seconds = max(0, int(self._host.clock.seconds() - at))
        return Tag("query", {"seconds": str(seconds)}, status, ns=ns.LAST)

    # ------------------------------------------------------------------ to a client

    def for_client(self, stanza: Stanza) -> Stanza | None:
        """Let a query to a full JID through to the client if its sender may see it (§4)."""
        to, sender = stanza.to, stanza.sender
        if stanza.type != "get" or _QUERY not in stanza.children:
            return stanza
        if to is None or sender is None or not to.resource or sender.bare == to.bare:
            return stanza
        session = self._host.directory.get(to)
        if session is not None:
            if not self._sees(sender, session):
                raise _forbidden()
            return stanza
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        refusing = Deferred.fromCoroutine(self._refuse(stanza, to, sender))
        refusing.addErrback(self._host.router.failed, stanza)
        if claim is not None:
            refusing.addBoth(lambda _: claim.let_go())
        return None

    def _sees(self, viewer: JID, session: Session) -> bool:
        """Whether a session's presence is for `viewer`: by subscription, or sent to him."""
        directed: set[JID] = session.data.get(DIRECTED) or set()
        if not (
            session.resident.roster.state(viewer.bare) & FROM
            or viewer in directed
            or viewer.bare in directed
        ):
            return False
        return not presence.hidden(self._host, session, viewer)

    async def _refuse(self, stanza: Stanza, to: JID, sender: JID) -> None:
        """Answer for a resource that is not there: who is blocked reads the same as where it is."""
        host = self._host
        resident = await host.residents.fetch(to.bare)
        if resident is None:
            raise _forbidden()
        if host.hooks.account_request(stanza) is not None:
            if not presence.visible(host, resident, sender):
                raise _forbidden()
            raise StanzaError("service-unavailable", reason="stanza.no-session")


def _forbidden() -> StanzaError:
    return StanzaError("forbidden", reason="stanza.forbidden")
