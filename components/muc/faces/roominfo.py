"""What a room tells of itself beside its features: the form muc#roominfo (XEP-0045 §6.4, §16.5.4).

Of the form muc#roomconfig it has what clients look for before and after they enter: what it is
called, who may invite, change the subject and send private messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from components.common import tree
from components.common.build import Tag
from components.common.forms.datatypes import LANGUAGE, URI
from components.common.forms.field import Filled
from components.common.forms.fields import boolean, jid_multi, number, text_single, texts, typed
from components.common.forms.form import Form
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.names import MUC_ROOMINFO
from xmppd import ns

CONTACTS = 10
"""How many owners are named as contacts."""
SUBJECT = 1_000
"""Characters of the subject that are shown."""

NAME = text_single("muc#roomconfig_roomname", "Name")
DESCRIPTION = text_single("muc#roominfo_description", "Description")
LANG = typed("muc#roominfo_lang", "Language of the discussion", LANGUAGE)
CHANGE_SUBJECT = boolean("muc#roomconfig_changesubject", "Participants may change the subject")
SUBJECT_MOD = boolean("muc#roominfo_subjectmod", "Participants may change the subject")
INVITES = boolean("muc#roomconfig_allowinvites", "Members may invite others")
ALLOW_PM = text_single("muc#roomconfig_allowpm", "Who may send private messages")
HISTORY = number("muc#maxhistoryfetch", "Messages of history that newcomers get at the most")
AVATAR = texts("muc#roominfo_avatarhash", "Hash of the avatar")

OCCUPANTS = number("muc#roominfo_occupants", "Number of occupants")
SUBJECT_NOW = text_single("muc#roominfo_subject", "Subject")
CONTACT = jid_multi("muc#roominfo_contactjid", "Contact addresses")
LOGS = typed("muc#roominfo_logs", "Where its discussions are logged", URI)
PUBSUB = typed("muc#roomconfig_pubsub", "Node that belongs to it", URI)

FORM = Form(
    MUC_ROOMINFO,
    (
        *(NAME, DESCRIPTION, LANG, CHANGE_SUBJECT, SUBJECT_MOD, INVITES, ALLOW_PM, HISTORY),
        *(AVATAR, OCCUPANTS, SUBJECT_NOW, CONTACT, LOGS, PUBSUB),
    ),
)


def told(room: Room, avatars: Sequence[str], *, inside: bool) -> Tag:
    """The form; with what goes on in the room where somebody sees `inside`.

    `avatars` are the hashes of its avatar (XEP-0486 §3.3).
    """
    filled = list(_known(room, avatars))
    if inside:
        filled += _going_on(room)
    return FORM.result(filled)


def _known(room: Room, avatars: Sequence[str]) -> Iterator[Filled[Any]]:
    settings = room.settings
    if settings.name:
        yield NAME.of(settings.name)
    if settings.description:
        yield DESCRIPTION.of(settings.description)
    if settings.lang:
        yield LANG.of(settings.lang)
    yield CHANGE_SUBJECT.of(settings.change_subject)
    yield SUBJECT_MOD.of(settings.change_subject)
    yield INVITES.of(settings.invites)
    yield ALLOW_PM.of(settings.private_messages)
    yield HISTORY.of(settings.history)
    if avatars:
        yield AVATAR.of(tuple(avatars))


def _going_on(room: Room) -> Iterator[Filled[Any]]:
    settings = room.settings
    yield OCCUPANTS.of(len(room))
    subject = _subject(room)
    if subject:
        yield SUBJECT_NOW.of(subject)
    if not settings.anonymous:
        # Elsewhere who owns a room is for its owners to know (§10.5).
        owners = (each.jid for each in room.standings.having(Affiliation.OWNER))
        yield CONTACT.of(tuple(islice(owners, CONTACTS)))
    if settings.logs:
        yield LOGS.of(settings.logs)
    if settings.pubsub:
        yield PUBSUB.of(settings.pubsub)


def _subject(room: Room) -> str:
    """The subject as one line; the first one where it has several languages."""
    if room.subject is None:
        return ""
    message = tree.parse("message", {}, room.subject.inner, ns.COMPONENT)
    for child in message:
        if child.tag.rpartition("}")[2] == "subject":
            return " ".join((child.text or "").split())[:SUBJECT]
    return ""
