"""Which path is whose: a table of whole paths, and the files for all others.

HEAD is for a handler what GET is: the connection leaves the body out (RFC 9110 §9.3.2).

routes = Routes(
    {
        **both("/http-bind", origins.sharing(bosh, ("POST",))),
        "/xmpp-websocket": only(("GET",), origins.guarding(websocket)),
        XRD_PATH: only(("GET", "HEAD"), meta.xrd),
    },
    files,
)
routes(exchange)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.bosh.http.refusing import Refused, refusal, uncounted
from components.bosh.http.request import Exchange, Handler


class Routes:
    """Has each exchange answered by the handler of its path; `otherwise` has what is left."""

    def __init__(self, exact: Mapping[str, Handler], otherwise: Handler) -> None:
        self._exact = dict(exact)
        self._otherwise = otherwise

    def __call__(self, exchange: Exchange) -> None:
        """Have it answered."""
        self._exact.get(exchange.request.path, self._otherwise)(exchange)


def both(path: str, handler: Handler) -> dict[str, Handler]:
    """A path with and without a slash at its end."""
    return {path: handler, f"{path}/": handler}


def only(methods: Iterable[str], handler: Handler, refused: Refused = uncounted) -> Handler:
    """A handler of some methods; what asks by another is told which (RFC 9110 §15.5.6)."""
    taken = frozenset(methods)
    allow = (("Allow", ", ".join(sorted(taken))),)

    def held(exchange: Exchange) -> None:
        if exchange.request.method in taken:
            handler(exchange)
        else:
            refused("http.method", exchange.request.peer.address)
            exchange.answer(refusal("http.method", allow))

    return held


def nothing(refused: Refused = uncounted) -> Handler:
    """Where there are no files: 404."""

    def missing(exchange: Exchange) -> None:
        refused("http.not-found", exchange.request.peer.address)
        exchange.answer(refusal("http.not-found"))

    return missing
