"""Where subscribers are told of what happens to a node (XEP-0060 §13.3, XEP-0163 §4.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from components.pubsub.life.presences import Presences, Seen
from components.pubsub.model.node import Node, Subscription
from components.pubsub.model.options import SHOW_VALUES
from components.pubsub.model.ranks import State
from xmppd.jid import JID


class Told:
    """Addresses, once each: in `subids` those with several subscriptions, and their SubIDs."""

    __slots__ = ("bodies", "lasting", "plain", "subids")

    def __init__(self) -> None:
        self.plain: dict[JID, None] = {}
        self.subids: dict[JID, list[str]] = {}
        self.bodies: set[JID] = set()
        """Those of them that want bodies beside payloads (§13.8)."""
        self.lasting = True
        """Whether they are the same as long as the node is: no presence has decided."""


def told(
    node: Node,
    presences: Presences,
    states: Collection[State],
    admits: Callable[[JID], bool] | None,
) -> Told:
    """Whom an event goes to that subscribers of these `states` are told of.

    `admits` says which bare JIDs still may be told, where it is given.
    """
    found = Told()
    personal = node.personal
    for of_one in node.by_account():
        counted = [each for each in of_one.values() if each.state in states]
        several = len(counted) > 1
        for each in counted:
            if not each.options.deliver:
                continue
            if admits is not None and not admits(each.jid.bare):
                continue
            if by_presence(node, each):
                found.lasting = False
            elif not (several or personal):
                found.plain[each.jid] = None
                if each.options.include_body:
                    found.bodies.add(each.jid)
                continue
            body = each.options.include_body or (several and want_body(counted, each.jid))
            _add(found, node, each, _same(counted, each), presences, body=body)
    for jid in found.subids:
        found.plain.pop(jid, None)
    return found


def _add(
    found: Told,
    node: Node,
    subscription: Subscription,
    same: int,
    presences: Presences,
    *,
    body: bool,
) -> None:
    for jid in addresses(node, subscription, presences):
        if body:
            found.bodies.add(jid)
        if same > 1:
            found.subids.setdefault(jid, []).append(subscription.subid)
        else:
            found.plain[jid] = None


def _same(subscriptions: Collection[Subscription], one: Subscription) -> int:
    """How many there are of its JID: then it matters which is which (§6.1.6)."""
    return sum(each.jid == one.jid for each in subscriptions)


def want_body(subscriptions: Collection[Subscription], jid: JID) -> bool:
    """Whether a JID is sent bodies: one subscription of its own that says so is enough (§13.8)."""
    return any(each.options.include_body and each.jid == jid for each in subscriptions)


def by_presence(node: Node, subscription: Subscription) -> bool:
    """Whether it is told only while the subscriber is there (§13.6), and as he has chosen."""
    return node.settings.presence_based_delivery or subscription.options.show_values != SHOW_VALUES


def addresses(node: Node, subscription: Subscription, presences: Presences) -> Iterator[JID]:
    """Where a subscriber is told of events at this moment.

    At the JID that he has subscribed (§13.3); at single resources of it where only those want to
    be told, or may be by what they show.
    """
    jid = subscription.jid
    seen = presences.of(jid.bare)
    depends = by_presence(node, subscription)
    if jid.resource:
        if not depends or _shows(subscription, seen.get(jid)):
            yield jid
        return
    there = [full for full, each in seen.items() if _shows(subscription, each)]
    if node.personal:
        interested = [full for full in there if node.address.name in (seen[full].interests or ())]
        if interested:
            yield from interested
            return
    if not depends or (there and len(there) == len(seen)):
        yield jid
    else:
        yield from there


def _shows(subscription: Subscription, seen: Seen | None) -> bool:
    return seen is not None and seen.show in subscription.options.show_values
