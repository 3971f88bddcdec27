"""What people write to the service, and what it understands: text in, values out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

HELP = (
    "in 10 minutes TEXT, in 1 hour 30 min TEXT: I remind you then\n"
    "at 2030-05-17 18:00 TEXT: the same, in UTC\n"
    "list: what I am to remind you of\n"
    "cancel NUMBER: I forget it"
)

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_UNIT = (
    r"(?:s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])"
)
_AMOUNT = re.compile(rf"(\d{{1,6}})\s*({_UNIT})", re.IGNORECASE)
_IN = re.compile(rf"in\s+((?:\d{{1,6}}\s*{_UNIT},?\s*)+):?(.*)", re.IGNORECASE | re.DOTALL)
_AT = re.compile(r"at\s+(\d{4}-\d\d-\d\d)[T\s]+(\d\d:\d\d)(?::00)?Z?\s+(.*)", re.I | re.DOTALL)
_CANCEL = re.compile(r"cancel\s+#?(\d{1,15})", re.IGNORECASE)


class Remind(NamedTuple):
    """Somebody is to be reminded of `content` at `due`, in seconds UTC since 1970."""

    due: float
    content: str


class List(NamedTuple):
    """Somebody wants to know what waits."""


class Cancel(NamedTuple):
    """Somebody wants a reminder to be forgotten."""

    number: int


class Help(NamedTuple):
    """Nobody knows what that was; the answer says what would be understood."""


Command: TypeAlias = Remind | List | Cancel | Help


def read(text: str, now: float) -> Command:
    """What a message asks for; `now` is in seconds UTC since 1970."""
    text = text.strip()
    if text.lower() == "list":
        return List()
    if found := _CANCEL.fullmatch(text):
        return Cancel(int(found[1]))
    if (found := _IN.fullmatch(text)) and found[2].strip():
        amounts = _AMOUNT.findall(found[1])
        seconds = sum(int(number) * _SECONDS[unit[0].lower()] for number, unit in amounts)
        return Remind(now + seconds, found[2].strip())
    if found := _AT.fullmatch(text):
        try:
            due = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00").timestamp()
        except ValueError:
            return Help()
        return Remind(due, found[3].strip())
    return Help()


def moment(seconds: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
