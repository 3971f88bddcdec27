"""The gateway put together around its component: what listens, and who answers which path."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger

from components.bosh.config import BoshTable, Config
from components.bosh.http.admission import Admission, Limits
from components.bosh.http.connection import Terms
from components.bosh.http.offer import PATH as OFFER
from components.bosh.http.offer import Offer
from components.bosh.http.origins import Origins
from components.bosh.http.proxies import Proxies
from components.bosh.http.request import Handler
from components.bosh.http.routes import Routes, nothing
from components.bosh.http.site import Site
from components.bosh.http.static import Files, load
from components.bosh.tunnel.tunnel import Tunnel
from components.bosh.websocket.service import WebSockets
from components.bosh.websocket.session import Terms as WebSocketTerms
from components.common.about import About, introduce
from components.common.disco import Identity
from components.common.process import Setting
from xmppd.errors import ConfigError

log = Logger(namespace="component")

IDENTITY = Identity("component", "c2s", "HTTP gateway")

WEB = Path(__file__).with_name("web")
"""The web client's files."""

STOPPING = 2.0
"""Seconds that clients have to take our last words."""


async def assemble(setting: Setting[Config]) -> None:
    """Have a component be a gateway; raises ConfigError for what can't be listened on."""
    gateway = Gateway(setting)
    setting.component.on_stop(gateway.stop)
    await gateway.listen()


class Gateway:
    """One gateway: its sessions, its site, its ports."""

    def __init__(self, setting: Setting[Config]) -> None:
        self._setting = setting
        self._reactor = setting.reactor
        self._config = config = setting.config.bosh
        self.refused: Counter[str] = Counter()
        component = setting.component
        introduce(component, About(IDENTITY))
        self.tunnel = Tunnel(component)
        self.websockets = WebSockets(
            self.tunnel,
            self._reactor,
            WebSocketTerms(config.body_octets, config.see_other_uri),
            config.ping_seconds,
            self._refuse,
        )
        self.site = self._site(config)
        self._ports: list[Any] = []

    def _refuse(self, reason: str) -> None:
        self.refused[reason] += 1

    def _site(self, config: BoshTable) -> Site:
        limits = Limits(
            connections=config.connections,
            connections_per_address=config.connections_per_address,
            requests=config.requests_per_second,
        )
        terms = Terms(
            request_seconds=config.request_seconds,
            idle_seconds=config.idle_seconds,
            body_octets=config.body_octets,
        )
        admission = Admission(limits, self._reactor.seconds, self._refuse)
        proxies = Proxies(config.proxies, forwarded=config.forwarded)
        return Site(self._routes(config), self._reactor, terms, proxies, admission)

    def _routes(self, config: BoshTable) -> Handler:
        origins = Origins(config.origins, self._refuse)
        offer = Offer(self._setting.loaded.servers[0], config.websocket_path, config.bosh_path)
        files = {**load(WEB), OFFER: offer.file()} if config.web else {}
        return Routes(
            {config.websocket_path: origins.guarding(self.websockets.handle)},
            Files(files, refused=self._refuse) if files else nothing(self._refuse),
        )

    # ------------------------------------------------------------------ start and stop

    async def listen(self) -> None:
        """Open all ports; raises ConfigError for one that can't be."""
        source = self._setting.loaded.source
        for text in self._config.listen:
            try:
                endpoint = serverFromString(self._reactor, text)
                port = await endpoint.listen(self.site)
            except Exception as error:
                problem = f'"{text}" can\'t be listened on ({error})'
                remedy = (
                    'Write a server endpoint of Twisted, such as "tcp:5280:interface=127.0.0.1"'
                )
                raise ConfigError(source, "bosh.listen", problem, remedy) from error
            self._ports.append(port)
            log.info("bosh.listen listens on {where}", where=_where(port))

    async def stop(self) -> None:
        """Take nobody in, end all sessions, and give clients a moment to hear of it."""
        await DeferredList([Deferred.fromCoroutine(_stopped(port)) for port in self._ports])
        self.websockets.close()
        self.tunnel.close()
        self.site.close()


async def _stopped(port: Any) -> None:
    await port.stopListening()


def _where(port: Any) -> str:
    host = port.getHost()
    return f"{host.host}:{host.port}" if hasattr(host, "port") else str(host)
