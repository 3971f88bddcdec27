"""A person who uses the web client that comes with the server, by what can be seen of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.browser.gateway import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Person:
    """Has the page at `url` in a browser of its own, under `name` once it is logged in."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.name = ""
        page.goto(url)

    # ------------------------------------------------------------------ in

    def register(self, name: str, password: str = PASSWORD) -> None:
        """Make an account by the page, which logs in with it."""
        self.page.get_by_role("button", name="Create an account").click()
        self.log_in(name, password, "Create account")
        self.is_in()

    def log_in(self, name: str, password: str = PASSWORD, action: str = "Log in") -> None:
        """Fill in the form and send it."""
        self.name = name
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name=action, exact=True).click()

    def is_in(self) -> None:
        """Wait until the chats are there."""
        self.page.get_by_role("navigation", name="Chats").wait_for()

    def log_out(self) -> None:
        self.page.get_by_role("button", name="Settings").click()
        self.page.get_by_role("button", name="Log out").click()
        self.page.get_by_label("Username").wait_for()

    # ------------------------------------------------------------------ people

    def add(self, jid: str) -> None:
        """Ask somebody, whose chat is then in sight."""
        self.page.locator(".tools").get_by_role("button", name="Add a contact").click()
        self.dialog.get_by_label("Address").fill(jid)
        self._do("Add contact")

    def accept(self, name: str) -> None:
        self.page.get_by_role("button", name=f"Accept {name}").click()

    def sees_in_list(self, jid: str, *texts: str) -> Locator:
        """The row of a chat, which says this."""
        row = self.page.locator(f'button.row[data-jid="{jid}"]')
        for text in texts:
            row = row.filter(has_text=text)
        row.wait_for()
        return row

    def open(self, jid: str) -> None:
        self.page.locator(f'button.row[data-jid="{jid}"]').click()
        self.composer.wait_for()

    def set_status(self, show: str, text: str = "") -> None:
        self.page.get_by_role("button", name="Your status").click()
        self.dialog.get_by_label(show, exact=True).check()
        self.dialog.get_by_label("What you are doing").fill(text)
        self._do("Set status")

    # ------------------------------------------------------------------ rooms

    def join(self, room: str, nick: str = "") -> None:
        """Come into a room, which is then in sight."""
        self.page.locator(".tools").get_by_role("button", name="Join a room").click()
        self.dialog.get_by_label("Room", exact=True).fill(room)
        if nick:
            self.dialog.get_by_label("Your nickname in the room").fill(nick)
        self._do("Join")

    def set_subject(self, subject: str) -> None:
        self.people.get_by_role("button", name="Change the subject").click()
        self.dialog.get_by_label("Subject", exact=True).fill(subject)
        self._do("Set subject")

    def sees_beside(self, nick: str) -> None:
        """Somebody is in the room that is in sight."""
        self.people.locator(".row-name", has_text=nick).wait_for()

    # ------------------------------------------------------------------ what is said

    def say(self, body: str) -> None:
        self.composer.fill(body)
        self.composer.press("Enter")

    def sees(self, body: str) -> Locator:
        """The message with this text, in the chat that is in sight."""
        message = self.page.locator(".log .message", has_text=body)
        message.first.wait_for()
        return message

    def sees_once(self, *bodies: str) -> None:
        """These messages are in the chat that is in sight, once each, in this order."""
        for body in bodies:
            self.sees(body)
        texts = self.page.locator(".log .message .body").all_inner_texts()
        assert [text for text in texts if text in bodies] == list(bodies)

    def sees_delivered(self, body: str) -> None:
        """One of our own, of which the other has a receipt."""
        self.sees(body).filter(has_text="delivered").wait_for()

    # ------------------------------------------------------------------ parts of the page

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name=re.compile("^Write to"))

    @property
    def people(self) -> Locator:
        return self.page.get_by_role("complementary", name="People in the room")

    def _do(self, action: str) -> None:
        """Press a dialog's button; it closes."""
        self.dialog.get_by_role("button", name=action, exact=True).click()
        self.dialog.wait_for(state="detached")
