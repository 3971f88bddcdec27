"""The files of the web client, from memory (RFC 9110 §8.8, §13.1; Content Security Policy 3).

They are read once, at the start. What is asked for later is looked up in a table of whole paths, as
written: there is no way from a path to the file system, so none out of the folder either.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from components.bosh.http import hosts
from components.bosh.http.refusing import Refused, refusal, uncounted
from components.bosh.http.request import Exchange, Headers, Request, Response

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}
"""What is served, by the end of its name; anything else in the folder is not."""

PACKED = frozenset({".png", ".webp"})
"""What gains nothing by compression."""

INDEX = "index.html"

METHODS = ("GET", "HEAD")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src {connect}; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_HEADERS: Headers = (
    ("Cache-Control", "no-cache"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("Referrer-Policy", "no-referrer"),
    # The policy names the host that was asked, which is another header's.
    ("Vary", "Accept-Encoding, Host"),
    ("X-Content-Type-Options", "nosniff"),
)


class _Form(NamedTuple):
    """A body, its tag, and the headers that say what it is."""

    body: bytes
    tag: str
    headers: Headers


class File(NamedTuple):
    """A file as it is, and compressed where that is shorter."""

    bare: _Form
    packed: _Form | None

    @classmethod
    def of(cls, body: bytes, suffix: str) -> File:
        """A file of a kind that `TYPES` has."""
        kind = ("Content-Type", TYPES[suffix])
        digest = hashlib.sha256(body).hexdigest()[:32]
        bare = _Form(body, f'"{digest}"', (kind,))
        short = b"" if suffix in PACKED else gzip.compress(body, 9, mtime=0)
        if not short or len(short) >= len(body):
            return cls(bare, None)
        # Another form is another tag: a strong one stands for each octet (RFC 9110 §8.8.1).
        return cls(bare, _Form(short, f'"{digest}-gzip"', (kind, ("Content-Encoding", "gzip"))))


class Files:
    """What is served, by path; `connect` are origins that the pages may connect to besides ours."""

    def __init__(
        self,
        files: Mapping[str, File],
        connect: Iterable[str] = (),
        refused: Refused = uncounted,
    ) -> None:
        self._files = dict(files)
        self._connect = tuple(connect)
        self._refused = refused

    def __call__(self, exchange: Exchange) -> None:
        """Answer with a file, or with why not."""
        request = exchange.request
        file = self._files.get(request.path)
        if file is None:
            self._refused("http.not-found", request.peer.address)
            exchange.answer(refusal("http.not-found", self._headers(request)))
        elif request.method not in METHODS:
            self._refused("http.method", request.peer.address)
            exchange.answer(refusal("http.method", (("Allow", ", ".join(METHODS)),)))
        else:
            exchange.answer(self._answer(request, file))

    def _answer(self, request: Request, file: File) -> Response:
        form = file.packed if file.packed and request.accepts_gzip() else file.bare
        headers = (*self._headers(request), ("ETag", form.tag))
        if _names(request.header(b"if-none-match"), form.tag):
            return Response(304, headers)
        return Response(200, (*form.headers, *headers), form.body)

    def _headers(self, request: Request) -> Headers:
        sources = ["'self'", *self._connect]
        own = hosts.host(request.headers)
        if own:  # 'self' means no WebSocket to every browser
            sources[1:1] = [f"ws://{own}", f"wss://{own}"]
        policy = POLICY.format(connect=" ".join(sources))
        return (("Content-Security-Policy", policy), *_HEADERS)


def load(folder: Path) -> dict[str, File]:
    """All files below a folder that are of a kind we serve, by path; no links, nothing hidden."""
    files = {f"/{name}": File.of(body, Path(name).suffix) for name, body in _read(folder)}
    if f"/{INDEX}" in files:
        files["/"] = files[f"/{INDEX}"]
    return files


def _read(folder: Path) -> Iterator[tuple[str, bytes]]:
    for base, inner, names in os.walk(folder, followlinks=False):
        inner[:] = [each for each in inner if not each.startswith(".")]
        for name in names:
            path = Path(base, name)
            hidden = name.startswith(".") or path.suffix not in TYPES
            if not hidden and path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix(), path.read_bytes()


def _names(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names the form (RFC 9110 §13.1.2: compared weakly)."""
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return tag in named or "*" in named
