"""strophe.js, a client library of another make, over both transports, from a foreign origin."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.gateway import TRANSPORTS, Gateway
from tests.browser.strophe import Person
from tests.support.cutting import CuttingProxy
from tests.support.process import until

ROSTER = "<iq xmlns='jabber:client' type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>"
AVAILABLE = "<presence xmlns='jabber:client'/>"

PAIRS = [("websocket", "websocket"), ("bosh", "bosh"), ("websocket", "bosh")]

Online = Callable[..., Person]
both = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
def online(new_page, origin, gateway: Gateway) -> Online:
    """Makes somebody who has logged in and is available, at another address if one is given."""

    def make(name: str, transport: str, url: str = "", **options: object) -> Person:
        person = Person(new_page(), origin)
        person.make(url or gateway.url(transport), **options)
        assert person.connect(gateway.account(name), gateway.password) == "CONNECTED"
        person.send(AVAILABLE)
        person.hears("<presence")
        return person

    return make


def bare(person: Person) -> str:
    return person.jid.partition("/")[0]


@pytest.mark.parametrize(("hers", "his"), PAIRS)
def test_messages_go_both_ways(online: Online, hers, his):
    juliet, romeo = online("juliet", hers), online("romeo", his)
    juliet.say(romeo.jid, "Art thou not Romeo & a Montague? 🌹")
    romeo.hears("<message", "Art thou not Romeo &amp; a Montague? 🌹")
    romeo.say(juliet.jid, "Neither, fair saint")
    juliet.hears("<message", "Neither, fair saint", romeo.jid)


@both
def test_many_at_once_keep_their_order(online: Online, transport):
    juliet, romeo = online("juliet", transport), online("romeo", transport)
    lines = [f"line {number} of the play" for number in range(200)]
    juliet.say(romeo.jid, *lines)
    romeo.hears(lines[-1])
    heard = [stanza for stanza in romeo.heard if "<message" in stanza]
    assert len(heard) == len(lines)
    assert all(line in stanza for line, stanza in zip(lines, heard, strict=True))


def test_who_is_quiet_is_reached_behind_requests_that_brought_nothing(
    new_page, origin, gateway: Gateway, online: Online
):
    """Each is answered after a second, as XEP-0124 8 has it for `wait`, and another follows."""
    juliet, romeo = Person(new_page(), origin), online("romeo", "websocket")
    juliet.make(gateway.url("bosh"))
    account = gateway.account("juliet")
    assert juliet.connect(account, gateway.password, wait=1) == "CONNECTED"
    before = juliet.page.evaluate("person.connection._proto.rid")
    juliet.page.wait_for_function("rid => person.connection._proto.rid >= rid + 2", arg=before)
    romeo.say(juliet.jid, "Lady, by yonder blessed moon I swear")
    juliet.hears("by yonder blessed moon")


@both
def test_the_roster_and_subscriptions(online: Online, transport):
    juliet, romeo = online("juliet", transport), online("romeo", transport)
    assert 'type="result"' in juliet.ask(ROSTER) and "type" in romeo.ask(ROSTER)
    juliet.send(f"<presence xmlns='jabber:client' to='{bare(romeo)}' type='subscribe'/>")
    romeo.hears("<presence", "subscribe", bare(juliet))
    romeo.send(f"<presence xmlns='jabber:client' to='{bare(juliet)}' type='subscribed'/>")
    juliet.hears("jabber:iq:roster", bare(romeo), 'subscription="to"')
    juliet.hears("<presence", romeo.jid)
    assert bare(romeo) in juliet.ask(ROSTER)


@both
def test_who_leaves_is_gone(online: Online, transport):
    juliet, romeo = online("juliet", transport), online("romeo", transport)
    romeo.send(f"<presence xmlns='jabber:client' to='{juliet.jid}'/>")
    juliet.hears("<presence", romeo.jid)
    romeo.page.evaluate("person.connection.disconnect('parting')")
    romeo.until("DISCONNECTED")
    juliet.hears("<presence", romeo.jid, 'type="unavailable"')


@both
def test_a_wrong_password_is_refused(new_page, origin, gateway: Gateway, transport):
    tybalt = Person(new_page(), origin)
    tybalt.make(gateway.url(transport))
    assert tybalt.connect(gateway.account("tybalt"), "not this") == "AUTHFAIL"


BEGIN = (
    "<body xmlns='http://jabber.org/protocol/httpbind' rid='1' to='verona.lit' wait='5' hold='1'/>"
)
POST = """\
([url, body, type]) => fetch(url, {method: "POST", body, headers: {"Content-Type": type}})
  .then(answer => answer.text(), () => "nothing")"""


def test_a_page_of_another_origin_has_no_websocket(new_page, origin, gateway: Gateway):
    """It is served by the same server under another name: to browsers, and to us, another."""
    tybalt = Person(new_page(), origin.replace("127.0.0.1", "localhost"))
    tybalt.make(gateway.url("websocket"))
    assert tybalt.connect(gateway.account("tybalt"), gateway.password) == "CONNFAIL"
    assert not tybalt.heard


@pytest.mark.parametrize("kind", ["text/xml", "text/plain"])
def test_a_page_of_another_origin_has_no_bosh(page, origin, gateway: Gateway, kind):
    """Browsers ask before they send XML, not before they send text."""
    asked = [gateway.url("bosh"), BEGIN, kind]
    page.goto(f"{origin}/strophe.html")
    assert "sid=" in page.evaluate(POST, asked)
    page.goto(f"{origin.replace('127.0.0.1', 'localhost')}/strophe.html")
    assert page.evaluate(POST, asked) == "nothing"


def rests(person: Person, network: CuttingProxy) -> bool:
    """Whether the server has all requests that a page has made, the last of which says nothing."""
    *under_way, following = person.page.evaluate("person.rids")
    empty = re.compile(rb"""<body [^>]*\brid=['"]%d['"][^>]*/>""" % (following - 1))
    return under_way == [following - 1] and empty.search(network.said) is not None


def test_a_page_that_is_loaded_again_has_its_bosh_session(gateway: Gateway, online: Online):
    """By the session's id and the next request's, kept in the page's storage.

    It keeps that before it sends a request: one that is lost with the page is missing for good.
    """
    romeo = online("romeo", "bosh")
    with CuttingProxy(gateway.port) as network:
        url = f"http://127.0.0.1:{network.port}/http-bind"
        juliet = online("juliet", "bosh", url, keepalive=True)
        before = juliet.jid
        until(lambda: rests(juliet, network))
        gone = network.gone
        juliet.page.reload()
        until(lambda: network.gone > gone)  # or what is said now is the answer to what it has asked
        romeo.say(before, "It is my lady; O, it is my love")
        assert juliet.restore(before, url, keepalive=True) == "ATTACHED"
        assert juliet.jid == before
        juliet.hears("it is my love")
        juliet.say(romeo.jid, "Ay me!")
        romeo.hears("Ay me!", before)


def test_a_websocket_that_was_cut_is_resumed(gateway: Gateway, online: Online):
    """XEP-0198: what was on its way meanwhile is there, once."""
    juliet = online("juliet", "websocket", enableStreamManagement=True)
    romeo = online("romeo", "websocket")
    before = juliet.jid
    juliet.page.evaluate("person.cut()")
    juliet.until("DISCONNECTED")
    romeo.say(before, "He jests at scars that never felt a wound")
    assert juliet.connect(before, gateway.password) == "CONNECTED"
    assert juliet.page.evaluate("person.connection.hasResumed()")
    juliet.hears("that never felt a wound")
    assert sum("that never felt a wound" in stanza for stanza in juliet.heard) == 1
