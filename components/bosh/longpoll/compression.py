"""gzip, where a client takes it (XEP-0124 §5, §7.2)."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from components.bosh.http.request import Request, Response
from components.bosh.longpoll.refusal import Refused

LARGE_OCTETS: Final = 1_400
"""From where on it is worth it: less goes by one packet anyway."""
_LEVEL: Final = 4
FREE_OCTETS: Final = 16_384
"""How much a request may become, however small it is,"""
MOST_TIMES: Final = 16
"""and how many times larger besides: what costs a stranger nothing is to cost us little."""
_HEADERS: Final = (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))


def fit(response: Response, request: Request) -> Response:
    """An answer as it is to go out to who has sent `request`."""
    if len(response.body) < LARGE_OCTETS or not request.accepts_gzip():
        return response
    packed = gzip.compress(response.body, _LEVEL, mtime=0)
    return response._replace(headers=(*response.headers, *_HEADERS), body=packed)


def plain(request: Request, most: int) -> bytes:
    """What stands in a request; raises `Refused` where that is more than `most` octets.

    So it does where it is compressed far better than what people say.
    """
    coding = request.headers.get(b"content-encoding")
    if coding is None or coding == b"identity":
        return request.body
    if coding.lower() not in (b"gzip", b"x-gzip"):
        raise Refused("bad-request", "bosh.coding")
    most = min(most, FREE_OCTETS + MOST_TIMES * len(request.body))
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(request.body, most + 1)
    except zlib.error:
        raise Refused("bad-request", "bosh.coding") from None
    if len(body) > most:
        raise Refused("policy-violation", "bosh.large-body")
    if not inflater.eof:
        raise Refused("bad-request", "bosh.coding")
    return body
