"""The web client on a stage: its files as the gateway serves them, with no server behind."""

from __future__ import annotations

import json
import mimetypes
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ROOT = Path(__file__).parents[2] / "components/bosh/web"
FAKES = Path(__file__).parent / "web"
ORIGIN = "https://verona.test"
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
    said = json.dumps(CONFIG | config)

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/") or "index.html"
        if path == "config.json":
            route.fulfill(body=said, content_type="application/json")
            return
        file = _file(path)
        if not file.is_file():
            route.fulfill(status=404)
            return
        kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Security-Policy": POLICY}
        route.fulfill(body=file.read_bytes(), headers=headers)

    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/?scene={scene}")


def _file(path: str) -> Path:
    """What is shipped, but for a core that has no network."""
    fake = FAKES / path.removeprefix("js/xmpp/")
    return fake if path.startswith("js/xmpp/") and fake.is_file() else ROOT / path


def enter(page: Page, username: str = "romeo") -> None:
    """Log in."""
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill("wherefore")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("navigation", name="Chats").wait_for()


def open_chat(page: Page, name: str) -> None:
    """Choose a chat from the list."""
    page.locator(".sidebar .row", has=page.locator(".row-name", has_text=name)).first.click()
    page.locator(".chat-name", has_text=name).wait_for()


def until(page: Page, true: str, arg: object = None) -> None:
    """Wait until something is true in the page.

    Playwright's own way has the page itself look again and again, which the policy forbids.
    """
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(true, arg):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(20)


def calls(page: Page) -> list[list[object]]:
    """What the page has asked the core to do, in order."""
    done: list[list[object]] = page.evaluate("window.client?.calls ?? []")
    return done
