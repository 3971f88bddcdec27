"""Converse.js, a web client of another make, over both transports, from a foreign origin."""

from __future__ import annotations

import pytest

from tests.browser.converse import Person
from tests.browser.gateway import TRANSPORTS, Gateway

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def person(new_page, origin, gateway: Gateway, transport):
    return lambda: Person(new_page(), origin, gateway, transport)


def test_two_people_chat(person, gateway: Gateway):
    hers, his = gateway.account("juliet"), gateway.account("romeo")
    juliet, romeo = person(), person()
    juliet.log_in(hers, gateway.password)
    romeo.come_in(his, gateway.password)
    for each in (juliet, romeo):
        each.is_online()
    juliet.open_chat(his)
    romeo.open_chat(hers)
    juliet.say("Wherefore art thou Romeo?")
    romeo.sees("Wherefore art thou Romeo?")
    romeo.say("Shall I hear more, or shall I speak at this? & <b>")
    juliet.sees("Shall I hear more, or shall I speak at this? & <b>")
    juliet.sees("Wherefore art thou Romeo?").locator(".chat-msg__receipt").wait_for()


def test_two_people_meet_in_a_room(person, gateway: Gateway, transport):
    room = f"hall-{transport}@{gateway.rooms}"
    juliet, romeo = person(), person()
    for each, name in ((juliet, "juliet"), (romeo, "romeo")):
        each.come_in(gateway.account(name), gateway.password)
        each.is_online()
        each.open_room(room, name.title())
    juliet.sees_beside("Romeo")
    romeo.sees_beside("Juliet")
    romeo.say("If I profane with my unworthiest hand")
    juliet.sees("If I profane with my unworthiest hand")
    juliet.say("Good pilgrim, you do wrong your hand too much")
    romeo.sees("Good pilgrim, you do wrong your hand too much")


def test_a_wrong_password_is_refused(person, gateway: Gateway):
    tybalt = person()
    tybalt.log_in(gateway.account("tybalt"), "not this")
    tybalt.page.locator(".conn-feedback", has_text="password is incorrect").wait_for()
