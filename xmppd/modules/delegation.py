"""Namespace Delegation (XEP-0355), by the administrator: components answer in the server's place.

A request whose payload is of a delegated namespace, to a domain of the server or to an account, is
handed on in an envelope; the answer comes back in one, is held against the request, and reaches
who has asked as if the server had answered itself. Clients never know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core import disco_answer
from xmppd.core.components.pending import Askers
from xmppd.core.context import ModuleContext
from xmppd.core.disco import DiscoInfo
from xmppd.core.disco_answer import IllFormedError
from xmppd.core.host import Host
from xmppd.core.iq import Answer, Delegate, On, Request
from xmppd.core.requests import RequestFailed
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire import build, forwarded
from xmppd.wire.build import Raw, Tag
from xmppd.wire.stanza import Stanza

log = Logger()

XEP = (355, "0.5", "complete")

_ENVELOPE = f"{ns.DELEGATION} delegation"
_HEAD = f"<delegation xmlns='{ns.DELEGATION}'>".encode()
_TAIL = b"</delegation>"

NODES = {On.HOST: "::", On.ACCOUNT: ":bare:"}
"""What stands between the namespaces in the node by which a component is asked what it can do, at
domains and at accounts (§7.2)."""

NOTHING = DiscoInfo((), frozenset())

REST = {
    f"{ns.DELEGATION}:bare:disco#info:*": ns.DISCO_INFO,
    f"{ns.DELEGATION}:bare:disco#items:*": ns.DISCO_ITEMS,
}
"""Namespaces that stand for discovery of accounts, as far as the server has no answer (§7.2.4)."""


def register(context: ModuleContext) -> None:
    """Hand on what is delegated, tell components of it, and nest what they can do."""
    delegations = Delegations(context.host)
    hooks = context.hooks
    context.hook(hooks.component_connected, Phase.DELIVER, delegations.connected)
    # Behind all that it is granted: what it can do may depend on that.
    context.hook(hooks.component_connected, Phase.FALLBACK, delegations.asked)
    context.hook(hooks.component_gone, Phase.DELIVER, delegations.gone)
    context.hook(hooks.configured, Phase.DELIVER, delegations.follow)
    context.advertise(ns.DELEGATION)
    context.on_unload(delegations.clear)
    delegations.follow()


class Delegation:
    """A namespace that is delegated to a component, at one domain of the server.

    `askers` are those whose requests are handed on, of all delegations.
    """

    def __init__(
        self,
        host: Host,
        component: JID,
        domain: JID,
        namespace: str,
        attributes: Sequence[str],
        askers: Askers,
    ) -> None:
        self._host = host
        self._askers = askers
        self.component = component
        self.domain = domain
        self.namespace = namespace
        self.attributes = attributes

    @property
    def absent(self) -> DiscoInfo | None:
        """What is said of the namespace while the component is not there: nothing can be done.

        None where that is the server's own business: it goes on with what attributes leave to it.
        """
        return None if self.attributes else NOTHING

    def takes(self, on: On, request: Request) -> bool:
        """Whether a request is handed on: not one of the component itself (§4.4).

        Neither in its own name nor in a user's (XEP-0356 §6). Nor one without the attributes that
        make it the component's business (§4.3, N.B.3).
        """
        asked_by = self._host.requests.asked_by(request.stanza) or request.sender.domain
        if asked_by == self.component:
            return False
        if self.namespace in REST:
            return on is On.ACCOUNT and (
                self.namespace.endswith("items:*") or bool(request.payload.get("node"))
            )
        attributes = self.attributes
        return not attributes or all(name in request.payload.attrib for name in attributes)

    def answer(self, request: Request) -> Deferred[Answer]:
        """Hand a request on (§4.3); fails with StanzaError where no good answer comes.

        Raises StanzaError where so many of the same are not answered that others have to wait.
        """
        stanza = request.stanza
        crowd = self._askers.room_for(request.sender)
        envelope = Raw(b"%b%b%b" % (_HEAD, forwarded.forward(stanza), _TAIL))
        asking: Deferred[Any] = self._host.requests.ask(
            self.domain, self.component, "set", envelope, send=partial(self._send, request)
        )
        self._askers.add(crowd)
        of_it = stanza, crowd
        return asking.addCallbacks(self._answered, self._failed, of_it, {}, of_it, {})

    def _send(self, asked: Request, envelope: Stanza) -> None:
        # What stands in the envelope says itself in which namespace it is.
        envelope.content = ns.COMPONENT
        envelope.cause = asked.sender
        component = self._host.components.get(self.component)
        try:
            if component is None:
                raise StanzaError("service-unavailable", reason="component.absent")
            component.route(envelope, asked.to.bare)
        except StanzaError as error:
            self._host.router.bounce(envelope, error)
        else:
            if asked.session is not None:
                component.hold_back(asked.session, asked.to)

    def _answered(self, envelope: Stanza, asked: Stanza, crowd: str) -> Stanza:
        """The answer in an envelope, if it is one to what was asked (§4.3)."""
        self._askers.drop(crowd)
        try:
            found = forwarded.read(envelope, _ENVELOPE)
        except ValueError as error:
            raise self._wrong(asked, str(error)) from None
        attrs = found.attrs
        if found.kind != "iq" or attrs.get("type") not in ("result", "error"):
            raise self._wrong(asked, "neither result nor error")
        if attrs.get("id") != asked.id:
            raise self._wrong(asked, "another id")
        if not (_means(attrs.get("to"), asked.sender) and _means(attrs.get("from"), asked.to)):
            raise self._wrong(asked, "other addresses")
        answer = Stanza("iq", {"type": attrs["type"], "id": asked.id}, None, found.inner)
        answer.sender, answer.to = asked.to, asked.sender
        return answer

    def _wrong(self, asked: Stanza, why: str) -> StanzaError:
        """(§4.3: service-unavailable for a bad answer)."""
        self._host.refusals.note("delegation.answer", self.component, asked.sender or "", "", why)
        log.warn(
            "{component} has answered a delegated request wrongly: {why}",
            component=self.component,
            why=why,
        )
        return StanzaError("service-unavailable", reason="delegation.answer", detail=why)

    def _failed(self, failure: Failure, asked: Stanza, crowd: str) -> Stanza:
        """(§4.3, N.B.1 and 2: service-unavailable where it is absent, or answers with an error).

        It may help to ask again later where it would help the server.
        """
        self._askers.drop(crowd)
        failure.trap(RequestFailed)
        failed: Any = failure.value
        raise StanzaError(
            "service-unavailable",
            reason="delegation.failed",
            detail=failed.condition,
            type="wait" if failed.temporary else None,
        )


def _means(text: str | None, jid: JID | None) -> bool:
    """Whether an address of an answer is the one of the request; one that is left out may be."""
    if text is None or text == jid:
        return True
    try:
        return JID.parse(text) == jid
    except ValueError:
        return False


class Delegations:
    """All of them, as the configuration says, and what the components can do."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._all: list[Delegation] = []
        self._told: dict[str, set[JID]] = {}
        """By component, the domains that have told it of something that is delegated."""
        self._asking: dict[str, list[Deferred[Any]]] = {}
        self._askers = Askers(host.router.routes)
        """Whose requests were handed on. To a component it is the server that asks all of them; and
        users are to be answered, and asked what their clients can do, however many these are.
        """

    def follow(self) -> None:
        """Take what the configuration delegates now."""
        for each in self._all:
            self._nest(each, None)
        by: defaultdict[tuple[str, str], list[Delegate]] = defaultdict(list)
        self._all = list(self._configured())
        for each in self._all:
            self._nest(each, each.absent)
        # Of one namespace, what is delegated as a whole goes before what is left over.
        for each in sorted(self._all, key=lambda each: each.namespace in REST):
            by[each.domain, REST.get(each.namespace, each.namespace)].append(each)
        self._host.router.iq.delegates = dict(by)
        for component in self._host.components.connected:
            self._ask(component)

    def _configured(self) -> Iterator[Delegation]:
        for name, grants in self._host.config.components.items():
            for domain in grants.domains or self._host.config.server.domains:
                for namespace, attributes in grants.delegation.items():
                    jid, at = JID.parse(name), JID.parse(domain)
                    yield Delegation(self._host, jid, at, namespace, attributes, self._askers)

    def clear(self) -> None:
        """Hand nothing on any more."""
        self._host.router.iq.delegates = {}
        for component in list(self._asking):
            self._stop_asking(component)
        for each in self._all:
            self._nest(each, None)

    # ------------------------------------------------------------------ components

    def connected(self, component: str, instance: str) -> None:
        """Tell a component what is delegated to it (§4.2), or is no longer (§8, rule 3)."""
        by: defaultdict[JID, list[Delegation]] = defaultdict(list)
        for each in self._of(component):
            by[each.domain].append(each)
        before = self._told.get(component, set())
        self._told[component] = set(by)
        for domain in sorted(before - by.keys()):
            self._advertise(domain, (), JID.parse(component), instance)
        for domain, delegations in by.items():
            self._advertise(domain, delegations, delegations[0].component, instance)

    def asked(self, component: str, instance: str) -> None:
        """Ask a component what it can do (§7.2)."""
        self._ask(component)

    def _of(self, component: str) -> list[Delegation]:
        return [each for each in self._all if each.component == component]

    def _advertise(
        self, domain: JID, delegations: Sequence[Delegation], component: JID, instance: str
    ) -> None:
        delegated = [
            Tag(
                "delegated",
                {"namespace": each.namespace},
                [Tag("attribute", {"name": name}) for name in each.attributes],
            )
            for each in delegations
        ]
        message = build.stanza("message", {}, Tag("delegation", {}, delegated, ns=ns.DELEGATION))
        message.sender, message.to = domain, component
        self._host.components.tell(component, instance, message)

    def _ask(self, component: str) -> None:
        self._stop_asking(component)
        asking = self._asking[component] = []
        for each in self._of(component):
            if each.namespace not in REST:
                asking += [self._discover(each, on) for on in NODES]

    def _discover(self, each: Delegation, on: On) -> Deferred[Any]:
        node = f"{ns.DELEGATION}{NODES[on]}{each.namespace}"
        query = Tag("query", {"node": node}, ns=ns.DISCO_INFO)
        asking: Deferred[Any] = self._host.requests.ask(each.domain, each.component, "get", query)
        asking.addCallback(lambda answer: self._nest(each, disco_answer.read(answer), on))
        return asking.addErrback(self._not_learned, each, on)

    def _nest(self, each: Delegation, info: DiscoInfo | None, *on: On) -> None:
        for addressee in on or On:
            self._host.advertised.nest(addressee, each.domain, each.namespace, info)

    def _not_learned(self, failure: Failure, each: Delegation, on: On) -> None:
        """A component need not tell what it can do: the server says what it would itself."""
        if not failure.check(CancelledError):
            self._nest(each, None, on)
        if failure.check(IllFormedError):
            log.warn(
                "{component} does not say well what it can do of {namespace}: {error}",
                component=each.component,
                namespace=each.namespace,
                error=failure.getErrorMessage(),
            )
        elif not failure.check(RequestFailed, CancelledError):
            log.failure("what a component can do was not learned", failure)

    def gone(self, component: str, instance: str) -> None:
        """Say no longer of the server what a component could do that is not there."""
        if component not in self._host.components.connected:
            self._told.pop(component, None)
            self._forget(component)

    def _forget(self, component: str) -> None:
        self._stop_asking(component)
        for each in self._of(component):
            self._nest(each, each.absent)

    def _stop_asking(self, component: str) -> None:
        for asking in self._asking.pop(component, ()):
            asking.cancel()
