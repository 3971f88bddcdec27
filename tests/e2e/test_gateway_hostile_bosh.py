"""Hostile and broken clients by BOSH, on real sockets: nobody else notices them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Thread
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.e2e.test_gateway_hostile import Gateway, gateway, ping, stranger
from tests.support.server import PASSWORD
from tests.support.web_peers import HTTPBIND, XBOSH, BoshPeer, Fetched, Web
from xmppd import ns

__all__ = ["gateway"]

BODY = f"{{{HTTPBIND}}}body"


@pytest.fixture(scope="module")
def session(gateway: Gateway) -> Iterator[BoshPeer]:
    with gateway.web(stranger()).bosh() as peer:
        yield peer.log_in("nurse", PASSWORD, os.urandom(4).hex())


@pytest.fixture
def nurse(gateway: Gateway, session: BoshPeer) -> Iterator[BoshPeer]:
    """Somebody who has nothing to do with it, and is still served afterwards.

    From elsewhere each time, as the phones of travellers: what one address may ask in a second is
    less than a quick machine has tests.
    """
    yield session
    session.hang_up()
    session.web = gateway.web(stranger())
    session._http = session.web.http()
    ping(session)


def post(web: Web, body: str) -> Fetched:
    return web.fetch("/http-bind", "POST", body, **{"Content-Type": "text/xml"})


def body(attrs: str = "", inner: str = "") -> str:
    return f"<body xmlns='{HTTPBIND}' {attrs}>{inner}</body>"


def terminated(answer: Fetched) -> str:
    """The condition that a session ended for, or was not begun."""
    told = fromstring(answer.body)
    assert (told.tag, told.get("type")) == (BODY, "terminate"), answer.body
    return told.get("condition", "")


class Session:
    """One that is begun by requests of a test's own."""

    def __init__(self, web: Web, rid: int = 1_000) -> None:
        self.web = web
        self.rid = rid
        created = fromstring(
            post(
                web,
                body(
                    f"to='{web.domain}' rid='{rid}' ver='1.11' wait='2' hold='1' xml:lang='en'"
                    f" xmpp:version='1.0' xmlns:xmpp='{XBOSH}'"
                ),
            ).body
        )
        assert created.get("type") is None, created.attrib
        self.sid = created.get("sid", "")
        assert len(self.sid) >= 20

    def say(self, rid: int, inner: str = "", web: Web | None = None, attrs: str = "") -> Fetched:
        return post(web or self.web, body(f"rid='{rid}' sid='{self.sid}' {attrs}", inner))


def test_what_was_guessed_is_no_session(gateway: Gateway, nurse: BoshPeer) -> None:
    """XEP-0124 §17.2."""
    web = gateway.web(stranger())
    mine = Session(web)
    for sid in ("", "x", "0" * 40, mine.sid[:-1], mine.sid + "x", mine.sid.swapcase(), "x" * 7_000):
        answer = post(web, body(f"rid='1001' sid='{sid}'"))
        assert (answer.status, terminated(answer)) == (200, "item-not-found")
    assert fromstring(mine.say(1_001, web=web).body).get("type") is None


def test_requests_far_ahead_end_their_session(gateway: Gateway, nurse: BoshPeer) -> None:
    """XEP-0124 §14.2."""
    for rid in (1_050, 999, 1, 2**53, 0):
        mine = Session(gateway.web(stranger()))
        assert terminated(mine.say(rid)) in ("item-not-found", "bad-request")
        assert terminated(mine.say(1_001)) == "item-not-found"


@pytest.mark.parametrize("rid", ["x", "-1", "1e3", "", "\u0661", "9" * 400, "1_001", " 1001"])
def test_what_is_no_number_is_refused(gateway: Gateway, nurse: BoshPeer, rid: str) -> None:
    mine = Session(gateway.web(stranger()))
    assert terminated(post(mine.web, body(f"rid='{rid}' sid='{mine.sid}'"))) in (
        "bad-request",
        "item-not-found",
    )


def test_a_request_that_comes_again_with_another_body_ends_the_session(
    gateway: Gateway, nurse: BoshPeer
) -> None:
    """XEP-0124 §14.3: the same one has the same answer."""
    mine = Session(gateway.web(stranger()))
    auth = f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>AHRoZQBjYXQ=</auth>"
    first = mine.say(1_001, auth)
    assert mine.say(1_001, auth).body == first.body
    assert terminated(mine.say(1_001, "<presence xmlns='jabber:client'/>")) == "item-not-found"
    assert terminated(mine.say(1_002)) == "item-not-found"


