"""Nodes of accounts that everybody may read from now on, or not any more: services are told.

They hear of nodes that are open to everybody alone (`listeners`). One that has made something of
it, as xmppd's vCards do, has to learn that its owner shows it to his friends only from then on: by
the event of a configuration (XEP-0060 §8.2.5.3), without how it is, whatever the node says of such
events to others. What it may still see it finds out by looking.
"""

from __future__ import annotations

from components.pubsub import events
from components.pubsub.life.listeners import Listeners
from components.pubsub.life.notices import Notices
from components.pubsub.model.node import Node
from components.pubsub.model.settings import Settings


class Openings:
    """Tells them."""

    def __init__(self, listeners: Listeners, notices: Notices) -> None:
        self._listeners = listeners
        self._notices = notices

    def configured(self, node: Node, before: Settings) -> None:
        """See `Configuring.on_configured`."""
        models = {node.settings.access_model, before.access_model}
        if node.personal and len(models) == 2 and "open" in models:
            account, name = node.address
            self._notices.send(account, self._listeners.wanting(name), events.configured(name))
