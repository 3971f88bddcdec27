"""The web client's page for everybody: by keyboard, by ear, with weak eyes, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import enter, open_chat, raise_curtain, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

AUDIT = (Path(__file__).parent / "web" / "audit.js").read_text()
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 720}


def _login(page: Page) -> None:
    page.get_by_label("Username").wait_for()


def _refused(page: Page) -> None:
    until(page, "window.client")
    page.evaluate("client.failures.login = 'not-authorized'")
    page.get_by_label("Username").fill("romeo")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("alert").filter(has_text="wrong").wait_for()


def _reconnecting(page: Page) -> None:
    _chat(page)
    page.evaluate("client.go('reconnecting')")


def _chat(page: Page) -> None:
    enter(page)
    open_chat(page, "Juliet Capulet")


def _room(page: Page) -> None:
    enter(page)
    open_chat(page, "verona")
    about = page.get_by_role("button", name="About the room")
    if about.get_attribute("aria-expanded") == "false":
        about.click()


def _dialog(button: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        enter(page)
        page.get_by_role("button", name=button).first.click()
        page.get_by_role("dialog").wait_for()

    return act


def _about(page: Page) -> None:
    _chat(page)
    page.get_by_role("button", name="About this person").click()


STATES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "login": ("empty", _login),
    "refused": ("empty", _refused),
    "nobody": ("empty", enter),
    "chats": ("busy", enter),
    "chat": ("busy", _chat),
    "room": ("busy", _room),
    "reconnecting": ("busy", _reconnecting),
    "add": ("people", _dialog("Add a contact")),
    "join": ("people", _dialog("Join a room")),
    "status": ("people", _dialog("Your status")),
    "settings": ("people", _dialog("Settings")),
    "about": ("busy", _about),
}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("state", STATES)
def test_nobody_is_barred(new_page, state, size):
    scene, act = STATES[state]
    # Without motion there is no moment at which something is half faded in.
    page = new_page(viewport=size, reduced_motion="reduce")
    raise_curtain(page, scene)
    act(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(AUDIT) == [], scheme


def test_who_has_no_javascript_sees_that_it_is_needed(new_page):
    page = new_page(java_script_enabled=False, viewport=PHONE)
    raise_curtain(page)
    box = page.locator(".no-script").bounding_box()
    assert box is not None and box["y"] + box["height"] < PHONE["height"]


def test_a_server_that_does_not_answer_is_asked_again(page):
    page.route("**/config.json", lambda route: route.abort())
    raise_curtain(page)
    page.get_by_role("heading", name="be reached").wait_for()
    assert page.evaluate(AUDIT) == []
    page.unroute("**/config.json")
    page.get_by_role("button", name="Try again").click()
    page.get_by_label("Username").wait_for()


def test_the_audit_finds_what_it_looks_for(page):
    raise_curtain(page)
    _login(page)
    page.evaluate(
        """() => {
          const button = document.createElement("button");
          const faint = document.createElement("p");
          faint.textContent = "Speak, I am bound to hear";
          faint.style.color = "#bbb";
          const other = document.createElement("button");
          other.textContent = "Hear";
          other.ariaLabel = "Speak";
          const nav = document.createElement("nav");
          document.querySelector("main").append(button, faint, other, nav);
        }"""
    )
    found = "\n".join(page.evaluate(AUDIT))
    for what in ("no name", "text of contrast", "region without a name", "named otherwise"):
        assert what in found


def test_the_tab_key_goes_through_the_page_in_order(page):
    raise_curtain(page, "people")
    enter(page)
    own = "romeo@verona.test Available Your status: change it"
    page.get_by_role("button", name=own, exact=True).focus()
    order = []
    for _ in range(5):
        focused = "document.activeElement"
        order.append(page.evaluate(f"{focused}.ariaLabel ?? {focused}.className"))
        page.keyboard.press("Tab")
    assert order == [
        "own",
        "Settings",
        "Find a chat",
        "Add a contact",
        "Join a room",
    ]
    # The list is one stop.
    assert page.evaluate("document.activeElement.dataset.jid") == "benvolio@verona.test"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.groups')") is None


def test_arrows_move_in_the_list_of_chats(page):
    raise_curtain(page, "people")
    enter(page)
    focused = "document.activeElement.dataset.jid"
    page.get_by_label("Find a chat").focus()
    for key, jid in [
        ("ArrowDown", "benvolio"),
        ("ArrowDown", "juliet"),
        ("End", "laurence"),
        ("ArrowUp", "rosaline"),
        ("Home", "benvolio"),
        ("ArrowUp", "benvolio"),
    ]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == f"{jid}@verona.test"
    page.keyboard.press("Enter")
    assert page.get_by_role("heading", level=1).inner_text() == "Benvolio"
    assert page.locator("[aria-current=true]").get_attribute("data-jid") == "benvolio@verona.test"


def test_the_focus_stays_where_it_is_when_the_list_changes(page):
    raise_curtain(page, "people")
    enter(page)
    page.locator("[data-jid='laurence@verona.test']").focus()
    page.evaluate("client.hear({chat: 'nurse@verona.test', body: 'Peter!'})")
    page.locator(".row-line", has_text="Peter!").wait_for()
    assert page.evaluate("document.activeElement.dataset.jid") == "laurence@verona.test"


def test_escape_closes_a_dialog_and_the_focus_goes_back(page):
    raise_curtain(page)
    enter(page)
    button = page.get_by_role("button", name="Settings")
    button.click()
    page.get_by_role("dialog", name="Settings").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert button.evaluate("element => element === document.activeElement")


def test_who_joins_a_room_may_write_at_once(page):
    raise_curtain(page, "busy")
    enter(page)
    page.get_by_role("button", name="Join a room").click()
    page.get_by_label("Room", exact=True).fill("tomb")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.placeholder") == "Write to tomb"


def test_the_focus_is_not_lost_with_a_request_nor_does_it_go_to_another(page):
    raise_curtain(page, "people")
    enter(page)
    ask = "name => client.tell('subscription', {jid: `${name}@verona.test`})"
    page.evaluate(ask, "paris")
    button = page.get_by_role("button", name="Accept paris")
    button.focus()
    page.evaluate(ask, "tybalt")
    page.get_by_role("button", name="Accept tybalt").wait_for()
    assert button.evaluate("element => element === document.activeElement")
    page.keyboard.press("Enter")
    button.wait_for(state="detached")
    assert page.evaluate("document.activeElement.dataset.jid")


def test_who_could_not_be_asked_is_told_in_the_chat_and_aloud(page):
    raise_curtain(page, "people")
    enter(page)
    open_chat(page, "rosaline")
    told = "{jid: 'rosaline@verona.test', error: {condition: 'remote-server-not-found'}}"
    page.evaluate(f"client.tell('unasked', {told})")
    said = "rosaline@verona.test could not be asked. The server of that address"
    page.locator(".notice", has_text=said).wait_for()
    page.locator("#announcements", has_text=said).wait_for(state="attached")


def test_nobody_is_called_offline_whose_presence_is_not_shown_to_us(page):
    raise_curtain(page, "people")
    enter(page)
    open_chat(page, "rosaline")
    assert page.locator(".chat-line").inner_text() == "Asked; no answer yet"
    open_chat(page, "Friar Laurence")
    assert page.locator(".chat-line").inner_text() == "Offline"


def test_messages_are_a_log_that_tells_itself(page):
    raise_curtain(page, "busy")
    _chat(page)
    log = page.get_by_role("log", name="Messages with Juliet Capulet")
    assert log.get_attribute("aria-live") == "polite"
    page.evaluate("client.hear({chat: 'juliet@verona.test', body: 'Good night'})")
    log.get_by_text("Good night").wait_for()
    assert "Juliet Capulet: " in log.get_by_role("listitem").last.text_content()


def test_what_happens_elsewhere_is_announced(page):
    raise_curtain(page, "people")
    enter(page)
    said = page.locator("#announcements")
    page.evaluate("client.hear({chat: 'juliet@verona.test', body: 'Romeo?'})")
    until(page, "document.querySelector('#announcements').textContent.includes('Juliet')")
    page.evaluate("client.tell('subscription', {jid: 'paris@verona.test'})")
    assert "paris@verona.test wants to add you" in said.inner_text()


def test_a_lost_connection_is_told_and_so_is_its_return(page):
    raise_curtain(page)
    enter(page)
    page.evaluate("client.go('reconnecting')")
    banner = page.locator(".banner[role=status]")
    assert "Reconnecting" in banner.inner_text()
    page.evaluate("client.go('online')")
    assert banner.inner_text() == "Online again"


def test_what_is_said_without_a_connection_is_not_called_sent(page):
    raise_curtain(page, "busy")
    _chat(page)
    page.evaluate("client.go('connecting')")
    page.locator(".composer textarea").fill("Farewell")
    page.keyboard.press("Enter")
    last = page.locator(".message", has_text="Farewell")
    last.locator(".state", has_text="Waits for the connection").wait_for()
    page.evaluate("client.go('online')")
    last.locator(".state", has_text="Sent").wait_for()


def test_nothing_moves_for_who_asks_for_that(new_page):
    page = new_page(reduced_motion="reduce")
    raise_curtain(page, "busy")
    _chat(page)
    page.get_by_role("button", name="About this person").click()
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_phone_shows_one_pane_at_a_time(new_page):
    page = new_page(viewport=PHONE)
    raise_curtain(page, "busy")
    enter(page)
    chats = page.get_by_role("navigation", name="Chats")
    assert chats.is_visible() and not page.get_by_role("main").is_visible()
    open_chat(page, "Juliet Capulet")
    assert not chats.is_visible() and page.get_by_role("main").is_visible()
    page.get_by_role("button", name="Back to the chats").click()
    assert chats.is_visible()
    open_chat(page, "Benvolio")
    # The phone's own way back does the same.
    page.go_back()
    chats.wait_for()
