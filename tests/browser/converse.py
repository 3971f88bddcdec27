"""A person who uses Converse.js, a whole web client, on a page of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.browser.gateway import Gateway

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SERVICES = {"bosh": "bosh_service_url", "websocket": "websocket_url"}
"""The name of the setting that has the address of each transport."""


class Person:
    """Looks at one chat at a time."""

    def __init__(self, page: Page, origin: str, gateway: Gateway, transport: str) -> None:
        self.page = page
        self._page_url = f"{origin}/converse.html?settings="
        self._settings: dict[str, object] = {SERVICES[transport]: gateway.url(transport)}

    def log_in(self, jid: str, password: str) -> None:
        """Log in by the form."""
        self.page.goto(self._page_url + quote(json.dumps(self._settings)))
        self.page.get_by_label("XMPP Address").fill(jid)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def come_in(self, jid: str, password: str) -> None:
        """Be logged in as soon as the page is there."""
        login = {"authentication": "login", "auto_login": True, "jid": jid, "password": password}
        self.page.goto(self._page_url + quote(json.dumps({**self._settings, **login})))

    def is_online(self) -> None:
        """Wait until all is there that a person sees after logging in."""
        self.page.locator("converse-user-profile").wait_for()
        self.page.evaluate("api.waitUntil('rosterContactsFetched').then(() => null)")

    def open_chat(self, jid: str) -> None:
        self.page.evaluate("jid => api.chats.open(jid, {}, true).then(() => null)", jid)

    def open_room(self, jid: str, nick: str) -> None:
        """Join, and look at the room."""
        join = "([jid, nick]) => api.rooms.open(jid, {nick}, true).then(() => null)"
        self.page.evaluate(join, [jid, nick])

    def say(self, body: str) -> None:
        box = self.page.locator(".chat-textarea")
        box.fill(body)
        box.press("Enter")

    def sees(self, body: str) -> Locator:
        """The message with this text, in the chat that is open; it is there."""
        message = self.page.locator("converse-chat-message", has_text=body)
        message.wait_for()
        return message

    def sees_beside(self, nick: str) -> None:
        """Somebody by this name is in the room that is open."""
        self.page.locator("converse-muc-sidebar .occupant-nick", has_text=nick).wait_for()
