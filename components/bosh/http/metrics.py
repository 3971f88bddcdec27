"""`/metrics`: how the gateway fares, as one object of JSON, as `xmppctl status --json` has it.

It is for whom the configuration names, and only when asked without a proxy. To anybody else it is a
path where nothing is. So no proxy shows it to the world, whatever paths that passes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping

from components.bosh.http import hosts
from components.bosh.http.proxies import LOOPBACK, SIGNS, Proxies
from components.bosh.http.request import Exchange, Handler, Request, Response
from xmppd import __version__
from xmppd.addresses import is_loopback

PATH = "/metrics"

_HEADERS = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


class Metrics:
    """Answers with what `sources` tell, by their names, besides what is so for every process.

    `now` gives seconds since 1970. `allowed` are addresses and networks of those who may ask, and
    make ValueError where they are none; `otherwise` answers who may not.
    """

    def __init__(
        self,
        sources: Mapping[str, Callable[[], object]],
        now: Callable[[], float],
        otherwise: Handler,
        allowed: Iterable[str] = LOOPBACK,
    ) -> None:
        self._sources = dict(sources)
        self._now = now
        self._started = now()
        self._otherwise = otherwise
        self._allowed = Proxies(allowed)

    def __call__(self, exchange: Exchange) -> None:
        """Answer, where the client may know."""
        request = exchange.request
        if request.method in ("GET", "HEAD") and self._may(request):
            exchange.answer(Response(200, _HEADERS, json.dumps(self.told()).encode() + b"\n"))
        else:
            self._otherwise(exchange)

    def told(self) -> dict[str, object]:
        """The object."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": self._started,
            "uptime": max(0, round(self._now() - self._started)),
            **{name: source() for name, source in self._sources.items()},
        }

    def _may(self, request: Request) -> bool:
        peer, headers = request.peer, request.headers
        if not SIGNS.isdisjoint(headers) or not self._allowed.trusts(peer.address):
            return False
        if not is_loopback(peer.address):
            return True
        # By its own name: neither through a silent proxy, nor for a page whose domain's owner lets
        # it lead here.
        return peer.secure and hosts.names_this_machine(hosts.host(headers))
