"""The gateway put together around its component: what listens, and who answers which path."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.logger import Logger

from components.bosh import memory
from components.bosh.config import BoshTable, Config
from components.bosh.http.admission import Admission, Limits
from components.bosh.http.connection import Terms
from components.bosh.http.host_meta import JRD_PATH, XRD_PATH, HostMeta
from components.bosh.http.metrics import PATH as METRICS_PATH
from components.bosh.http.metrics import Metrics
from components.bosh.http.offer import PATH as OFFER_PATH
from components.bosh.http.offer import Offer
from components.bosh.http.origins import Origins
from components.bosh.http.proxies import Proxies
from components.bosh.http.request import Handler
from components.bosh.http.routes import Routes, both, nothing, only
from components.bosh.http.site import Site
from components.bosh.http.static import METHODS, Files, load
from components.bosh.longpoll.service import LongPoll
from components.bosh.longpoll.terms import Limits as LongPollLimits
from components.bosh.refusals import Refusals
from components.bosh.tunnel.tunnel import Tunnel
from components.bosh.websocket.service import WebSockets
from components.bosh.websocket.session import Terms as WebSocketTerms
from components.common.about import About, introduce
from components.common.disco import Identity
from components.common.process import Setting
from xmppd.addresses import is_loopback
from xmppd.config.endpoints import with_backlog

log = Logger(namespace="component")

IDENTITY = Identity("component", "c2s", "HTTP gateway")

WEB = Path(__file__).with_name("web")
"""The web client's files."""

_COLON = re.compile(r"(?<!\\):")

STOPPING = 2.0
"""Seconds that clients have to take our last words,"""
_LOOK = 0.05
"""and between two looks at whether they have."""


async def assemble(setting: Setting[Config]) -> None:
    """Have a component be a gateway; raises ConfigError for what can't be listened on."""
    gateway = Gateway(setting)
    setting.component.on_stop(gateway.stop)
    await gateway.listen()


