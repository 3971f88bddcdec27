"""What is said to PEP services (XEP-0060, XEP-0163) and what they say, as vCards need it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from components.common.build import Content, Tag
from components.common.forms.fields import text_single
from components.common.forms.form import Form
from components.common.stanza import Stanza
from components.vcard.names import PUBSUB, PUBSUB_EVENT

EVENT = f"{PUBSUB_EVENT} event"
"""The name of what a message with an event holds."""

_KINDS = {
    f"{{{PUBSUB_EVENT}}}{kind}": kind for kind in ("items", "purge", "delete", "configuration")
}
_EVENT = f"{{{PUBSUB_EVENT}}}event/*"
_EVENT_ITEM = f"{{{PUBSUB_EVENT}}}item"
_ITEM = f"{{{PUBSUB_EVENT}}}item"
_ITEM = f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}items/{{{PUBSUB}}}item"
_ACCESS_MODEL = text_single("pubsub#access_model")
_OPTIONS = Form("http://jabber.org/protocol/pubsub#publish-options", (_ACCESS_MODEL,))


class Item(NamedTuple):
    """An item, and what was published as such."""

    id: str
    payload: Element


class Event(NamedTuple):
    """What has happened to a node, and what was published last, None where that is not told.

    `kind` is the name of the element that says it: "items", "purge", "delete", "configuration".
    """

    node: str
    kind: str
    payload: Element | None


def publish(node: str, item: str, payload: Content, *, opened: bool) -> Tag:
    """The request that publishes an item (XEP-0060 §7.1).

    `opened` asks for a node that everybody may read: it is refused where there is another (§7.1.5).
    """
    content = [Tag("item", {"id": item}, [payload])]
    asked = [Tag("publish", {"node": node}, content)]
    if opened:
        asked.append(Tag("publish-options", {}, [_OPTIONS.submit([_ACCESS_MODEL.of("open")])]))
    return Tag("pubsub", {}, asked, ns=PUBSUB)


def retract(node: str, item: str) -> Tag:
    """The request that deletes an item, and tells everybody of it (XEP-0060 §7.2)."""
    asked = Tag("retract", {"node": node, "notify": "true"}, [Tag("item", {"id": item})])
    return Tag("pubsub", {}, [asked], ns=PUBSUB)


def wanted(node: str, item: str = "") -> Tag:
    """The request for one item of a node (XEP-0060 §6.5.8), or for the last one (§6.5.7)."""
    items = (
        Tag("items", {"node": node}, [Tag("item", {"id": item})])
        if item
        else Tag("items", {"node": node, "max_items": "1"})
    )
    return Tag("pubsub", {}, [items], ns=PUBSUB)


def given(result: Stanza, item: str = "") -> Item | None:
    """An item in an answer, the one of this id if it is given; None where it is not there."""
    for each in result.element.iterfind(_ITEM):
        id_ = each.get("id", "")
        if len(each) and id_ == (item or id_):
            return Item(id_, each[0])
    return None


def told(message: Stanza) -> Iterator[Event]:
    """What events tell of nodes (XEP-0060 §7.1.2, §7.2.2, §8.2.5, §8.4.2, §8.5.2)."""
    for each in message.element.iterfind(_EVENT):
        kind = _KINDS.get(each.tag)
        if kind is not None:
            payload = None
            for item in each.iterfind(_EVENT_ITEM):
                payload = item[0] if len(item) else payload
            yield Event(each.get("node", ""), kind, payload)