BODIES = {
    "nothing": "",
    "no XML": "rid=1&sid=2",
    "JSON": '{"rid": 1}',
    "an open end": f"<body xmlns='{HTTPBIND}' rid='1'>",
    "two": body("rid='1'") * 2,
    "another root": "<html/>",
    "another namespace": "<body rid='1' to='capulet.lit'/>",
    "a DTD": f"<!DOCTYPE body [<!ENTITY a 'b'>]>{body()}",
    "a DTD of elsewhere": f"<!DOCTYPE body SYSTEM 'file:///etc/passwd'>{body()}",
    "an entity": body("rid='1'", "&lol;"),
    "a comment before": f"<!-- -->{body()}",
    "a comment": body("rid='1'", "<!-- -->"),
    "a processing instruction": body("rid='1'", "<?a b?>"),
    "a control character": body("rid='1'", "\x01"),
    "a reference to one": body("rid='1'", "&#1;"),
    "attributes without end": body(" ".join(f"a{n}='b'" for n in range(10_000))),
    "an attribute without end": body(f"a='{'b' * 100_000}'"),
    "a large body of nobody": body("rid='1'", "x" * 100_000),
}


@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES.keys())
def test_what_is_no_body_is_refused(gateway: Gateway, nurse: BoshPeer, sent: str) -> None:
    """XEP-0124 §6, §17.2."""
    answer = post(gateway.web(stranger()), sent)
    assert answer.status in (400, 403)
    assert terminated(answer) in ("bad-request", "policy-violation")


INNER = {
    "a DTD": "<!DOCTYPE a>",
    "CDATA": "<![CDATA[</body>]]><presence/>",
    "text": "ay me<presence/>",
    "a stream": f"<stream:stream xmlns:stream='{ns.STREAM}' xmlns='{ns.CLIENT}'/>",
    "an error": f"<stream:error xmlns:stream='{ns.STREAM}'/>",
    "a stanza of a stranger": "<presence xmlns='jabber:client'/>",
    "a component's": f"<session xmlns='{ns.TUNNEL}'><lost/></session>",
    "U+FFFE": "<a>\ufffe</a>",
    "a deep element": "<a>" * 2_000 + "</a>" * 2_000,
    "a wide element": "<a " + " ".join(f"a{n}='b'" for n in range(1_000)) + "/>",
    "a long element": f"<a>{'&lt;' * 100_000}</a>",
}


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER.keys())
def test_what_is_wrong_inside_ends_its_own_session(
    gateway: Gateway, nurse: BoshPeer, inner: str
) -> None:
    """XEP-0206 §6."""
    mine = Session(gateway.web(stranger()))
    answer = mine.say(1_001, inner)
    for rid in range(1_002, 1_006):
        if b"terminate" in answer.body:
            break
        answer = mine.say(rid)
    told = terminated(answer)
    if inner == INNER["an error"]:
        assert not told  # RFC 6120 §4.9.1.1: whoever says so closes the stream
    else:
        assert told in ("remote-stream-error", "bad-request", "policy-violation")


def test_more_requests_than_agreed_end_the_session(gateway: Gateway, nurse: BoshPeer) -> None:
    """XEP-0124 §11."""
    mine = Session(gateway.web(stranger()))
    answers: list[Any] = []

    def ask(rid: int) -> None:
        answers.append(mine.say(rid))

    threads = [Thread(target=ask, args=(1_002 + number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conditions = {terminated(each) for each in answers}
    assert conditions <= {"policy-violation", "item-not-found", "other-request"}, conditions
    assert terminated(mine.say(1_001)) == "item-not-found"


def test_a_session_is_bound_to_its_sid_alone(gateway: Gateway, nurse: BoshPeer) -> None:
    """Clients move from one network to another; but never out of TLS."""
    mine = Session(gateway.web(stranger()))
    assert fromstring(mine.say(1_001, web=gateway.web(stranger())).body).get("type") is None
    plain = gateway.web(stranger(), X_Forwarded_Proto="http")
    assert mine.say(1_002, web=plain).status == 403
    assert fromstring(mine.say(1_002).body).get("type") is None


def test_sessions_of_one_address_are_few(gateway: Gateway, nurse: BoshPeer) -> None:
    """The server counts those that have not logged in."""
    address = stranger()
    told: list[Element] = []
    for number in range(35):
        attrs = f"to='{nurse.web.domain}' rid='{number + 1}' ver='1.11' wait='1' hold='1'"
        told.append(fromstring(post(gateway.web(address), body(attrs)).body))
    begun = [each for each in told if each.get("type") is None]
    assert len(begun) <= 20
    Session(gateway.web(stranger()))
