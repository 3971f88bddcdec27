"""How somebody wants to be told of a node (XEP-0060 §6.3, §17.4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

SHOW_VALUES = frozenset({"away", "chat", "dnd", "online", "xa"})
"""What presence may say of availability; "online" is that which says nothing (§17.4.2)."""


class Options(Struct, frozen=True, omit_defaults=True):
    """Options of one subscription. Each is the field of the same name with `pubsub#` before it;
    but `unasked` is none of them.

    Digests are not offered: whoever wants one is told so.
    """

    deliver: bool = True
    show_values: frozenset[str] = SHOW_VALUES
    """Those in which a resource is to be told."""
    subscription_type: Literal["items", "nodes", "all"] = "nodes"
    """Of a collection: what becomes of its nodes, or of the items in them (XEP-0248 §6)."""
    subscription_depth: str = "1"
    """How far below the collection: a number, or "all"."""
    include_body: bool = False
    """Whether there is to be a text for people beside the payload (§13.8)."""
    expire: float = 0.0
    """When the subscription ends, in seconds UTC since 1970; 0 for never (§13.19)."""
    temporary: bool = False
    """Whether it ends when the subscriber goes offline (§13.5)."""
    unasked: bool = False
    """Whether an owner has made the subscription, and the subscriber has chosen none of these."""

    def change(self, **changes: Any) -> Options:
        """The same but for `changes`."""
        return structs.replace(self, **changes)


DEFAULT = Options()


def stored(options: Options) -> Mapping[str, Any]:
    """Those that are not the default, as a JSON object."""
    built: dict[str, Any] = msgspec.to_builtins(options)
    return built


def restored(kept: Mapping[str, Any]) -> Options:
    """Them from a JSON object of `stored`."""
    return msgspec.convert(kept, Options, strict=False)
