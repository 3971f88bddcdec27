"""Privacy lists (XEP-0016, RFC 3921 §10): clients read them, change them, and say which apply.

What the lists do to stanzas is done elsewhere; here is what a client says of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd import ns
from xmppd.core import behalf, privacy, privacy_lists
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.privacy import PrivacyList
from xmppd.core.privacy_lists import ACTIVE, Lists
from xmppd.core.roster import Roster
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.storage.privacy import PrivacyItem
from xmppd.subscription import SUBSCRIPTIONS
from xmppd.wire.build import Tag

XEP = (16, "1.7", "complete")

LONGEST_NAME = 1_023
"""Characters that the name of a list may have."""
HIGHEST_ORDER = 2**32 - 1
"""The highest order of an item: it is an xs:unsignedInt (XEP-0016 §10)."""

_P = f"{{{ns.PRIVACY}}}"
_KINDS = {
    f"{_P}message": privacy.MESSAGE,
    f"{_P}iq": privacy.IQ,
    f"{_P}presence-in": privacy.PRESENCE_IN,
    f"{_P}presence-out": privacy.PRESENCE_OUT,
}
_NAMES = {bit: tag.removeprefix(_P) for tag, bit in _KINDS.items()}


def register(context: ModuleContext) -> None:
    """Answer gets and sets, and tell of them (§3)."""
    host = context.host
    lists = PrivacyLists(host)
    context.iq(On.ACCOUNT, "get", f"{ns.PRIVACY} query", lists.get)
    context.iq(On.ACCOUNT, "set", f"{ns.PRIVACY} query", lists.set)
    context.advertise(ns.PRIVACY, when=lambda domain: privacy_lists.available(host))


class PrivacyLists:
    """Answers for the lists of all accounts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._verbs: dict[str, Callable[[Session, Element], Coroutine[Deferred[Any], Any, None]]]
        self._verbs = {
            f"{_P}active": self._set_active,
            f"{_P}default": self._set_default,
            f"{_P}list": self._set_list,
        }

    # ------------------------------------------------------------------ get

    async def get(self, request: Request) -> Tag:
        """Tell the names of all lists, or the rules of one (§2.3)."""
        session = await self._owner(request)
        lists = privacy_lists.of(session.resident)
        if not len(request.payload):
            return Tag("query", {}, _names(session, lists), ns=ns.PRIVACY)
        asked = _only_child(request.payload)
        if asked.tag != f"{_P}list":
            raise _malformed("one list can be read, or the names of all")
        found = _existing(lists, _name(asked))
        items = [_shown(item) for item in found.items]
        return Tag("query", {}, [Tag("list", {"name": found.name}, items)], ns=ns.PRIVACY)

    # ------------------------------------------------------------------ set

    async def set(self, request: Request) -> None:
        """Do one of three things; the client is held until it is done (§2.1)."""
        session = await self._owner(request)
        asked = _only_child(request.payload)
        verb = self._verbs.get(asked.tag)
        if verb is None:
            raise _malformed("active, default or list")
        if session.resident.guest:
            raise StanzaError("not-allowed", "guests have no lists", reason="privacy.guest")
        release = session.hold()
        try:
            await session.resident.lock.acquire()
            try:
                await verb(session, asked)
            finally:
                session.resident.lock.release()
        finally:
            release()

    async def _owner(self, request: Request) -> Session:
        """The session that asks of its own lists; nobody else learns anything (RFC 6121 §8.5.1)."""
        session = await behalf.asker(self._host, request)
        if session is None:
            raise StanzaError("service-unavailable", reason="stanza.forbidden")
        return session

    async def _set_active(self, session: Session, asked: Element) -> None:
        """Have a list apply to this session, or decline any (§2.4)."""
        name = _name(asked) if "name" in asked.attrib else None
        if name is not None:
            _existing(privacy_lists.of(session.resident), name)
        await privacy_lists.activate(self._host, session, name)

    async def _set_default(self, session: Session, asked: Element) -> None:
        """Have a list apply to the account as a whole, or decline any (§2.5)."""
        lists = privacy_lists.of(session.resident)
        name = _name(asked) if "name" in asked.attrib else ""
        if name:
            _existing(lists, name)
        if name == lists.default_name:
            return
        if lists.default_name and any(ACTIVE not in other.data for other in self._others(session)):
            raise _in_use()
        await privacy_lists.change(self._host, session.resident, lists.with_default(name))

    async def _set_list(self, session: Session, asked: Element) -> None:
        """Add a list, replace one, or without items remove it (§2.6 to §2.8)."""
        resident = session.resident
        lists, name = privacy_lists.of(resident), _name(asked)
        if not len(asked):
            _existing(lists, name)
            if any(privacy_lists.applied_name(other) == name for other in self._others(session)):
                raise _in_use()
            await privacy_lists.change(self._host, resident, lists.without(name))
            return
        config = self._host.config
        if name not in lists.by_name and len(lists.by_name) >= config.privacy.lists:
            raise StanzaError("resource-constraint", reason="limit.privacy-lists")
        if len(asked) > config.privacy.items:
            raise StanzaError("resource-constraint", reason="limit.privacy-items")
        changed = PrivacyList(name, _items(asked, resident.roster))
        await privacy_lists.change(self._host, resident, lists.with_list(changed), edited=name)

    def _others(self, session: Session) -> list[Session]:
        """The other sessions of the account: what applies to them stays (§2.2, rule 11)."""
        return [s for s in self._host.directory.of(session.account) if s is not session]


