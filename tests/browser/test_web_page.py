"""What the web client's page does with what people do and the network tells; its core a fake."""

from __future__ import annotations

import struct
from random import randbytes
from typing import TYPE_CHECKING
from zlib import compress, crc32

import pytest

from tests.browser.stage import calls, enter, open_chat, raise_curtain, until

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
        ("constructor", "That did not work (constructor)"),
    ],
)
def test_a_refused_login_says_what_to_do(page, condition, words):
    raise_curtain(page)
    until(page, "window.client")
    page.evaluate("condition => { client.failures.login = condition }", condition)
    page.get_by_label("Username").fill("romeo")
    password = page.get_by_label("Password", exact=True)
    password.fill("wrong")
    page.keyboard.press("Enter")
    assert words in page.get_by_role("alert").first.inner_text()
    # A wrong password is typed anew, one that met a dead server is not.
    assert password.input_value() == ("" if condition == "not-authorized" else "wrong")


@pytest.mark.parametrize(("condition", "repeated"), [("forbidden", True), ("conflict", False)])
def test_what_the_server_says_stands_where_it_tells_more(page, condition, repeated):
    raise_curtain(page)
    told = page.evaluate(
        """async (condition) => {
          const { plainly } = await import(new URL("js/ui/errors.js", location.href));
          return plainly("room", { condition, text: "the server's words" });
        }""",
        condition,
    )
    assert ("the server's words" in told) is repeated


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


@pytest.mark.parametrize(("scene", "told"), [("empty", False), ("closed", None)])
def test_where_nobody_may_register_nobody_is_asked_to(page, scene, told):
    raise_curtain(page, scene, register=told)
    page.get_by_text("Accounts on this server are made by the people who run it.").wait_for()
    assert page.get_by_role("button", name="Create an account").count() == 0


def test_who_can_not_be_asked_may_take_accounts(page):
    raise_curtain(page, "unreachable", register=None)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("heading", name="Create an account").wait_for()


def test_logging_out_forgets_everything(page):
    raise_curtain(page, "busy")
    enter(page)
    open_chat(page, "Juliet Capulet")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Username").wait_for()
    assert "orchard walls" not in page.content()
    until(page, "document.title === 'verona.test'")


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
        ("(https://verona.test/a.)).", ["https://verona.test/a"]),
        ("https://verona.test/\u202eten.elgoog", ["https://verona.test/"]),
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


def test_an_address_with_very_many_brackets_does_not_stop_the_page(stage):
    address = f"https://verona.test/{'.' * 25_000}a"
    open_chat(stage, "Juliet Capulet")
    took = stage.evaluate(
        """body => {
          client.hear({ chat: "juliet@verona.test", body });
          const began = performance.now();
          document.querySelector(".log .body button").click();
          return performance.now() - began;
        }""",
        f"{'x' * 4_999} {address}{')' * 25_000}",
    )
    assert stage.locator(".log a").get_attribute("href") == address
    assert took < 5_000


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
          const { Chat } = await import(new URL("js/ui/chat.js", location));
          const chat = new Chat("juliet@verona.test", "person");
          for (let i = 0; i < 620; i += 1) chat.add({id: `${i}`, body: "", mine: false});
          return [chat.entries.length, chat.add({id: "619", body: "", mine: false})];
        }"""
    )
    assert kept == [500, False]


def test_long_ones_are_fewer(stage):
    kept = stage.evaluate(
        """async () => {
          const { Chat } = await import(new URL("js/ui/chat.js", location));
          const chat = new Chat("juliet@verona.test", "person");
          const body = "x".repeat(60_000);
          for (let i = 0; i < 40; i += 1) chat.add({id: `${i}`, body, mine: false});
          return [chat.entries.length, chat.entries.at(-1).id];
        }"""
    )
    assert kept == [16, "39"]


def test_strangers_do_not_push_out_whom_one_has_answered(stage):
    stage.evaluate(
        """() => {
          client.hear({ chat: "paris@verona.test", body: "Well met" });
          client.hear({ chat: "paris@verona.test", body: "That may be, sir", mine: true });
          for (let i = 0; i < 120; i += 1) {
            client.hear({ chat: `mask${i}@ball.test`, body: "Dance!" });
          }
        }"""
    )
    stage.locator('button.row[data-jid="mask119@ball.test"]').wait_for()
    assert stage.locator('button.row[data-jid="paris@verona.test"]').count() == 1
    assert stage.locator('button.row[data-jid="mask0@ball.test"]').count() == 0


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


def test_who_is_gone_writes_no_more(stage):
    open_chat(stage, "Juliet Capulet")
    stage.evaluate("client.tell('chatstate', {chat: 'juliet@verona.test', state: 'composing'})")
    stage.evaluate(
        """() => { const contact = client.contacts.get("juliet@verona.test");
        contact.resources.clear(); client.tell("contact", { contact }); }"""
    )
    assert stage.locator(".writing-line").inner_text() == ""


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
    until(stage, "document.title === '(2) Benvolio · verona.test'")
    row = stage.locator("[data-jid='juliet@verona.test']")
    assert "2 unread" in row.text_content()
    row.click()
    until(stage, "document.title === 'Juliet Capulet · verona.test'")
    assert stage.locator(".news").count() == 1
    assert stage.locator(".entries li").all_inner_texts()[:2] == ["Today", "New"]


def test_the_unread_are_counted_in_a_page_that_is_never_drawn(stage):
    stage.evaluate(
        "window.requestAnimationFrame = () => 0;"
        "client.hear({chat: 'juliet@verona.test', body: 'Romeo?'})"
    )
    until(stage, "document.title === '(1) verona.test'")


def test_a_chat_without_messages_says_why_until_there_are_some(stage):
    open_chat(stage, "Juliet Capulet")
    nothing = stage.get_by_text("No messages since you logged in.")
    nothing.wait_for()
    _write(stage, "/me sighs")
    assert stage.locator(".message.mine .body").inner_text() == "✻ romeo sighs"
    assert nothing.count() == 0


def test_of_strangers_and_of_who_was_asked_nobody_knows_whether_they_are_there(stage):
    stage.evaluate("client.hear({chat: 'tybalt@verona.test', body: 'Villain!'})")
    row = stage.locator("[data-jid='tybalt@verona.test']")
    row.wait_for()
    assert not row.locator(".dot").is_visible()
    assert stage.locator("[data-jid='laurence@verona.test'] .dot").is_visible()
    asked = stage.locator(".groups section", has_text="Waiting for an answer").locator(".row")
    assert asked.get_attribute("data-jid") == "rosaline@verona.test"
    assert not asked.locator(".dot").is_visible()


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


def test_nobody_need_tell_that_he_writes(stage):
    for wanted in (True, False):
        stage.get_by_role("button", name="Settings").click()
        box = stage.get_by_label("Show people that I am writing")
        assert box.is_checked() is wanted
        box.set_checked(False)
        stage.keyboard.press("Escape")
    assert stage.evaluate("client.tellsWriting") is False


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


def test_a_page_that_is_not_secure_says_so_before_a_password_is_typed(page):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    raise_curtain(page)
    assert "https://" in page.get_by_role("alert").first.inner_text()
