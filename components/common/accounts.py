"""Accounts that the server has removed: whoever keeps something of them has to forget it.

    accounts = Accounts(component)
    accounts.on_removed(service.remove)

The server tells a component that may know accounts, or wants to know, and tells it again until it
has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.common.component import Component
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

Forget = Callable[[JID], Any]
"""Forgets an account, now or later; what it raises has the server ask again."""


class Accounts:
    """Who has to forget removed accounts."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._forget: list[Forget] = []
        component.iq("set", f"{ns.ACCOUNTS} removed", self._removed)

    def on_removed(self, forget: Forget) -> None:
        """Have `forget` called with the bare JID of each account that is removed."""
        self._forget.append(forget)

    async def _removed(self, stanza: Stanza) -> None:
        account = JID.parse(stanza.payload.get("jid", ""))
        server = stanza.sender
        if server not in self._component.servers or account.domain != server:
            raise StanzaError("forbidden", reason="component.not-the-server")
        for forget in self._forget:
            later = forget(account)
            if later is not None:
                await later
