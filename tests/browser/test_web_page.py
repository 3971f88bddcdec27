"""What the web client's page does with what people do and the network tells; its core a fake."""

from __future__ import annotations

import struct
from random import randbytes
from typing import TYPE_CHECKING
from zlib import compress, crc32

import pytest

from tests.browser.stage import calls, enter, open_chat, raise_curtain

if TYPE_CHECKING:
    from playwright.sync_api import Page

JULIET = "juliet@verona.test"
STREET = "verona@conference.verona.test"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def stage(page: Page) -> Page:
    raise_curtain(page, "people")
    enter(page)
    return page


def _write(page: Page, text: str) -> None:
    page.locator(".composer textarea").fill(text)
    page.keyboard.press("Enter")


# Logging in.


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("not-authorized", "Check both"),
        ("connection-failed", "Check that you are online"),
        ("insecure-context", "https://"),
        ("out-of-the-blue", "out-of-the-blue"),
    ],
)
def test_a_refused_login_says_what_to_do(page, condition, words):
    raise_curtain(page)
    page.wait_for_function("window.client")
    page.evaluate("condition => { client.failures.login = condition }", condition)
    page.get_by_label("Username").fill("romeo")
    password = page.get_by_label("Password", exact=True)
    password.fill("wrong")
    page.keyboard.press("Enter")
    assert words in page.get_by_role("alert").first.inner_text()
    # A wrong password is typed anew, one that met a dead server is not.
    assert password.input_value() == ("" if condition == "not-authorized" else "wrong")


def test_nothing_typed_is_told_before_the_server_is_asked(page):
    raise_curtain(page)
    page.get_by_role("button", name="Log in", exact=True).click()
    assert page.get_by_role("alert").first.inner_text() == "Type your username."
    assert calls(page) == []


def test_no_password_is_kept(stage):
    kept = stage.evaluate(
        """async () => JSON.stringify([
          {...localStorage}, {...sessionStorage}, document.cookie, await indexedDB.databases(),
          history.state, [...document.querySelectorAll("input")].map((input) => input.value),
        ])"""
    )
    assert "wherefore" not in kept


def test_password_managers_are_told_which_password_it_is(page):
    raise_curtain(page)
    password = page.get_by_label("Password", exact=True)
    assert page.get_by_label("Username").get_attribute("autocomplete") == "username"
    assert password.get_attribute("autocomplete") == "current-password"
    page.get_by_role("button", name="Create an account").click()
    assert password.get_attribute("autocomplete") == "new-password"


def test_an_account_is_made_and_logged_in(page):
    raise_curtain(page, register=None)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Username").fill("romeo@verona.test")
    page.get_by_label("Password", exact=True).fill("wherefore")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("navigation", name="Chats").wait_for()
    assert calls(page) == [["register", "romeo"], ["login", "romeo@verona.test"]]


def test_where_nobody_may_register_nobody_is_asked_to(page):
    raise_curtain(page, register=False)
    page.get_by_label("Username").wait_for()
    assert page.get_by_role("button", name="Create an account").count() == 0


def test_logging_out_forgets_everything(page):
    raise_curtain(page, "busy")
    enter(page)
    open_chat(page, "Juliet Capulet")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Username").wait_for()
    assert "orchard walls" not in page.content()
    page.wait_for_function("document.title === 'verona.test'")


def test_a_session_that_another_took_over_says_so(stage):
    stage.evaluate("client.go('offline', {condition: 'conflict'})")
    assert "another place" in stage.get_by_role("alert").first.inner_text()


# Text from the network.


