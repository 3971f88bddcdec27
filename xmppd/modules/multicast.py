"""Extended Stanza Addressing (XEP-0033): a stanza for the server that names whom it is for.

Each copy goes the way of one that was sent by itself: past the sender's privacy lists, and to be
refused by its recipient, whose error its sender gets. Nobody but granted components and the users
of this server may send them, so nobody else can make it send more than he does himself (§2.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from xmppd import ns
from xmppd.core import multicast
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.presence import DIRECTED, MOST_DIRECTED
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.stanza import Stanza

XEP = (33, "1.2.1", "partial")

_REACHED = object()
"""The key in `Session.data`: a set of the addresses that presence was sent to from here."""

_PRESENCE = ("", "unavailable")
"""The types of directed presence (RFC 6121 §4.6)."""


def register(context: ModuleContext) -> None:
    """Take what is addressed to a domain of the server and has an address header."""
    host = context.host
    service = Multicast(host)
    context.hook(context.hooks.host_stanza, Phase.DELIVER, service.take)
    context.advertise(ns.ADDRESS, when=service.offered)


class Multicast:
    """The service, at each of the server's domains."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def offered(self, domain: str) -> bool:
        """Whether anybody may send to many at a domain: then it tells of it to everybody (§2.1)."""
        config = self._host.config
        return config.multicast.users or any(
            each.multicast and domain in (each.domains or self._host.domains)
            for each in config.components.values()
        )

    def take(self, stanza: Stanza) -> Stanza | None:
        """Send a message or presence on to whom it names (§6)."""
        to, sender = stanza.to, stanza.sender
        if to is None or to.resource or sender is None or stanza.kind == "iq":
            return stanza
        if stanza.type == "error":  # which nobody may be told of (RFC 6120 §8.3.1)
            return stanza
        session = self._host.directory.get(sender)
        if multicast.is_for_many(stanza):
            self._multicast(stanza, sender, session, to)
            return None
        if (stanza.kind, stanza.type) == ("presence", "unavailable") and session is not None:
            self._withdraw(stanza, session)
        return stanza

    def _multicast(self, stanza: Stanza, sender: JID, session: Session | None, to: JID) -> None:
        most = self._most(sender, session, to)
        if stanza.kind == "presence" and stanza.type not in _PRESENCE:
            raise StanzaError("bad-request", "not to many at once", reason="stanza.type")
        if session is None:
            alike = multicast.alike(self._host, stanza, most)
            if alike is not None:
                self._host.router.spread(alike.stanza, alike.to)
                return
        copies = multicast.read(self._host, stanza, most)
        if session is not None:
            if stanza.kind == "presence":
                _note(session, stanza, copies.recipients)
            session.charge((len(copies.recipients) - 1) * len(stanza.tail()))
        self._send(copies.each(own_bcc=session is not None), session, stanza)

    def _most(self, sender: JID, session: Session | None, to: JID) -> int:
        """How many addresses a sender may name; raises StanzaError `forbidden` for none (§9)."""
        host = self._host
        grants = host.components.grants(sender, to.domain)
        if grants is not None and grants.multicast:
            return grants.multicast
        settings = host.config.multicast
        if session is None or session.resident.guest or not settings.users:
            raise StanzaError("forbidden", reason="multicast.forbidden")
        return settings.addresses

    def _send(self, copies: Iterable[Stanza], session: Session | None, whole: Stanza) -> None:
        """Route copies of a stanza; whatever happens to one, the others go on."""
        router = self._host.router
        for copy in copies:
            claim = None if whole.claim is None else whole.claim.part()
            copy.claim = claim
            try:
                passed = copy if session is None else self._passed(copy, session)
            except Exception as error:  # noqa: BLE001 - the sender is told, whatever it was
                router.bounce(copy, error)
            else:
                if passed is not None:
                    router.route(passed)
            if claim is not None:
                claim.let_go()

    def _passed(self, copy: Stanza, session: Session) -> Stanza | None:
        """A client's copy as those let it pass who stand where its client sends something.

        Not the carbons of messages (XEP-0280 §8): the user's other clients have got the whole.
        """
        hooks = self._host.hooks
        points = (hooks.client_stanza, hooks.client_presence)
        for point in points if copy.kind == "presence" else points[:1]:
            passed = point(copy, session)
            if passed is None:
                return None
            copy = passed
        return copy

    def _withdraw(self, stanza: Stanza, session: Session) -> None:
        """A session hides itself from the service, and so from whom the service has shown it to.

        (§5.1)
        """
        reached = session.data.pop(_REACHED, ())
        self._send((stanza.addressed(jid) for jid in reached), session, stanza)


def _note(session: Session, stanza: Stanza, recipients: Iterable[JID]) -> None:
    """Remember to whom presence has been sent from here, or forget it (§5.1).

    They are told of the session's end like all who were sent directed presence; the service, which
    has got it only to send it on, is not.
    """
    reached: set[JID] = session.data.get(_REACHED) or set()
    after = reached.difference(recipients) if stanza.type else reached.union(recipients)
    if len(after) > MOST_DIRECTED:
        raise StanzaError("resource-constraint", reason="limit.directed-presence")
    session.data[_REACHED] = after
    directed: set[JID | None] = session.data.get(DIRECTED) or set()
    directed.discard(stanza.to)
