"""What owners do: the configuration of a room, and its end (XEP-0045 §10.1, §10.2, §10.9)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.common.forms.submission import X, canceled
from components.common.rate import Rate
from components.common.stanza import Stanza
from components.muc.faces.configuration_form import Configuration
from components.muc.faces.configuring import Configuring, tells_of_all
from components.muc.life.changes import Actor
from components.muc.model.privileges import Right, has_right
from components.muc.model.room import Room
from components.muc.names import MUC_OWNER
from components.muc.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

OFTEN = 30
"""How often a minute a room may be set up anew: each time everybody in it is told."""
SELDOM = 4
"""How often so that everybody is told of everybody, which is a stanza for each two of them, or of
many people's affiliations."""
MANY = 100
"""More than so many are many."""
REASON = 1_000
"""Characters of what is said of a destroyed room."""

_DESTROY = f"{{{MUC_OWNER}}}destroy"


def serve(service: Service) -> None:
    """Answer requests in the namespace muc#owner."""
    requests = OwnerRequests(service)
    service.iqs.to_room("get", f"{MUC_OWNER} query", requests.get)
    service.iqs.to_room("set", f"{MUC_OWNER} query", requests.set)


class OwnerRequests:
    """Answers owners, and refuses all others."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._configuration = Configuration(service.policy)
        self._configuring = Configuring(
            service.rooms, service.lives, service.broadcast, service.changes
        )
        self._often = Rate(OFTEN, service.now)
        self._seldom = Rate(SELDOM, service.now)

    def get(self, stanza: Stanza, room: Room) -> Tag:
        """Give the form, as the room is set up now (§10.1.3, §10.2)."""
        self._check(room, stanza.sender.bare, Right.CONFIGURE)
        if len(stanza.payload):
            raise StanzaError("bad-request", "an empty query is wanted", reason="stanza.malformed")
        return Tag("query", {}, [self._configuration.form(room, stanza.sender)], ns=MUC_OWNER)

    async def set(self, stanza: Stanza, room: Room) -> None:
        """Take the form, filled in or canceled, or destroy the room (§10.1.2, §10.2, §10.9)."""
        destroy, x = stanza.payload.find(_DESTROY), stanza.payload.find(X)
        account = stanza.sender.bare
        self._check(room, account, Right.CONFIGURE if destroy is None else Right.DESTROY)
        if len(stanza.payload) != 1:
            raise StanzaError("bad-request", "one thing at a time", reason="stanza.malformed")
        if destroy is not None:
            await self._destroy(room, account, destroy)
        elif not canceled(x):
            await room.lock.run(self._submit, stanza, room, x)
        elif room.locked:
            await self._cancel(room, account)

    def _check(self, room: Room, account: JID, right: Right) -> None:
        if room.destroyed:
            raise StanzaError("item-not-found", "there is no such room", reason="muc.no-room")
        if not has_right(right, self._service.affiliation(room, account)):
            raise StanzaError("forbidden", "it is the owners'", reason="muc.not-owner")

    async def _submit(self, stanza: Stanza, room: Room, x: Element | None) -> None:
        account = stanza.sender.bare
        self._check(room, account, Right.CONFIGURE)  # he has waited for the lock
        wanted = self._configuration.submitted(x, room, account)
        costly = tells_of_all(room.settings, wanted.settings) or len(wanted.standings(room)) > MANY
        if (costly and not self._seldom.take(room.address)) or not self._often.take(room.address):
            text = "it has changed too often"
            raise StanzaError("resource-constraint", text, reason="muc.configured-often")
        occupant = room.by_session(stanza.attrs["from"])
        by = Actor("" if occupant is None else occupant.nick, account)
        await self._configuring.configure(room, wanted, by)

    async def _cancel(self, room: Room, account: JID) -> None:
        """Destroy a room that its maker does not want to set up (§10.1.3)."""

        def check() -> None:
            self._check(room, account, Right.DESTROY)
            if not room.locked:
                raise StanzaError("conflict", "it has been set up", reason="muc.set-up")

        await self._service.lives.destroy(room, check=check)

    async def _destroy(self, room: Room, account: JID, asked: Element) -> None:
        """Destroy a room, and tell where else to meet (§10.9)."""
        said = {name: asked.findtext(f"{{{MUC_OWNER}}}{name}", "") for name in _SAID}
        if max(map(len, said.values())) > REASON:
            text = f"no more than {REASON} characters are wanted"
            raise StanzaError("not-acceptable", text, reason="muc.long-reason")
        await self._service.lives.destroy(
            room,
            said["reason"],
            _alternate(asked.get("jid", "")),
            said["password"],
            check=lambda: self._check(room, account, Right.DESTROY),
        )


_SAID = ("reason", "password")


def _alternate(written: str) -> JID | None:
    try:
        return JID.parse(written) if written else None
    except JIDError:
        raise StanzaError("jid-malformed", "that is no address", reason="muc.venue") from None
