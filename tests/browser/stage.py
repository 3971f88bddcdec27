"""The web client on a stage: its files as the gateway serves them, with no server behind."""

from __future__ import annotations

import json
import mimetypes
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2] / "components/bosh/web"
FAKES = Path(__file__).parent / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CONFIG = {
    "domain": "verona.test",
    "websocket": "/xmpp-websocket",
    "bosh": "/http-bind",
    "register": True,
    "anonymous": False,
    "rooms": "conference.verona.test",
}
PATIENCE = 30.0
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def raise_curtain(page: Page, scene: str = "empty", **config: object) -> None:
    """Load the page, its core a fake that plays this scene once somebody has logged in."""
    said = quote(json.dumps(CONFIG | config), safe="")
    page.goto(f"http://localhost:{_port()}/{said}/?scene={scene}")


@cache
def _port() -> int:
    """Where the files are while the tests run: a browser keeps them from one to the next."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class _Files(BaseHTTPRequestHandler):
    """Serves what is shipped, under a folder whose name is what `config.json` says there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said, _, path = urlsplit(self.path).path.lstrip("/").partition("/")
        file = _file(path or "index.html")
        if path == "config.json":
            self._answer(HTTPStatus.OK, unquote(said).encode(), "application/json")
        elif file.is_file():
            kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
            self._answer(HTTPStatus.OK, file.read_bytes(), f"{kind}; charset=utf-8")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _file(path: str) -> Path:
    """What is shipped, but for a core that has no network."""
    fake = FAKES / path.removeprefix("js/xmpp/")
    return fake if path.startswith("js/xmpp/") and fake.is_file() else ROOT / path


def enter(page: Page, username: str = "romeo") -> None:
    """Log in."""
    page.get_by_label("Username").fill(username)
    password = page.get_by_label("Password", exact=True)
    password.fill("wherefore")
    password.press("Enter")
    page.get_by_role("navigation", name="Chats").wait_for()


def open_chat(page: Page, name: str) -> None:
    """Choose a chat from the list."""
    page.locator(".sidebar .row", has=page.locator(".row-name", has_text=name)).first.click()
    page.locator(".chat-name", has_text=name).wait_for()


def until(page: Page, true: str, arg: object = None) -> None:
    """Wait until something is true in the page.

    Playwright's own way has the page itself look again and again, which the policy forbids.
    """
    deadline = monotonic() + PATIENCE
    while not page.evaluate(true, arg):
        assert monotonic() < deadline, true
        page.wait_for_timeout(20)


def calls(page: Page) -> list[list[object]]:
    """What the page has asked the core to do, in order."""
    done: list[list[object]] = page.evaluate("window.client?.calls ?? []")
    return done
