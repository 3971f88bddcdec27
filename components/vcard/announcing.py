"""Photos made known to the server, whose presence names them (XEP-0153, XEP-0398 §4).

The server takes the hash in an IQ set to the account, by the element that presence is to have.
What it has not taken yet is remembered in the store, and told again when it is there.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common.component import Component
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.vcard import avatar_update
from components.vcard.leftovers import WAIT, Leftovers
from components.vcard.service import Change
from components.vcard.untold import SQLUntold, Untold
from xmppd.jid import JID

log = Logger(namespace="component")


class Announcing:
    """What the server knows of its users' photos, and what it has still to be told."""

    def __init__(self, component: Component, untold: SQLUntold) -> None:
        self._component = component
        self._untold = untold
        self._leftovers: Leftovers[Untold] = Leftovers(component, untold.some, self._tell)

    def changed(self, account: JID, change: Change) -> None:
        """Tell of a change, before whoever made it has his answer: his next presence is right."""
        if change.new_photo:
            self._tell(Untold(account, change.after))

    def _tell(self, news: Untold) -> Deferred[None]:
        asked = self._component.ask(news.owner, "set", avatar_update.update(news.photo))
        done: Deferred[None] = asked.addCallbacks(
            self._told, self._refused, callbackArgs=(news,), errbackArgs=(news,)
        )
        return done.addErrback(_not_told)

    def _told(self, result: Stanza, news: Untold) -> Deferred[None]:
        return self._untold.told(*news)

    def _refused(self, failure: Failure, news: Untold) -> Deferred[None] | None:
        failure.trap(RequestFailed)
        condition = getattr(failure.value, "condition", "")
        if condition in WAIT:
            self._leftovers.later()
            return None
        # That account's presence is to name no avatar, or there is no such account.
        log.warn(
            "the server does not take the avatar of {account}: {condition}",
            account=news.owner,
            condition=condition,
        )
        return self._untold.told(*news)


def _not_told(failure: Failure) -> None:
    log.failure("the server was not told of an avatar", failure)
