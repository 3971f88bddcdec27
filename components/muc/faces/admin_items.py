"""Requests in the namespace muc#admin, as values (XEP-0045 §17.4, §19.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from components.muc.model import entering
from components.muc.model.policy import Policy
from components.muc.model.ranks import AFFILIATIONS, ROLES, Affiliation, Role
from components.muc.model.room import Room
from components.muc.names import MUC_ADMIN
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError, prepare_resource

ITEMS = 100
"""How many changes one request may ask for."""

REASON = 500
"""Characters of a reason: it is kept, and told to everybody."""

_ITEM = f"{{{MUC_ADMIN}}}item"
_REASON = f"{{{MUC_ADMIN}}}reason"

Rank = TypeVar("Rank", Role, Affiliation)


class Item(NamedTuple):
    """One change that is asked for: of a role, or of an affiliation, and of whose.

    `nick` is None where none is given, "" where it is to be no more (§9.5).
    """

    role: Role | None
    affiliation: Affiliation | None
    jid: JID | None
    nick: str | None
    reason: str


def wanted(query: Element) -> Role | Affiliation:
    """Of which role or affiliation a list is asked for; raises StanzaError where none is."""
    items = query.findall(_ITEM)
    if len(items) != 1:
        raise StanzaError("bad-request", "which list?", reason="muc.which-list")
    role, affiliation = _ranks(items[0])
    found = affiliation if role is None else role
    if not found:  # nobody keeps a list of those who are nothing (§5.2)
        raise StanzaError("bad-request", "there is no such list", reason="muc.which-list")
    return found


def read(query: Element) -> list[Item]:
    """All changes that a request asks for: all of roles, or all of affiliations.

    Raises StanzaError where any of them says nothing, or too much.
    """
    elements = query.findall(_ITEM)
    if not elements:
        raise StanzaError("bad-request", "there is no item", reason="muc.no-item")
    if len(elements) > ITEMS:
        text = f"{ITEMS} items at a time"
        raise StanzaError("policy-violation", text, reason="muc.many-items")
    items = [_item(each) for each in elements]
    if len({each.role is None for each in items}) > 1:
        text = "either roles or affiliations"
        raise StanzaError("bad-request", text, reason="muc.mixed-items")
    return items


def _item(element: Element) -> Item:
    role, affiliation = _ranks(element)
    reason = (element.findtext(_REASON) or "").strip()
    if len(reason) > REASON:
        text = f"a reason has {REASON} characters at the most"
        raise StanzaError("not-acceptable", text, reason="muc.long-reason")
    address, nick = element.get("jid"), element.get("nick")
    try:
        jid = None if address is None else JID.parse(address)
        nick = prepare_resource(nick) if nick else nick
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="muc.bad-jid") from None
    return Item(role, affiliation, jid, nick, reason)


def _ranks(element: Element) -> tuple[Role | None, Affiliation | None]:
    """The one of the two that an item names (§17.4)."""
    role = _known(element.get("role"), ROLES)
    affiliation = _known(element.get("affiliation"), AFFILIATIONS)
    if (role is None) is (affiliation is None):
        text = "an item has a role or an affiliation"
        raise StanzaError("bad-request", text, reason="muc.which-rank")
    return role, affiliation


def _known(name: str | None, ranks: Mapping[str, Rank]) -> Rank | None:
    if name is None:
        return None
    found = ranks.get(name)
    if found is None:
        raise StanzaError("bad-request", "there is no such rank", reason="muc.unknown-rank")
    return found


def reserved(room: Room, jid: JID, nick: str, policy: Policy) -> str:
    """A nick that is to be somebody's, "" for none; raises StanzaError where it can't be.

    That somebody else has registered it is seen as it is written.
    """
    if not nick:
        return ""
    if not jid.local:
        raise StanzaError("not-acceptable", "a domain has no nick", reason="muc.domain")
    try:
        asked = entering.nick_asked(room.address.with_resource(nick), policy)
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="muc.bad-jid") from None
    other = room.alike(asked)
    if other is not None and other.account != jid:
        raise StanzaError("conflict", "that nick is in use", reason="muc.nick-in-use")
    return asked
