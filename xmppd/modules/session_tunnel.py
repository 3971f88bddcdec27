"""The session tunnel: client streams (RFC 6120, RFC 7395) that a component carries.

A gateway, which the configuration grants it, speaks HTTP with clients and passes on what they say.
The streams, and who is let in by them, are the server's own. See docs/session-tunnel.md.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address

from xmppd import ns
from xmppd.addresses import is_loopback
from xmppd.config import Component
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.limits import Admission
from xmppd.core.tunnel import TunnelWire
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.stream.policy import Policy
from xmppd.stream.states import Fact
from xmppd.wire import tunnel_refusals, tunneled
from xmppd.wire.stanza import XML_LANG, Stanza

REMEMBERED = 1_000
"""Of how many sessions of a gateway it is remembered that they are over."""

_SID = re.compile(r"[a-z0-9._-]{16,64}")
"""A session's name: it is a node of a JID, where capital letters become small ones."""

_LANG = f"{{{ns.XML}}}lang"


def register(context: ModuleContext) -> None:
    """Open sessions, and take what is said in them."""
    tunnel = SessionTunnel(context.host)
    context.iq(On.HOST, "set", f"{ns.TUNNEL} open", tunnel.open)
    # Before all others: what clients say is none of their business until it is cut out.
    context.hook(context.hooks.host_stanza, Phase.GUARD, tunnel.take)
    context.hook(context.hooks.component_gone, Phase.DELIVER, tunnel.gone)
    context.hook(context.hooks.configured, Phase.DELIVER, tunnel.follow)
    context.advertise(ns.TUNNEL, when=tunnel.is_granted_for)
    context.on_unload(tunnel.close)


class Gateway:
    """The sessions that one component carries, and the places that they take."""

    __slots__ = ("_over", "admission", "wires")

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        """Its own: a gateway that lets in too many strangers locks out nobody elsewhere."""
        self.wires: dict[JID, TunnelWire] = {}
        self._over: OrderedDict[JID, None] = OrderedDict()

    def forget(self, wire: TunnelWire) -> None:
        """A session is over; what is still on its way is nobody's fault."""
        del self.wires[wire.sid]
        self.was_told(wire.sid)

    def vanish(self, wire: TunnelWire) -> None:
        """Something in a session did not reach its client; its gateway may not know that."""
        wire.lost()
        self._over.pop(wire.sid, None)

    def was_told(self, sid: JID) -> bool:
        """Whether the gateway knows that a session is over, or never was; it does from now on."""
        known = sid in self._over
        self._over[sid] = None
        self._over.move_to_end(sid)
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)
        return known


