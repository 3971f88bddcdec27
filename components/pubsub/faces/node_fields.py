"""The fields of a node's configuration (XEP-0060 §17.4.4; of collections XEP-0248 §12.2.2).

Each by the name that `Settings` has for it; its own name has `pubsub#` in front.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from components.common.forms.datatypes import LINES, URI, Datatype
from components.common.forms.field import Field
from components.common.forms.fields import (
    blank,
    boolean,
    jid_multi,
    list_multi,
    list_single,
    number,
    text_single,
    texts,
    typed,
)
from components.common.forms.validation import Open, Regex
from components.pubsub.life.linking import CHILDREN
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import MAX
from xmppd.jid import JID

Fields: TypeAlias = Mapping[str, Field[Any]]

NODE_TYPE = "node_type"
ACCESS_MODEL = "access_model"
GROUPS = "roster_groups_allowed"

NODES = 1_000
"""NodeIDs that a form may name, of collections or of nodes in one."""
CONTACTS = 50
"""Addresses of whom to ask about a node."""
YEARS = 100 * 366 * 86_400
"""Seconds that an item may last; who wants more wants "max"."""

_ACCESS = {
    "authorize": "Subscription requests must be approved and only subscribers may retrieve items",
    "open": "Anyone may subscribe and retrieve items",
    "presence": "Anyone with a presence subscription of both or from may subscribe and retrieve"
    " items",
    "roster": "Anyone in the specified roster group(s) may subscribe and retrieve items",
    "whitelist": "Only those on a whitelist may subscribe and retrieve items",
}
_PUBLISH = {
    "publishers": "Only publishers may publish",
    "subscribers": "Subscribers may publish",
    "open": "Anyone may publish",
}
_SEND_LAST = {
    "never": "Never",
    "on_sub": "When a new subscription is processed",
    "on_sub_and_presence": "When a new subscription is processed and whenever a subscriber comes"
    " online",
}
_FULL = {
    "retract-oldest": "Retract the oldest item alongside publishing the new item.",
    "discard-oldest": "Discard the oldest item alongside publishing the new item.",
    "reject": "Reject publication of the new item.",
}
_NOTIFICATION = {
    "normal": "Messages of type normal",
    "headline": "Messages of type headline",
    "chat": "Messages of type chat",
}
_TYPES = {
    "leaf": "The node is a leaf node (default)",
    "collection": "The node is a collection node",
}
_ASSOCIATION = {
    "all": "Anyone may associate nodes with this collection",
    "owners": "Only the owners of this node may associate other nodes to this collection",
    "whitelist": "Only those on the children association whitelist may associate other nodes to"
    " this collection",
}
_ITEMREPLY = {
    "owner": "Items tell whom the node belongs to",
    "publisher": "Items tell who has published them",
    "none": "Items tell of nobody",
}
_LANGUAGES = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "pl": "Polski",
    "pt": "Português",
    "ru": "Русский",
    "zh": "中文",
}
_LANGUAGE = Regex("[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", "a language, such as en or pt-BR")


def _common() -> dict[str, Field[Any]]:
    """What nodes of all types have."""
    return {
        "title": text_single("pubsub#title", "A friendly name for the node"),
        "description": typed("pubsub#description", "A description of the node", LINES),
        "language": blank(
            list_single(
                "pubsub#language", "The default language of the node", _LANGUAGES, method=_LANGUAGE
            )
        ),
        "contact": _plain(
            jid_multi(
                "pubsub#contact", "The JIDs of those to contact with questions", most=CONTACTS
            )
        ),
        NODE_TYPE: list_single(
            "pubsub#node_type", "Whether the node is a leaf (default) or a collection", _TYPES
        ),
        "collection": texts(
            "pubsub#collection", "The collections of which this node is a child", most=NODES
        ),
        ACCESS_MODEL: list_single(
            "pubsub#access_model", "Who may subscribe and retrieve items", _ACCESS
        ),
        GROUPS: groups_field(()),
        "subscribe": boolean("pubsub#subscribe", "Whether to allow subscriptions"),
        "deliver_notifications": boolean(
            "pubsub#deliver_notifications", "Whether to deliver event notifications"
        ),
        "notify_config": boolean(
            "pubsub#notify_config",
            "Whether to notify subscribers when the node configuration changes",
        ),
        "notify_delete": boolean(
            "pubsub#notify_delete", "Whether to notify subscribers when the node is deleted"
        ),
        "notify_sub": boolean(
            "pubsub#notify_sub", "Whether to notify owners about new subscribers and unsubscribes"
        ),
        "notification_type": list_single(
            "pubsub#notification_type",
            "Specify the delivery style for notifications",
            _NOTIFICATION,
        ),
        "presence_based_delivery": boolean(
            "pubsub#presence_based_delivery",
            "Whether to deliver notifications to available users only",
        ),
        "tempsub": boolean(
            "pubsub#tempsub",
            "Whether to make all subscriptions temporary, based on subscriber presence",
        ),
    }


def leaf_fields(policy: Policy) -> Fields:
    """Those of a leaf node."""
    return {
        **_common(),
        "type": text_single(
            "pubsub#type",
            "The type of node data, usually specified by the namespace of the payload (if any)",
        ),
        "dataform_xslt": typed(
            "pubsub#dataform_xslt",
            "The URL of an XSL transformation of the payload to a data form",
            URI,
        ),
        **_bodies(policy.bodies),
        "publish_model": list_single("pubsub#publish_model", "The publisher model", _PUBLISH),
        "persist_items": boolean("pubsub#persist_items", "Whether to persist items to storage"),
        "max_items": typed(
            "pubsub#max_items",
            "The maximum number of items to persist. `max` for no specific limit other than a"
            " server imposed maximum.",
            _limit(policy.items),
        ),
        "item_expire": typed(
            "pubsub#item_expire",
            "Number of seconds after which to automatically purge items. `max` for no specific"
            " limit other than a server imposed maximum.",
            _limit(policy.expire or YEARS),
        ),
        "publish_node_full": list_single(
            "pubsub#publish_node_full",
            "Action to be performed by the service when publishing on a full node.",
            _FULL,
        ),
        "purge_offline": boolean(
            "pubsub#purge_offline",
            "Whether to purge all items when the relevant publisher goes offline",
        ),
        "max_payload_size": _size(policy.item_octets),
        "deliver_payloads": boolean(
            "pubsub#deliver_payloads",
            "Whether to deliver payloads with event notifications; applies only to leaf nodes",
        ),
        "notify_retract": boolean(
            "pubsub#notify_retract",
            "Whether to notify subscribers when items are removed from the node",
        ),
        "send_last_published_item": list_single(
            "pubsub#send_last_published_item", "When to send the last published item", _SEND_LAST
        ),
        "itemreply": list_single(
            "pubsub#itemreply",
            "Whether owners or publisher should receive replies to items",
            _ITEMREPLY,
        ),
    }


def collection_fields(policy: Policy) -> Fields:
    """Those of a collection (XEP-0248 §7.2)."""
    return {
        **_common(),
        CHILDREN: texts("pubsub#children", "The nodes of which this node is a parent", most=NODES),
        "children_association_policy": _association(),
        "children_association_whitelist": _plain(
            jid_multi(
                "pubsub#children_association_whitelist",
                "JIDs who can associate nodes to this collection",
            )
        ),
        "children_max": _or_nothing(
            number(
                "pubsub#children_max",
                "The maximum number of children for this collection",
                least=1,
                most=policy.children,
            )
        ),
    }


def groups_field(groups: Iterable[str]) -> Field[tuple[str, ...]]:
    """The groups of the access model "roster"; others than `groups` will do as well."""
    return list_multi(
        "pubsub#roster_groups_allowed",
        "The roster group(s) allowed to subscribe and retrieve items",
        dict.fromkeys(groups, ""),
        method=Open(),
    )


def _bodies(urls: Iterable[str]) -> Fields:
    """The transformations to bodies that there are; no field where there are none.

    One that a node had, and that is no more, is not shown: nobody could submit it.
    """
    options = dict.fromkeys(urls, "")
    if not options:
        return {}
    field = blank(
        list_single(
            "pubsub#body_xslt",
            "The URL of an XSL transformation of the payload to a message body",
            options,
        )
    )

    def write(value: str) -> Sequence[str]:
        return field.write(value if value in options else "")

    return {"body_xslt": dataclasses.replace(field, write=write)}


def _limit(most: int) -> Datatype[int]:
    """A number from 1 to `most`, or the text "max"."""

    def read(text: str) -> int:
        text = text.strip()
        if text == "max":
            return MAX
        if not (text.isascii() and text.isdigit()) or len(text) > 18 or not 1 <= int(text) <= most:
            raise ValueError(f'a number from 1 to {most} is wanted, or "max"')
        return int(text)

    return Datatype("", read, lambda value: "max" if value == MAX else str(value))


def _size(most: int) -> Field[int]:
    """The octets of a payload. As many as the service allows are 0, whatever that is one day."""
    field = number(
        "pubsub#max_payload_size", "The maximum payload size in bytes", least=1, most=most
    )

    def read(said: Sequence[str]) -> int:
        size = field.read(said) if any(said) else 0
        return 0 if size == most else size

    def write(value: int) -> Sequence[str]:
        return field.write(min(value, most) or most)

    return Field(field.var, field.type, field.label, read, write, validate=field.validate)


def _or_nothing(field: Field[int]) -> Field[int]:
    """A number, or nothing for 0."""

    def read(said: Sequence[str]) -> int:
        return field.read(said) if any(text.strip() for text in said) else 0

    def write(value: int) -> Sequence[str]:
        return field.write(value) if value else ()

    return Field(field.var, field.type, field.label, read, write, validate=field.validate)


def _plain(field: Field[tuple[JID, ...]]) -> Field[tuple[str, ...]]:
    """Addresses as texts in normal form."""

    def read(said: Sequence[str]) -> tuple[str, ...]:
        return tuple(str(jid) for jid in field.read(said))

    def write(value: tuple[str, ...]) -> Sequence[str]:
        return value

    return Field(field.var, field.type, field.label, read, write, True, validate=field.validate)


def _association() -> Field[str]:
    """Who may add nodes; XEP-0248 spells "owners" without its "s", too (§7.2.1)."""
    field = list_single(
        "pubsub#children_association_policy",
        "Who may associate nodes to this collection",
        _ASSOCIATION,
    )

    def read(said: Sequence[str]) -> str:
        return field.read(["owners"] if list(said) == ["owner"] else said)

    return Field(field.var, field.type, field.label, read, field.write, options=field.options)
