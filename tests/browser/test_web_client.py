"""The web client at `/`, by what people do with it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from xml.sax.saxutils import escape

import pytest

from tests.browser.chat import Person
from tests.browser.gateway import Gateway
from tests.browser.strophe import Person as Stranger
from tests.support.cutting import CuttingProxy


@pytest.fixture
def visit(new_page, gateway: Gateway):
    """Opens the page for somebody."""

    def make(url: str = gateway.web, **options: object) -> Person:
        return Person(new_page(**options), url)

    return make


@pytest.fixture
def enter(visit, gateway: Gateway):
    """Has somebody log in, under a name that begins like this."""

    def make(beginning: str, url: str = gateway.web, **options: object) -> Person:
        person = visit(url, **options)
        person.log_in(gateway.account(beginning).partition("@")[0])
        person.is_in()
        return person

    return make


def jid(person: Person) -> str:
    return f"{person.name}@verona.lit"


def befriend(one: Person, other: Person) -> None:
    """They see each other afterwards, and one has the other's chat open."""
    one.add(jid(other))
    other.accept(one.name)
    for each, friend in ((one, other), (other, one)):
        each.sees_in_list(jid(friend), "Available")


def test_two_newcomers_meet_and_chat(visit, gateway: Gateway):
    juliet, romeo = visit(), visit()
    juliet.register(gateway.name("juliet"))
    romeo.register(gateway.name("romeo"))
    befriend(juliet, romeo)
    juliet.say("O Romeo, Romeo! wherefore art thou Romeo?")
    romeo.sees_in_list(jid(juliet), "wherefore art thou", "1 unread")
    romeo.open(jid(juliet))
    romeo.sees("wherefore art thou Romeo?")
    romeo.composer.press_sequentially("Shall I")
    juliet.page.locator(".writing-line", has_text="is writing").wait_for()
    romeo.say("Shall I hear more, or shall I speak at this?")
    juliet.sees("or shall I speak at this?")
    juliet.sees_delivered("wherefore art thou Romeo?")
    romeo.sees_delivered("or shall I speak at this?")


def test_two_people_meet_in_a_room(enter, gateway: Gateway):
    juliet = enter("juliet")
    room = gateway.name("balcony")
    juliet.join(room, "Juliet")
    juliet.set_subject("What light through yonder window breaks?")
    juliet.say("Ay me!")
    juliet.sees("Ay me!")
    romeo = enter("romeo")
    romeo.join(room, "Romeo")
    romeo.people.get_by_text("What light through yonder window breaks?").wait_for()
    romeo.sees("Ay me!")
    romeo.sees_beside("Juliet")
    juliet.sees_beside("Romeo")
    romeo.say("She speaks: O, speak again, bright angel!")
    juliet.sees("speak again, bright angel!")
    romeo.sees_once("Ay me!", "She speaks: O, speak again, bright angel!")


def test_nothing_is_lost_where_the_network_was(enter, gateway: Gateway):
    romeo = enter("romeo")
    with CuttingProxy(gateway.port) as network:
        juliet = enter("juliet", f"http://127.0.0.1:{network.port}/")
        befriend(juliet, romeo)
        romeo.open(jid(juliet))
        juliet.say("Good night, good night!")
        romeo.say("Sleep dwell upon thine eyes")
        juliet.sees("Sleep dwell upon thine eyes")
        juliet.page.context.set_offline(True)
        network.cut()
        juliet.page.get_by_text("Connection lost").wait_for()
        romeo.say("peace in thy breast!")
        juliet.say("Parting is such sweet sorrow")
        juliet.page.context.set_offline(False)
        juliet.page.get_by_text("Online again").wait_for()
        romeo.sees_once(
            "Good night, good night!",
            "Sleep dwell upon thine eyes",
            "peace in thy breast!",
            "Parting is such sweet sorrow",
        )
        juliet.sees("peace in thy breast!")
        assert juliet.page.locator(".message", has_text="peace in thy breast!").count() == 1
        juliet.sees_delivered("Parting is such sweet sorrow")


def test_nothing_is_lost_where_the_gateway_restarts(enter, gateway: Gateway):
    """Its clients resume their sessions, which the server has kept (XEP-0198)."""
    juliet, romeo = enter("juliet"), enter("romeo")
    befriend(juliet, romeo)
    romeo.open(jid(juliet))
    juliet.say("Hist! Romeo, hist!")
    romeo.sees("Hist! Romeo, hist!")
    gateway.restart()
    juliet.say("O, for a falconer's voice")
    romeo.say("It is my soul that calls upon my name")
    juliet.sees_once("Hist! Romeo, hist!", "It is my soul that calls upon my name")
    romeo.sees_once("Hist! Romeo, hist!", "O, for a falconer's voice")
    juliet.sees_delivered("O, for a falconer's voice")


