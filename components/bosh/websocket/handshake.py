"""The opening handshake of a WebSocket (RFC 6455 §4.2), with the subprotocol of RFC 7395 §3.1."""

from __future__ import annotations

from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension, parse_subprotocol
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from components.bosh.http import hosts
from components.bosh.http.request import Headers as Told
from components.bosh.http.request import Request, Response, plain

SUBPROTOCOL = Subprotocol("xmpp")

_USED = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")


_UPGRADE: Told = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
"""What an answer of 426 has to say (RFC 9110 §15.5.22)."""


def refusal(request: Request) -> Response | None:
    """Why there is no WebSocket for a request; None where there is one."""
    if request.method != "GET":
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, headers=(("Allow", "GET"),))
    if b"upgrade" not in request.headers:
        text = "This is where clients of XMPP connect by WebSocket (RFC 7395)."
        return plain(HTTPStatus.UPGRADE_REQUIRED, text, _UPGRADE)
    if not hosts.host(request.headers):
        return plain(HTTPStatus.BAD_REQUEST, "Host is no host's name.")
    if request.header(b"sec-websocket-version") != "13":  # RFC 6455 §4.4
        told = (*_UPGRADE, ("Sec-WebSocket-Version", "13"))
        return plain(HTTPStatus.UPGRADE_REQUIRED, headers=told)
    protocols = request.header(b"sec-websocket-protocol")
    extensions = request.header(b"sec-websocket-extensions")
    try:
        offered = parse_subprotocol(protocols) if protocols else []
        if extensions:  # none is used, but what is no list of them is an error (RFC 6455 §9.1)
            parse_extension(extensions)
    except InvalidHeaderFormat as error:
        return plain(HTTPStatus.BAD_REQUEST, f"{error.name} is not written as in RFC 6455 §4.3.")
    if SUBPROTOCOL not in offered:
        return plain(HTTPStatus.BAD_REQUEST, 'The subprotocol "xmpp" is needed (RFC 7395 §3.1).')
    return None


def answer(request: Request) -> tuple[Response | None, bytes]:
    """The answer to a request that is not refused: None and its octets where it is 101."""
    headers = Headers()
    for name in _USED:
        if name.lower().encode() in request.headers:
            headers[name] = request.header(name.lower().encode())
    response = ServerProtocol().accept(Handshake("/", headers))
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        told = _UPGRADE if response.status_code == HTTPStatus.UPGRADE_REQUIRED else ()
        return plain(response.status_code, headers=told, close=True), b""
    response.headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL
    return None, response.serialize()
