"""Routing: where a stanza goes (RFC 6120 §8.1, §8.2, §10; RFC 6121 §8).

The path of a stanza: `from_client` stamps and checks it, hooks see it, `route` looks its
domain up, `_to_account` its account, and delivery.py's table says what becomes of it. Whatever
goes wrong on the way is raised as a StanzaError and answered in one place, `bounce`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable
from typing import Protocol, TypeAlias

from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core.delivery import (
    AT_ONCE,
    TABLE,
    TO_AVAILABLE,
    TYPES,
    Action,
    Target,
    message_type,
    reachable,
    recipients,
    share,
)
from xmppd.core.hooks import Hooks
from xmppd.core.iq import IQTable, On, Request, as_stanza_error, unhandled
from xmppd.core.refusals import Refusals
from xmppd.core.sessions import Session, SessionDirectory
from xmppd.core.spread import Spread
from xmppd.domains import around
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.stream import header
from xmppd.wire import faults, tree
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import XML_LANG, Stanza

LONGEST_ID = 1023
"""Characters in the id of a stanza: as many as in a part of an address (RFC 7622 §3.1).

Others answer it in one start tag, with that id and two addresses, each of them escaped. And who has
to answer a request is remembered with its id.
"""

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,3}\s*", re.ASCII)
"""An xs:byte, but for its range."""

Route: TypeAlias = Callable[[Stanza], None]
"""Takes a stanza, whose `sender` and `to` are set, to where a domain is served."""


HELD = 2_000
"""How many stanzas are kept for an account that is held,"""
HELD_OF_ONE = 1_000
"""and of one sender here, or of one server elsewhere: it may see to it that an account is held."""


class Peer(Protocol):
    """Another server, as far as it has shown who it is."""

    @property
    def peers(self) -> Container[str]:
        """The domains that it may send from."""

    @property
    def lang(self) -> str:
        """The language of stanzas that name none, "" where that says nothing new."""


class _Held:
    """What came for an account while it is held."""

    __slots__ = ("_by", "holders", "stanzas")

    def __init__(self) -> None:
        self.holders = 0
        self.stanzas: list[tuple[Stanza, Claim | None]] = []
        self._by: Counter[str] = Counter()

    def keep(self, stanza: Stanza, here: Container[str]) -> None:
        """Keep one; `here` are the domains that are served here."""
        sender = stanza.sender
        if sender is None or sender.domain in here:
            who: str = sender.bare if sender is not None else ""
        else:
            who = around(sender.domain)
        if len(self.stanzas) >= HELD or self._by[who] >= HELD_OF_ONE:
            raise StanzaError("resource-constraint", reason="limit.held")
        self._by[who] += 1
        if stanza.claim is not None:
            stanza.claim.hold()
        self.stanzas.append((stanza, stanza.claim))


class Router:
    """Takes stanzas from wherever they come to wherever they go.

    `domains` are the server's own; `attach` has others take theirs (components), or what no one
    here serves.
    """

    __slots__ = (
        "_attached",
        "_directory",
        "_get",
        "_held",
        "answered",
        "domains",
        "guests",
        "hooks",
        "iq",
        "refusals",
        "remote",
        "routed",
        "routes",
        "spread",
    )

    def __init__(
        self,
        domains: Iterable[str],
        directory: SessionDirectory,
        hooks: Hooks,
        refusals: Refusals,
    ) -> None:
        self._directory = directory
        self._get = directory.get
        self._held: dict[JID, _Held] = {}
        self.hooks = hooks
        self.refusals = refusals
        self.iq = IQTable(self.route, self.bounce)
        self.answered: Callable[[Stanza], None] = lambda stanza: None
        """Takes the IQ results and errors that are for the server itself, or for an account."""
        self.routes: dict[str, Route] = {}
        self._attached = 0
        self.domains: tuple[str, ...]
        self.serve(domains)
        self.guests: Container[str] = ()
        """Domains of ours that no other server may write to."""
        self.remote: Route = self._no_remote
        self.spread = Spread(self, hooks, directory, self._held.keys())
        """Takes one stanza to many."""
        self.routed = 0
        """Stanzas that clients have sent, for the metrics."""

    def serve(self, domains: Iterable[str]) -> None:
        """Take `domains`, and no others, for the server's own."""
        self.domains = tuple(domains)
        own = dict.fromkeys(self.domains, self._to_local)
        for domain in [d for d, route in self.routes.items() if route == self._to_local]:
            if domain not in own:
                del self.routes[domain]
        self.routes.update(own)

    @property
    def attached(self) -> bool:
        """Whether stanzas may come from elsewhere; `hooks.attached` tells of a change."""
        return bool(self._attached)

    def attach(self, route: Route, domain: str = "") -> Callable[[], None]:
        """Have `route` take what is for `domain`, without one what nobody here serves.

        The callable returned takes that back. Raises ValueError where somebody has the domain.
        """
        if domain in self.routes:
            raise ValueError(f"{domain} is served already")
        if domain:
            self.routes[domain] = route
        else:
            self.remote = route
        self._attached += 1
        self.hooks.attached(True)

        def detach() -> None:
            if not domain:
                self.remote = self._no_remote
            elif self.routes.get(domain) is route:
                del self.routes[domain]
            self._attached -= 1
            self.hooks.attached(bool(self._attached))

        return detach

    def hold(self, account: JID) -> Callable[[], None]:
        """Keep what comes for an account until what is returned has been called, then go on.

        For what has to be read or written before anything else reaches the account. Whatever is
        kept goes on in its order, through all hooks.
        """
        held = self._held.setdefault(account, _Held())
        held.holders += 1
        holds = [account]

        def release() -> None:
            if holds:
                self._let_go(holds.pop())

        return release

    def _let_go(self, account: JID) -> None:
        held = self._held[account]
        held.holders -= 1
        if not held.holders:
            del self._held[account]
            for stanza, claim in held.stanzas:  # one of them may have the account held again
                stanza.claim = claim
                self.route(stanza)
                if claim is not None:
                    claim.let_go()

    # ------------------------------------------------------------------ from a client

    def from_client(self, session: Session, stanza: Stanza) -> None:
        """Take a stanza that the client of `session` sent.

        Raises StreamError `invalid-from` for an address not its own (RFC 6120 §8.1.2.1).
        """
        self.routed += 1
        attrs = stanza.attrs
        stanza.sender = session.jid
        claimed = attrs.get("from")
        if claimed is not None and claimed != session.jid:
            header.check_from(claimed, session.jid)
        if session.lang and XML_LANG not in attrs:
            attrs[XML_LANG] = session.lang  # RFC 6120 §8.1.5
        try:
            address = attrs.get("to")
            if address is not None:
                stanza.to = _address(address)
            if len(attrs.get("id", "")) > LONGEST_ID:
                raise StanzaError("bad-request", "too long an id", reason="stanza.id")
            if stanza.kind == "message":
                handlers = self.hooks.from_client["message"]
            else:
                _CHECKS[stanza.kind](stanza)
                handlers = self.hooks.from_client[stanza.kind]
            for handler in handlers:
                filtered = handler(stanza, session)
                if filtered is None:
                    return
                stanza = filtered
            to = stanza.to
            if to is not None:
                self.routes.get(to.domain, self.remote)(stanza)
            elif stanza.kind == "presence":
                self._own_presence(session, stanza)
            else:  # it is for the sender's own account (RFC 6120 §10.3)
                stanza.to = session.account
                self._to_account(stanza, session.account)
        except Exception as error:  # noqa: BLE001 - the sender is told, whatever it was
            if stanza.to is None:
                stanza.to = session.account
            self.bounce(stanza, error)

    # ------------------------------------------------------------------ from a component

    def from_component(self, domain: str, stanza: Stanza) -> None:
        """Take a stanza that the component of `domain` sent, and that nobody else holds yet.

        It speaks for every address at its domain (XEP-0114 §3), for itself where it names none.
        What can't be written for clients is answered, and keeps its content namespace.
        Raises StreamError `invalid-from` for any other.
        """
        attrs = stanza.attrs
        try:
            stanza.sender = sender = JID.parse(attrs.get("from", domain))
        except JIDError as error:
            raise StreamError("invalid-from", str(error), reason="component.from") from None
        if sender.domain != domain:
            raise StreamError("invalid-from", reason="component.from", detail=sender)
        try:
            address = attrs.get("to")
            if address is None:
                raise StanzaError("bad-request", "a `to` is required", reason="component.to")
            stanza.to = to = _address(address)
            if len(attrs.get("id", "")) > LONGEST_ID:
                raise StanzaError("bad-request", "too long an id", reason="stanza.id")
            stanza = stanza.translated(ns.CLIENT)
            if stanza.kind != "message":
                _CHECKS[stanza.kind](stanza)
            self.routes.get(to.domain, self.remote)(stanza)
        except Exception as error:  # noqa: BLE001 - the sender is told, whatever it was
            if stanza.to is None:
                stanza.to = JID.parse(self.domains[0])
            self.bounce(stanza, error)

    # ------------------------------------------------------------------ from another server

    def from_server(self, peer: Peer, stanza: Stanza) -> None:
        """Take a stanza that came on a stream with another server, and that nobody else holds yet.

        Raises StreamError for one that may not come there (RFC 6120 §8.1.1.2, §8.1.2.2, §4.9.3):
        without addresses, from a domain that `peer` has not shown to be, for one that is not here.
        """
        attrs = stanza.attrs
        try:
            stanza.sender = sender = JID.parse(attrs["from"])
        except (KeyError, JIDError):
            raise StreamError("improper-addressing", reason="s2s.addressing") from None
        if sender.domain not in peer.peers:
            raise StreamError("invalid-from", reason="s2s.from", detail=sender.domain)
        address = attrs.get("to")
        if not address:
            raise StreamError("improper-addressing", reason="s2s.addressing")
        if peer.lang and XML_LANG not in attrs:
            attrs[XML_LANG] = peer.lang  # RFC 6120 §8.1.5
        try:
            stanza.to = to = _address(address)
            route = self.routes.get(to.domain)
            if route is None or to.domain in self.guests:
                raise StreamError("host-unknown", reason="s2s.host-unknown", detail=to.domain)
            if len(attrs.get("id", "")) > LONGEST_ID:
                raise StanzaError("bad-request", "too long an id", reason="stanza.id")
            stanza = stanza.translated(ns.CLIENT)
            if stanza.kind != "message":
                _CHECKS[stanza.kind](stanza)
            route(stanza)
        except StreamError:
            raise
        except Exception as error:  # noqa: BLE001 - the sender is told, whatever it was
            if stanza.to is None:
                stanza.to = JID.parse(self.domains[0])
            self.bounce(stanza, error)

    # ------------------------------------------------------------------ presence of a session

    def _own_presence(self, session: Session, stanza: Stanza) -> None:
        """Initial, updated or unavailable presence of the session itself (RFC 6121 §4)."""
        before = session.priority
        if stanza.type == "unavailable":
            session.priority = None
        elif stanza.type == "":
            session.priority = _priority(stanza)
        else:
            raise StanzaError("bad-request", "this presence needs a `to`", reason="stanza.type")
        session.presence = stanza
        self.hooks.presence(session, stanza, before)

    # ------------------------------------------------------------------ to anywhere

    def route(self, stanza: Stanza) -> None:
        """Take a stanza whose `sender` and `to` are set where it belongs; never raises."""
        try:
            assert stanza.to is not None
            self.routes.get(stanza.to.domain, self.remote)(stanza)
        except Exception as error:  # noqa: BLE001 - the sender is told, whatever it was
            self.bounce(stanza, error)

    def bounce(self, stanza: Stanza, error: BaseException) -> None:
        """Answer `stanza` with an error where it may be answered at all (RFC 6120 §8.3.1).

        Never raises: an error that can't be delivered is answered by nothing.
        """
        said = as_stanza_error(error)
        sender, to = stanza.sender or "", stanza.to or ""
        self.refusals.note(said.reason, sender, to, detail=said.detail)
        if faults.answerable(stanza) and stanza.sender is not None:
            self.route(faults.stanza_error(stanza, said))

    def failed(self, failure: Failure, stanza: Stanza) -> None:
        """Answer `stanza` with the error that its handling failed with: an errback."""
        assert failure.value is not None
        self.bounce(stanza, failure.value)

    def _no_remote(self, stanza: Stanza) -> None:
        """Without federation no other domain can be reached (RFC 6120 §10.4)."""
        raise StanzaError("remote-server-not-found", reason="stanza.remote")

    # ------------------------------------------------------------------ to a domain of ours

    def _to_local(self, stanza: Stanza) -> None:
        to = stanza.to
        assert to is not None
        if to.local:
            self._to_account(stanza, to)
        else:
            self._to_host(stanza, to)

    def _to_host(self, stanza: Stanza, to: JID) -> None:
        """A stanza for the server itself (RFC 6120 §10.5.1, §10.5.2)."""
        if self.hooks.host_stanza.handlers:
            filtered = self.hooks.host_stanza(stanza)
            if filtered is None:
                return
            stanza = filtered
        if stanza.kind == "iq" and not to.resource:
            if stanza.type in ("get", "set"):
                self.iq.answer(On.HOST, Request(stanza, to, self._sender_session(stanza)))
            else:
                self.answered(stanza)
        elif stanza.kind != "presence":
            raise unhandled(stanza)

    def _to_account(self, stanza: Stanza, to: JID) -> None:
        """A stanza for an account or one of its sessions (RFC 6121 §8.5)."""
        if self._held and (held := self._held.get(to.bare)) is not None:
            held.keep(stanza, self.routes)
            return
        for handler in self.hooks.to_account[stanza.kind]:
            filtered = handler(stanza)
            if filtered is None:
                return
            stanza = filtered
        if to.resource:
            session = self._get(to)
            if session is not None and (stanza.kind, stanza.attrs.get("type", "")) in AT_ONCE:
                if self.hooks.session_stanza.handlers:
                    self.deliver(stanza, (session,))
                else:
                    session.deliver(stanza)
                return
            target = Target.FULL_GONE if session is None else Target.FULL
        elif (stanza.kind, stanza.attrs.get("type", "")) in TO_AVAILABLE:
            there = [s for s in self._directory.of(to) if s.priority is not None]
            if len(there) == 1 and not self.hooks.session_stanza.handlers:
                there[0].deliver(stanza)
            elif there:
                self.deliver(stanza, there)
            return
        else:
            sessions = self._directory.of(to)
            target = Target.BARE if reachable(sessions) else Target.BARE_NOBODY
        self._act(stanza, to, target)

    def _act(self, stanza: Stanza, to: JID, target: Target) -> None:
        type_ = message_type(stanza.type) if stanza.kind == "message" else stanza.type
        action = TABLE.get((stanza.kind, type_, target), Action.ERROR)
        if action is Action.AS_BARE:
            target = Target.BARE if reachable(self._directory.of(to.bare)) else Target.BARE_NOBODY
            action = TABLE[stanza.kind, type_, target]
        if action in (Action.TOP, Action.ALL, Action.AVAILABLE):
            self.deliver(stanza, recipients(action, self._directory.of(to.bare)))
        elif action is Action.DELIVER:
            self.deliver(stanza, filter(None, (self._get(to),)))
        elif action is Action.ACCOUNT:
            if stanza.type in ("get", "set"):
                request = self.hooks.account_request(stanza)
                if request is not None:
                    self.answer(request, to)
            else:
                self.answered(stanza)
        elif action is Action.SUBSCRIPTION:
            self.hooks.subscription(stanza)
        elif action is Action.STORE:
            # The answer tells nobody whether the account exists.
            if self.hooks.undelivered(stanza) is not None:
                raise StanzaError("service-unavailable", reason="stanza.no-session")
        elif action is Action.ERROR:
            raise StanzaError("service-unavailable", reason="stanza.no-session")

    def answer(self, stanza: Stanza, account: JID) -> None:
        """Have an IQ get or set answered for an account, whatever hooks say."""
        self.iq.answer(On.ACCOUNT, Request(stanza, account, self._sender_session(stanza)))

    def deliver(self, stanza: Stanza, sessions: Iterable[Session]) -> None:
        """Deliver it to each of `sessions`; raises StanzaError when all of them refuse it.

        Each copy but the first is charged to its sender: a few octets may make 80,000 where
        there are many sessions, and a long name in `from`.
        """
        refused: StanzaError | None = None
        taken = 0
        takers: list[tuple[Session, Stanza]] = []
        for session in sessions:
            try:
                filtered = self.hooks.session_stanza(stanza, session)
            except Exception as error:  # noqa: BLE001 - the others are to have it all the same
                refused = as_stanza_error(error)
                continue
            taken += 1
            if filtered is not None:
                takers.append((session, filtered))
        shared = share(stanza, [session for session, _ in takers]) if len(takers) > 1 else None
        for session, filtered in takers:
            if shared is not None:
                filtered.claim = shared
            session.deliver(filtered)
        if shared is not None:
            shared.let_go()
        if taken > 1 and (sender := self._sender_session(stanza)) is not None:
            sender.charge((taken - 1) * len(stanza.tail()))
        if refused is not None and not taken:
            raise refused

    def _sender_session(self, stanza: Stanza) -> Session | None:
        return None if stanza.sender is None else self._get(stanza.sender)


