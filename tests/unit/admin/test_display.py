"""Results as a person reads them."""

import json

import pytest

from xmppd.admin import display
from xmppd.admin.checks import Finding


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (61, "1m 1s"),
        (3600, "1h 0m"),
        (90_061, "1d 1h"),
        (864_000, "10d 0h"),
    ],
)
def test_duration_has_the_two_units_that_matter(seconds, text):
    assert display.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 sessions"), (1, "1 session"), (2, "2 sessions")]
)
def test_one_of_a_thing_is_no_plural(number, text):
    assert display.counted(number, "sessions") == text


def test_user_is_told_with_the_day_and_when_switched_off():
    user = {"jid": "juliet@capulet.lit", "created": 1_165_543_115.0, "enabled": True}
    assert display.LINES["users"](user) == "juliet@capulet.lit  since 2006-12-08 01:58:35Z"
    assert display.LINES["users"]({**user, "enabled": False}).endswith("  switched off")


def test_session_line_is_safe_for_a_terminal():
    session = {
        "jid": "juliet@capulet.lit/\x1b[31m",
        "address": "",
        "secure": True,
        "priority": None,
        "seconds": 5,
    }
    assert display.LINES["sessions"](session) == (
        "juliet@capulet.lit/\\x1b[31m  local  TLS  unavailable  5s"
    )


def test_refusals_explain_each_reason_once():
    refusal = {
        "when": 1_165_543_115.0,
        "reason": "tls.required",
        "who": "capulet.lit",
        "target": "",
        "address": "192.0.2.7",
        "detail": "",
        "meaning": "no TLS",
        "remedy": "switch it on",
    }
    later = {**refusal, "when": refusal["when"] + 60}
    other = {**later, "target": "mantua.lit", "detail": "urn:example:q\nq"}
    found = [refusal, other, later, later]
    assert list(display.refusals({"subject": "capulet.lit", "refusals": found})) == [
        "2006-12-08 01:59:35Z  tls.required  capulet.lit  to mantua.lit  from 192.0.2.7"
        "  (urn:example:q\\nq)",
        "2006-12-08 01:59:35Z  tls.required  capulet.lit  from 192.0.2.7"
        "  (3 times since 2006-12-08 01:58:35Z)",
        "tls.required: no TLS. What to do: switch it on",
    ]
    detailed = {**refusal, "reason": "tls.handshake", "who": "", "detail": "unsupported protocol"}
    (line, _) = display.refusals({"subject": "192.0.2.7", "refusals": [detailed]})
    assert line == (
        "2006-12-08 01:58:35Z  tls.handshake  -  from 192.0.2.7  (unsupported protocol)"
    )
    nothing = list(display.refusals({"subject": "mantua.lit", "refusals": []}))
    assert nothing == ["no refusal is remembered of mantua.lit"]


def test_finding_shows_its_remedy():
    assert display.finding(Finding("ports", "is free")) == "ok       ports: is free"
    assert display.finding(Finding("ports", "is taken", "Choose another")) == (
        "PROBLEM  ports: is taken. Choose another"
    )


def test_json_is_one_line():
    assert json.loads(display.as_json({"jid": "żaneta\n"})) == {"jid": "żaneta\n"}
    assert "\n" not in display.as_json({"jid": "\n"})


def test_status_tells_of_components_and_of_those_that_fail():
    child = {"name": "echo", "domain": "echo.capulet.lit", "pid": 7, "failures": 0}
    failing = {**child, "pid": None, "failures": 2, "last_words": "no voice\x1b"}
    result = {
        "version": "1",
        "pid": 1,
        "uptime": 1,
        "accounts": {},
        "listening": [],
        "sessions": 0,
        "connections": 0,
        "servers": 2,
        "routed": 0,
        "components": {"echo.capulet.lit": 1, "rooms.capulet.lit": 0},
        "bundled": [child, failing],
        "certificate_problems": [],
        "refusals": {},
    }
    assert list(display.status(result))[1] == (
        "0 connections, 0 sessions, 2 streams with other servers"
    )
    assert list(display.status(result))[3:] == [
        "components connected: echo.capulet.lit",
        "components not connected: rooms.capulet.lit",
        "bundled echo at echo.capulet.lit: process 7",
        "bundled echo at echo.capulet.lit: not running, has ended 2 times in a row, "
        "the last time with: no voice\\x1b",
    ]


def test_instance_that_is_expected_back_is_told_as_that():
    instance = {
        "name": "",
        "connected": False,
        "address": "",
        "seconds": 0,
        "waiting": 2,
        "waiting_octets": 300,
        "sent": 4,
        "received": 0,
        "pending": 0,
    }
    component = {
        "domain": "echo.capulet.lit",
        "bundled": "",
        "connected": 0,
        "absent_seconds": 9,
        "refusal": None,
        "instances": [instance],
    }
    assert list(display.components({"components": [component]})) == [
        "echo.capulet.lit  not connected for 9s",
        "echo.capulet.lit  expected back  queued 2 (300 octets)  sent 4  received 0  pending 0",
    ]
