"""Roster pushes for components that may read rosters (XEP-0356 §4.4)."""

from __future__ import annotations

from xmppd.core import rosters
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.residents import Resident
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.storage.rosters import RosterItem

XEP = (356, "0.4.1", "complete")


def register(context: ModuleContext) -> None:
    """Push changes to components, too."""
    host = context.host
    context.hook(
        context.hooks.roster_changed,
        Phase.COPY,
        lambda resident, item: _push(host, resident, item),
    )


def _push(host: Host, resident: Resident, item: RosterItem) -> None:
    """Push an item to whoever is there, may read the roster, and wants to be told."""
    stanza = None
    for domain in host.components.connected:
        jid = JID.parse(domain)
        grants = host.components.grants(jid, resident.jid.domain)
        if grants is not None and grants.roster_push and grants.roster in ("get", "both"):
            stanza = stanza or rosters.pushed(resident, item)
            host.components.tell(jid, "", stanza.addressed(jid))
