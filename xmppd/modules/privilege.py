"""Privileged Entity (XEP-0356): components that send messages and requests in a user's name.

What each may do stands in its table of the configuration, and it is told so when it connects.
Reading and changing rosters is in `roster.py`, presence in `privilege_presence.py`.
"""

from __future__ import annotations

from typing import NoReturn

from twisted.internet.defer import Deferred

from xmppd import config, ns
from xmppd.core import behalf, multicast
from xmppd.core.context import ModuleContext
from xmppd.core.hooks import Gate
from xmppd.core.host import Host
from xmppd.core.iq import On, Request, result
from xmppd.core.requests import RequestFailed
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.phases import Phase
from xmppd.wire import blind, build, faults, forwarded
from xmppd.wire.blind import Headers
from xmppd.wire.build import Raw, Tag
from xmppd.wire.forwarded import Forwarded
from xmppd.wire.stanza import Stanza

XEP = (356, "0.4.1", "complete")

_MESSAGE = f"{ns.PRIVILEGE} privilege"
_IQ = f"{ns.PRIVILEGE} privileged_iq"

_OF_SERVERS = frozenset({ns.PRIVILEGE, ns.DELEGATION, ns.TUNNEL})
"""What components take from a server alone: nobody says it in a server's name."""

_ARCHIVE = "urn:xmpp:mam:"
"""What the namespaces of archives begin with (XEP-0313). Clients believe what has a child of one
and comes from their own account: nobody says it in a user's name but who answers for his archive.
"""

SECONDS = 60.0
"""How long the answer to a request in a user's name may take."""


def register(context: ModuleContext) -> None:
    """Tell components what they may do, and do it for them."""
    host, hooks = context.host, context.hooks
    privilege = Privilege(host)
    context.hook(hooks.component_connected, Phase.DELIVER, privilege.advertise)
    context.hook(hooks.component_gone, Phase.DELIVER, privilege.gone)
    context.hook(hooks.host_stanza, Phase.DELIVER, privilege.message)
    for type_ in ("get", "set"):
        context.iq(On.ACCOUNT, type_, _IQ, privilege.iq)
        context.iq(On.HOST, type_, _IQ, _not_of_an_account)
    gate = context.gate(hooks.account_iq, Phase.GUARD, privilege.to_account)
    privilege.to_sessions = gate
    context.hook(hooks.configured, Phase.DELIVER, privilege.follow)
    privilege.follow()
    context.advertise(ns.PRIVILEGE)


class Privilege:
    """The privileges of all components."""

    to_sessions: Gate
    """Of requests for accounts and their sessions."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._told: set[tuple[str, str]] = set()
        """Components and domains that have told them of something."""
        self._headers = Headers()
        """The last address headers of messages to many."""

    def follow(self) -> None:
        """Look at what is sent to accounts while some component may ask in a user's name."""
        self.to_sessions.open(any(each.iq for each in self._host.config.components.values()))

    def gone(self, component: str, instance: str) -> None:
        """Who comes back is told anew."""
        if component not in self._host.components.connected:
            self._told = {each for each in self._told if each[0] != component}

    def advertise(self, component: str, instance: str) -> None:
        """Tell a component what it may do, at each domain that it may do something at (§4.2).

        Or nothing any more, where it could until now.
        """
        host, jid = self._host, JID.parse(component)
        for domain in host.domains:
            grants = host.components.grants(jid, domain)
            permissions = [] if grants is None else _permissions(grants)
            if permissions or (component, domain) in self._told:
                self._told.add((component, domain))
                content = Tag("privilege", {}, permissions, ns=ns.PRIVILEGE)
                message = build.stanza("message", {}, content)
                message.sender, message.to = JID.parse(domain), jid
                host.components.tell(jid, instance, message)

    # ------------------------------------------------------------------ messages

    def message(self, stanza: Stanza) -> Stanza | None:
        """Send what a component forwards in the name of the server or of a user (§5.3).

        In a user's, to many where it is for the server and says to whom (XEP-0033).
        """
        if stanza.kind != "message" or _MESSAGE not in stanza.children or stanza.type == "error":
            return stanza
        sender, to = stanza.sender, stanza.to
        assert sender is not None and to is not None
        grants = self._host.components.grants(sender, to.domain)
        if grants is None or grants.message != "outgoing":
            raise StanzaError("forbidden", reason="privilege.message")
        try:
            found = forwarded.read(stanza, _MESSAGE)
        except ValueError as error:
            raise StanzaError("bad-request", str(error), reason="privilege.malformed") from None
        if found.kind != "message":
            raise StanzaError("bad-request", "no message", reason="privilege.malformed")
        author = _author(found, to.domain)
        copy = _stanza(found)
        copy.claim = stanza.claim
        if author is None:
            if copy.to is None:
                raise StanzaError("bad-request", "to nobody", reason="privilege.malformed")
            if any(name.rpartition(" ")[0] in _OF_SERVERS for name in copy.children):
                raise StanzaError("forbidden", reason="privilege.message")
            copy.sender = JID.parse(to.domain)
            self._host.router.route(copy)
        else:
            if not _archives(copy) <= grants.delegation.keys():
                raise StanzaError("forbidden", reason="privilege.archive")
            most = 0
            if copy.to is not None and copy.to in self._host.domains:
                most = self._most(copy, grants)
            sending = Deferred.fromCoroutine(self._send(author, copy, most))
            sending.addErrback(self._host.router.failed, stanza)
        return None

    def _most(self, stanza: Stanza, grants: config.Component) -> int:
        """How many addresses a message for a domain of the server may name; 0 if it is no such.

        (XEP-0033 §9.) The header it begins with is remembered.
        """
        if stanza.inner.startswith(blind.BEGIN):
            found = self._headers.find(stanza.inner, 0)
            if found is not None:
                self._headers.keep(found.header)
                stanza.blind = found.header
        if not multicast.is_for_many(stanza):
            return 0
        if not grants.multicast:
            raise StanzaError("forbidden", reason="multicast.forbidden")
        return grants.multicast

    async def _send(self, author: JID, stanza: Stanza, most: int) -> None:
        claim = stanza.claim
        if claim is not None:
            claim.hold()
        try:
            resident = await behalf.resident_of(self._host, author)
            if most:
                behalf.send_to_many(self._host, resident, stanza, most)
            else:
                behalf.send(self._host, resident, stanza)
        finally:
            if claim is not None:
                claim.let_go()

    # ------------------------------------------------------------------ requests

    def to_account(self, stanza: Stanza) -> Stanza:
        """Refuse what a component asks a session for, which is no user (§6.3)."""
        to, sender = stanza.to, stanza.sender
        if (
            to is not None
            and to.resource
            and sender is not None
            and self._host.components.get(sender.domain) is not None
            and stanza.children == [_IQ]
        ):
            _forbid("to a bare JID")
        return stanza

    async def iq(self, request: Request) -> Stanza:
        """Ask in a user's name, and give the component the answer (§6.3)."""
        host, stanza = self._host, request.stanza
        grants = host.components.grants(request.sender, request.to.domain)
        try:
            found = forwarded.read(stanza, _IQ, bare=True)
        except ValueError as error:
            _forbid(str(error))
        if found.kind != "iq" or found.attrs.get("type") != stanza.type:
            _forbid("the types differ")
        if _jid(found.attrs.get("from", request.to)) != request.to:
            _forbid("another sender")
        asked = _stanza(found)
        payload = asked.children[0].rpartition(" ")[0] if len(asked.children) == 1 else ""
        granted = "none" if grants is None else grants.iq.get(payload, "none")
        if granted not in (stanza.type, "both"):
            _forbid("this is not granted")
        resident = await behalf.resident_of(host, request.to)
        if asked.to is None:
            asked.to = request.to
        try:
            answer = await host.requests.ask(
                request.to,
                asked.to,
                asked.type,
                Raw(asked.inner),
                seconds=SECONDS,
                send=lambda own: behalf.send(host, resident, own),
                by=request.sender.domain,
            )
        except RequestFailed as failed:
            answer = failed.stanza or _error(asked, request.to, failed.condition)
        told = answer.with_attrs({**answer.attrs, "id": asked.id})
        envelope = Tag("privilege", {}, [Raw(forwarded.forward(told))], ns=ns.PRIVILEGE)
        reply = result(stanza, envelope)
        # What stands in the envelope says itself in which namespace it is.
        reply.content = ns.COMPONENT
        return reply


