"""The opening handshake of a WebSocket (RFC 6455 §4.2), with the subprotocol of RFC 7395 §3.1."""

from __future__ import annotations

from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from components.bosh.http.request import Request, Response, plain

SUBPROTOCOL = Subprotocol("xmpp")

_USED = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")


def refusal(request: Request) -> Response | None:
    """Why there is no WebSocket for a request; None where there is one."""
    if request.method != "GET":
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, headers=(("Allow", "GET"),))
    if b"upgrade" not in request.headers:
        text = "This is where clients of XMPP connect by WebSocket (RFC 7395)."
        headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
        return plain(HTTPStatus.UPGRADE_REQUIRED, text, headers)
    if request.header(b"sec-websocket-version") != "13":  # RFC 6455 §4.4
        return plain(HTTPStatus.UPGRADE_REQUIRED, headers=(("Sec-WebSocket-Version", "13"),))
    offered = request.header(b"sec-websocket-protocol").split(",")
    if SUBPROTOCOL not in map(str.strip, offered):
        return plain(HTTPStatus.BAD_REQUEST, 'The subprotocol "xmpp" is needed (RFC 7395 §3.1).')
    return None


def answer(request: Request) -> tuple[int, bytes]:
    """The status of the answer to a request that is not refused, and the answer itself."""
    headers = Headers()
    for name in _USED:
        if name.lower().encode() in request.headers:
            headers[name] = request.header(name.lower().encode())
    response = ServerProtocol().accept(Handshake("/", headers))
    if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
        response.headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL
    return response.status_code, response.serialize()
