"""Where BOSH and WebSocket are (XEP-0156 §2): /.well-known/host-meta, and host-meta.json.

A client that knows a domain only asks `https://DOMAIN/.well-known/host-meta`. The links lead to the
URL in the configuration, or else to where the client has asked. They are https and wss (XEP-0156
§2.2), so a client without TLS is given no links; but on this machine, where http and ws do.
"""

from __future__ import annotations

import json

from components.bosh.http import hosts
from components.bosh.http.refusing import Refused, refusal, uncounted
from components.bosh.http.request import Exchange, Headers, Response
from components.common.build import attribute

XRD_PATH = "/.well-known/host-meta"
JRD_PATH = "/.well-known/host-meta.json"

BOSH = "urn:xmpp:alt-connections:xbosh"
WEBSOCKET = "urn:xmpp:alt-connections:websocket"

SECONDS = 3_600
"""For how long a client may go by what it was told."""

# For every page: what it learns here is no secret (XEP-0156 §3).
_SHARED: Headers = (("Access-Control-Allow-Origin", "*"),)
_HEADERS: Headers = (
    *_SHARED,
    ("Cache-Control", f"max-age={SECONDS}"),
    ("Vary", "Host"),
)

_XRD = """\
<?xml version='1.0' encoding='utf-8'?>
<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>
{links}</XRD>
"""


class HostMeta:
    """The two documents; `public` is the URL that clients reach us by, "" for that of the request.

    `bosh` and `websocket` are paths below it, "" for what is not offered.
    """

    def __init__(
        self,
        public: str = "",
        bosh: str = "/http-bind",
        websocket: str = "/xmpp-websocket",
        refused: Refused = uncounted,
    ) -> None:
        self._public = public.rstrip("/")
        self._bosh = bosh
        self._websocket = websocket
        self._refused = refused

    def xrd(self, exchange: Exchange) -> None:
        """Answer with XML (RFC 6415 §2)."""
        links = self._links(exchange)
        if links is not None:
            lines = "".join(
                f"  <Link rel='{rel}' href='{attribute(href)}'/>\n" for rel, href in links
            )
            _answer(exchange, "application/xrd+xml; charset=utf-8", _XRD.format(links=lines))

    def jrd(self, exchange: Exchange) -> None:
        """Answer with JSON (RFC 6415 appendix A)."""
        links = self._links(exchange)
        if links is not None:
            told = {"links": [{"rel": rel, "href": href} for rel, href in links]}
            _answer(exchange, "application/json", json.dumps(told, indent=2) + "\n")

    def _links(self, exchange: Exchange) -> list[tuple[str, str]] | None:
        """Relations and URLs; None where the request was refused."""
        base = self._public or hosts.base(exchange.request)
        if not base:
            self._refused("http.host", exchange.request.peer.address)
            exchange.answer(refusal("http.host", _SHARED))
            return None
        if not self._public and not exchange.request.peer.secure:
            return []
        ways = ((BOSH, base, self._bosh), (WEBSOCKET, hosts.websocket(base), self._websocket))
        return [(rel, f"{root}{path}") for rel, root, path in ways if path]


def _answer(exchange: Exchange, kind: str, text: str) -> None:
    headers = (("Content-Type", kind), *_HEADERS)
    exchange.answer(Response(200, headers, text.encode()))
