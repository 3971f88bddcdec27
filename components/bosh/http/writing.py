"""Answers as bytes (RFC 9112 §4, §6)."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from components.bosh.http.request import Headers, Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
"""Whose answers have no body, and so no length (RFC 9110 §8.6)."""


def render(response: Response, now: float, *, last: bool, keep: bool, head: bool) -> bytes:
    """An answer, `now` being seconds UTC since 1970.

    `last` says that the connection ends behind it, `keep` that it does not where the client would
    else think so (HTTP/1.0), `head` that its body is left out (RFC 9110 §9.3.2).
    """
    begin = _begin(
        response.status, response.headers, "close" if last else "keep-alive" if keep else ""
    )
    date = _date(int(now))
    if response.status in _BODILESS:
        return b"%b%b\r\n" % (begin, date)
    body = response.body
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (begin, date, len(body), b"" if head else body)


@lru_cache(maxsize=256)
def _begin(status: int, headers: Headers, connection: str) -> bytes:
    lines = [f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if connection:
        lines.append(f"Connection: {connection}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


@lru_cache(maxsize=2)
def _date(now: int) -> bytes:
    return f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
