"""The form muc#roomconfig shown and read: a room's settings, owners and admins (XEP-0045 §10.2).

Rule 1: nothing here changes a room; what was submitted is a value, held against the room as it is.
Rule 2: what a form leaves out stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.common.forms.field import Field
from components.common.forms.form import Form
from components.common.forms.layout import Page, Section
from components.common.forms.submission import Bounds
from components.common.forms.values import Values
from components.muc.faces.configuration import (
    ADMINS,
    ALIASES,
    OWNERS,
    PEOPLE,
    PROTECTED,
    SECRET,
    SECTIONS,
    fields,
)
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from components.muc.model.settings import Settings
from components.muc.model.standing import Standing
from components.muc.names import MUC_ROOMCONFIG
from xmppd.errors import StanzaError
from xmppd.jid import JID

BOUNDS = Bounds(values=2 * PEOPLE + 200, characters=250_000)

ADDRESSES = 100_000
"""Characters that the addresses of owners and admins may have together, where a form shows them."""

_INSTRUCTIONS = "What is left out stays as it is. Owners and admins are those that are named here."


_PEOPLE, _STAYS = ("owners", "admins"), ("persistent",)
_LEFT_OUT = ((), _PEOPLE, _STAYS, (*_PEOPLE, *_STAYS))
"""What a form may be without."""


class Submitted(NamedTuple):
    """What owners want of a room; None for a list of people that is to stay as it is."""

    settings: Settings
    owners: Sequence[JID] | None
    admins: Sequence[JID] | None

    def standings(self, room: Room) -> list[Standing]:
        """The affiliations that change (§10.2).

        Who is an owner no more is an admin, as §10.2 has it, whatever the list of admins says; who
        is an admin no more is a member.
        """
        ranks: dict[JID, Affiliation] = {}
        if self.admins is not None:
            for each in room.standings.having(Affiliation.ADMIN):
                ranks[each.jid] = Affiliation.MEMBER
            ranks |= dict.fromkeys(self.admins, Affiliation.ADMIN)
        for each in room.standings.having(Affiliation.OWNER):
            ranks[each.jid] = Affiliation.OWNER if self.owners is None else Affiliation.ADMIN
        ranks |= dict.fromkeys(self.owners or (), Affiliation.OWNER)
        known = {jid: room.standings.exactly(jid) for jid in ranks}
        return [
            known[jid]._replace(affiliation=affiliation, reason="")
            for jid, affiliation in ranks.items()
            if affiliation is not known[jid].affiliation
        ]


class Configuration:
    """The form, within what the service's rules allow."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._fields = fields(policy)
        self._form = self._made()
        self._shown = {left: self._made(left) for left in _LEFT_OUT}
        self._aliases = {
            dataclasses.replace(self._fields[name], var=alias): name
            for alias, name in ALIASES.items()
        }
        self._others = Form(MUC_ROOMCONFIG, list(self._aliases), bounds=BOUNDS)

    def _made(self, left_out: Collection[str] = ()) -> Form:
        several: dict[str, tuple[Field[Any], ...]] = {
            **{name: (field,) for name, field in self._fields.items()},
            "password": (PROTECTED, SECRET),
            "owners": (OWNERS,),
            "admins": (ADMINS,),
        }
        placed = {
            label: [field for name in names if name not in left_out for field in several[name]]
            for label, names in SECTIONS.items()
        }
        parts = tuple(Section(label, tuple(some)) for label, some in placed.items() if some)
        return Form(
            MUC_ROOMCONFIG,
            [field for some in placed.values() for field in some],
            instructions=_INSTRUCTIONS,
            layout=[Page("", parts)],
            bounds=BOUNDS,
        )

    # ------------------------------------------------------------------ shown

    def form(self, room: Room, account: JID) -> Tag:
        """The form with how a room is set up now (§10.2), for one of its owners.

        Owners and admins are no part of it where they are too many for a stanza: all of them would
        have to be sent back. Nor is what he may not change.
        """
        shown = dict(self._values(room))
        people = [*shown[OWNERS], *shown[ADMINS]]
        crowd = len(people) > PEOPLE or sum(map(len, people)) > ADDRESSES
        stays = self._may_stay(room, account)
        whole = self._shown[(*(_PEOPLE if crowd else ()), *(() if stays else _STAYS))]
        filled = [
            _offering(each, shown[each]).of(shown[each])
            for each in whole.fields
            if isinstance(each, Field)
        ]
        title = f"Configuration of {room.address.local}"
        form = dataclasses.replace(whole, fields=[each.field for each in filled], title=title)
        return form.form(filled)

    def _values(self, room: Room) -> Iterator[tuple[Field[Any], Any]]:
        settings = room.settings
        for name, field in self._fields.items():
            yield field, getattr(settings, name)
        yield PROTECTED, bool(settings.password)
        yield SECRET, settings.password
        for people, affiliation in ((OWNERS, Affiliation.OWNER), (ADMINS, Affiliation.ADMIN)):
            yield people, tuple(each.jid for each in room.standings.having(affiliation))

    def _may_stay(self, room: Room, account: JID) -> bool:
        """Whether a room is persistent, or an owner may have it be."""
        return room.settings.persistent or self._policy.may_keep(account)

    # ------------------------------------------------------------------ read

    def submitted(self, x: Element | None, room: Room, account: JID) -> Submitted:
        """What a form of one of its owners says of a room.

        Raises StanzaError: `bad-request` for what is no such form, `not-acceptable` for what a
        room can't be like (§10.1.3).
        """
        values = self._form.submitted(x)
        others = self._others.submitted(x)
        changed = {name: others[field] for field, name in self._aliases.items() if field in others}
        changed |= {name: values[f] for name, f in self._fields.items() if f in values}
        settings = room.settings.change(**changed)
        settings = settings.change(password=_password(settings.password, values))
        check(settings)
        if settings.persistent and not self._may_stay(room, account):
            text = "a guest's room does not stay"
            raise StanzaError("not-acceptable", text, reason="muc.guest")
        return Submitted(settings, _people(values, OWNERS), _people(values, ADMINS))


def check(settings: Settings) -> None:
    """Raise StanzaError for settings that do not go together."""
    if settings.question.strip() and not settings.answer.strip():
        raise StanzaError("not-acceptable", "no answer would be right", reason="muc.unanswerable")


def _people(values: Values, field: Field[tuple[JID, ...]]) -> Sequence[JID] | None:
    """The bare addresses of a list, where there is one (§10.5)."""
    if field not in values:
        return None
    if not all(jid.local for jid in values[field]):
        text = f"{field.var}: people are wanted"
        raise StanzaError("not-acceptable", text, reason="muc.domain")
    return [jid.bare for jid in values[field]]


def _password(now: str, values: Values) -> str:
    """The password that a room is to have (§10.1.3).

    One that comes without a word about protection protects; where there is to be none, it does
    not matter what it is.
    """
    given = values.get(SECRET, None)
    if not values.get(PROTECTED, bool(now or given)):
        return ""
    password = now if given is None else given
    if not password.strip():
        raise StanzaError("not-acceptable", "a password is wanted", reason="muc.blank-password")
    return password


def _offering(field: Field[Any], value: Any) -> Field[Any]:
    """A field whose options have what is set, though an earlier version or another client did."""
    missing = {text: text for text in field.write(value) if text not in field.options}
    if not field.options or not missing:
        return field
    return dataclasses.replace(field, options={**field.options, **missing})
