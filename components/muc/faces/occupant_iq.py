"""IQs from one occupant to another, who see nothing but each other's nick (XEP-0045 §17.4).

The room asks in the sender's name and answers in the other's. An error that comes of it removes
nobody: to say `item-not-found` of what was asked for is no delivery error, and whether a session
is there is seen by what was sent to it besides (§18.1.2).

Rule: the server has its stanza acknowledged when the question is on its way, not when there is an
answer: else whoever is slow would hold up all others' stanzas behind it (XEP-0198 §4).
"""

from __future__ import annotations

from typing import NoReturn

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import answers
from components.common.component import Passed
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.muc.life.returns import passed_on
from components.muc.model.occupant import Occupant
from components.muc.model.room import Room
from components.muc.model.turns import Turns
from components.muc.names import SELF_PING
from components.muc.service import Service
from xmppd import ns
from xmppd.errors import StanzaError

log = Logger(namespace="muc")

PING = f"{ns.PING} ping"
VCARD = f"{ns.VCARD} vCard"
DISCO = (f"{ns.DISCO_INFO} query", f"{ns.DISCO_ITEMS} query")

MOST = 20
"""How many requests of one user may be without an answer at a time."""


def serve(service: Service) -> None:
    """Answer what is for occupants, and pings."""
    service.iqs.occupants = OccupantIQs(service).forward
    service.iqs.outside = _outside
    service.iqs.to_room("get", PING, _pong)
    service.features.add(SELF_PING)


def _outside(stanza: Stanza) -> NoReturn:
    """Refuse a request of somebody who is not in the room, or of one that is not there.

    That is one and the same to who asks whether he is still inside: `item-not-found` would say
    that he is, under another nick (XEP-0410 §3.2, §3.3).
    """
    text = "you are not in the room"
    if stanza.children[0] in DISCO:  # §6.6
        raise StanzaError("bad-request", text, reason="muc.not-inside")
    raise StanzaError("not-acceptable", text, reason="muc.not-inside", type="cancel")


def _pong(stanza: Stanza, room: Room) -> None:
    """Answer a ping of a room (XEP-0199 §4)."""


class OccupantIQs:
    """Hands on requests to occupants, and what they answer."""

    def __init__(self, service: Service) -> None:
        self._component = service.component
        self._policy = service.policy
        self._rates = service.rates
        self._turns = Turns(MOST)

    def forward(self, stanza: Stanza, room: Room) -> Passed | None:
        """Answer a request as the occupant that it is for would.

        A ping of oneself is answered here, whichever of his sessions it comes from: it asks
        whether one is in the room (XEP-0410 §3.3). Nobody else learns who is (§5).
        """
        payload = stanza.children[0]
        sender = room.by_session(stanza.attrs["from"])
        if sender is None:
            _outside(stanza)
        self._rates.request(room, sender)
        target = room.by_nick(stanza.to.resource)
        if target is None:
            raise StanzaError("item-not-found", "nobody has that nick", reason="muc.no-occupant")
        if target is sender and payload == PING and stanza.type == "get":
            return None
        if len(stanza.inner) > self._policy.message:
            text = f"a request has {self._policy.message} octets at the most"
            raise StanzaError("policy-violation", text, reason="muc.large-request")
        later = Deferred.fromCoroutine(self._answer(stanza, room, sender, target))
        later.addErrback(_not_answered)
        return Passed.ON

    async def _answer(self, stanza: Stanza, room: Room, sender: Occupant, target: Occupant) -> None:
        try:
            answer = answers.result(stanza, await self._asked(stanza, room, sender, target))
        except StanzaError as error:
            answer = answers.error(stanza, error)
        self._component.send(answer)

    async def _asked(self, stanza: Stanza, room: Room, sender: Occupant, target: Occupant) -> bytes:
        # Who is asked for his vCard is the account, and its server answers (XEP-0054 §3.3); of
        # several sessions it is the latest that is asked for all else (XEP-0410 §3.2).
        card = stanza.type == "get" and stanza.children == [VCARD]
        to = target.account if card else target.session
        with self._turns.take(sender.account):
            try:
                answer = await self._component.ask(
                    to, stanza.type, stanza.inner, sender=sender.address
                )
            except RequestFailed as failed:
                if failed.stanza is None:
                    reason = "muc.no-answer"
                    raise StanzaError(failed.condition, failed.text, reason=reason) from None
                raise passed_on(failed.stanza, hidden=room.settings.anonymous) from None
        return answer.inner


def _not_answered(failure: Failure) -> None:
    log.failure("a request of an occupant could not be answered", failure)
