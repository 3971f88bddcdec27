"""Archives of rooms: who may ask them, and how they answer (XEP-0313).

Rule 1: whether somebody may ask is decided as he asks, whatever he could have seen at the time
(§6.1.2).
Rule 2: a page is sent in one piece, and the answer behind its last message (§4).
"""

from __future__ import annotations

from collections.abc import Sequence

from components.common import datetimes, paging
from components.common.build import Tag, attribute
from components.common.paging import Found
from components.common.stanza import Stanza, write
from components.muc.faces.mam_form import FORM, chosen
from components.muc.faces.seeing import check_there
from components.muc.model.history import MICROSECONDS, Said, identified
from components.muc.model.privileges import Right, default_role, has_right
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.turns import Turns
from components.muc.names import MAM, MAM_EXTENDED, MUC_USER
from components.muc.service import Service
from components.muc.store.archive import End, Query
from xmppd import ns
from xmppd.errors import StanzaError

PAGE = 100
"""How many messages one answer has at the most (§4.3.1)."""
AT_ONCE = 3
"""How many queries of one user are answered at a time."""
QUERY_ID = 256
"""Characters of the word by which a client knows its query again: each message repeats it."""


def serve(service: Service) -> None:
    """Answer who asks for what was said."""
    archives = Archives(service)
    service.iqs.to_room("get", f"{MAM} query", archives.form)
    service.iqs.to_room("set", f"{MAM} query", archives.query)
    service.iqs.to_room("get", f"{MAM} metadata", archives.metadata)
    service.features.add(MAM, MAM_EXTENDED, where=lambda settings: settings.archive)


class Archives:
    """Answers queries."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._component = service.component
        self._archive = service.archive
        self._turns = Turns(AT_ONCE)

    def form(self, stanza: Stanza, room: Room) -> Tag:
        """What messages can be chosen by (§4.1.5)."""
        self._check(stanza, room)
        return Tag("query", {}, [FORM.form()], ns=MAM)

    async def metadata(self, stanza: Stanza, room: Room) -> Tag:
        """Where the archive begins and ends (§5); nothing where it is empty."""
        self._check(stanza, room)
        ends = await self._archive.ends(room.id)
        said = [] if ends is None else [_end("start", ends[0]), _end("end", ends[1])]
        return Tag("metadata", {}, said, ns=MAM)

    async def query(self, stanza: Stanza, room: Room) -> Tag:
        """Send a page of messages, and say then which it was (§4)."""
        affiliation = self._check(stanza, room)
        payload = stanza.payload
        if payload.get("node"):
            raise StanzaError("item-not-found", "rooms have no nodes", reason="muc.archive-node")
        if len(payload.get("queryid", "")) > QUERY_ID:
            text = f"a queryid has {QUERY_ID} characters at the most"
            raise StanzaError("not-acceptable", text, reason="muc.long-query-id")
        query = chosen(payload.find(f"{{{ns.DATA_FORM}}}x"), room.address)
        real = _sees_addresses(stanza, room, affiliation)
        self._check_with(query, stanza, real)
        page = paging.asked(payload.find(paging.SET), PAGE)
        with self._turns.take(stanza.sender.bare):
            found = await self._archive.find(room.id, query, page)
        if not self._send(stanza, room, found.items, real=real):
            raise StanzaError("resource-constraint", "too busy", reason="component.busy")
        told = paging.told(Found(found.items, found.index, found.count), lambda said: said.id)
        return Tag("fin", {"complete": "true" if found.complete else None}, [told], ns=MAM)

    def _check(self, stanza: Stanza, room: Room) -> Affiliation:
        """Raise StanzaError where somebody could not enter (§6.1.2); give what he is."""
        account, settings = stanza.sender.bare, room.settings
        affiliation = self._service.affiliation(room, account)
        check_there(room, affiliation)
        right = Right.ENTER_MEMBERS_ONLY if settings.members_only else Right.ENTER_OPEN
        # Who is inside has known the password, and the answer; the owners have set them.
        asked = settings.password and affiliation is not Affiliation.OWNER
        asked = asked or (settings.question and affiliation < Affiliation.MEMBER)
        if not has_right(right, affiliation) or (asked and not any(room.of(account))):
            text = "it is for those who may come in"
            raise StanzaError("forbidden", text, reason="muc.archive-closed")
        if not settings.archive:
            text = "nothing is archived here"
            raise StanzaError("feature-not-implemented", text, reason="muc.no-archive")
        return affiliation

    def _check_with(self, query: Query, stanza: Stanza, real: bool) -> None:
        """Who may not see whose word a message is may not ask for his (§4.1.1)."""
        author = query.with_author
        if author is not None and not real and author.bare != stanza.sender.bare:
            text = "who is who is not to be known here"
            raise StanzaError("forbidden", text, reason="muc.archive-author")

    def _send(self, query: Stanza, room: Room, items: Sequence[Said], *, real: bool) -> bool:
        """Send messages, the latest first where that is asked for (§4.3.4); whether all went."""
        flipped = query.payload.find(f"{{{MAM}}}flip-page") is not None
        to, query_id = query.sender, query.payload.get("queryid")
        known = "" if query_id is None else f" queryid='{attribute(query_id)}'"
        head = f"<result xmlns='{MAM}'{known}".encode()
        return self._component.send_all(
            [
                write(
                    "message",
                    room.address,
                    to,
                    b"%b id='%b'>%b</result>"
                    % (head, said.id.encode(), _forwarded(room, said, real=real)),
                )
                for said in (reversed(items) if flipped else items)
            ]
        )


def _sees_addresses(stanza: Stanza, room: Room, affiliation: Affiliation) -> bool:
    """Whether somebody may know real JIDs, as he would if he entered (§6.1.2, XEP-0045 §7.2.4)."""
    if not room.settings.anonymous:
        return True
    occupant = room.by_session(stanza.attrs["from"])
    role = default_role(affiliation, room.settings) if occupant is None else occupant.role
    return role is Role.MODERATOR


def _forwarded(room: Room, said: Said, *, real: bool) -> bytes:
    """A message as it was, with whose it was for who may know (§4.2, §6.1.2)."""
    sender = room.address.with_resource(said.nick) if said.nick else room.address
    inner = identified(said.inner, room.address, said.id, said.occupant)
    if real and said.nick:
        item = Tag("item", {"jid": said.session})
        inner += Tag("x", {}, [item], ns=MUC_USER).render()
    message = write(
        "message",
        sender,
        "",
        inner,
        type_="groupchat",
        id_=said.origin,
        lang=said.lang,
        namespace=ns.CLIENT,
    )
    stamp = {"stamp": _stamp(said.number)}
    return Tag("forwarded", {}, [Tag("delay", stamp, ns=ns.DELAY), message], ns=ns.FORWARD).render()


def _end(name: str, end: End) -> Tag:
    return Tag(name, {"id": end.id, "timestamp": _stamp(end.number)})


def _stamp(number: int) -> str:
    """When a message came, to the microsecond: who asks for what came by then is to get it."""
    return datetimes.written(number / MICROSECONDS, 6)