def _permissions(grants: config.Component) -> list[Tag]:
    """`<perm/>` for each kind of access (§4.2, §5.2, §6.2, §7)."""
    permissions = []
    if grants.roster != "none":
        push = None if grants.roster == "set" else str(grants.roster_push).lower()
        permissions.append(Tag("perm", {"access": "roster", "type": grants.roster, "push": push}))
    if grants.message != "none":
        permissions.append(Tag("perm", {"access": "message", "type": grants.message}))
    if grants.iq:
        namespaces = [
            Tag("namespace", {"ns": name, "type": type_}) for name, type_ in grants.iq.items()
        ]
        permissions.append(Tag("perm", {"access": "iq"}, namespaces))
    if grants.presence != "none":
        permissions.append(Tag("perm", {"access": "presence", "type": grants.presence}))
    return permissions


def _author(found: Forwarded, domain: str) -> JID | None:
    """In whose name a message is sent: a user of the domain, None for the domain itself (§5.1)."""
    author = _jid(found.attrs.get("from", ""))
    if author is None or author.domain != domain or not author.is_bare:
        raise StanzaError("forbidden", "a bare JID of the server's", reason="privilege.entity")
    return author if author.local else None


def _archives(stanza: Stanza) -> set[str]:
    """The namespaces of archives that a message has children of (§9: the user himself has none)."""
    if b"mam" not in stanza.inner and b"&#" not in stanza.inner:
        return set()  # nearly every message: its children's names are not even read
    spaces = {name.rpartition(" ")[0] for name in stanza.children}
    return {space for space in spaces if space.startswith(_ARCHIVE)}


def _jid(text: str) -> JID | None:
    try:
        return JID.parse(text)
    except JIDError:
        return None


def _stanza(found: Forwarded) -> Stanza:
    """What is forwarded as a stanza that nobody has sent yet."""
    attrs = {name: value for name, value in found.attrs.items() if name != "from"}
    stanza = Stanza(found.kind, attrs, None, found.inner)
    to = attrs.get("to")
    if to is not None:
        stanza.to = _jid(to)
        if stanza.to is None:
            raise StanzaError("jid-malformed", reason="stanza.to")
    return stanza


def _error(asked: Stanza, asker: JID, condition: str) -> Stanza:
    """The answer that a server gives in place of who was asked and is not there."""
    asked.sender = asker
    return faults.stanza_error(asked, StanzaError(condition, reason="stanza.remote"))


def _not_of_an_account(request: Request) -> NoReturn:
    """In a user's name, and to none (§6.3)."""
    _forbid("to a bare JID")


def _forbid(why: str) -> NoReturn:
    raise StanzaError("forbidden", why, reason="privilege.iq")
