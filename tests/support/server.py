"""A whole server in memory, and raw XML clients of it: both ends of every stream, one clock.

    server = Verona(registration={"policy": "on"})
    juliet = server.connect().log_in("juliet", resource="balcony")
    answer = juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to="capulet.lit")

What takes a thread in the real server is done at once here, so whatever a client sends has been
acted on when `send` returns; only what waits for time waits for `server.clock.advance`.
"""

from __future__ import annotations

import pkgutil
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

import msgspec
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from tests.support.deferred import result
from tests.support.ends import End
from xmppd import modules, ns
from xmppd.addresses import is_loopback
from xmppd.auth.administration import Administration
from xmppd.auth.answers import Answers
from xmppd.auth.internal import AccountBackend
from xmppd.auth.seal import Seal
from xmppd.auth.throttle import Throttle
from xmppd.config import Config
from xmppd.core.connection import ClientConnection
from xmppd.core.host import Host
from xmppd.core.loader import Loaded
from xmppd.core.residents import Resident
from xmppd.credentials import Credentials, make_credentials
from xmppd.jid import JID
from xmppd.net.turn import Turn
from xmppd.storage.url import open_stores
from xmppd.stream.events import Spoken
from xmppd.stream.policy import TLSFacts

DOMAIN = "capulet.lit"
PASSWORD = "wherefore art thou"
NOW = 1_165_543_115.0
"""When the clock of every server starts, in seconds UTC since 1970: 2006-12-08T01:58:35Z."""
STRANGER = "192.0.2.7"
"""A network address that is not loopback (RFC 5737)."""

T = TypeVar("T")

_SEAL = Seal(b"A" * 43 + b"=")


def at_once(function: Callable[..., Any], /, *args: Any, address: str = "") -> Deferred[Any]:
    """Takes the place of threads."""
    return maybeDeferred(function, *args)


@lru_cache
def _credentials(password: str, sealed: bool) -> Credentials:
    return make_credentials(password, iterations=10_000, seal=_SEAL.seal if sealed else None)


class Verona:
    """A server for `DOMAIN` where juliet and romeo have accounts, under `PASSWORD`.

    Keyword arguments are tables of the configuration: ``auth={"legacy": True}``. `available` are
    the modules, all that there are unless told otherwise. `after` is a server whose stores this
    one takes over, accounts included, as if it had been killed and started again. `clock` is one
    that goes already.
    """

    def __init__(
        self,
        *,
        accounts: Iterable[str] = ("juliet", "romeo"),
        available: Iterable[ModuleType] | None = None,
        after: Verona | None = None,
        clock: Clock | None = None,
        **tables: dict[str, Any],
    ) -> None:
        self.config = _config(tables)
        self.clock = clock or Clock()
        if clock is None:
            self.clock.advance(NOW if after is None else after.clock.seconds() + 1)
        if after is None:
            stores = result(open_stores("sqlite::memory:", self.clock, Path()))
        else:
            stores, accounts = after.host.stores, ()
        self.host = Host(self.config, clock=self.clock, stores=stores)
        self.host.turn = self.turn = Turn(self.clock, self.clock.seconds)
        auth = self.config.auth
        self._seal = _SEAL if auth.legacy or auth.digest_md5 else None
        self.throttle = Throttle(self.clock.seconds)
        self.backend = AccountBackend(
            stores.accounts,
            run=at_once,
            secret=b"s" * 32,
            iterations=auth.iterations,
            seal=self._seal,
        )
        self.host.authenticator = Answers(
            self.backend, self.throttle, self.clock, lambda: self.host.config.auth.impersonate
        )
        self.host.administrator = Administration(self.host, run=at_once, seal=self._seal)
        self.loaded = Loaded(self.host, _modules() if available is None else available)
        self.loaded.follow(self.config.modules.off)
        result(Deferred.fromCoroutine(self.host.components.restore()))
        for name in accounts:
            self.account(name)

    def account(self, name: str, password: str = PASSWORD, domain: str = DOMAIN) -> JID:
        """Make an account; its bare JID."""
        jid = JID.of(name, domain)
        credentials = _credentials(password, self._seal is not None)
        create = self.host.stores.accounts.create
        result(create(jid, credentials, now=self.clock.seconds()))
        return jid

    def resident(self, account: str) -> Resident:
        """The account in memory, read if need be."""
        found = result(self.host.residents.fetch(JID.parse(account)))
        assert found is not None, f"there is no {account}"
        return found

    def done(self, work: Deferred[T]) -> T:
        """The outcome of what the store was asked, which is at once here."""
        return result(work)

    def reload(self, **tables: dict[str, Any]) -> None:
        """Put another configuration in force, as SIGHUP does."""
        self.config = _config(tables)
        self.host.reconfigure(self.config)
        self.loaded.follow(self.config.modules.off)

    def connect(
        self, address: str = "127.0.0.1", *, secure: bool = False, tls_available: bool = True
    ) -> Client:
        """A client at a network address; `secure` from the first byte."""
        return Client(self, address, secure, tls_available)

    def log_in(self, name: str, resource: str = "") -> Client:
        """A new client that has logged in."""
        return self.connect().log_in(name, resource=resource)


