"""People who register with rooms (XEP-0045 §7.10), as a client does it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tests.support.conference import HALL, MUC, Conference, Person
from tests.support.forms import field
from tests.support.server import condition
from xmppd import ns

FORM_TYPE = f"{MUC}#register"


def person(hall: Conference, name: str) -> Person:
    """Somebody who is in no room, and reads what comes for him."""
    made = hall.person(name).send("<presence/>")
    made.came()
    return made


def form(nick: str, *fields: str, form_type: str = FORM_TYPE, type_: str = "submit") -> str:
    said = [field("FORM_TYPE", form_type), field("muc#register_roomnick", nick), *fields]
    return f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{''.join(said)}</x>"


def request(who: Person, inside: str, type_: str = "set", to: str = HALL) -> Element:
    return who.ask(f"<query xmlns='{ns.REGISTER}'>{inside}</query>", type_, to)


def register(who: Person, nick: str, *fields: str) -> str:
    """What came of it: the condition of the error, or ""."""
    answer = request(who, form(nick, *fields))
    return condition(answer) if answer.get("type") == "error" else ""


def ban(who: Person, jid: str) -> None:
    payload = f"<query xmlns='{MUC}#admin'><item jid='{jid}' affiliation='outcast'/></query>"
    assert who.ask(payload, "set").get("type") == "result"