def test_markup_is_text_wherever_it_comes_from(page):
    raise_curtain(page)
    enter(page)
    page.evaluate(
        """markup => {
          client.contact("juliet@verona.test", {name: markup, status: markup});
          const room = client.room("verona@conference.verona.test", {subject: markup});
          client.occupant(room, markup, {status: markup});
          client.tell("subject", {room, subject: markup, by: markup});
          client.hear({chat: room.jid, nick: markup, body: markup, type: "groupchat"});
          client.hear({chat: "juliet@verona.test", body: markup});
          client.tell("subscription", {jid: "paris@verona.test", nick: markup, text: markup});
          client.tell("invitation", {room: "feast@verona.test", from: markup, reason: markup});
        }""",
        HOSTILE,
    )
    for name in ("verona", HOSTILE):
        open_chat(page, name)
        assert HOSTILE in page.locator(".log").inner_text()
        assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(
    ("body", "addresses"),
    [
        ("see https://verona.test/a?b=c#d.", ["https://verona.test/a?b=c#d"]),
        ("(http://verona.test/x)", ["http://verona.test/x"]),
        ("https://verona.test/a_(b)", ["https://verona.test/a_(b)"]),
        ("javascript:alert(1) data:text/html,x file:///etc/passwd", []),
        ("javascript://https://verona.test/%0aalert(1)", ["https://verona.test/%0aalert(1)"]),
        ("https:// http://[", []),
        ('https://verona.test/"onclick="alert(1)', ["https://verona.test/"]),
    ],
)
def test_web_addresses_alone_are_links(stage, body, addresses):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate("body => client.hear({chat: 'juliet@verona.test', body})", body)
    assert stage.locator(".log .body").inner_text() == body
    links = stage.locator(".log a")
    assert [link.get_attribute("href") for link in links.all()] == addresses
    for link in links.all():
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.get_attribute("target") == "_blank"


