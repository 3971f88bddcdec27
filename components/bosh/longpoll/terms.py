"""What the operator grants to all sessions, and what a client and we agree on for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from components.bosh.http.request import Headers
from components.bosh.longpoll.names import BOSH, MOST_RID
from components.bosh.longpoll.refusal import Refused

XML: Final = "text/xml; charset=utf-8"
_TYPES: Final = ("text/xml", "application/xml", "text/plain")
"""What a client may have its answers called. None of them may have a browser run anything."""
_TRUE: Final = ("true", "1")


class Limits(NamedTuple):
    """What sessions may do; times in seconds, sizes in octets."""

    wait: int = 60
    """How long a request is held at most,"""
    hold: int = 2
    """how many at a time,"""
    requests: int = 11
    """and how many may have no answer yet: one more than the client would have held, if it may."""
    inactivity: int = 120
    """How long a client may have no request here."""
    polling: int = 5
    """How long it waits between two requests when it has nothing to say."""
    maxpause: int = 300
    """How long it may announce to be away; 0 for not at all."""
    streams: int = 4
    """How many streams one session may have at a time."""
    sessions: int = 10_000
    """How many sessions there may be in all, 0 for no limit,"""
    sessions_per_address: int = 100
    """and from one address; a loopback address has no limit."""
    body_octets: int = 524_288
    """How large a request may be once it is no longer compressed."""
    queue_octets: int = 8_388_608
    """How much may wait for one client."""
    held_octets: int = 268_435_456
    """How much may be held for all clients together: what waits, and answers to be repeated."""
    unsaid_octets: int = 1_048_576
    """How much of what a client says may wait while the server takes nothing from it."""
    linger: int = 60
    """How long a session that is over is known, so that its client learns why."""
    routes: frozenset[str] = frozenset()
    """Values of `route` that lead to our server; clients that name another are refused."""
    secure_link: bool = True
    """Whether nobody between us and the server can read or change anything."""
    see_other_uri: str = ""
    """Where clients are sent instead of being served here:"""
    see_other_for_all: bool = False
    """all, or those whose connection is not secure."""


class Terms(NamedTuple):
    """What holds for one session."""

    wait: int
    hold: int
    requests: int
    inactivity: int
    polling: int
    ver: str
    legacy: bool
    """Whether the client knows no terminal binding conditions (XEP-0124 §17.1)."""
    acks: bool
    """Whether requests and answers are acknowledged (XEP-0124 §9)."""
    headers: Headers
    """The headers of all answers."""

    @property
    def polls(self) -> bool:
        """Whether this is a polling session (XEP-0124 §12)."""
        return self.hold == 0


def agree(attrs: Mapping[str, str], limits: Limits) -> Terms:
    """The terms for who asks for a session; raises `Refused` for what is no number."""
    asked_wait = whole(attrs.get("wait", "")) if "wait" in attrs else limits.wait
    asked_hold = whole(attrs.get("hold", "")) if "hold" in attrs else 1
    wait = min(asked_wait, limits.wait)
    hold = min(asked_hold, limits.hold) if wait else 0
    polls = hold == 0
    return Terms(
        wait=wait,
        hold=hold,
        # One more than the client would have held, however many of them are (XEP-0124 §7.2): it
        # may go by that. As far as we let it: it may ask for any number.
        requests=min(asked_hold + 1, max(limits.requests, hold + 1)),
        # More for who polls, by more than a poll takes (§12).
        inactivity=limits.inactivity + (2 * limits.polling + 1 if polls else 0),
        polling=limits.polling,
        ver=_version(attrs.get("ver")),
        legacy="ver" not in attrs,
        acks=attrs.get("ack") == "1",
        headers=_headers(attrs.get("content", XML)),
    )


def whole(text: str | None) -> int:
    """A number that stands in an attribute; raises `Refused` for anything else."""
    if text and len(text) <= 16 and text.isascii() and text.isdigit():
        number = int(text)
        if number <= MOST_RID:
            return number
    raise Refused("bad-request", "bosh.no-number")


def true(text: str | None) -> bool:
    """Whether an attribute is set to true (XML Schema Part 2 §3.2.2)."""
    return text in _TRUE


def _version(text: str | None) -> str:
    """Our version or the client's, whichever is lower (XEP-0124 §7.2)."""
    if text is None:
        return f"{BOSH[0]}.{BOSH[1]}"
    major, dot, minor = text.partition(".")
    if not dot:
        raise Refused("bad-request", "bosh.no-number")
    lower = min(BOSH, (whole(major), whole(minor)))
    return f"{lower[0]}.{lower[1]}"


def _headers(content: str) -> Headers:
    """The headers of answers that are to be called `content` (XEP-0124 §7.1), if they may be."""
    kind, _, parameters = content.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if kind.strip() not in _TYPES or charset not in ("", "charset=utf-8"):
        return HEADERS
    if content == XML:
        return HEADERS
    charset = f"; {charset}" if charset else ""
    return (("Content-Type", f"{kind.strip()}{charset}"), *_SAFE)


_SAFE: Final[Headers] = (
    # Anybody's page may have a form that posts here, and be shown the answer. What strangers say
    # stands in it, and is run by no browser.
    ("Content-Security-Policy", "sandbox"),
    ("X-Content-Type-Options", "nosniff"),
)
HEADERS: Final[Headers] = (("Content-Type", XML), *_SAFE)
"""The headers of answers to who has asked for none."""