def test_where_there_is_no_websocket_bosh_serves(new_context, gateway: Gateway):
    context = new_context()
    sockets: list[str] = []

    def elsewhere(route):
        route.fulfill(json={**route.fetch().json(), "websocket": "/no-websocket-here"})

    context.route("**/config.json", elsewhere)
    page = context.new_page()
    page.on("request", lambda request: sockets.append(request.url))
    juliet, romeo = Person(page, gateway.web), Person(context.new_page(), gateway.web)
    for person, name in ((juliet, "juliet"), (romeo, "romeo")):
        person.log_in(gateway.account(name).partition("@")[0])
        person.is_in()
    befriend(juliet, romeo)
    juliet.say("It is the lark, the herald of the morn")
    romeo.open(jid(juliet))
    romeo.sees("the herald of the morn")
    juliet.sees_delivered("the herald of the morn")
    assert any(url.endswith("/http-bind") for url in sockets)


def test_a_wrong_password_is_told(visit, gateway: Gateway):
    tybalt = visit()
    name = gateway.account("tybalt").partition("@")[0]
    tybalt.log_in(name, "not this one")
    tybalt.page.get_by_role("alert").get_by_text(re.compile("password", re.I)).wait_for()
    assert tybalt.page.get_by_label("Password", exact=True).input_value() == ""
    tybalt.log_in(name)
    tybalt.is_in()


def test_a_phone_shows_one_thing_at_a_time(enter, gateway: Gateway):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    juliet, romeo = enter("juliet", **phone), enter("romeo")
    befriend(romeo, juliet)
    chats = juliet.page.get_by_role("navigation", name="Chats")
    romeo.say("I take thee at thy word")
    juliet.open(jid(romeo))
    juliet.sees("I take thee at thy word")
    assert not chats.is_visible()
    juliet.say("What man art thou?")
    romeo.sees("What man art thou?")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not juliet.page.evaluate(wide)
    juliet.page.get_by_role("button", name="Back to the chats").click()
    chats.wait_for()
    assert not juliet.composer.is_visible()


MARKUP = "<img src=x onerror=\"document.title='Tybalt'\"><b>bold</b>"


def test_text_stays_text(enter, gateway: Gateway):
    tybalt, juliet = enter("tybalt"), enter("juliet")
    befriend(tybalt, juliet)
    tybalt.set_status("Busy", f"{MARKUP} status")
    juliet.sees_in_list(jid(tybalt), f"{MARKUP} status")
    tybalt.say(f"{MARKUP} body")
    juliet.open(jid(tybalt))
    juliet.sees(f"{MARKUP} body")
    room = gateway.name("street")
    tybalt.join(room, f"{MARKUP} nick")
    tybalt.set_subject(f"{MARKUP} subject")
    tybalt.say(f"{MARKUP} in the street")
    juliet.join(room, "Juliet")
    juliet.sees_beside(f"{MARKUP} nick")
    juliet.people.get_by_text(f"{MARKUP} subject").wait_for()
    juliet.sees(f"{MARKUP} in the street")
    for page in (juliet.page, tybalt.page):
        assert "Tybalt" not in page.title()
        assert page.locator("b, img[src=x]").count() == 0


PICTURE = """\
<svg xmlns='http://www.w3.org/2000/svg' onload="document.title='Tybalt'">
<script>document.title='Tybalt'</script></svg>"""
VCARD = """\
<iq xmlns='jabber:client' type='set' id='v1'><vCard xmlns='vcard-temp'>
<FN>{markup}</FN><NICKNAME>{markup}</NICKNAME>{more}</vCard></iq>"""
PHOTO = "<PHOTO><TYPE>image/svg+xml</TYPE><BINVAL>{picture}</BINVAL></PHOTO>"
ASKS = """\
<presence xmlns='jabber:client' type='subscribe' to='{to}'>
<status>{markup} please</status><nick xmlns='http://jabber.org/protocol/nick'>{markup}</nick>
</presence>"""
SHOWS = """\
<presence xmlns='jabber:client'><x xmlns='vcard-temp:x:update'><photo>{hash}</photo></x>
</presence>"""


def test_so_does_what_only_other_clients_send(new_page, origin, enter, gateway: Gateway):
    """A nick with a request (XEP-0172), a vCard, a picture that is a program."""
    juliet, tybalt = enter("juliet"), Stranger(new_page(), origin)
    tybalt.make(gateway.url("websocket"))
    tybalt.connect(gateway.account("tybalt"), gateway.password)
    markup, photo = escape(MARKUP), PHOTO.format(picture=b64encode(PICTURE.encode()).decode())
    assert "neither PNG nor" in tybalt.ask(VCARD.format(markup=markup, more=photo))
    assert 'type="result"' in tybalt.ask(VCARD.format(markup=markup, more=""))
    tybalt.send(SHOWS.format(hash=sha1(PICTURE.encode(), usedforsecurity=False).hexdigest()))
    tybalt.send(ASKS.format(to=jid(juliet), markup=markup))
    card = juliet.page.get_by_role("region", name="Requests")
    card.get_by_text(f"{MARKUP} please").wait_for()
    card.get_by_text(MARKUP, exact=True).wait_for()
    juliet.accept(MARKUP)
    tybalt.hears("<presence", jid(juliet), 'type="subscribe"')
    tybalt.send(f"<presence xmlns='jabber:client' to='{jid(juliet)}' type='subscribed'/>")
    juliet.sees_in_list(tybalt.jid.partition("/")[0], "Available")
    assert "Tybalt" not in juliet.page.title()
    assert juliet.page.locator("b, img[src=x]").count() == 0