class SessionTunnel:
    """All tunneled sessions of this server."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._gateways: dict[str, Gateway] = {}

    def is_granted_for(self, domain: str) -> bool:
        """Whether any component may carry sessions for a domain of the server."""
        return any(
            each.settings.tunnel and domain in (each.settings.domains or (domain,))
            for each in self._host.components
        )

    def _grants(self, sid: JID, to: JID) -> Component:
        """What the component of a session is granted at a domain of the server.

        Raises StanzaError where that is not to carry sessions.
        """
        grants = self._host.components.grants(sid, to.domain)
        if grants is None or not grants.tunnel:
            raise StanzaError("forbidden", reason="tunnel.forbidden")
        return grants

    # ------------------------------------------------------------------ open

    def open(self, request: Request) -> None:
        """Begin a session with a client's stream header."""
        sid, to = request.sender, request.to
        grants = self._grants(sid, to)
        if sid.resource or _SID.fullmatch(sid.local) is None:
            raise tunneled.malformed("the name of a session is 16 to 64 of a-z 0-9 . _ -")
        attrs = {XML_LANG if k == _LANG else k: v for k, v in request.payload.attrib.items()}
        address = _address(attrs)
        gateway = self._gateway(sid.domain)
        if sid in gateway.wires:
            raise StanzaError("conflict", reason="tunnel.conflict")
        reason = gateway.admission.refusal(address)
        if reason is not None:
            raise StanzaError("resource-constraint", reason=reason, detail=address)
        wire = gateway.wires[sid] = TunnelWire(self._host, sid, to, gateway.forget)
        admitted = gateway.admission.enter(address, wire.make_room)
        local = _is_local(attrs, grants)
        if is_loopback(address) and not local:  # of the gateway's machine, which need not be ours
            address = f"{address} at {sid.domain}"
        request.then = partial(  # the gateway has its answer before anything is said
            wire.carry,
            self._policy(grants, local=local),
            admitted,
            address=address,
            secure=attrs.get("secure") in ("true", "1"),
            opened=attrs,
        )

    def _gateway(self, domain: str) -> Gateway:
        limits = self._host.config.limits
        gateway = self._gateways.get(domain)
        if gateway is None:
            gateway = self._gateways[domain] = Gateway(Admission(limits))
        gateway.admission.limits = limits
        return gateway

    def _policy(self, grants: Component, *, local: bool) -> Policy:
        """What a stream is granted: what is for clients of this machine alone, if it is `local`.

        HTTP compresses by itself, or has reasons not to.
        """
        policy, domains = self._host.policy(loopback=local), self._host.domains
        if grants.domains:
            domains = tuple(domain for domain in domains if domain in grants.domains)
        return policy._replace(domains=domains, switches=policy.switches & ~Fact.COMPRESSION)

    # ------------------------------------------------------------------ messages

    def take(self, stanza: Stanza) -> Stanza | None:
        """Take what is said in a session, and the errors that answer what was said there."""
        sender, to = stanza.sender, stanza.to
        if stanza.kind != "message" or sender is None or to is None:
            return stanza
        if stanza.type == "error":
            return self._failed(stanza, sender)
        if tunneled.MARK not in stanza.inner:
            return stanza
        self._grants(sender, to)
        if not sender.local:  # no session's name: the gateway speaks for itself
            for told in tunnel_refusals.read(stanza.element):
                self._host.refusals.tell(sender.domain, told)
            return None
        said = tunneled.read(stanza.inner)
        gateway = self._gateway(sender.domain)
        wire = gateway.wires.get(sender)
        if wire is not None and wire.domain == to:
            wire.take(said)
        elif not gateway.was_told(sender):
            raise StanzaError("item-not-found", reason="tunnel.unknown")
        return None

    def _failed(self, error: Stanza, sender: JID) -> Stanza | None:
        """What was said in a session has not reached its client: the gateway does not know it."""
        gateway = self._gateways.get(sender.domain)
        wire = None if gateway is None else gateway.wires.get(sender)
        if gateway is None or wire is None:
            return error
        # In a turn of its own: it may be this very stream that is writing.
        self._host.clock.callLater(0, gateway.vanish, wire)
        return None

    # ------------------------------------------------------------------ the end

    def gone(self, domain: str, instance: str) -> None:
        """A component is gone, and with it the connections of its clients."""
        self._drop(domain)

    def follow(self) -> None:
        """Another configuration is in force: it may not be granted any more, or not everywhere."""
        for domain, gateway in list(self._gateways.items()):
            grants = self._host.config.components.get(domain)
            if grants is None or not grants.tunnel:
                self._drop(domain)
            elif grants.domains:
                for wire in list(gateway.wires.values()):
                    if not wire.domains.issubset(grants.domains):
                        wire.cut_off("tunnel.forbidden")

    def _drop(self, domain: str) -> None:
        gateway = self._gateways.pop(domain, None)
        if gateway is not None:
            for wire in list(gateway.wires.values()):
                wire.lost()

    def close(self) -> None:
        """Carry no more sessions."""
        for gateway in self._gateways.values():
            for wire in list(gateway.wires.values()):
                wire.end(StreamError("system-shutdown", reason="stream.shutdown"))


def _is_local(attrs: Mapping[str, str], grants: Component) -> bool:
    """Whether a client is on our machine, as a gateway says that may say so."""
    said = grants.tunnel_local and attrs.get("local") in ("true", "1")
    return said and is_loopback(attrs.get("address", ""))


def _address(attrs: Mapping[str, str]) -> str:
    """The client's network address; raises StanzaError where it is none."""
    address = attrs.get("address", "")
    try:
        ip_address(address)
    except ValueError:
        raise tunneled.malformed("the client's address is missing, or none") from None
    return address
