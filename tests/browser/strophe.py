"""A person who uses strophe.js in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Person:
    """Has one connection at a time, in one page."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.page.goto(f"{origin}/strophe.html")

    def make(self, service: str, **options: object) -> None:
        """Make a connection, which goes nowhere yet."""
        self.page.evaluate("([url, options]) => person.make(url, options)", [service, options])

    def connect(self, jid: str, password: str, wait: int = 60, hold: int = 1) -> str:
        """Log in; the status that it ends in."""
        call = "given => person.connect(...given)"
        status: str = self.page.evaluate(call, [jid, password, wait, hold])
        return status

    def restore(self, jid: str, service: str, **options: object) -> str:
        """Take up, by a new connection, the BOSH session that the page had before its reload."""
        call = "given => person.restore(...given)"
        status: str = self.page.evaluate(call, [service, options, jid])
        return status

    @property
    def jid(self) -> str:
        jid: str = self.page.evaluate("person.connection.jid")
        return jid

    @property
    def heard(self) -> list[str]:
        """Each stanza that came since the page was loaded, as text."""
        heard: list[str] = self.page.evaluate("person.heard")
        return heard

    def send(self, text: str) -> None:
        self.page.evaluate("text => person.send(text)", text)

    def ask(self, text: str) -> str:
        """The answer to a request."""
        answer: str = self.page.evaluate("text => person.ask(text)", text)
        return answer

    def say(self, to: str, *bodies: str) -> None:
        """Send messages, all at once."""
        texts = [
            f"<message xmlns='jabber:client' to='{to}' type='chat'>"
            f"<body>{escape(body)}</body></message>"
            for body in bodies
        ]
        self.page.evaluate("texts => texts.forEach(text => person.send(text))", texts)

    def hears(self, *texts: str) -> str:
        """The first stanza that has all of these in it, once it is there."""
        found = "texts => person.heard.find(each => texts.every(text => each.includes(text)))"
        stanza: str = self.page.wait_for_function(found, arg=list(texts)).json_value()
        return stanza

    def until(self, status: str) -> None:
        """Wait until the connection is, or was, in this status."""
        self.page.wait_for_function("status => person.states.includes(status)", arg=status)