def test_a_long_message_is_shown_in_part(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate("client.hear({chat: 'juliet@verona.test', body: 'x'.repeat(50_000)})")
    body = stage.locator(".log .body")
    assert len(body.inner_text()) < 6000
    stage.get_by_role("button", name="Show the rest").click()
    assert len(body.inner_text()) == 50_000


def test_the_page_keeps_so_many_messages(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate(
        """() => {
          for (let i = 0; i < 620; i += 1) {
            client.hear({chat: "juliet@verona.test", body: `no. ${i}`});
          }
        }"""
    )
    assert stage.locator(".message").count() == 500
    assert stage.locator(".message .body").first.inner_text() == "no. 120"
    assert stage.locator(".message .body").last.inner_text() == "no. 619"
    open_chat(stage, "Benvolio")
    open_chat(stage, "Juliet Capulet")
    assert stage.locator(".message").count() == 500


def test_no_more_than_those_are_kept(stage):
    kept = stage.evaluate(
        """async () => {
          const { Chat } = await import("/js/ui/chat.js");
          const chat = new Chat("juliet@verona.test", "person");
          for (let i = 0; i < 620; i += 1) chat.add({id: `${i}`, body: "", mine: false});
          return [chat.entries.length, chat.add({id: "619", body: "", mine: false})];
        }"""
    )
    assert kept == [500, False]


# Chats.


def test_enter_sends_and_shift_enter_does_not(stage):
    open_chat(stage, "Juliet Capulet")
    field = stage.get_by_label("Write to Juliet Capulet")
    field.press_sequentially("But soft!")
    field.press("Shift+Enter")
    field.press_sequentially("What light")
    assert field.input_value() == "But soft!\nWhat light"
    field.press("Enter")
    assert ["send", JULIET, "But soft!\nWhat light"] in calls(stage)
    assert field.input_value() == ""
    assert stage.locator(".message.mine").count() == 1


def test_enter_within_a_composition_does_not_send(stage):
    open_chat(stage, "Juliet Capulet")
    stage.get_by_label("Write to Juliet Capulet").fill("に")
    stage.evaluate(
        """document.activeElement.dispatchEvent(
          new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true}))"""
    )
    assert not [call for call in calls(stage) if call[0] == "send"]


def test_who_is_written_to_is_told_so_and_told_the_end(stage):
    open_chat(stage, "Juliet Capulet")
    field = stage.get_by_label("Write to Juliet Capulet")
    field.press_sequentially("Ay")
    field.fill("")
    field.press_sequentially("me")
    open_chat(stage, "Benvolio")
    states = [call[2] for call in calls(stage) if call[0] == "chatState"]
    assert states == ["composing", "active", "composing", "paused"]
    open_chat(stage, "Juliet Capulet")
    assert field.input_value() == "me"


def test_writing_is_shown_until_the_message_comes(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate("client.tell('chatstate', {chat: 'juliet@verona.test', state: 'composing'})")
    line = stage.locator(".writing-line")
    assert line.inner_text() == "Juliet Capulet is writing…"
    stage.evaluate("client.hear({chat: 'juliet@verona.test', body: 'Ay me'})")
    assert line.inner_text() == ""


def test_a_receipt_changes_the_tick(stage):
    open_chat(stage, "Juliet Capulet")
    _write(stage, "But soft!")
    state = stage.locator(".message.mine .state")
    assert state.get_attribute("title") == "Sent"
    stage.evaluate("client.tell('receipt', {chat: 'juliet@verona.test', id: 'm1'})")
    assert state.get_attribute("title") == "Delivered"


def test_what_was_not_delivered_says_why(stage):
    open_chat(stage, "Juliet Capulet")
    _write(stage, "But soft!")
    stage.evaluate(
        """client.tell("failed", {
          chat: "juliet@verona.test", id: "m1", error: {condition: "remote-server-not-found"}})"""
    )
    assert "be found" in stage.locator(".message.failed .fault").inner_text()


def test_a_message_that_could_not_be_sent_is_not_lost(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate(
        """() => {
          client.send = () => { throw Object.assign(new Error(), {condition: "queue-full"}) };
        }"""
    )
    _write(stage, "But soft!")
    stage.get_by_role("alert").filter(has_text="Too much waits").wait_for()
    assert stage.get_by_label("Write to Juliet Capulet").input_value() == "But soft!"


def test_what_another_client_sent_is_mine(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate(
        """client.hear({
          chat: "juliet@verona.test", body: "From the phone", mine: true, carbon: true})"""
    )
    assert stage.locator(".message.mine .body").inner_text() == "From the phone"


def test_the_unread_are_counted_and_read(stage):
    open_chat(stage, "Benvolio")
    stage.evaluate(
        "for (const body of ['Romeo', 'Romeo!']) client.hear({chat: 'juliet@verona.test', body})"
    )
    stage.wait_for_function("document.title === '(2) Benvolio · verona.test'")
    row = stage.locator("[data-jid='juliet@verona.test']")
    assert "2 unread" in row.text_content()
    row.click()
    stage.wait_for_function("document.title === 'Juliet Capulet · verona.test'")
    assert stage.locator(".news").count() == 1


def test_what_came_late_says_so(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate(
        """client.hear({chat: "juliet@verona.test", body: "Good morrow", delayed: true,
          time: new Date(Date.now() - 3 * 86400e3)})"""
    )
    assert "arrived later" in stage.locator(".message time").inner_text()
    assert stage.locator(".day").inner_text() not in ("Today", "Yesterday")


# People.


def test_a_contact_is_added_by_name_alone(stage):
    stage.get_by_role("button", name="Add a contact").click()
    stage.get_by_label("Address").fill("Tybalt")
    stage.get_by_label("Name (only").fill("Prince of Cats")
    stage.get_by_role("button", name="Add contact").click()
    stage.get_by_role("heading", name="Prince of Cats", level=1).wait_for()
    assert ["addContact", "tybalt@verona.test", "Prince of Cats"] in calls(stage)


@pytest.mark.parametrize(
    ("typed", "words"), [("", "Type an address"), ("romeo", "your own address")]
)
def test_what_is_no_contact_is_told_before_the_server_is_asked(stage, typed, words):
    stage.get_by_role("button", name="Add a contact").click()
    stage.get_by_label("Address").fill(typed)
    stage.get_by_role("button", name="Add contact").click()
    assert words in stage.get_by_role("dialog").get_by_role("alert").inner_text()
    assert not [call for call in calls(stage) if call[0] == "addContact"]


def test_who_asks_is_accepted_and_asked_back(stage):
    stage.evaluate("client.tell('subscription', {jid: 'paris@verona.test', nick: 'Paris'})")
    stage.get_by_role("button", name="Accept Paris").click()
    stage.locator(".card").wait_for(state="detached")
    assert calls(stage)[1:] == [
        ["approve", "paris@verona.test"],
        ["addContact", "paris@verona.test", "Paris"],
    ]


def test_who_asks_is_denied(stage):
    stage.evaluate("client.tell('subscription', {jid: 'paris@verona.test', nick: 'Paris'})")
    stage.get_by_role("button", name="Deny Paris").click()
    stage.locator(".card").wait_for(state="detached")
    assert calls(stage)[1:] == [["deny", "paris@verona.test"]]


def test_whom_we_have_asked_ourselves_is_accepted_at_once(stage):
    stage.evaluate("client.tell('subscription', {jid: 'rosaline@verona.test'})")
    assert calls(stage)[1:] == [["approve", "rosaline@verona.test"]]
    assert stage.locator(".card").count() == 0


def test_a_contact_is_renamed_and_removed(stage):
    open_chat(stage, "Benvolio")
    stage.get_by_role("button", name="About this person").click()
    stage.get_by_label("Name (only").fill("Cousin")
    stage.get_by_role("button", name="Save").click()
    stage.get_by_role("heading", name="Cousin", level=1).wait_for()
    stage.get_by_role("button", name="About this person").click()
    stage.get_by_role("button", name="Remove").click()
    stage.get_by_role("dialog", name="Remove Cousin?").get_by_role("button", name="Remove").click()
    stage.get_by_role("heading", name="Choose a chat").wait_for()
    assert calls(stage)[-1] == ["removeContact", "benvolio@verona.test"]


def test_ones_own_status_is_told(stage):
    stage.get_by_role("button", name="Your status").click()
    stage.get_by_label("Busy").check()
    stage.get_by_label("What you are doing").fill("At a feast")
    stage.get_by_role("button", name="Set status").click()
    assert ["setPresence", "dnd", "At a feast"] in calls(stage)
    assert "At a feast" in stage.locator(".own").inner_text()


def _noise(side: int) -> bytes:
    """A picture that can't be packed: a PNG of random pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc32(kind + body))

    lines = b"".join(b"\0" + randbytes(3 * side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", compress(lines))
        + chunk(b"IEND", b"")
    )


def test_a_picture_is_made_small(stage, tmp_path):
    file = tmp_path / "face.png"
    file.write_bytes(_noise(500))
    stage.get_by_role("button", name="Settings").click()
    stage.locator("#picture").set_input_files(file)
    stage.get_by_text("Your picture is changed").wait_for()
    name, kind, size = calls(stage)[-1]
    assert (name, kind) == ("setAvatar", "image/jpeg")
    assert size <= 48 * 1024
    stage.locator(".own .avatar img").wait_for()


def test_what_is_no_picture_is_told(stage, tmp_path):
    file = tmp_path / "face.png"
    file.write_text("no picture")
    stage.get_by_role("button", name="Settings").click()
    stage.locator("#picture").set_input_files(file)
    stage.get_by_text("be read as a picture").wait_for()


def test_the_password_is_changed_when_typed_twice_alike(stage):
    stage.get_by_role("button", name="Settings").click()
    stage.get_by_label("New password").fill("a rose")
    stage.get_by_label("The same again").fill("arose")
    stage.get_by_role("button", name="Change password").click()
    assert "differ" in stage.get_by_role("dialog").get_by_role("alert").inner_text()
    stage.get_by_label("The same again").fill("a rose")
    stage.get_by_role("button", name="Change password").click()
    stage.get_by_text("Your password is changed").wait_for()
    assert stage.get_by_label("New password").input_value() == ""


# Rooms.


@pytest.fixture
def street(page: Page) -> Page:
    raise_curtain(page, "busy")
    enter(page)
    open_chat(page, "verona")
    return page


def test_a_public_room_is_joined_by_a_click(stage):
    stage.get_by_role("button", name="Join a room").click()
    stage.get_by_role("button", name="s orchard").click()
    stage.get_by_role("heading", name="orchard", level=1).wait_for()
    assert calls(stage)[-1][:3] == ["join", "orchard@conference.verona.test", "romeo"]


def test_a_room_with_a_password_asks_for_it(stage):
    stage.evaluate("client.failures.join = 'not-authorized'")
    stage.get_by_role("button", name="Join a room").click()
    stage.get_by_label("Room", exact=True).fill("tomb")
    stage.get_by_role("button", name="Join", exact=True).click()
    assert "password" in stage.get_by_role("dialog").get_by_role("alert").inner_text()
    stage.get_by_label("Password of the room").fill("poison")
    stage.evaluate("client.failures.join = null")
    stage.get_by_role("button", name="Join", exact=True).click()
    stage.get_by_role("heading", name="tomb", level=1).wait_for()
    assert calls(stage)[-1] == ["join", "tomb@conference.verona.test", "romeo", "poison"]


def test_an_invitation_leads_into_the_room(street):
    street.get_by_role("button", name="Join feast", exact=True).click()
    street.get_by_role("heading", name="feast", level=1).wait_for()
    assert street.get_by_role("button", name="Join feast").count() == 0


def test_who_is_in_the_room_is_listed_by_rank(street):
    people = street.get_by_role("complementary", name="People in the room")
    names = people.locator(".row-name").all_inner_texts()
    assert names == ["Escalus", "Benvolio", "romeo", "Tybalt", "Peter"]
    assert people.locator(".rank").all_inner_texts()[0] == "owner"
    people.get_by_role("button", name="Tybalt").click()
    assert street.get_by_label("Write to verona").input_value() == "Tybalt: "


def test_only_ones_own_name_is_a_mention(street):
    assert street.locator(".mentioned .body").all_inner_texts() == [
        "Romeo, the love I bear thee can afford no better term than this: thou art a villain."
    ]


def test_the_subject_is_shown_and_set(street):
    assert "No swords" in street.locator(".chat-line").inner_text()
    street.get_by_role("button", name="Change the subject").click()
    street.get_by_label("Subject", exact=True).fill("Peace")
    street.get_by_role("button", name="Set subject").click()
    street.locator(".chat-line", has_text="Peace").wait_for()
    assert ["setSubject", STREET, "Peace"] in calls(street)


def test_somebody_is_invited(street):
    street.get_by_role("button", name="Invite somebody").click()
    street.get_by_label("Address").fill("juliet")
    street.get_by_role("button", name="Invite", exact=True).click()
    street.get_by_role("dialog").wait_for(state="detached")
    assert calls(street)[-1] == ["invite", STREET, JULIET, ""]


def test_a_visitor_may_read_and_not_write(street):
    street.evaluate(
        """client.occupant(
          client.rooms.get("verona@conference.verona.test"), "romeo", {role: "visitor"})"""
    )
    street.locator(".composer textarea:disabled").wait_for()
    assert "not write" in street.locator(".composer textarea").get_attribute("placeholder")


def test_who_is_put_out_learns_why_and_may_come_back(street):
    street.evaluate(
        """() => {
          const room = client.rooms.get("verona@conference.verona.test");
          client.rooms.delete(room.jid);
          room.joined = false;
          client.tell("room", {room, left: true, condition: "kicked", reason: "Brawling"});
        }"""
    )
    street.locator(".left-room", has_text="Brawling").wait_for()
    street.get_by_role("button", name="Join again").click()
    street.get_by_role("button", name="Join", exact=True).click()
    street.locator(".composer textarea:enabled").wait_for()


def test_a_room_is_left(street):
    street.get_by_role("button", name="Leave the room").click()
    street.get_by_role("button", name="Leave", exact=True).click()
    street.get_by_role("heading", name="Choose a chat").wait_for()
    assert calls(street)[-1] == ["leave", STREET]
    assert street.locator(f"[data-jid='{STREET}']").count() == 0


def test_a_click_that_is_under_way_survives_a_change_of_the_list(street):
    for row, change in [
        ("nurse@verona.test", "client.hear({chat: 'benvolio@verona.test', body: 'Hark!'})"),
        (STREET, "client.occupant(client.rooms.get('verona@conference.verona.test'), 'Abraham')"),
    ]:
        street.locator(f"[data-jid='{row}']").hover()
        street.mouse.down()
        street.evaluate(change)
        street.wait_for_timeout(100)
        street.mouse.up()
        street.wait_for_function(
            "jid => document.querySelector('[aria-current]')?.dataset.jid === jid", arg=row
        )


def test_a_new_subject_is_news_and_that_of_a_room_one_enters_is_not(street):
    assert street.locator(".notice").count() == 0
    tell = """subject => client.tell("subject", {
      room: client.rooms.get("verona@conference.verona.test"), subject, by: "Escalus"})"""
    street.evaluate(tell, "Peace")
    assert street.locator(".notice").all_inner_texts() == ["Escalus has set the subject: Peace"]
    # A new session enters again, and is told the subject again.
    street.evaluate(
        """() => {
          const room = client.rooms.get("verona@conference.verona.test");
          for (const joined of [false, true]) {
            room.joined = joined;
            client.tell("room", {room});
          }
        }"""
    )
    street.evaluate(tell, "Peace")
    assert street.locator(".notice").count() == 1


def test_a_page_that_is_not_secure_says_so_before_a_password_is_typed(page):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    raise_curtain(page)
    assert "https://" in page.get_by_role("alert").first.inner_text()


def test_a_room_is_joined_by_its_name_before_its_service_is_known(page):
    raise_curtain(page, rooms=None)
    page.wait_for_function("window.client")
    page.evaluate(
        """() => {
          const found = new Promise((done) => { window.found = done; });
          client.roomService = () => found;
        }"""
    )
    enter(page)
    page.get_by_role("button", name="Join a room").first.click()
    page.get_by_label("Room", exact=True).fill("orchard")
    page.get_by_role("button", name="Join", exact=True).click()
    page.evaluate("found('rooms.verona.test')")
    page.get_by_role("heading", name="orchard", level=1).wait_for()
    assert ["join", "orchard@rooms.verona.test", "romeo", None] in calls(page)
