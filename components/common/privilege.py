"""Privileged Entity (XEP-0356): what a component may do in the name of the server's users.

    privilege = Privilege(component)
    items = await privilege.roster(account)
    privilege.message(account, contact, event)

What has not been granted raises NotGranted before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from components.common import answers, forwarded
from components.common.answers import Answer
from components.common.build import Content, Tag, message_content
from components.common.component import NOT_GRANTED, Component
from components.common.grants import Grants
from components.common.requests import SECONDS, RequestFailed
from components.common.stanza import Stanza, write
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

_NAME = f"{ns.PRIVILEGE} privilege"
_ROSTER = f"{ns.ROSTER} query"
_PERM = f"{{{ns.PRIVILEGE}}}privilege/{{{ns.PRIVILEGE}}}perm"
_NAMESPACE = f"{{{ns.PRIVILEGE}}}namespace"
_ITEM = f"{{{ns.ROSTER}}}item"

_ALLOW = {"get": ("get", "both"), "set": ("set", "both")}
"""Which types of a permission let which types of an IQ through (§4.1, §6.1)."""


class NotGranted(StanzaError):
    """The server has not granted what is needed."""

    def __init__(self, what: str) -> None:
        super().__init__("forbidden", reason=NOT_GRANTED, detail=what)


class Permissions(NamedTuple):
    """What a server grants, in the words of the XEP (§4.2, §5.2, §6.2, §7.2)."""

    roster: str = "none"
    push: bool = False
    """Whether changes of rosters are pushed."""
    message: str = "none"
    presence: str = "none"
    iq: Mapping[str, str] = {}
    """By namespace."""


NOTHING = Permissions()


class Push(NamedTuple):
    """A change of an account's roster: the item as it is now, or with the subscription "remove"."""

    account: JID
    item: Element


OnPush: TypeAlias = Callable[[Push], object]
OnPresence: TypeAlias = Callable[[Stanza], object]


class Privilege:
    """What the servers of a component let it do."""

    def __init__(self, component: Component) -> None:
        self._grants: Grants[Permissions] = Grants(component, _NAME, _read)
        self._component = component
        self._on_push: list[OnPush] = []
        self._on_presence: list[OnPresence] = []
        component.iq("set", _ROSTER, self._pushed)

    @property
    def granted(self) -> Mapping[JID, Permissions]:
        """By server, what it grants."""
        return self._grants.by_server

    def of(self, jid: JID) -> Permissions:
        """What may be done in the name of accounts of the server that `jid` is at."""
        domain = JID.parse(jid.domain)
        return self.granted.get(domain, NOTHING)

    # ------------------------------------------------------------------ rosters (§4)

    async def roster(self, account: JID) -> list[Element]:
        """The contacts of an account: `<item/>` elements (RFC 6121 §2.1.2).

        Raises NotGranted, or RequestFailed.
        """
        self._may_roster(account, "get")
        result = await self._component.ask(account.bare, "get", Tag("query", ns=ns.ROSTER))
        query = result.element.find(f"{{{ns.ROSTER}}}query")
        return [] if query is None else query.findall(_ITEM)

    def set_roster_item(self, account: JID, item: Tag) -> Deferred[Stanza]:
        """Add, change or remove a contact of an account (RFC 6121 §2.3); raises NotGranted."""
        self._may_roster(account, "set")
        query = Tag("query", {}, [item], ns=ns.ROSTER)
        return self._component.ask(account.bare, "set", query)

    def on_roster_push(self, tell: OnPush) -> None:
        """Have `tell` called for each change of a roster (§4.4)."""
        self._on_push.append(tell)

    def _may_roster(self, account: JID, type_: str) -> None:
        if self.of(account).roster not in _ALLOW[type_]:
            raise NotGranted(f"roster {type_}")

    def _pushed(self, stanza: Stanza) -> None:
        """A roster push; its sender is the account (§4.4, RFC 6121 §2.1.6)."""
        account = stanza.sender
        if not account.is_bare or self.of(account).roster not in _ALLOW["get"]:
            raise StanzaError("forbidden", reason="component.not-the-server")
        for item in stanza.payload.iterfind(_ITEM):
            for tell in self._on_push:
                tell(Push(account, item))

    # ------------------------------------------------------------------ messages (§5)

    def message(
        self, sender: JID, to: JID, *content: Content, type_: str = "", id_: str = ""
    ) -> bool:
        """Send a message in the name of an account, or of the server; see `Component.message`.

        Raises NotGranted.
        """
        if self.of(sender).message != "outgoing":
            raise NotGranted("message")
        inner = message_content(content)
        return self._component.send(self.written(sender, to, inner, type_=type_, id_=id_))

    def written(self, sender: JID, to: JID, inner: bytes, *, type_: str, id_: str) -> bytes:
        """What `message` sends, whether it is granted or not."""
        inside = write("message", sender.bare, to, inner, type_=type_, id_=id_, namespace=ns.CLIENT)
        content = forwarded.wrap(inside, _NAME)
        return write("message", self._component.domain, sender.domain, content)

    # ------------------------------------------------------------------ IQs (§6)

    async def ask(
        self, account: JID, to: JID, type_: str, payload: Tag, *, seconds: float = SECONDS
    ) -> Stanza:
        """Ask `to` in the name of an account; the result that it has got.

        `payload` has a namespace of its own. Raises NotGranted, or RequestFailed.
        """
        if self.of(account).iq.get(payload.ns or "", "none") not in _ALLOW[type_]:
            raise NotGranted(f"iq {type_} {payload.ns}")
        # The server tells this request from others by the one around it.
        inside = write(
            "iq", "", to, payload.render(), type_=type_, id_="inside", namespace=ns.CLIENT
        )
        outside: Answer = Tag("privileged_iq", {}, [inside], ns=ns.PRIVILEGE)
        result = await self._component.ask(account.bare, type_, outside, seconds=seconds)
        answer = forwarded.unwrap(result, _NAME)
        if answer is None:
            raise RequestFailed("undefined-condition", "no forwarded answer", result)
        if answer.type == "error":
            raise RequestFailed(*answers.stanza_condition(answer), answer)
        return answer

    # ------------------------------------------------------------------ presence (§7)

    def on_presence(self, tell: OnPresence) -> None:
        """Have `tell` called for presence that comes by a grant: available and unavailable.

        It comes as presence that is directed to the service does (§7.3, §7.6), and what is not
        granted is not told. Raises ValueError where `Component.on_presence` takes all.
        """
        if not self._on_presence:
            self._component.on_presence(self._presence)
        self._on_presence.append(tell)

    def _presence(self, stanza: Stanza) -> None:
        if stanza.type not in ("", "unavailable") or stanza.to.local:
            return
        sender = stanza.sender
        anyones = any(granted.presence == "roster" for granted in self.granted.values())
        if anyones or self.of(sender).presence == "managed_entity":
            for tell in self._on_presence:
                tell(stanza)


def _read(stanza: Stanza) -> Permissions:
    perms = {perm.get("access", ""): perm for perm in stanza.element.iterfind(_PERM)}
    types = {access: perm.get("type", "none") for access, perm in perms.items()}
    roster = types.get("roster", "none")
    push = perms["roster"].get("push", "true") if "roster" in perms else "false"
    namespaces = perms["iq"].iterfind(_NAMESPACE) if "iq" in perms else ()
    return Permissions(
        roster,
        push in ("true", "1") and roster in _ALLOW["get"],
        types.get("message", "none"),
        types.get("presence", "none"),
        {one.get("ns", ""): one.get("type", "none") for one in namespaces},
    )
