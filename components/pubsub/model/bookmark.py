"""A bookmark of a chatroom, as XEP-0402 and as XEP-0048 spell it.

What one spelling has and the other has not is in `extensions`, which clients have to leave as they
are (XEP-0402 §2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLParser

from components.common import tree
from components.common.build import Content, Tag
from xmppd.jid import JID, JIDError
from xmppd.ns import XML

NATIVE = "urn:xmpp:bookmarks:1"
"""The namespace of XEP-0402, and its node."""
OLD = "storage:bookmarks"
"""That of XEP-0048."""

STORAGE = f"{{{OLD}}}storage"
_KNOWN = ("jid", "name", "autojoin")
_CONFERENCE = f"{{{OLD}}}conference"


class Bookmark(NamedTuple):
    """What is known of a room, but for its address."""

    name: str = ""
    autojoin: bool = False
    nick: str = ""
    password: str = ""
    extensions: bytes = b""
    """Elements that have their namespaces with them."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Others than those of either spelling, as a tree names them."""

    def native(self) -> bytes:
        """As XEP-0402 has it: the address is the item's id."""
        return self._tag({}, NATIVE).render()

    def old(self, address: JID) -> Tag:
        """As XEP-0048 has it, within its `<storage/>`."""
        return self._tag({"jid": address})

    def _tag(self, attrs: dict[str, str | None], ns: str | None = None) -> Tag:
        for number, (key, value) in enumerate(self.attributes):
            space, _, local = key.removeprefix("{").rpartition("}")
            prefix = "xml:" if space == XML else f"a{number}:" if space else ""
            if prefix and space != XML:
                attrs[f"xmlns:a{number}"] = space
            attrs[f"{prefix}{local}"] = value
        attrs |= {"name": self.name or None, "autojoin": "true" if self.autojoin else None}
        children: list[Content] = []
        for local, value in (("nick", self.nick), ("password", self.password)):
            if value:
                children.append(Tag(local, {}, value))
        if self.extensions:
            children.append(Tag("extensions", {}, [self.extensions]))
        return Tag("conference", attrs, children, ns=ns)


def native(payload: bytes) -> Bookmark | None:
    """The bookmark that an item of XEP-0402 has, None where it is none."""
    element = _parsed(payload)
    if element is None or element.tag != f"{{{NATIVE}}}conference":
        return None
    return _read(element, NATIVE)


class Storage(NamedTuple):
    """What a `<storage/>` of XEP-0048 has."""

    rooms: dict[JID, Bookmark]
    others: tuple[Element, ...]
    """Bookmarks of web pages, and what else there is: XEP-0402 has no place for it."""


NOTHING = Storage({}, ())


def old(payload: bytes) -> Storage | None:
    """What an item of XEP-0048 has, None where it is none (§3.1)."""
    element = _parsed(payload)
    return None if element is None or element.tag != STORAGE else storage(element)


def storage(elements: Iterable[Element]) -> Storage:
    """Read the content of a `<storage/>`. Of two bookmarks of one room the last one holds."""
    rooms: dict[JID, Bookmark] = {}
    others = []
    for each in elements:
        there = room(each.get("jid", "")) if each.tag == _CONFERENCE else None
        if there is None:
            others.append(each)
        else:
            found = _read(each, OLD)
            # Some clients say the nickname there.
            rooms[there.bare] = found._replace(nick=found.nick or there.resource)
    return Storage(rooms, tuple(others))


def written(kept: Storage) -> bytes:
    """A `<storage/>`."""
    told: list[Content] = [each.old(address) for address, each in kept.rooms.items()]
    told += [tree.written(each, OLD) for each in kept.others]
    return Tag("storage", {}, told, ns=OLD).render()


def alike(one: Storage, other: Storage) -> bool:
    """Whether they say the same, in whatever order their rooms stand."""
    if one.rooms != other.rooms or len(one.others) != len(other.others):
        return False
    pairs = zip(one.others, other.others, strict=True)
    return all(tree.written(each) == tree.written(its) for each, its in pairs)


def merged(new: Bookmark, known: Bookmark) -> Bookmark:
    """What somebody has changed who knows nothing of extensions: they stay (XEP-0402 §3.4)."""
    return new._replace(
        extensions=new.extensions or known.extensions,
        attributes=new.attributes or known.attributes,
    )


def _parsed(payload: bytes) -> Element | None:
    try:
        parser = XMLParser(encoding="UTF-8")
        parser.feed(payload)
        element: Element = parser.close()
    except ParseError:
        return None
    return element


def _read(element: Element, namespace: str) -> Bookmark:
    def text(local: str) -> str:
        return (element.findtext(f"{{{namespace}}}{local}") or "").strip()

    autojoin = element.get("autojoin", "").strip() in ("true", "1")
    extensions = b"".join(tree.written(each) for each in _extensions(element, namespace))
    attributes = tuple(sorted((k, v) for k, v in element.attrib.items() if k not in _KNOWN))
    return Bookmark(
        element.get("name", ""), autojoin, text("nick"), text("password"), extensions, attributes
    )


def _extensions(element: Element, namespace: str) -> Iterator[Element]:
    """What is in `<extensions/>`, and what stands beside it and is not known."""
    for each in element:
        space = each.tag.removeprefix("{").rpartition("}")[0]
        if each.tag.endswith("}extensions") and space in (NATIVE, OLD):
            yield from each
        elif space != namespace or each.tag.rpartition("}")[2] not in ("nick", "password"):
            yield each


def room(text: str) -> JID | None:
    """The address of a room, None for what is none; a nickname may be its resource."""
    try:
        jid = JID.parse(text)
    except JIDError:
        return None
    return jid if jid.local else None
