"""What is said to PEP services (XEP-0060, XEP-0163) and what they say, as avatars need it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.common.forms.fields import text_single
from components.common.forms.form import Form
from components.common.stanza import Stanza
from components.vcard.names import PUBSUB, PUBSUB_EVENT

EVENT = f"{PUBSUB_EVENT} event"
"""The name of what a message with an event holds."""

_ITEMS = f"{{{PUBSUB_EVENT}}}event/{{{PUBSUB_EVENT}}}items"
_EVENT_ITEM = f"{{{PUBSUB_EVENT}}}item"
_ITEM = f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}items/{{{PUBSUB}}}item"
_ACCESS_MODEL = text_single("pubsub#access_model")
_OPTIONS = Form("http://jabber.org/protocol/pubsub#publish-options", (_ACCESS_MODEL,))


def publish(node: str, item: str, payload: Tag, *, opened: bool) -> Tag:
    """The request that publishes an item (XEP-0060 §7.1).

    `opened` asks for a node that everybody may read: it is refused where there is another (§7.1.5).
    """
    content = [Tag("item", {"id": item}, [payload])]
    asked = [Tag("publish", {"node": node}, content)]
    if opened:
        asked.append(Tag("publish-options", {}, [_OPTIONS.submit([_ACCESS_MODEL.of("open")])]))
    return Tag("pubsub", {}, asked, ns=PUBSUB)


def wanted(node: str, item: str) -> Tag:
    """The request for one item of a node (XEP-0060 §6.5.8)."""
    items = Tag("items", {"node": node}, [Tag("item", {"id": item})])
    return Tag("pubsub", {}, [items], ns=PUBSUB)


def given(result: Stanza, item: str) -> Element | None:
    """The payload of an item in an answer; None where it is not among what was given."""
    for each in result.element.iterfind(_ITEM):
        if each.get("id") == item and len(each):
            return each[0]
    return None


def published(message: Stanza, node: str) -> Element | None:
    """The payload that an event tells of last (XEP-0060 §7.1.2.1); None for another node's."""
    payload = None
    for items in message.element.iterfind(_ITEMS):
        if items.get("node") == node:
            for item in items.iterfind(_EVENT_ITEM):
                payload = item[0] if len(item) else payload
    return payload
