"""Users' vCards as vCard4 by IQ (XEP-0292 until 0.11, §4.1), from the same store.

The XEP has moved them to PEP since; what clients of both kinds set is one vCard.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from components.common.delegation import Delegation
from components.common.stanza import Stanza
from components.vcard.names import VCARD4
from components.vcard.service import VCards
from components.vcard.vcard_iq import OnChange, own, owner
from xmppd.errors import StanzaError

_VCARD = f"{VCARD4} vcard"


def serve(delegation: Delegation, vcards: VCards, changed: OnChange) -> None:
    """Answer gets and sets of vCard4s in the place of the server."""
    requests = VCard4Requests(vcards, changed)
    delegation.iq("get", _VCARD, requests.get)
    delegation.iq("set", _VCARD, requests.set)
    delegation.namespace(VCARD4, features=[VCARD4])


class VCard4Requests:
    """Gets and sets of vCard4s. `changed` is told what they change."""

    def __init__(self, vcards: VCards, changed: OnChange) -> None:
        self._vcards = vcards
        self._changed = changed

    def get(self, request: Stanza) -> Deferred[bytes]:
        """Give the vCard of an account; strangers can't tell no vCard from no account."""
        return self._vcards.vcard4(owner(request)).addCallback(_given, request)

    async def set(self, request: Stanza) -> None:
        """Have what a vCard4 says in the sender's own vCard."""
        account = own(request)
        self._changed(account, await self._vcards.set_vcard4(account, request.payload))


def _given(vcard: bytes | None, request: Stanza) -> bytes:
    if vcard is not None:
        return vcard
    # An empty one would be no vCard4 (RFC 6350 §6.2.1).
    mine = owner(request) == request.sender.bare
    raise StanzaError("item-not-found" if mine else "service-unavailable", reason="vcard.none")
