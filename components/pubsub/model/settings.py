"""A node's configuration as a value (XEP-0060 §8.2, §17.4.4; of collections XEP-0248 §9)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

NODE_TYPE = Literal["leaf", "collection"]
ACCESS_MODEL = Literal["open", "presence", "roster", "authorize", "whitelist"]
PUBLISH_MODEL = Literal["publishers", "subscribers", "open"]
SEND_LAST = Literal["never", "on_sub", "on_sub_and_presence"]
NODE_FULL = Literal["retract-oldest", "discard-oldest", "reject"]
ASSOCIATION = Literal["all", "owners", "whitelist"]

BY_ROSTER = frozenset({"presence", "roster"})
"""The access models in which a roster says who gets in (§4.5)."""

OCTETS = 20_000
"""What the settings of one node may take together, whatever is in which of them: they are in memory
with the node, are read with its last item, and are told to its subscribers."""

MAX = -1
"""As many items, or seconds, as the service lets a node have: "max"."""


class Settings(Struct, frozen=True, omit_defaults=False):
    """What owners may change. Each is the field of the same name with `pubsub#` before it.

    Sizes are in octets, times in seconds; `max_items` and `item_expire` may be `MAX`.
    """

    node_type: NODE_TYPE = "leaf"
    title: str = ""
    description: str = ""
    language: str = ""
    type: str = ""
    """The namespace of the payloads (§17.4.4), "" for any."""
    contact: tuple[str, ...] = ()
    dataform_xslt: str = ""
    body_xslt: str = ""
    """Which of the operator's transformations makes texts of payloads (§13.8), "" for none."""
    access_model: ACCESS_MODEL = "open"
    roster_groups_allowed: tuple[str, ...] = ()
    publish_model: PUBLISH_MODEL = "publishers"
    subscribe: bool = True
    """Whether anybody may subscribe who is not an owner."""
    persist_items: bool = True
    max_items: int = MAX
    item_expire: int = MAX
    publish_node_full: NODE_FULL = "discard-oldest"
    purge_offline: bool = False
    """Whether items go as their publishers go offline."""
    max_payload_size: int = 0
    """0: what the service lets it be."""
    deliver_notifications: bool = True
    deliver_payloads: bool = True
    notify_config: bool = False
    notify_delete: bool = True
    notify_retract: bool = True
    notify_sub: bool = False
    notification_type: Literal["headline", "normal", "chat"] = "headline"
    presence_based_delivery: bool = False
    send_last_published_item: SEND_LAST = "on_sub_and_presence"
    tempsub: bool = False
    itemreply: Literal["owner", "publisher", "none"] = "none"
    """Whom items tell of: see `model.item_reply` (§13.17)."""
    collection: tuple[str, ...] = ()
    """The collections that it is in, sorted. The store keeps them apart, as `pubsub_children`."""
    children_association_policy: ASSOCIATION = "owners"
    children_association_whitelist: tuple[str, ...] = ()
    children_max: int = 0
    """0: as many as the service lets it have."""

    @property
    def message_type(self) -> str:
        """That of notifications, "" for none: "normal" needs not be said (RFC 6121 §5.2.2)."""
        return "" if self.notification_type == "normal" else self.notification_type

    @property
    def tells_who_comes(self) -> bool:
        """Whether those who come online are sent the last item, of what they may read."""
        return (
            self.send_last_published_item == "on_sub_and_presence"
            and self.deliver_notifications
            and self.node_type == "leaf"
        )

    def change(self, **changes: Any) -> Settings:
        """The same but for `changes`."""
        return structs.replace(self, **changes)


SPARED = frozenset({"roster_groups_allowed", "children_association_whitelist", "collection"})
"""What nobody but owners is told of (§8.2.5.3): it says of others what is none of his business,
or that there is a collection which he may not see."""

AT_DOMAIN = Settings()
"""How a node is set up at the service's own domain, unless its creator says otherwise."""

PERSONAL = Settings(
    access_model="presence",
    max_items=1,
    presence_based_delivery=True,
)
"""How a node of an account is: shown to who sees its presence, the last item only (XEP-0163 §4)."""


CONTACTS = "urn:xmpp:contacts"
"""The node of what an account keeps of its contacts, an item of each (XEP-0292 §5.2)."""

PRIVATE = PERSONAL.change(access_model="whitelist", max_items=MAX)
"""How that node is: nobody else's business."""


def personal(node: str) -> Settings:
    """How a node of an account of this name is set up, unless its owner says otherwise."""
    return PRIVATE if node == CONTACTS else PERSONAL


def octets(settings: Settings) -> int:
    """What they take where they are kept."""
    return len(msgspec.json.encode(stored(settings)))


def stored(settings: Settings) -> Mapping[str, Any]:
    """Them as a JSON object, but for the collections."""
    built: dict[str, Any] = msgspec.to_builtins(settings)
    del built["collection"]
    return built


def restored(kept: Mapping[str, Any], defaults: Settings = AT_DOMAIN) -> Settings:
    """Them from a JSON object; what it lacks is as in `defaults`, what is unknown is left out.

    So a node that an older or a newer version has configured opens all the same.
    """
    known: dict[str, Any] = msgspec.to_builtins(defaults)
    for field in structs.fields(Settings):
        if field.name in kept:
            try:
                msgspec.convert(kept[field.name], field.type)
            except msgspec.ValidationError:
                continue
            known[field.name] = kept[field.name]
    return msgspec.convert(known, Settings)


@lru_cache(1_024)
def read(text: str, defaults: Settings) -> Settings:
    """Settings from the text that the store has: most nodes are set up as many others are."""
    return restored(msgspec.json.decode(text, type=dict[str, Any]), defaults)
