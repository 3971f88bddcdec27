"""What the web client's page does with rooms; its core a fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import calls, enter, open_chat, raise_curtain, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

JULIET = "juliet@verona.test"
STREET = "verona@conference.verona.test"


@pytest.fixture
def stage(page: Page) -> Page:
    raise_curtain(page, "people")
    enter(page)
    return page


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
    people.get_by_title("Speak to Tybalt").click()
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
    street.locator(f"[data-jid='{STREET}']").wait_for(state="detached")  # drawn with the next frame


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
        until(
            street, "jid => document.querySelector('[aria-current]')?.dataset.jid === jid", arg=row
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


def test_a_room_is_joined_by_its_name_before_its_service_is_known(page):
    raise_curtain(page, rooms=None)
    until(page, "window.client")
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
