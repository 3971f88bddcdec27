"""PEP services (XEP-0163), as the vCards of a server have to do with them.

What an owner publishes the component is told of by his service: it says `+notify` (XEP-0163 §4).
It looks at nodes as anybody else would, so that nothing gets into a vCard that is not open to
everybody (XEP-0398 §7, XEP-0292 §8). What it publishes, it publishes in an owner's name, which
takes the server's leave (XEP-0356 §6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from components.common.build import Content
from components.common.component import Component
from components.common.disco import Disco
from components.common.privilege import Privilege
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.vcard import pubsub
from components.vcard.names import PUBSUB
from components.vcard.pubsub import Event, Item
from xmppd.errors import StanzaError
from xmppd.jid import JID

Tell = Callable[[JID, Event], Any]
"""Told, now or later, of an event of a node at an account."""

_NOT_SHOWN = frozenset({"item-not-found", "not-authorized", "not-allowed", "forbidden"})
"""Answers that a stranger gets who wants to see a node which there is not, or not for him."""


class Shown(NamedTuple):
    """What everybody sees of a node: nothing where it is not `open`, else an item or None."""

    open: bool
    item: Item | None = None


class Pep:
    """The PEP services of the accounts at a component's servers."""

    def __init__(self, component: Component, privilege: Privilege, disco: Disco) -> None:
        self._component = component
        self._privilege = privilege
        self._disco = disco
        self._tell: dict[str, Tell] = {}
        component.on_message(self._notified, pubsub.EVENT)

    def holds(self, account: JID) -> bool:
        """Whether the server lets anything be published in an account's name."""
        return self._privilege.of(account).iq.get(PUBSUB) in ("set", "both")

    @property
    def granted(self) -> bool:
        """Whether any of the servers does."""
        return any(map(self.holds, self._component.servers))

    # ------------------------------------------------------------------ what is said

    async def publish(
        self, account: JID, node: str, item: str, payload: Content, *, opened: bool
    ) -> None:
        """Publish for everybody, or where not `opened`, for whom the owner has made the node.

        Raises RequestFailed, `conflict` where it is not as wanted, or NotGranted.
        """
        request = pubsub.publish(node, item, payload, opened=opened)
        await self._privilege.ask(account, account, "set", request)

    async def retract(self, account: JID, node: str, item: str) -> None:
        """Delete an item; raises RequestFailed, or NotGranted."""
        await self._privilege.ask(account, account, "set", pubsub.retract(node, item))

    async def look(self, account: JID, node: str, item: str = "") -> Shown:
        """What everybody sees of a node: an item, the last one unless it is named.

        Raises RequestFailed where that can't be told.
        """
        try:
            answer = await self._component.ask(account, "get", pubsub.wanted(node, item))
        except RequestFailed as failed:
            if failed.condition not in _NOT_SHOWN:
                raise
            return Shown(open=False)
        return Shown(open=True, item=pubsub.given(answer, item))

    async def look_after(self, account: JID, event: Event) -> Shown | None:
        """What everybody sees of a node since an event of it; None where that says nothing.

        A node that is set up, and has nothing in it yet, does not say that its owner has nothing.
        """
        shown = await self.look(account, event.node)
        if event.kind == "configuration" and shown.open and shown.item is None:
            return None
        return shown

    # ------------------------------------------------------------------ what is heard

    def listen(self, node: str, tell: Tell) -> None:
        """Be told of what happens to nodes of a name."""
        self._disco.add(f"{node}+notify")
        self._tell[node] = tell

    async def _notified(self, message: Stanza) -> None:
        account = message.sender
        if not (account.local and account.is_bare and self.holds(account)):
            raise StanzaError("forbidden", reason="component.not-the-server")
        for event in pubsub.told(message):
            tell = self._tell.get(event.node)
            if tell is not None:
                later = tell(account, event)
                if later is not None:
                    await later
