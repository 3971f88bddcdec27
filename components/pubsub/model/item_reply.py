"""Whom replies to an item go to: the JID that is told with it as its 'publisher' (§13.17)."""

from __future__ import annotations

from components.pubsub.model.item import Item
from components.pubsub.model.settings import Settings
from xmppd.jid import JID


def item_reply(settings: Settings, item: Item, owner: JID | None) -> JID | None:
    """The JID that is associated with an item of a node that is set up so, and whose `owner` is.

    None where the node says "none", or there is no owner.
    """
    return {"publisher": item.publisher, "owner": owner}.get(settings.itemreply)
