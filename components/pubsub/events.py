"""What subscribers are told, as XML that is ready (XEP-0060, `pubsub#event`).

What is said of many items comes in as many events as it takes: each of them goes into a stanza.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from components.common import datetimes
from components.common.build import Content, Tag, attribute
from components.pubsub.model.item import Item
from components.pubsub.model.node import Subscription
from components.pubsub.model.parcels import parcels
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.names import PUBSUB, PUBSUB_EVENT
from xmppd import ns
from xmppd.jid import JID

_HEAD = f"<event xmlns='{PUBSUB_EVENT}'>".encode()
_TAIL = b"</event>"

OCTETS = 200_000
"""What is told of items in one event: a user might have sent it so himself."""


def published(
    node: str, items: Sequence[Item], *, payloads: bool, reply: Callable[[Item], JID | None]
) -> Iterator[bytes]:
    """Items were published (§7.1.2): with their payloads or without, and whom replies go to.

    Where there are none, that is an event as well (§4.3).
    """
    told = (item_element(item, payload=payloads, publisher=reply(item)) for item in items)
    for some in parcels(told, OCTETS) if items else [[]]:
        yield _items(node, b"".join(some))


def retracted(node: str, ids: Iterable[str]) -> Iterator[bytes]:
    """Items were deleted (§7.2.2.1)."""
    told = (f"<retract id='{attribute(id_)}'/>".encode() for id_ in ids)
    for some in parcels(told, OCTETS):
        yield _items(node, b"".join(some))


def purged(node: str) -> bytes:
    """All items were deleted (§8.5.2)."""
    return b"%b<purge node='%b'/>%b" % (_HEAD, attribute(node).encode(), _TAIL)


def subscription(node: str, subscription: Subscription, state: State | None = None) -> bytes:
    """How a subscription is now (§13.14); `state` where it is no more, or not as it says."""
    attrs = {
        "node": node,
        "jid": subscription.jid,
        "subid": subscription.subid,
        "subscription": (state or subscription.state).value,
    }
    if subscription.options.expire:
        attrs["expiry"] = datetimes.written(subscription.options.expire)
    return Tag("event", {}, [Tag("subscription", attrs)], ns=PUBSUB_EVENT).render()


def affiliation(node: str, jid: JID, rank: Affiliation) -> bytes:
    """What somebody is to a node from now on (§8.9.4)."""
    told = Tag("affiliation", {"jid": jid, "affiliation": rank.value})
    listed = Tag("affiliations", {"node": node}, [told])
    return Tag("pubsub", {}, [listed], ns=PUBSUB).render()


def delay(at: float) -> bytes:
    """When an item was published, beside the event that tells of it later (§6.1.7, XEP-0203)."""
    return f"<delay xmlns='{ns.DELAY}' stamp='{datetimes.written(at)}'/>".encode()


def created(node: str) -> bytes:
    """A node is new in a collection (XEP-0248 §5.3.1.2)."""
    return _event(Tag("create", {"node": node}))


def configured(node: str, *form: Content) -> bytes:
    """A node was set up otherwise (§8.2.5.3); `form` says how, where payloads are told."""
    return _event(Tag("configuration", {"node": node}, form))


def deleted(node: str, uri: str = "") -> bytes:
    """A node was deleted, and has gone to `uri` (§8.4.2)."""
    redirect = [Tag("redirect", {"uri": uri})] if uri else []
    return _event(Tag("delete", {"node": node}, redirect))


def associated(collection: str, node: str) -> bytes:
    """A node has come into a collection (XEP-0248 §5.3.2)."""
    return _event(Tag("collection", {"node": collection}, [Tag("associate", {"node": node})]))


def dissociated(collection: str, node: str) -> bytes:
    """A node has gone from a collection (XEP-0248 §5.3.2)."""
    return _event(Tag("collection", {"node": collection}, [Tag("dissociate", {"node": node})]))


def _event(tag: Tag) -> bytes:
    return b"%b%b%b" % (_HEAD, tag.render(), _TAIL)


def _items(node: str, content: bytes) -> bytes:
    name = attribute(node).encode()
    return b"%b<items node='%b'>%b</items>%b" % (_HEAD, name, content, _TAIL)


def item_element(item: Item, *, payload: bool = True, publisher: JID | None = None) -> bytes:
    """`<item/>`, of the namespace of what is around it; `publisher` is told so (§13.17)."""
    head = f"<item id='{attribute(item.id)}'"
    if publisher is not None:
        head += f" publisher='{attribute(publisher)}'"
    if payload and item.payload:
        return b"%b>%b</item>" % (head.encode(), item.payload)
    return head.encode() + b"/>"
