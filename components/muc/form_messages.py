"""Forms that come in messages to rooms: who takes which, by its FORM_TYPE (XEP-0045 §8.6, §9.9).

    service.forms.take(MUC_REQUEST, voice.came)

A form that was canceled is one that nobody wants to fill in: nothing comes of it (XEP-0004 §3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element

from components.common.forms import submission
from components.common.stanza import Stanza
from components.muc.messages import Messages
from components.muc.model.room import Room
from xmppd import ns
from xmppd.errors import StanzaError

FormTaker: TypeAlias = Callable[[Stanza, Room, Element], Any]
"""Handles a form that was submitted to a room, now or later, or raises StanzaError."""


class FormMessages:
    """Hands on forms."""

    def __init__(self, messages: Messages) -> None:
        self._takers: dict[str, FormTaker] = {}
        messages.to_room(f"{ns.DATA_FORM} x", self._came)

    def take(self, form_type: str, taker: FormTaker) -> None:
        """Have submitted forms of this FORM_TYPE handled; raises ValueError where they are."""
        if form_type in self._takers:
            raise ValueError(f"{form_type} has a taker")
        self._takers[form_type] = taker

    def _came(self, stanza: Stanza, room: Room) -> Any:
        x = stanza.element.find(submission.X)
        assert x is not None
        if submission.canceled(x):
            return None
        taker = self._takers.get(submission.form_type(x))
        if taker is None:
            raise StanzaError("bad-request", "nobody waits for that form", reason="muc.form")
        return taker(stanza, room, x)
