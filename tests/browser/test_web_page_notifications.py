"""The web client's page, told of by the browser's own notifications while nobody looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import enter, open_chat, raise_curtain, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSER = """answer => {
  window.told = [];
  window.Notification = class {
    static asked = 0;
    static async requestPermission() {
      this.asked += 1;
      return answer === "no pages" ? "granted" : answer;
    }
    constructor(title, { body = "", tag = "" } = {}) {
      if (answer === "no pages") throw new TypeError("Illegal constructor");
      Object.assign(this, { title, body, tag, closed: false });
      window.told.push(this);
    }
    close() {
      this.closed = true;
    }
  };
}"""
"""A browser that answers this when it is asked whether a page may show notifications."""
TOLD = "told.map(({ title, body }) => [title, body])"
LOOKS = "looks => { document.hasFocus = () => looks; dispatchEvent(new Event('focus')); }"
STREET = "verona@conference.verona.test"


@pytest.fixture
def people(page: Page) -> Page:
    raise_curtain(page, "people")
    enter(page)
    return page


def _ask(page: Page, answer: str = "granted") -> None:
    page.evaluate(BROWSER, answer)
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Tell me of new messages").check()


def _asked(page: Page) -> None:
    _ask(page)
    until(page, "told.length === 1")
    page.keyboard.press("Escape")
    page.evaluate("told.length = 0")
    page.evaluate(LOOKS, False)


def _hear(page: Page, name: str, body: str) -> None:
    page.evaluate(f"body => client.hear({{chat: '{name}@verona.test', body}})", body)


def test_nobody_is_asked_and_nothing_told_before_somebody_wants_it(people):
    people.evaluate(BROWSER, "granted")
    people.evaluate(LOOKS, False)
    _hear(people, "juliet", "Romeo?")
    assert people.evaluate("[Notification.asked, told.length]") == [0, 0]


def test_a_message_that_nobody_sees_is_told_until_it_is_read(people):
    _asked(people)
    _hear(people, "juliet", "<b>Romeo</b>\nRomeo!")
    assert people.evaluate(TOLD) == [["Juliet Capulet", "<b>Romeo</b> Romeo!"]]
    until(people, "document.title.startsWith('(1)')")
    people.evaluate(LOOKS, True)
    people.evaluate("told[0].onclick()")
    people.get_by_role("heading", name="Juliet Capulet", level=1).wait_for()
    until(people, "told[0].closed")


def test_what_is_seen_is_not_told(people):
    _asked(people)
    people.evaluate(LOOKS, True)
    _hear(people, "juliet", "Romeo?")
    people.evaluate("client.hear({chat: 'juliet@verona.test', body: 'Ay me', mine: true})")
    assert people.evaluate(TOLD) == []


def test_of_a_room_what_speaks_of_oneself_is_told(page):
    raise_curtain(page, "busy")
    enter(page)
    open_chat(page, "verona")
    _asked(page)
    for body in ("Draw!", "Draw, Romeo!"):
        page.evaluate(
            f"body => client.hear({{chat: '{STREET}', nick: 'Tybalt', type: 'groupchat', body}})",
            body,
        )
    assert page.evaluate(TOLD) == [["Tybalt in verona", "Draw, Romeo!"]]


@pytest.mark.parametrize("answer", ["denied", "no pages"])
def test_who_is_refused_is_told_what_to_do(people, answer):
    box = people.get_by_label("Tell me of new messages")
    people.evaluate(BROWSER, answer)
    people.get_by_role("button", name="Settings").click()
    box.click()
    people.get_by_text("The browser shows no notifications of this page").wait_for()
    assert not box.is_checked()


def test_who_logs_in_next_is_not_told_to(people):
    _asked(people)
    people.get_by_role("button", name="Settings").click()
    people.get_by_role("button", name="Log out").click()
    enter(people)
    _hear(people, "juliet", "Romeo?")
    assert people.evaluate(TOLD) == []