class Gateway:
    """One gateway: its sessions, its site, its ports."""

    def __init__(self, setting: Setting[Config]) -> None:
        self._reactor = setting.reactor
        self._loaded = setting.loaded
        self._config = config = setting.config.bosh
        self._counts = setting.component.counts
        """What was received, by kind, and what was refused, by reason code."""
        introduce(setting.component, About(IDENTITY))
        self._refused = Refusals(setting.component)
        # Who has a public address has a proxy as a rule, and one that says nothing looks local.
        self.tunnel = Tunnel(setting.component, trusts_local=not config.public)
        self.websockets = self._websockets(config)
        self.longpoll = self._longpoll(config)
        self.site = self._site(config)
        self._ports: list[Any] = []

    def _websockets(self, config: BoshTable) -> WebSockets:
        everybody = config.see_other_for == "everybody"
        terms = WebSocketTerms(config.body_octets, config.see_other_websocket, everybody)
        return WebSockets(self.tunnel, self._reactor, terms, config.ping_seconds, self._refused)

    def _longpoll(self, config: BoshTable) -> LongPoll:
        limits = LongPollLimits(
            wait=config.wait,
            hold=config.hold,
            requests=config.requests,
            inactivity=config.inactivity,
            polling=config.polling,
            maxpause=config.maxpause,
            streams=config.streams,
            sessions=config.sessions,
            sessions_per_address=config.sessions_per_address,
            body_octets=config.body_octets,
            held_octets=config.held_octets or memory.there_is() // memory.SHARE,
            routes=frozenset(config.routes),
            secure_link=is_private(self._loaded.settings.core.endpoint),
            see_other_uri=config.see_other_bosh,
            see_other_for_all=config.see_other_for == "everybody",
        )
        return LongPoll(self.tunnel, self._reactor, limits, self._refused)

    def _site(self, config: BoshTable) -> Site:
        limits = Limits(
            connections=config.connections,
            connections_per_address=config.connections_per_address,
            requests=config.requests_per_second,
            burst=config.request_burst,
        )
        terms = Terms(
            request_seconds=config.request_seconds,
            idle_seconds=config.idle_seconds,
            body_octets=config.body_octets,
        )
        admission = Admission(limits, self._reactor.seconds, self._refused)
        proxies = Proxies(config.proxies, forwarded=config.forwarded)
        return Site(self._routes(config), self._reactor, terms, proxies, admission, self._refused)

    def _routes(self, config: BoshTable) -> Handler:
        origins = Origins(config.origins, self._refused)
        meta = HostMeta(config.public, config.bosh, config.websocket, self._refused)
        places: dict[str, Handler] = {
            XRD_PATH: only(METHODS, meta.xrd, self._refused),
            JRD_PATH: only(METHODS, meta.jrd, self._refused),
        }
        if config.bosh:
            shared = origins.sharing(self.longpoll.handle, ("GET", "HEAD", "POST"))
            places.update(both(config.bosh, shared))
        if config.websocket:
            places.update(both(config.websocket, origins.guarding(self.websockets.handle)))
        files = self._files(config)
        if config.metrics:
            places[METRICS_PATH] = self._metrics(config, files)
        return Routes(places, files)

    def _metrics(self, config: BoshTable, otherwise: Handler) -> Metrics:
        sources: dict[str, Callable[[], object]] = {
            "domain": lambda: self._loaded.identity.domain,
            "connected": lambda: self.tunnel.connected,
            "connections": lambda: len(self.site),
            "sessions": lambda: {"bosh": len(self.longpoll), "websocket": len(self.websockets)},
            "streams": lambda: len(self.tunnel),
            "requests": lambda: self.longpoll.requests,
            "held": lambda: self.longpoll.held,
            "refusals": lambda: {k: n for k, n in sorted(self._counts.items()) if "." in k},
        }
        return Metrics(sources, self._reactor.seconds, otherwise, config.metrics)

    def _files(self, config: BoshTable) -> Handler:
        if not config.web:
            return nothing(self._refused)
        domain = self._loaded.servers[0]
        offer = Offer(domain, config.websocket or None, config.bosh or None)
        return Files({**load(WEB), OFFER_PATH: offer.file()}, refused=self._refused)

    # ------------------------------------------------------------------ start and stop

    async def listen(self) -> None:
        """Open all ports; raises ConfigError for one that can't be."""
        raise_file_limit()
        for text in self._config.listen:
            try:
                endpoint = serverFromString(self._reactor, with_backlog(text))
                port = await endpoint.listen(self.site)
            except Exception as error:
                problem = f'"{text}" can\'t be listened on ({error})'
                remedy = "Correct it, choose another port, or stop who has that one"
                raise self._loaded.fault(("bosh", "listen"), problem, remedy) from error
            self._ports.append(port)
            log.info("bosh.listen listens on {where}", where=_where(port))

    async def stop(self) -> None:
        """Take nobody in, end all sessions, and give clients a moment to hear of it."""
        for port in self._ports:
            await port.stopListening()
        self.longpoll.close()
        self.websockets.close()
        self.tunnel.close()
        self._refused.close()
        self.site.close()
        until = self._reactor.seconds() + STOPPING
        while len(self.site) and self._reactor.seconds() < until:
            await deferLater(self._reactor, _LOOK)


def raise_file_limit() -> None:
    """A connection is an open file: allow as many as the system lets this process have.

    By default that is 1,024, far less than the connections that may be, and few addresses may have
    as many. The link to the server takes one, too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # a sandbox may forbid it
        log.warn("open files: at most {soft} ({error})", soft=soft, error=error)


def is_private(endpoint: str) -> bool:
    """Whether nobody can read what goes to the server: by TLS, or on this machine."""
    kind, _, rest = endpoint.partition(":")
    host = _COLON.split(rest.removeprefix("host="))[0].replace("\\:", ":")
    return kind in ("tls", "unix") or host == "localhost" or (host != "" and is_loopback(host))


def _where(port: Any) -> str:
    host = port.getHost()
    return f"{host.host}:{host.port}" if hasattr(host, "port") else str(host)
