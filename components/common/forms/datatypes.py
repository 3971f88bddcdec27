"""Datatypes of single values (XEP-0122 §3.1, XML Schema part 2): how each is read and written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from xmppd.jid import JID, JIDError

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Datatype(Generic[V]):
    """A datatype: its name, "" for none of XEP-0122, and both ways between text and value.

    `read` raises ValueError with what is wanted instead, for people. Of an `ordered` one there
    are ranges (XEP-0122 §4.7).
    """

    name: str
    read: Callable[[str], V]
    write: Callable[[V], str]
    ordered: bool = False


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_URI = re.compile(r"[^\s<>\"{}|\\^`]*")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})"
)


def _line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("one line is wanted")
    return text


def _boolean(text: str) -> bool:
    value = {"1": True, "true": True, "0": False, "false": False}.get(text.strip())
    if value is None:
        raise ValueError("true or false is wanted")
    return value


def _integer(text: str) -> int:
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        raise ValueError("a whole number is wanted")
    return int(text)


def _language(text: str) -> str:
    text = text.strip()
    if text and not _LANGUAGE.fullmatch(text):
        raise ValueError("a language is wanted, such as en or pt-BR")
    return text


def _uri(text: str) -> str:
    text = text.strip()
    if not _URI.fullmatch(text):
        raise ValueError("a URI is wanted")
    return text


def _moment(text: str) -> datetime:
    found = _MOMENT.fullmatch(text.strip())
    if found is not None:
        try:
            # What is finer than a microsecond is left out: so a time is never later than it was.
            moment = datetime.fromisoformat(f"{found[1]}{(found[2] or '')[:7]}{found[3]}")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("a date and time is wanted, such as 1597-01-29T20:00:00Z")


def _written_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _address(text: str) -> JID:
    try:
        return JID.parse(text.strip())
    except JIDError as error:
        raise ValueError("an address is wanted, such as juliet@example.org") from error


STRING: Datatype[str] = Datatype("xs:string", _line, str)
"""One line of text, as it is."""
LINES: Datatype[str] = Datatype("xs:string", str, str)
"""Text with line breaks or without."""
BOOLEAN: Datatype[bool] = Datatype("xs:boolean", _boolean, lambda value: "1" if value else "0")
INTEGER: Datatype[int] = Datatype("xs:integer", _integer, str, ordered=True)
"""A whole number of 18 digits at the most."""
LANGUAGE: Datatype[str] = Datatype("xs:language", _language, str)
"""A tag of a language, or "" for none."""
URI: Datatype[str] = Datatype("xs:anyURI", _uri, str)
"""A reference to something, "" for nothing. It is of the right characters, and no more is known."""
DATE_TIME: Datatype[datetime] = Datatype("xs:dateTime", _moment, _written_moment, ordered=True)
"""A moment in UTC, with the time zone that XEP-0082 §3.2 wants it to be written with."""
ADDRESS: Datatype[JID] = Datatype("", _address, str)
"""An address (RFC 6120 §2.1): a field of its own type in XEP-0004, no datatype of XEP-0122."""
