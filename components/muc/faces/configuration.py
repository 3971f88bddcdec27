"""What owners may change, and how it is called in forms (XEP-0045 §10.1.3, §16.5.3).

`fields` ties each attribute of `Settings` to its field. Names are the registrar's where it has one,
else those that other servers' clients know, else xmppd's own (XEP-0068 §3.4).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from components.common.forms.datatypes import LANGUAGE, URI
from components.common.forms.field import Field
from components.common.forms.fields import (
    boolean,
    jid_multi,
    list_multi,
    list_single,
    number,
    text_private,
    text_single,
    typed,
)
from components.common.forms.validation import Regex
from components.muc.model.policy import Policy
from components.muc.model.settings import (
    ANSWER,
    DESCRIPTION,
    NAME,
    PASSWORD,
    QUESTION,
)
from components.muc.names import OWN_FIELDS

A = TypeVar("A")
B = TypeVar("B")

PEOPLE = 2_000
"""How many admins, and how many owners, a form may name."""

_ROLES = {"moderator": "Moderators", "participant": "Participants", "visitor": "Visitors"}
_NO_LIMIT = "none"
_SIZES = (10, 20, 30, 50, 100, 200, 500, 1_000, 5_000)


def _own(name: str) -> str:
    return f"{{{OWN_FIELDS}}}{name}"


def _converted(field: Field[A], into: Callable[[A], B], back: Callable[[B], A]) -> Field[B]:
    """A field whose value is of another type than the one that it is read as."""
    values = {each.name: getattr(field, each.name) for each in dataclasses.fields(field)}
    values["read"] = lambda texts: into(field.read(texts))
    values["write"] = lambda value: field.write(back(value))
    return Field(**values)


def _roles(var: str, label: str, desc: str) -> Field[frozenset[str]]:
    chosen = list_multi(var, label, _ROLES, desc=desc)
    return _converted(
        chosen, frozenset, lambda roles: tuple(each for each in _ROLES if each in roles)
    )


def _occupants(most: int) -> Field[int]:
    """How many occupants there may be, 0 for as many as the service allows."""
    options = {str(size): str(size) for size in _SIZES if size <= most}
    options[_NO_LIMIT] = f"No limit of its own ({most} by the service)"
    chosen = list_single(
        "muc#roomconfig_maxusers",
        "Maximum number of occupants",
        options,
        method=Regex("none|[0-9]{1,9}", "a number or none"),
    )

    def into(text: str) -> int:
        number = 0 if text == _NO_LIMIT else int(text)
        if number > most:
            raise ValueError(f"not more than {most} is wanted")
        return number

    return _converted(chosen, into, lambda number: str(number) if number else _NO_LIMIT)


PROTECTED: Final = boolean("muc#roomconfig_passwordprotectedroom", "Password required to enter")
SECRET: Final = text_private("muc#roomconfig_roomsecret", "Password", most=PASSWORD)
OWNERS: Final = jid_multi("muc#roomconfig_roomowners", "Owners", most=PEOPLE, desc="All of them")
ADMINS: Final = jid_multi("muc#roomconfig_roomadmins", "Admins", most=PEOPLE, desc="All of them")


def fields(policy: Policy) -> Mapping[str, Field[Any]]:
    """The fields of the attributes of `Settings`, all but the password, by their names."""
    return {
        "name": text_single("muc#roomconfig_roomname", "Name", most=NAME),
        "description": text_single("muc#roomconfig_roomdesc", "Description", most=DESCRIPTION),
        "lang": typed("muc#roomconfig_lang", "Language of the discussion", LANGUAGE),
        "persistent": boolean(
            "muc#roomconfig_persistentroom",
            "Persistent",
            desc="Else it is gone when the last occupant leaves",
        ),
        "public": boolean("muc#roomconfig_publicroom", "Listed among the public rooms"),
        "members_only": boolean("muc#roomconfig_membersonly", "For members only"),
        "moderated": boolean(
            "muc#roomconfig_moderatedroom",
            "Moderated",
            desc="Who has no affiliation may not speak until a moderator gives voice",
        ),
        "max_occupants": _occupants(policy.occupants),
        "whois": list_single(
            "muc#roomconfig_whois",
            "Who may see real addresses",
            {"moderators": "Moderators only", "anyone": "Anyone"},
        ),
        "change_subject": boolean(
            "muc#roomconfig_changesubject", "Participants may change the subject"
        ),
        "invites": boolean("muc#roomconfig_allowinvites", "Members may invite others"),
        "private_messages": list_single(
            "muc#roomconfig_allowpm",
            "Who may send private messages",
            {
                "anyone": "Anyone",
                "participants": "Anyone with voice",
                "moderators": "Moderators only",
                "none": "Nobody",
            },
        ),
        "presence_broadcast": _roles(
            "muc#roomconfig_presencebroadcast",
            "Roles for which presence is broadcast",
            "The others are in the room unseen",
        ),
        "member_list": _roles(
            "muc#roomconfig_getmemberlist",
            "Roles that may retrieve the member list",
            "Only where everybody may see real addresses",
        ),
        "public_list": boolean("public_list", "Anybody may ask who is in the room"),
        "visitor_nicks": boolean(
            "muc#roomconfig_allowvisitornickchange", "Visitors may change their nickname"
        ),
        "visitor_status": boolean(
            "muc#roomconfig_allowvisitorstatus", "Visitors may change their status"
        ),
        "voice_requests": boolean(
            "muc#roomconfig_allowvoicerequests", "Visitors may ask for voice"
        ),
        "registration": list_single(
            _own("registration"),
            "Who may register as a member",
            {
                "off": "Nobody",
                "approved": "Whom an admin lets",
                "open": "Anyone",
            },
        ),
        "reserved_nicks": boolean(
            "x-muc#roomconfig_reservednick", "Who has registered a nickname has to use it"
        ),
        "history": number(
            "muc#maxhistoryfetch",
            "Messages of history that newcomers get at the most",
            least=0,
            most=policy.history,
        ),
        "archive": boolean(
            "muc#roomconfig_enablearchiving", "Keep messages, for those who may enter to look up"
        ),
        "logged": boolean(
            "muc#roomconfig_enablelogging",
            "Logged to a public place",
            desc="Who enters is told so; whoever logs it is somebody else",
        ),
        "logs": typed(_own("logs"), "Where that is", URI),
        "pubsub": typed("muc#roomconfig_pubsub", "Node that belongs to it", URI),
        "question": text_single(
            _own("question"), "Question that newcomers have to answer", most=QUESTION
        ),
        "answer": text_single(_own("answer"), "Answer to it", most=ANSWER),
    }


SECTIONS: Final[Mapping[str, Sequence[str]]] = {
    "The room": ("name", "description", "lang", "persistent", "public", "pubsub"),
    "Who comes in": (
        *("members_only", "registration", "reserved_nicks", "invites", "password"),
        *("question", "answer", "max_occupants"),
    ),
    "What they may do": (
        *("moderated", "voice_requests", "change_subject", "private_messages"),
        *("visitor_nicks", "visitor_status"),
    ),
    "Who sees what": ("whois", "presence_broadcast", "member_list", "public_list"),
    "What is kept": ("history", "archive", "logged", "logs"),
    "Who has a say": ("admins", "owners"),
}
"""The sections of the form (XEP-0141 §3.2); it has its fields in this order."""

ALIASES: Final[Mapping[str, str]] = {
    "mam": "archive",
    "muc#roomconfig_mam": "archive",
    "muc#roomconfig_historylength": "history",
    "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites": "invites",
}
"""Other names for fields, which clients send without having looked at the form."""
