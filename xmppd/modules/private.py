"""Private XML Storage (XEP-0049): what clients keep with the server, bookmarks (XEP-0048) first.

Elements are stored under their name and namespace. Those of one name that are set together are
got together, and an empty one takes no room: it is what is got where nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.residents import Resident
from xmppd.errors import StanzaError
from xmppd.storage.private import PrivateFull
from xmppd.wire import canonical
from xmppd.wire.build import Raw, Tag

XEP = (49, "1.2", "complete")

RESERVED = ("jabber:", "http://jabber.org/", "vcard-temp")
"""How namespaces begin whose elements have a place of their own (§2.3)."""


def register(context: ModuleContext) -> None:
    """Answer gets and sets of a user's own elements."""
    private = Private(context.host)
    context.iq(On.ACCOUNT, "get", f"{ns.PRIVATE} query", private.get)
    context.iq(On.ACCOUNT, "set", f"{ns.PRIVATE} query", private.set)
    context.advertise(ns.PRIVATE)


class Private:
    """Answers for the private XML of all accounts."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, request: Request) -> Tag:
        """Give what is stored under the names that are asked for, all of one namespace (§2.3)."""
        account = await self._owner(request)
        names = list(dict.fromkeys(_name(child) for child in request.payload))
        if not names:
            raise StanzaError("bad-request", "what is asked for?", reason="private.malformed")
        if len({name.rpartition(" ")[0] for name in names}) > 1:
            raise StanzaError("bad-request", "one namespace only", reason="private.malformed")
        found = await self._host.stores.private.get(account.id, names)
        return Tag(
            "query", {}, [Raw(found.get(name) or _empty(name)) for name in names], ns=ns.PRIVATE
        )

    async def set(self, request: Request) -> None:
        """Store elements in place of those of the same names (§2.3)."""
        account, private = await self._owner(request), self._host.config.private
        elements = _elements(request.payload)
        if not elements:
            raise _not_acceptable("there is nothing to store")
        if any(len(element) > private.element_octets for element in elements.values()):
            raise StanzaError("policy-violation", "too large", reason="limit.private-element")
        try:
            await self._host.stores.private.put(
                account.id, elements, most=private.elements, octets=private.octets
            )
        except PrivateFull:
            raise StanzaError("resource-constraint", reason="limit.private") from None

    async def _owner(self, request: Request) -> Resident:
        """The account that asks; nobody has another's (§2.3, §4).

        Where it has no session, somebody asks who may do so in its name (XEP-0356 §6).
        """
        if not request.own:
            raise StanzaError("forbidden", reason="stanza.forbidden")
        session = request.session
        fetch = self._host.residents.fetch
        resident = await fetch(request.to) if session is None else session.resident
        if resident is None or resident.guest:
            raise StanzaError("not-allowed", "guests have no storage", reason="private.guest")
        return resident


def _elements(query: Element) -> Mapping[str, bytes]:
    """The elements to be stored, by name; b"" for what need not be."""
    elements: dict[str, bytes] = {}
    for child in query:
        name = _name(child)
        says_nothing = not (len(child) or child.attrib or child.text)
        elements[name] = elements.get(name, b"") + (
            b"" if says_nothing else canonical.written(child)
        )
    return elements


def _name(child: Element) -> str:
    """The name of an element, ``"namespace local"``, of a namespace that it may have (§2.3)."""
    namespace, _, local = child.tag.removeprefix("{").rpartition("}")
    if namespace in ("", ns.PRIVATE):
        raise _not_acceptable("an element needs a namespace of its own")
    if namespace.startswith(RESERVED):
        raise StanzaError("not-acceptable", "a reserved namespace", reason="private.reserved")
    return f"{namespace} {local}"


def _empty(name: str) -> bytes:
    namespace, _, local = name.rpartition(" ")
    return Tag(local, ns=namespace).render()


def _not_acceptable(why: str) -> StanzaError:
    return StanzaError("not-acceptable", why, reason="private.malformed")
