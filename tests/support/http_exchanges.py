"""Requests and exchanges of HTTP as values, for what is tested without a connection."""

from __future__ import annotations

from collections.abc import Callable

from components.bosh.http.request import Handler, Peer, Request, Response, Taker, Wire

HERE = Peer("127.0.0.1", secure=True)
OVER_TLS = Peer("192.0.2.7", secure=True, tls=True)
PLAIN = Peer("192.0.2.7", secure=False)


def asking(
    path: str = "/",
    method: str = "GET",
    *,
    peer: Peer = OVER_TLS,
    body: bytes = b"",
    **headers: str,
) -> Request:
    """A request; headers by their names with "_" for "-", `host` unless another is given."""
    named = {"host": "chat.example.org", **headers}
    written = {
        name.replace("_", "-").encode(): value.encode("latin-1") for name, value in named.items()
    }
    return Request(method, path, "", written, body, peer)


class Counted(list[tuple[str, str]]):
    """What was refused: why, and whom (`http.refusing.Refused`)."""

    def __call__(self, reason: str, address: str) -> None:
        self.append((reason, address))


class Asked:
    """An exchange that keeps its answer."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.on_gone: Callable[[], object] | None = None
        self.answers: list[Response] = []

    def answer(self, response: Response) -> None:
        self.answers.append(response)

    def take_over(self, taker: Taker, head: bytes) -> Wire | None:
        raise AssertionError("nobody takes this over")


def answered(handler: Handler, request: Request) -> Response:
    """The one answer of a handler."""
    exchange = Asked(request)
    handler(exchange)
    (response,) = exchange.answers
    return response


def told(response: Response, name: str) -> str:
    """The value of a header of an answer, "" where it has none; one that it has twice fails."""
    values = [value for key, value in response.headers if key.lower() == name.lower()]
    assert len(values) <= 1, values
    return values[0] if values else ""
