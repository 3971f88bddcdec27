"""BOSH's path: methods, codings, connections that are not what the session's is (XEP-0124 §5)."""

from __future__ import annotations

import gzip
import zlib

import pytest

from components.bosh.http.request import Peer, Request
from tests.support.boshing import PEER, Asker, Bosh

GZIP = {b"content-encoding": b"gzip"}


@pytest.fixture
def bosh() -> Bosh:
    return Bosh()


@pytest.fixture
def juliet(bosh: Bosh) -> Asker:
    client = bosh.client()
    client.log_in()
    return client


def test_people_are_told_what_this_is(bosh: Bosh) -> None:
    asked = bosh.send(Request("GET", "/http-bind", "", {}, b"", PEER))
    assert asked.status == 200 and "BOSH" in asked.text
    assert asked.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH"])
def test_other_methods_are_not_allowed_xep0124_5(bosh: Bosh, method: str) -> None:
    asked = bosh.send(Request(method, "/http-bind", "", {}, b"", PEER))
    assert asked.status == 405 and "POST" in asked.headers["Allow"]


def test_what_is_no_body_is_told_both_ways_xep0124_17_2(bosh: Bosh) -> None:
    asked = bosh.post(b"{}")
    assert (asked.status, asked.condition) == (400, "bad-request")
    assert bosh.reasons == {"bosh.not-xml": 1}


def test_large_answers_are_compressed_where_the_client_takes_it_xep0124_5(
    bosh: Bosh, juliet: Asker
) -> None:
    large = b"<message xmlns='jabber:client'>%b</message>" % (b"x" * 5_000)
    juliet.headers = {b"accept-encoding": b"gzip, deflate"}
    asked = juliet.ask()
    juliet.stream.client.elements([large])
    bosh.turn()
    assert asked.headers["Content-Encoding"] == "gzip"
    assert asked.response is not None and len(asked.response.body) < 1_000
    assert len(asked.names) == 1
    small = juliet.ask("<a/>", type="terminate")
    assert "Content-Encoding" not in small.headers


def test_who_does_not_take_it_has_it_plain_xep0124_5(bosh: Bosh, juliet: Asker) -> None:
    asked = juliet.ask()
    juliet.stream.client.elements([b"<message xmlns='jabber:client'>%b</message>" % (b"x" * 5_000)])
    bosh.turn()
    assert "Content-Encoding" not in asked.headers


def test_requests_may_be_compressed_xep0124_7_2(juliet: Asker) -> None:
    data = juliet.data("<message/>")
    juliet.bosh.post(gzip.compress(data), headers=GZIP)
    assert juliet.stream.texts == ["<message/>"]
    # The same request, whichever way it came.
    assert juliet.send(data).is_held


@pytest.mark.parametrize(
    ("coding", "data", "reason"),
    [
        (b"gzip", b"no gzip", "bosh.coding"),
        (b"gzip", gzip.compress(b"<body/>")[:-3], "bosh.coding"),
        (b"gzip", zlib.compress(b"<body/>"), "bosh.coding"),
        (b"br", b"", "bosh.coding"),
        (b"gzip", gzip.compress(b" " * 10_000_000), "bosh.large-body"),
    ],
)
def test_what_is_compressed_wrongly_or_too_well(
    bosh: Bosh, coding: bytes, data: bytes, reason: str
) -> None:
    asked = bosh.post(data, headers={b"content-encoding": coding})
    assert asked.status in (400, 403)
    assert bosh.reasons == {reason: 1}


def test_nobody_works_much_for_who_has_no_session(bosh: Bosh, juliet: Asker) -> None:
    large = f"<message>{'x' * 20_000}</message>"
    assert juliet.ask(large).is_held and juliet.stream.texts == [large]
    stranger = bosh.client()
    for sid, condition in ((None, "policy-violation"), ("x", "item-not-found")):
        asked = stranger.ask(f"{large}<", sid=sid)
        assert (asked.condition, asked.status) == (condition, 200 if sid else 403)
    assert bosh.reasons == {"bosh.large-body": 1, "bosh.unknown-sid": 1}


def test_a_secure_session_has_no_requests_that_are_not_xep0124_19_1(
    bosh: Bosh, juliet: Asker
) -> None:
    asked = bosh.post(juliet.data("<a/>", juliet.rid + 1), peer=Peer("192.0.2.7", secure=False))
    assert asked.response is not None and asked.response.close and asked.status == 403
    assert bosh.reasons == {"bosh.unsafe": 1}
    # It goes on: anybody could end it otherwise.
    assert juliet.ask("<b/>").is_held and juliet.stream.texts == ["<b/>"]


def test_a_session_is_bound_to_no_address(juliet: Asker) -> None:
    juliet.peer = Peer("203.0.113.77", secure=True)
    assert juliet.ask("<a/>").is_held


def test_there_is_no_script_syntax_xep0124_8(bosh: Bosh) -> None:
    query = "%3Cbody%20rid='1'%20to='capulet.lit'%20xmlns='http://jabber.org/protocol/httpbind'/%3E"
    asked = bosh.send(Request("GET", "/http-bind", query, {}, b"", PEER))
    assert asked.headers["Content-Type"].startswith("text/plain") and not bosh.streams


def test_requests_are_counted(bosh: Bosh, juliet: Asker) -> None:
    juliet.ask()
    bosh.post(b"")
    assert bosh.service.requests == 3
    assert (len(bosh.service), bosh.service.sessions.created) == (1, 1)
