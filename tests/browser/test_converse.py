"""Converse.js, a web client of another make, over both transports, from a foreign origin."""

from __future__ import annotations

import pytest

from tests.browser.converse import Person
from tests.browser.gateway import TRANSPORTS, Gateway


@pytest.fixture
def person(new_page, origin, gateway: Gateway):
    return lambda transport: Person(new_page(), origin, gateway, transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_people_chat_and_meet_in_a_room(person, gateway: Gateway, transport):
    hers, his = gateway.account("juliet"), gateway.account("romeo")
    juliet, romeo = person(transport), person(transport)
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

    room = f"{gateway.name('hall')}@{gateway.rooms}"
    juliet.open_room(room, "Juliet")
    romeo.open_room(room, "Romeo")
    juliet.sees_beside("Romeo")
    romeo.sees_beside("Juliet")
    romeo.say("If I profane with my unworthiest hand")
    juliet.sees("If I profane with my unworthiest hand")
    juliet.say("Good pilgrim, you do wrong your hand too much")
    romeo.sees("Good pilgrim, you do wrong your hand too much")


def test_a_wrong_password_is_refused(person, gateway: Gateway):
    tybalt = person("websocket")
    tybalt.log_in(gateway.account("tybalt"), "not this")
    tybalt.page.locator(".conn-feedback", has_text="password is incorrect").wait_for()
