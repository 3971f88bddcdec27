"""Rosters (RFC 6121 §2): clients read them, change them, and are told of changes by others.

Versions (§2.6, XEP-0237) are the number of changes so far. Who names the one it has gets what
changed since, each item as a push; who is too far behind gets the whole roster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from msgspec.structs import replace
from twisted.internet.task import deferLater

from xmppd import ns
from xmppd.core import behalf, rosters
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.storage.rosters import KEPT, RosterItem
from xmppd.stream.features import Feature, static
from xmppd.stream.states import Fact
from xmppd.subscription import LISTED
from xmppd.wire.build import Raw, Tag

XEP = (237, "1.3", "complete")

LONGEST_NAME = 1023
"""Characters that the name of an item or a group may have."""
MOST_GROUPS = 100
"""Groups that one item may be in."""
SLICE = 500
"""Items that are written in one turn of the reactor; others wait as long."""

_ITEM = f"{{{ns.ROSTER}}}item"
_GROUP = f"{{{ns.ROSTER}}}group"


def register(context: ModuleContext) -> None:
    """Answer gets and sets, and offer versions (§2.6.1)."""
    rosters_of = Rosters(context.host)
    context.iq(On.ACCOUNT, "get", f"{ns.ROSTER} query", rosters_of.get)
    context.iq(On.ACCOUNT, "set", f"{ns.ROSTER} query", rosters_of.set)
    offer = static(Tag("ver", ns=ns.ROSTER_VERSIONING))
    context.feature(Feature("rosterver", Fact.AUTHENTICATED, Fact(0), offer))


class Rosters:
    """Answers for the rosters of all accounts."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, request: Request) -> Tag | None:
        """Give the roster, or say that what follows are the changes since (§2.1.3, §2.6.3)."""
        resident, session = await self._resident(request)
        version = request.payload.get("ver")
        await resident.lock.acquire()
        try:
            news = None
            if version is not None:
                news = await self._since(resident, version)
            # What follows is done in one go, so that no change falls between.
            if session is not None:
                session.data[rosters.INTERESTED] = True
            if news is None or session is None:
                return await self._whole(request, resident, versioned=version is not None)
            request.then = lambda: rosters.push(self._host, resident, news, (session,))
            return None
        finally:
            resident.lock.release()

    async def _resident(self, request: Request) -> tuple[Resident, Session | None]:
        """Whose roster it is, and the session that asks for its own.

        Nobody else may (§2.1.5, §2.3.3), but components that have been granted it (XEP-0356 §4.3).
        """
        if request.session is not None and request.own:
            return request.session.resident, request.session
        if request.own and request.sender.is_bare:  # it is asked in the user's name (XEP-0356 §6)
            return await behalf.resident_of(self._host, request.to), None
        grants = self._host.components.grants(request.sender, request.to.domain)
        if grants is None or grants.roster not in (request.stanza.type, "both"):
            raise StanzaError("forbidden", reason="stanza.forbidden")
        return await behalf.resident_of(self._host, request.to), None

    async def _whole(self, request: Request, resident: Resident, *, versioned: bool) -> Tag:
        """The whole roster. A big one takes some turns, and what its owner sends behind waits."""
        listed = list(resident.roster.listed())
        slices = [listed[start : start + SLICE] for start in range(0, len(listed), SLICE)]
        written: list[bytes] = []
        if len(slices) > 1 and request.session is not None:
            request.then = request.session.hold()
        try:
            for items in slices:
                if written:
                    await deferLater(self._host.clock, 0)
                written.append(b"".join([rosters.shown(item) for item in items]))
        except BaseException:
            if request.then is not None:
                request.then()
            raise
        version = rosters.version_text(resident, resident.roster.version)
        ver = {"ver": version if versioned else None}
        return Tag("query", ver, [Raw(b"".join(written))], ns=ns.ROSTER)

    async def _since(self, resident: Resident, text: str) -> Sequence[RosterItem] | None:
        """What changed since the version `text`, the oldest first; None where all is to be told."""
        roster = resident.roster
        since = rosters.version_number(resident, text)
        if since is None or since < roster.version - KEPT:
            return None
        if since == roster.version:
            return ()
        changed = [item for item in roster.listed() if item.version > since]
        removed = await self._host.stores.rosters.removals(resident.id, since)
        news = [*changed, *(RosterItem(jid, version=version) for jid, version in removed)]
        if len(news) > len(roster) // 2 + 10:
            return None
        return sorted(news, key=lambda item: item.version)

    async def set(self, request: Request) -> None:
        """Add, change or remove one item (§2.3, §2.4, §2.5)."""
        resident, _ = await self._resident(request)
        if resident.guest:
            raise StanzaError("not-allowed", "guests have no roster", reason="roster.guest")
        item = _only_item(request.payload)
        contact = _contact(item, resident.jid)
        removed = item.get("subscription") == "remove"
        name, groups = ("", ()) if removed else (_name(item), _groups(item))
        await resident.lock.acquire()
        try:
            if removed:
                await self._remove(resident, contact)
            else:
                before = resident.roster.item(contact)
                after = replace(before, state=before.state | LISTED, name=name, groups=groups)
                await rosters.change(self._host, resident, after)
        finally:
            resident.lock.release()

    async def _remove(self, resident: Resident, contact: JID) -> None:
        """Remove an item, and with it the subscriptions both ways (§2.5.2)."""
        state = resident.roster.state(contact)
        if not state & LISTED:
            raise StanzaError("item-not-found", reason="roster.no-item")
        then: list[Callable[[], None]] = []
        self._host.hooks.roster_item_removing(resident, contact, state, then.append)
        await rosters.change(self._host, resident, RosterItem(contact))
        for act in then:
            act()


def _only_item(query: Element) -> Element:
    """The one item of a set (§2.3.3: bad-request where there is not exactly one)."""
    items = query.findall(_ITEM)
    if len(items) != 1 or len(query) != 1:
        raise StanzaError("bad-request", "exactly one item", reason="roster.malformed")
    return items[0]


def _contact(item: Element, own: JID) -> JID:
    """The contact that an item names: a bare JID, but not the user's own (§2.1.2.4)."""
    text = item.get("jid")
    if not text:
        raise StanzaError("bad-request", "an item needs a jid", reason="roster.malformed")
    try:
        contact = JID.parse(text)
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="roster.malformed") from None
    if not contact.is_bare:
        raise StanzaError("bad-request", "a contact is a bare JID", reason="roster.malformed")
    if contact == own:
        raise StanzaError("not-allowed", "that is yourself", reason="roster.self")
    return contact


def _name(item: Element) -> str:
    name = item.get("name", "")
    if len(name) > LONGEST_NAME:
        raise _not_acceptable(f"a name has at most {LONGEST_NAME} characters")
    return name


def _groups(item: Element) -> tuple[str, ...]:
    """The groups of an item (§2.3.3: none twice, none without a name)."""
    groups = tuple(group.text or "" for group in item.iterfind(_GROUP))
    if len(set(groups)) != len(groups):
        raise StanzaError("bad-request", "a group is named twice", reason="roster.malformed")
    if any(not group or len(group) > LONGEST_NAME for group in groups):
        raise _not_acceptable(f"a group's name has 1 to {LONGEST_NAME} characters")
    if len(groups) > MOST_GROUPS:
        raise _not_acceptable(f"an item is in at most {MOST_GROUPS} groups")
    return groups


def _not_acceptable(why: str) -> StanzaError:
    return StanzaError("not-acceptable", why, reason="roster.malformed")
