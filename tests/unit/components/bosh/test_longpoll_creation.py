"""Asking for a session (XEP-0124 §7, §17.2; XEP-0206 §3, §4)."""

from __future__ import annotations

from typing import Any

import pytest

from components.bosh.http.request import Peer
from tests.support.boshing import FIRST, PEER, B, Bosh
from xmppd import ns


def begun(bosh: Bosh | None = None, **attrs: Any) -> Any:
    """The answer to who asks for a session with such attributes."""
    return (bosh or Bosh()).client().log_in(**attrs)


@pytest.mark.parametrize(
    ("asked", "wait", "hold", "requests"),
    [
        ({}, "60", "1", "2"),
        ({"wait": 600, "hold": 2}, "60", "2", "3"),
        ({"wait": 10}, "10", "1", "2"),
        ({"wait": None, "hold": None}, "60", "1", "2"),
        ({"hold": 10}, "60", "2", "11"),
        ({"hold": 1_000_000}, "60", "2", "11"),
        ({"wait": 0, "hold": 4}, "0", "0", "5"),
    ],
)
def test_wait_hold_and_requests_are_bounded_xep0124_7_2(
    asked: dict[str, Any], wait: str, hold: str, requests: str
) -> None:
    attrs = begun(**asked).attrs
    assert (attrs["wait"], attrs["hold"], attrs["requests"]) == (wait, hold, requests)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("1.6", "1.6"), ("1.11", "1.11"), ("1.12", "1.11"), ("2.0", "1.11"), ("1.9", "1.9")],
)
def test_the_lower_version_counts_xep0124_7_2(asked: str, answered: str) -> None:
    assert begun(ver=asked).attrs["ver"] == answered


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("application/xml; charset=utf-8", "application/xml; charset=utf-8"),
        ("text/xml", "text/xml"),
        ("text/plain; charset=UTF-8", "text/plain; charset=utf-8"),
        # A browser would run what strangers say.
        ("text/html", "text/xml; charset=utf-8"),
        ("image/svg+xml", "text/xml; charset=utf-8"),
        ("text/xml; charset=iso-8859-1", "text/xml; charset=utf-8"),
        ("text/xml\r\nSet-Cookie: a", "text/xml; charset=utf-8"),
    ],
)
def test_the_content_type_is_as_asked_for_where_it_may_be_xep0124_7_1(
    asked: str, answered: str
) -> None:
    bosh = Bosh()
    juliet = bosh.client()
    assert juliet.log_in(content=asked).headers["Content-Type"] == answered
    assert juliet.ask("<presence/>", type="terminate").headers["Content-Type"] == answered


def test_no_browser_runs_what_strangers_say() -> None:
    headers = begun().headers
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["rid", "wait", "hold", "ver"])
@pytest.mark.parametrize("value", ["", "-1", "x", "1e3", "²", str(2**53), "9" * 1_000])
def test_numbers_are_numbers_xep0124_17_2(name: str, value: str) -> None:
    bosh = Bosh()
    asked = bosh.client().begin(**{name: value})
    assert asked.condition == "bad-request"
    assert bosh.reasons == {"bosh.no-number": 1}
    assert len(bosh.service) == 0 and not bosh.streams


def test_no_to_is_improper_addressing_xep0124_17_2() -> None:
    for to in (None, ""):
        bosh = Bosh()
        assert bosh.client().begin(to=to).condition == "improper-addressing"
        assert bosh.reasons == {"bosh.no-to": 1}


def test_a_route_is_host_unknown_unless_allowed_xep0124_7_1() -> None:
    route = "xmpp:capulet.lit:5222"
    assert Bosh().client().begin(route=route).condition == "host-unknown"
    bosh = Bosh(routes=frozenset([route]))
    assert begun(bosh, route=route).condition is None
    assert bosh.client().begin(route="xmpp:montague.lit:5222").condition == "host-unknown"


def test_who_is_not_secure_is_told_where_to_go_xep0124_17_2() -> None:
    bosh = Bosh(see_other_uri="https://capulet.lit/http-bind?a&b")
    juliet = bosh.client()
    juliet.peer = Peer("192.0.2.7", secure=False)
    asked = juliet.begin()
    assert asked.condition == "see-other-uri"
    assert [(each.tag, each.text) for each in asked.body] == [
        (f"{B}uri", "https://capulet.lit/http-bind?a&b")
    ]
    assert begun(bosh).condition is None


def test_all_may_be_told_to_go_elsewhere_xep0124_17_2() -> None:
    bosh = Bosh(see_other_uri="https://capulet.lit/", see_other_for_all=True)
    assert bosh.client().begin().condition == "see-other-uri"


def test_a_secure_link_is_told_of_and_needed_where_asked_for() -> None:
    assert begun(secure="true").attrs["secure"] == "true"
    assert "secure" not in begun().attrs
    bosh = Bosh(secure_link=False)
    assert bosh.client().begin(secure="1").condition == "remote-connection-failed"


