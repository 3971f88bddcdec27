"""Owners who set their rooms up by the form muc#roomconfig (XEP-0045 §10.1.3, §10.2)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from components.muc.model.room import Room
from tests.support.conference import HALL, MUC, Conference, Person
from tests.support.forms import X, field
from xmppd import ns
from xmppd.jid import JID

OWNER = f"{MUC}#owner"
O = f"{{{OWNER}}}"  # noqa: E741 - as the other namespaces are in tests
GET = f"<query xmlns='{OWNER}'/>"
CONFIG = "muc#roomconfig_"


def submitted(fields: str, form_type: str = f"{MUC}#roomconfig") -> str:
    """A form as an owner submits it; `fields` as they are sent."""
    named = field("FORM_TYPE", form_type) if form_type else ""
    x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{named}{fields}</x>"
    return f"<query xmlns='{OWNER}'>{x}</query>"


def configure(person: Person, room: str = HALL, /, **fields: str | Iterable[str]) -> Element:
    """Submit some fields, by their names without `muc#roomconfig_`; the answer."""
    said = {"maxhistoryfetch": "muc#maxhistoryfetch"}
    texts = {
        said.get(name, CONFIG + name): (value,) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    inner = "".join(field(var, *values) for var, values in texts.items())
    return person.ask(submitted(inner), "set", room)


def configured(person: Person, room: str = HALL, /, **fields: str | Iterable[str]) -> None:
    """Submit some fields, which is to succeed; nobody reads what is told of it."""
    answer = configure(person, room, **fields)
    assert answer.get("type") == "result", answer


def asked(person: Person, room: str = HALL) -> dict[str, list[str]]:
    """The form, as the values of its fields."""
    answer = person.ask(GET, to=room)
    (x,) = answer.iterfind(f"{O}query/{X}x")
    assert x.get("type") == "form"
    return {
        each.get("var", ""): [value.text or "" for value in each.iterfind(f"{X}value")]
        for each in x.iterfind(f"{X}field")
    }


def room_of(hall: Conference, address: str = HALL) -> Room:
    """A room that is in memory."""
    room = hall.service.rooms.at_hand(JID.parse(address))
    assert room is not None
    return room