def _only_child(query: Element) -> Element:
    if len(query) != 1:
        raise _malformed("exactly one element")
    return query[0]


def _name(element: Element) -> str:
    name = element.get("name", "")
    if not name or len(name) > LONGEST_NAME:
        raise _malformed(f"a list has a name of at most {LONGEST_NAME} characters")
    return name


def _existing(lists: Lists, name: str) -> PrivacyList:
    found = lists.by_name.get(name)
    if found is None:
        raise StanzaError("item-not-found", "no such list", reason="privacy.no-list")
    return found


def _in_use() -> StanzaError:
    return StanzaError("conflict", "another session uses the list", reason="privacy.in-use")


def _names(session: Session, lists: Lists) -> list[Tag]:
    """The names of the lists, and before them which apply (§2.3)."""
    active: str | None = session.data.get(ACTIVE)
    told = [Tag("active", {"name": active})] if active is not None else []
    if lists.default_name:
        told.append(Tag("default", {"name": lists.default_name}))
    return [*told, *(Tag("list", {"name": name}) for name in lists.by_name)]


def _shown(item: PrivacyItem) -> Tag:
    attrs = {
        "type": item.type or None,
        "value": item.value if item.type else None,
        "action": "deny" if item.deny else "allow",
        "order": str(item.order),
    }
    named = [] if item.kinds == privacy.ALL else [k for k in _NAMES if item.kinds & k]
    return Tag("item", attrs, [Tag(_NAMES[kind]) for kind in named])


# ---------------------------------------------------------------------- reading a list


def _items(listed: Element, roster: Roster) -> list[PrivacyItem]:
    """The rules of a list, no two of the same order (§2.1)."""
    groups = _groups(roster) if any(item.get("type") == "group" for item in listed) else set()
    items = [_item(element, groups) for element in listed]
    if len({item.order for item in items}) != len(items):
        raise _malformed("two items have the same order")
    return items


def _item(element: Element, groups: Collection[str]) -> PrivacyItem:
    """One rule; `groups` are those that the roster has, and a rule may name (§2.1)."""
    if element.tag != f"{_P}item":
        raise _malformed("a list has items")
    action = element.get("action")
    if action not in ("allow", "deny"):
        raise _malformed("the action is allow or deny")
    kinds = 0
    for child in element:
        if child.tag not in _KINDS:
            raise _malformed("an item names message, iq, presence-in, presence-out")
        kinds |= _KINDS[child.tag]
    rule = _order(element), action == "deny", kinds or privacy.ALL
    type_, value = element.get("type"), element.get("value", "")
    if type_ is None:
        return PrivacyItem(*rule)
    if type_ == "jid":
        return PrivacyItem(*rule, "jid", _jid(value))
    if type_ == "group":
        if value not in groups:
            raise StanzaError("item-not-found", "no such group", reason="privacy.no-group")
        return PrivacyItem(*rule, "group", value)
    if type_ == "subscription" and value in SUBSCRIPTIONS:
        return PrivacyItem(*rule, "subscription", value)
    raise _malformed("the type is jid, group or subscription, each with a value")


def _order(element: Element) -> int:
    text = element.get("order", "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise _malformed("the order is a number")
    order = int(text)
    if order > HIGHEST_ORDER:
        raise _malformed(f"the order is at most {HIGHEST_ORDER}")
    return order


def _jid(value: str) -> str:
    try:
        return str(JID.parse(value))
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="privacy.malformed") from None


def _groups(roster: Roster) -> set[str]:
    """The groups of a roster, found in one go: a list may have a rule for each of many."""
    return {group for item in roster.listed() for group in item.groups}


def _malformed(why: str) -> StanzaError:
    return StanzaError("bad-request", why, reason="privacy.malformed")