class Client(End):
    """The client's end of a stream, and the `Wire` under the server's end.

    `send` gives bytes to the server.
    """

    content = ns.CLIENT

    def __init__(self, server: Verona, address: str, secure: bool, tls_available: bool) -> None:
        super().__init__()
        self.server = server
        self.jid: JID | None = None
        """The full JID, after `log_in`."""
        self.tls = TLSFacts({}, ())
        """What the server learns of the TLS connection; set it before TLS starts."""
        self.secure_for = ""
        """The domain that TLS was begun for by STARTTLS."""
        self.compressed = False
        """Whether compression was begun; nothing is compressed in memory."""
        self.paused = False
        self.charged = 0
        """Octets counted against the client's rate besides those that it has sent."""
        self._unsent: list[bytes] = []
        self._asked = 0
        host = server.host
        policy = host.policy(loopback=is_loopback(address))
        self.connection = ClientConnection(
            host, self, policy, address=address, tls_available=tls_available and not secure
        )
        if secure:
            self.connection.secured()

    # ------------------------------------------------------------------ to the server

    def send(self, data: str | bytes) -> Client:
        """Send bytes to the server, who reads them at once unless it has paused."""
        self._unsent.append(data.encode() if isinstance(data, str) else data)
        self._pump()
        return self

    def open(self, to: str | None = DOMAIN, version: str | None = "1.0", **attrs: str) -> Client:
        """Send a stream header; None leaves an attribute out."""
        shown = {"to": to, "version": version, **attrs}
        text = "".join(f" {k}={quoteattr(v)}" for k, v in shown.items() if v is not None)
        return self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='{ns.CLIENT}'"
            f" xmlns:stream='{ns.STREAM}'{text}>"
        )

    def authenticate(self, name: str, password: str = PASSWORD, authzid: str = "") -> Client:
        """Send SASL PLAIN on an open stream."""
        message = b64encode(f"{authzid}\0{name}\0{password}".encode()).decode()
        return self.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")

    def bind(self, resource: str = "") -> Element:
        """Ask for a resource; the answer."""
        wanted = f"<resource>{escape(resource)}</resource>" if resource else ""
        return self.ask(f"<bind xmlns='{ns.BIND}'>{wanted}</bind>", "set")

    def log_in(self, name: str, password: str = PASSWORD, *, resource: str = "") -> Client:
        """Go all the way to a bound resource, from the stream header if none was sent yet."""
        if not self.log:
            self.open()
        self.authenticate(name, password)
        found = [e.tag for e in self.elements()]
        assert f"{{{ns.SASL}}}success" in found, found
        answer = self.open().bind(resource)
        jid = answer.findtext(f".//{{{ns.BIND}}}jid")
        assert jid is not None, "no resource was bound"
        self.jid = JID.parse(jid)
        self.take()
        return self

    def ask(self, payload: str, type_: str = "get", to: str | None = None) -> Element:
        """Send an IQ with `payload`; the answer to it. Whatever else came is passed over."""
        self._asked += 1
        id_ = f"ask{self._asked}"
        address = "" if to is None else f" to={quoteattr(to)}"
        self.send(f"<iq type='{type_}' id='{id_}'{address}>{payload}</iq>")
        answers = [e for e in self.elements() if e.get("id") == id_]
        assert len(answers) == 1, f"{len(answers)} answers to {payload}"
        return answers[0]

    def hang_up(self) -> None:
        """Drop the connection without a word."""
        self.closed = True
        self.connection.lost()

    # ------------------------------------------------------------------ Wire

    def speak(self, spoken: Spoken) -> None:
        self.write(spoken.data)

    def start_tls(self, domain: str) -> None:
        self.secure_for = domain
        self.connection.secured()

    def start_compression(self) -> None:
        self.compressed = True

    def tls_facts(self) -> TLSFacts:
        return self.tls

    def authenticated(self) -> None:
        """Admission is no subject here."""

    def charge(self, octets: int) -> None:
        self.charged += octets

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self.server.clock.callLater(0, self._pump)

    def close(self) -> None:
        self.closed = True

    def _pump(self) -> None:
        while self._unsent and not self.paused and not self.closed:
            self.connection.receive(self._unsent.pop(0))


def condition(element: Element) -> str:
    """The defined condition of a stanza error, stream error or SASL failure; "" if it is none."""
    holder = element if element.tag.endswith(("}error", "}failure")) else element.find("{*}error")
    if holder is None:
        return ""
    return next(child.tag.rpartition("}")[2] for child in holder if not child.tag.endswith("}text"))


def _config(tables: dict[str, dict[str, Any]]) -> Config:
    server = {"domains": [DOMAIN], **tables.get("server", {})}
    return msgspec.convert({**tables, "server": server}, Config)


def _modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(modules.__path__)
    return [import_module(f"{modules.__name__}.{name}") for name in sorted(m.name for m in found)]
