"""The web client's page in rooms: who writes, names completed, words apart; addresses copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import calls, enter, open_chat, raise_curtain, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

STREET = "verona@conference.verona.test"
TELL = f"([nick, state]) => client.tell('chatstate', {{chat: '{STREET}', nick, state}})"


@pytest.fixture
def street(page: Page) -> Page:
    page.set_viewport_size({"width": 1280, "height": 800})
    raise_curtain(page, "busy")
    enter(page)
    open_chat(page, "verona")
    return page


def _writing(page: Page) -> str:
    return page.locator(".writing-line").inner_text()


def test_who_writes_in_a_room_is_shown_until_it_is_said(street):
    street.evaluate(TELL, ["Tybalt", "composing"])
    assert _writing(street) == "Tybalt is writing…"
    row = street.locator(f'button.row[data-jid="{STREET}"]')
    row.filter(has_text="Tybalt is writing…").wait_for()
    street.evaluate(TELL, ["Benvolio", "composing"])
    assert _writing(street) == "Tybalt and Benvolio are writing…"
    street.evaluate(TELL, ["Peter", "composing"])
    assert _writing(street) == "3 people are writing…"
    hear = f"nick => client.hear({{chat: '{STREET}', nick, body: 'Peace!', type: 'groupchat'}})"
    street.evaluate(hear, "Benvolio")
    street.evaluate(TELL, ["Peter", "paused"])
    assert _writing(street) == "Tybalt is writing…"
    gone = """(jid) => { const room = client.rooms.get(jid);
      client.tell('occupant', { room, occupant: room.occupants.get('Tybalt'), left: true }); }"""
    street.evaluate(gone, STREET)
    assert _writing(street) == ""


def test_who_has_left_the_room_writes_to_nobody_privately_either(street):
    private = f"{STREET}/Tybalt"
    street.evaluate(f"client.hear({{chat: '{private}', nick: 'Tybalt', body: 'Villain!'}})")
    open_chat(street, "Tybalt in verona")
    street.evaluate("chat => client.tell('chatstate', {chat, state: 'composing'})", private)
    assert _writing(street) == "Tybalt in verona is writing…"
    gone = """(jid) => { const room = client.rooms.get(jid);
      client.tell('occupant', { room, occupant: room.occupants.get('Tybalt'), left: true }); }"""
    street.evaluate(gone, STREET)
    assert _writing(street) == ""


def test_a_room_that_is_away_has_no_writers(street):
    street.evaluate(TELL, ["Tybalt", "composing"])
    street.evaluate(
        "jid => { const room = client.rooms.get(jid); room.joined = false;"
        " client.tell('room', { room }); }",
        STREET,
    )
    assert _writing(street) == ""


def _type(page: Page, text: str) -> None:
    field = page.locator(".composer textarea")
    field.fill("")
    field.press_sequentially(text)


def _text(page: Page) -> str:
    return page.locator(".composer textarea").input_value()


def test_tab_completes_a_nickname(street):
    _type(street, "ty")
    street.keyboard.press("Tab")
    assert _text(street) == "Tybalt: "
    until(street, "document.querySelector('#announcements').textContent === 'Tybalt'")
    _type(street, "Good Ben")
    street.keyboard.press("Tab")
    assert _text(street) == "Good Benvolio "
    street.keyboard.press("Enter")
    assert ["sendToRoom", STREET, "Good Benvolio"] in calls(street)


def test_tab_goes_through_all_who_may_be_meant_and_leads_on(street):
    street.evaluate(
        "jid => client.occupant(client.rooms.get(jid), 'Petruchio')",
        STREET,
    )
    _type(street, "pet")
    seen = []
    for _ in range(2):
        street.keyboard.press("Tab")
        seen.append(_text(street))
    assert seen == ["Peter: ", "Petruchio: "]
    street.keyboard.press("Tab")
    assert _text(street) == "Petruchio: "
    assert not street.evaluate("document.activeElement.matches('textarea')")


@pytest.mark.parametrize("typed", ["", "Good ", "xyz", "romeo"])
def test_tab_leads_on_where_there_is_nothing_to_complete(street, typed):
    _type(street, typed)
    street.keyboard.press("Tab")
    assert _text(street) == typed
    assert not street.evaluate("document.activeElement.matches('textarea')")


def test_tab_with_shift_leads_back(street):
    _type(street, "ty")
    street.keyboard.press("Shift+Tab")
    assert _text(street) == "ty"
    assert not street.evaluate("document.activeElement.matches('textarea')")


def test_there_is_nobody_to_complete_in_a_chat_of_two(street):
    open_chat(street, "Juliet Capulet")
    _type(street, "ty")
    street.keyboard.press("Tab")
    assert _text(street) == "ty"


def test_a_private_chat_begins_beside_the_name(street):
    people = street.get_by_role("complementary", name="People in the room")
    people.get_by_role("button", name="Write to Tybalt privately").press("Enter")
    street.locator(".chat-line", has_text="Private chat, from a room").wait_for()
    _type(street, "A word")
    street.keyboard.press("Enter")
    assert ["send", f"{STREET}/Tybalt", "A word"] in calls(street)


def test_nobody_writes_to_himself(street):
    people = street.get_by_role("complementary", name="People in the room")
    assert people.get_by_role("button", name="Write to romeo privately").count() == 0


def test_an_address_is_copied(page):
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard',"
        " {value: {writeText: async (text) => { window.copied = text; }}})"
    )
    raise_curtain(page, "people")
    enter(page)
    page.get_by_role("button", name="Copy address").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == "romeo@verona.test"
    open_chat(page, "Juliet Capulet")
    page.get_by_role("button", name="About this person").click()
    page.get_by_role("dialog").get_by_role("button", name="Copy address").press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == "juliet@verona.test"
