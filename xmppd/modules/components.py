"""Jabber Component Protocol (XEP-0114): components that are connected are listed.

Their streams, and what becomes of the stanzas for their domains, stand in `core/components`.
"""

from __future__ import annotations

from xmppd.core.context import ModuleContext

XEP = (114, "1.6", "complete")


def register(context: ModuleContext) -> None:
    """List what is connected in the items of the server's domains (XEP-0030 §4.1)."""
    components = context.host.components
    context.items(lambda: components.connected)