def test_there_are_so_many_sessions_and_so_many_from_an_address() -> None:
    bosh = Bosh(sessions=3, sessions_per_address=2)
    juliet = bosh.client()
    juliet.log_in()
    begun(bosh)
    assert bosh.client().begin().condition == "policy-violation"
    romeo = bosh.client()
    romeo.peer = Peer("198.51.100.4", secure=True)
    romeo.log_in()
    nurse = bosh.client()
    nurse.peer = Peer("203.0.113.9", secure=True)
    asked = nurse.begin()
    assert asked.condition == "undefined-condition"
    assert asked.names == [f"{{{ns.STANZA_ERRORS}}}resource-constraint"]
    juliet.ask(type="terminate")
    bosh.clock.advance(11)
    assert begun(bosh).condition is None
    by_address, in_all = bosh.refused
    assert by_address == ("bosh.sessions-per-address", PEER.address)
    assert in_all == ("bosh.sessions", "203.0.113.9")


def test_no_limit_is_none_and_loopback_has_none_of_an_address() -> None:
    bosh = Bosh(sessions=0, sessions_per_address=1)
    for _ in range(3):
        client = bosh.client()
        client.peer = Peer("127.0.0.1", secure=True)
        assert client.log_in().condition is None
        assert client.stream.local


def test_the_addresses_of_one_ipv6_network_are_one() -> None:
    bosh = Bosh(sessions_per_address=1)
    begun(bosh)
    for number, condition in ((1, None), (2, "policy-violation")):
        client = bosh.client()
        client.peer = Peer(f"2001:db8::{number}", secure=True)
        assert client.log_in().condition == condition if number == 1 else client.begin().condition


def test_sids_are_long_and_random_xep0124_19_3() -> None:
    bosh = Bosh()
    sids = {begun(bosh).attrs["sid"] for _ in range(20)}
    assert len(sids) == 20 and all(len(sid) == 32 for sid in sids)


@pytest.mark.parametrize("sid", ["", "a", "a" * 32, "\u20ac" * 10, "a" * 5_000])
def test_a_guessed_sid_is_item_not_found_xep0124_17_2(sid: str) -> None:
    bosh = Bosh()
    begun(bosh)
    asked = bosh.client().ask(sid=sid)
    assert (asked.status, asked.condition) == (200, "item-not-found")
    assert bosh.reasons == {"bosh.unknown-sid": 1}


def test_a_client_of_before_xmpp_1_0_is_told_the_stream_id_xep0206_4() -> None:
    bosh = Bosh()
    romeo = bosh.client()
    asked = romeo.begin(**{"xmpp:version": None})
    assert "version" not in bosh.streams[0].said[0][1]
    romeo.stream.client.opened({"from": "capulet.lit", "id": "a82"})
    bosh.turn()
    assert asked.attrs["authid"] == "a82"
    assert "{urn:xmpp:xbosh}version" not in asked.attrs


def test_features_that_come_later_come_later_xep0206_4() -> None:
    bosh = Bosh()
    juliet = bosh.client()
    asked = juliet.begin(wait=5)
    bosh.clock.advance(5)
    assert asked.attrs["sid"] and "authid" not in asked.attrs
    juliet.sid = asked.attrs["sid"]
    polled = juliet.ask()
    juliet.stream.welcome()
    bosh.turn()
    assert polled.attrs["authid"] == "a81" and polled.attrs["from"] == "capulet.lit"
    assert polled.attrs["{urn:xmpp:xbosh}version"] == "1.0"
    assert "sid" not in polled.attrs
    assert polled.names == [f"{{{ns.STREAM}}}features"]


@pytest.mark.parametrize(
    ("error", "condition"),
    [
        ("gone", "host-gone"),
        ("item-not-found", "host-unknown"),
        ("remote-server-timeout", "remote-connection-failed"),
        ("resource-constraint", "policy-violation"),
        ("internal-server-error", "internal-server-error"),
    ],
)
def test_a_stream_that_the_server_does_not_take_xep0124_17_2(error: str, condition: str) -> None:
    bosh = Bosh()
    juliet = bosh.client()
    asked = juliet.begin()
    juliet.stream.client.refused(error, "too many")
    bosh.turn()
    assert asked.condition == condition
    assert not juliet.stream.is_over, "there is none that could be"


def test_any_other_error_is_an_undefined_condition_xep0124_17_2() -> None:
    bosh = Bosh()
    juliet = bosh.client()
    asked = juliet.begin()
    juliet.stream.client.refused("conflict", "1 < 2")
    bosh.turn()
    assert asked.condition == "undefined-condition"
    assert [each.tag for each in asked.body] == [
        f"{{{ns.STANZA_ERRORS}}}conflict",
        f"{{{ns.STANZA_ERRORS}}}text",
    ]


def test_elements_in_the_first_request_are_said_behind_the_header() -> None:
    bosh = Bosh()
    asked = bosh.client().ask("<auth/>", to="capulet.lit", ver="1.6")
    assert [each if isinstance(each, str) else each[0] for each in bosh.streams[0].said] == [
        "open",
        "<auth/>",
    ]
    assert asked.is_held


def test_who_breaks_off_before_it_knows_its_session_has_none() -> None:
    bosh = Bosh()
    juliet = bosh.client()
    juliet.begin().break_off()
    assert len(bosh.service) == 0 and juliet.stream.said[-1] == "lost"
    bosh.turn()
    assert not bosh.clock.getDelayedCalls()


def test_a_legacy_client_is_refused_by_status_xep0124_17_1() -> None:
    bosh = Bosh(sessions_per_address=1)
    begun(bosh)
    assert bosh.client().begin(ver=None).status == 403
    assert bosh.client().begin(ver=None, wait="x").status == 400
    assert bosh.client().begin(ver=None, to=None).status == 200
    assert bosh.client().begin(wait="x").status == 200
    assert FIRST and PEER