def _address(text: str) -> JID:
    try:
        return JID.parse(text)
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="stanza.to") from None


def _check_iq(stanza: Stanza) -> None:
    """RFC 6120 §8.2.3, rules 1 to 4."""
    attrs = stanza.attrs
    if "id" not in attrs:
        raise StanzaError("bad-request", "an IQ needs an id", reason="stanza.iq-id")
    type_ = attrs.get("type", "")
    if type_ not in TYPES["iq"]:
        raise StanzaError("bad-request", "get, set, result or error", reason="stanza.iq-type")
    if type_ in ("get", "set") and len(stanza.children) != 1:
        raise StanzaError("bad-request", "exactly one child element", reason="stanza.iq-child")
    if type_ == "result" and len(stanza.children) > 1:
        raise StanzaError("bad-request", "one child element at most", reason="stanza.iq-child")


def _check_presence(stanza: Stanza) -> None:
    if stanza.type not in TYPES["presence"]:
        raise StanzaError("bad-request", "no such presence type", reason="stanza.type")


_CHECKS = {"iq": _check_iq, "presence": _check_presence}


def _priority(stanza: Stanza) -> int:
    """The priority of a presence, 0 when it names none (RFC 6121 §4.7.2.3)."""
    if f"{stanza.content} priority" not in stanza.children:
        return 0
    text = tree.child_text(stanza.element, f"{{{stanza.content}}}priority") or ""
    priority = int(text) if _INTEGER.fullmatch(text) else 1000
    if not -128 <= priority <= 127:
        raise StanzaError("bad-request", "priority is -128 to 127", reason="stanza.malformed")
    return priority
