"""Users' vCards by IQ (XEP-0054), as the server delegates the requests (XEP-0355).

Everybody may get everybody's, at any time; each sets only his own. Where there is none, its owner
gets an empty one (§3.1), and all others the error that they would get where there is no such
account (§3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from twisted.internet.defer import Deferred

from components.common.delegation import Delegation
from components.common.stanza import Stanza
from components.vcard.names import VCARD_TEMP
from components.vcard.service import Change, VCards
from xmppd.errors import StanzaError
from xmppd.jid import JID

OnChange: TypeAlias = Callable[[JID, Change], object]
"""Told of each change of an owner's vCard, before whoever made it has his answer."""

_VCARD = f"{VCARD_TEMP} vCard"
_EMPTY = f"<vCard xmlns='{VCARD_TEMP}'/>".encode()


def serve(delegation: Delegation, vcards: VCards, changed: OnChange) -> None:
    """Answer gets and sets of vCards in the place of the server."""
    requests = VCardRequests(vcards, changed)
    delegation.iq("get", _VCARD, requests.get)
    delegation.iq("set", _VCARD, requests.set)


def owner(request: Stanza) -> JID:
    """The account whose vCard is asked for: the sender's own where it names none (§3.1)."""
    return (request.to if "to" in request.attrs else request.sender).bare


def own(request: Stanza) -> JID:
    """The sender's own account; raises StanzaError where he wants to change another (§3.2)."""
    account = owner(request)
    if account != request.sender.bare:
        raise StanzaError("forbidden", "that is not your vCard", reason="stanza.forbidden")
    return account


class VCardRequests:
    """Gets and sets of vCards. `changed` is told what they change."""

    def __init__(self, vcards: VCards, changed: OnChange) -> None:
        self._vcards = vcards
        self._changed = changed

    def get(self, request: Stanza) -> Deferred[bytes] | bytes:
        """Give the vCard of an account (§3.1, §3.3)."""
        account = owner(request)
        known = self._vcards.at_hand(account)
        if known is not None:
            return _given(known.encoded, request)
        return self._vcards.get(account).addCallback(_given, request)

    async def set(self, request: Stanza) -> None:
        """Have a vCard in place of the sender's own (§3.2)."""
        account = own(request)
        self._changed(account, await self._vcards.set(account, request.payload))


def _given(encoded: bytes | None, request: Stanza) -> bytes:
    if encoded is not None:
        return encoded
    if owner(request) == request.sender.bare:
        return _EMPTY
    raise StanzaError("service-unavailable", reason="vcard.none")
