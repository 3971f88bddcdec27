"""The rules of the service: who may do what, and how much there may be of everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.pubsub.model.body import Transform
from components.pubsub.model.node import Address
from components.pubsub.model.room import Room
from xmppd.jid import JID, JIDError

Creators = Literal["users", "everybody", "admins"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules. 0 is no limit, where nothing else is said; times are in seconds."""

    domains: tuple[str, ...] = ()
    """Those of the server, whose users may be more than others."""
    admins: frozenset[JID] = frozenset()
    """Owners of all nodes at the service's domain."""
    create: Creators = "users"
    """Who may make nodes at the service's domain; each at his own account, anyway."""
    nodes: int = 100
    """Of one account, and those that one user has made at the domain."""
    items: int = 10_000
    """Of one node: what `max` means."""
    item_octets: int = 180_224
    """Of one payload: an image of 128 KiB fits in it, as base64 (XEP-0084)."""
    item_elements: int = 4_000
    """Elements and attributes of one payload: hundreds of stickers, or a thousand paragraphs."""
    kept_octets: int = 1_073_741_824
    """Of all items in all nodes that one user has made, at the domain and at his account."""
    subscriptions: int = 10_000
    """Of one node."""
    own_subscriptions: int = 1_000
    """Of one account, to all nodes there are."""
    same_subscriptions: int = 20
    """Of one account to one node, with all its resources."""
    unasked: int = 100
    """Of one node, made by its owners of people who have not asked; 0 for none."""
    affiliations: int = 1_000
    """Of one node."""
    children: int = 1_000
    """Of one collection."""
    collections: int = 20
    """That one node is in."""
    batch: int = 50
    """Items of one request to publish or retract."""
    page: int = 200
    """Items of one answer."""
    octets: int = 524_288
    """Of all items of one request, and of one answer."""
    elements: int = 10_000
    """Elements and attributes, of the same."""
    expire: int = 0
    """Seconds that an item is kept at most: what `max` means."""
    bodies: Mapping[str, Transform] = field(default_factory=dict)
    """What makes bodies of payloads, by the URLs that owners may name (`pubsub#body_xslt`)."""

    @property
    def answer(self) -> Room:
        """What the items of one answer may take."""
        return Room(self.octets, self.elements)

    def is_admin(self, jid: JID) -> bool:
        """Whether somebody runs the service."""
        return jid.bare in self.admins

    def may_create(self, jid: JID, address: Address) -> bool:
        """Whether somebody may make a node there."""
        if address.personal:
            return jid.bare == address.service
        if self.is_admin(jid) or self.create == "everybody":
            return True
        return self.create == "users" and jid.domain in self.domains and bool(jid.local)


def accounts(texts: Iterable[str]) -> frozenset[JID]:
    """Bare JIDs; raises JIDError for what is none of an account."""
    found = frozenset(map(JID.parse, texts))
    for jid in found:
        if not jid.local or jid.resource:
            raise JIDError(f"{jid} is no bare JID of an account")
    return found
