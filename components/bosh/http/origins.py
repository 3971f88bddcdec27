"""From which pages a browser may reach us (Origin: RFC 6454 §7; CORS: fetch.spec.whatwg.org).

Our own origin may, those that are named may, and where "*" is named every web site may. No cookie
nor any other credential is at stake: nothing is allowed by who the browser is, so the answer never
allows credentials. What is kept out is a page that makes its visitors' browsers guess passwords, or
that talks to a gateway which only those visitors can reach. Who sends no `Origin` is no browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from components.bosh.http import hosts
from components.bosh.http.refusing import Refused, refusal, uncounted
from components.bosh.http.request import Exchange, Handler, Headers, Request, Response, Taker, Wire

EVERY = "*"

SECONDS = 7_200
"""For how long a browser may remember a preflight's answer: as long as any does."""

_VARY: Headers = (("Vary", "Origin"),)
_LONGEST = 512
"""Octets of what is remembered of a page."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origins:
    """The origins that are allowed besides our own: as "https://chat.example.org", "*" for all.

    "null", the origin of files and of sandboxed frames, only where it is named itself.
    """

    def __init__(self, allowed: Iterable[str] = (), refused: Refused = uncounted) -> None:
        named = frozenset(_written(each) for each in allowed)
        self._named = named - {EVERY}
        self._every = EVERY in named
        self._refused = refused
        self._decided = lru_cache(256)(self._decide)

    def permits(self, request: Request) -> bool:
        """Whether the page that a request comes from, if any, may send it."""
        return self._told(request) is not None

    def guarding(self, handler: Handler) -> Handler:
        """A handler that pages of elsewhere do not reach: 403."""

        def guarded(exchange: Exchange) -> None:
            if self.permits(exchange.request):
                handler(exchange)
            else:
                self._refuse(exchange)

        return guarded

    def sharing(self, handler: Handler, methods: Iterable[str]) -> Handler:
        """The same, with preflights answered, and answers that the page may read."""
        offered = ", ".join((*methods, "OPTIONS"))

        def shared(exchange: Exchange) -> None:
            request = exchange.request
            told = self._told(request)
            if told is None:
                self._refuse(exchange)
            elif request.method == "OPTIONS":
                exchange.answer(self.preflight(request, offered))
            elif b"origin" in request.headers:
                handler(_Adding(exchange, told))
            else:
                handler(exchange)

        return shared

    def headers(self, request: Request) -> Headers:
        """What an answer needs for the page to read it."""
        return self._told(request) or _VARY

    def _told(self, request: Request) -> Headers | None:
        """The headers for the page that a request comes from; None where it may not send it."""
        headers = request.headers
        origin = headers.get(b"origin", b"")
        if not origin:
            return _VARY
        host, tls = headers.get(b"host", b""), request.peer.tls
        # What is asked all the time is asked by few pages; nothing long is remembered.
        if len(origin) + len(host) > _LONGEST:
            return self._decide(origin, host, tls)
        return self._decided(origin, host, tls)

    def _decide(self, origin: bytes, host: bytes, tls: bool) -> Headers | None:
        text = origin.decode("latin-1")
        if not self._allows(_written(text), hosts.proper(host), tls=tls):
            return None
        return (("Access-Control-Allow-Origin", text.strip()), *_VARY)

    def preflight(self, request: Request, methods: str) -> Response:
        """The answer to OPTIONS, with the question of a browser or without."""
        if b"access-control-request-method" not in request.headers:
            return Response(204, (("Allow", methods), ("Vary", "Origin")))
        told = (
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", str(SECONDS)),
        )
        return Response(204, (*told, *self.headers(request)))

    def _allows(self, origin: str, named: str, *, tls: bool) -> bool:
        if origin in self._named or (self._every and origin != "null"):
            return True
        if not named:
            return False
        # A proxy that ends TLS and does not tell leaves us with a request that looks plain.
        own = {_written(f"https://{named}")}
        if not tls:
            own.add(_written(f"http://{named}"))
        return origin in own

    def _refuse(self, exchange: Exchange) -> None:
        self._refused("http.origin", exchange.request.peer.address)
        exchange.answer(refusal("http.origin", _VARY))


class _Adding:
    """An exchange whose answer gets more headers."""

    __slots__ = ("_exchange", "_headers")

    def __init__(self, exchange: Exchange, headers: Headers) -> None:
        self._exchange = exchange
        self._headers = headers

    @property
    def request(self) -> Request:
        return self._exchange.request

    @request.setter
    def request(self, request: Request) -> None:
        self._exchange.request = request

    @property
    def on_gone(self) -> Callable[[], object] | None:
        return self._exchange.on_gone

    @on_gone.setter
    def on_gone(self, call: Callable[[], object] | None) -> None:
        self._exchange.on_gone = call

    def answer(self, response: Response) -> None:
        self._exchange.answer(response.adding(self._headers))

    def take_over(self, taker: Taker, head: bytes) -> Wire | None:
        return self._exchange.take_over(taker, head)


def _written(origin: str) -> str:
    """An origin in the one way that it is compared: small letters, no port that goes without."""
    text = origin.strip().lower()
    scheme, _, _ = text.partition("://")
    return text.removesuffix(_DEFAULT_PORTS.get(scheme, "\0"))
