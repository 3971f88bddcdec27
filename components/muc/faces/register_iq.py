"""Requests to register with a room, and what admins answer to them (XEP-0045 §7.10, §9.9)."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.common.forms import submission
from components.common.forms.form import Form
from components.common.stanza import Stanza
from components.muc.faces import registration_forms as forms
from components.muc.faces.admin_iq import actor
from components.muc.faces.registration import Registrations
from components.muc.faces.seeing import check_there
from components.muc.model.privileges import may_register
from components.muc.model.room import Room
from components.muc.names import MUC_REGISTER
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

QUERY = f"{ns.REGISTER} query"

_REMOVE = f"{{{ns.REGISTER}}}remove"


def serve(service: Service) -> None:
    """Answer requests to register, and take the decisions of admins."""
    requests = RegisterRequests(service)
    service.iqs.to_room("get", QUERY, requests.get)
    service.iqs.to_room("set", QUERY, requests.set)
    service.forms.take(MUC_REGISTER, requests.decided)
    registers = (ns.REGISTER, MUC_REGISTER)
    service.features.add(*registers, where=lambda room: room.registration != "off")


class RegisterRequests:
    """Reads them, and has done what they ask for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registrations = Registrations(service)

    def get(self, stanza: Stanza, room: Room) -> Tag:
        """Tell what has to be filled in, or that somebody is registered (§7.10)."""
        account = stanza.sender.bare
        check_there(room, self._service.affiliation(room, account))
        nick = self._registrations.nick(room, account)
        if nick:
            children = [Tag("registered"), Tag("username", {}, nick)]
            return Tag("query", {}, children, ns=ns.REGISTER)
        if not may_register(self._service.affiliation(room, account), room.settings):
            text = "you can't register with this room"
            raise StanzaError("not-allowed", text, reason="muc.registration")
        return Tag("query", {}, [self._form(room, account).form()], ns=ns.REGISTER)

    def set(self, stanza: Stanza, room: Room) -> Any:
        """Register somebody, keep what he asks for, or take it back (§7.10, XEP-0077 §3.2)."""
        account, query = stanza.sender.bare, stanza.payload
        check_there(room, self._service.affiliation(room, account))
        if query.find(_REMOVE) is not None:
            if len(query) > 1:
                text = "either register or not"
                raise StanzaError("bad-request", text, reason="muc.registration-form")
            return self._registrations.unregister(room, account)
        x = query.find(submission.X)
        if submission.canceled(x):
            return None
        return self._submitted(room, account, x)

    def _submitted(self, room: Room, account: JID, x: Element | None) -> Any:
        registrations = self._registrations
        registrations.check_allowed(room, account)
        try:
            values = self._form(room, account).submitted(x)
            nick = registrations.check_nick(room, account, values[forms.NICK])
        except StanzaError as error:
            raise _invalid(error) from None
        if registrations.immediate(room, account):
            return registrations.register(room, account, nick)
        return registrations.apply(room, account, nick, forms.details(values))

    def _form(self, room: Room, account: JID) -> Form:
        immediate = self._registrations.immediate(room, account)
        return forms.OPEN if immediate else forms.APPLICATION

    def decided(self, stanza: Stanza, room: Room, x: Element) -> Any:
        """An admin has answered an application (§9.9)."""
        session = stanza.sender
        self._registrations.check_admin(room, session.bare)
        values = forms.APPROVAL.submitted(x)
        applicant = values.get(forms.APPLICANT, None)
        nick = values.get(forms.ASKED_NICK, "")
        if forms.ALLOW not in values or not (applicant or nick):
            text = "whom do you allow?"
            raise StanzaError("bad-request", text, reason="muc.registration-form")
        return self._registrations.decide(
            room,
            None if applicant is None else applicant.bare,
            nick,
            actor(room, session),
            allow=values[forms.ALLOW],
        )


def _invalid(error: StanzaError) -> StanzaError:
    """The error for whatever is no valid form, but for a nick that is somebody's (§7.10)."""
    if error.condition == "conflict":
        return error
    return StanzaError("bad-request", error.text, reason="muc.registration-form")
