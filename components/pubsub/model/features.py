"""What the service can do, by the names that clients look for (XEP-0060 §11, §17.3).

One table: what stands here holds, and what holds stands here.
"""

from __future__ import annotations

from components.common.paging import RESULT_SET
from components.pubsub.names import PUBSUB, SHIM

BOTH = (
    "config-node",
    "config-node-max",
    "create-and-configure",
    "create-nodes",
    "delete-items",
    "delete-nodes",
    "instant-nodes",
    "item-ids",
    "last-published",
    "leased-subscription",
    "manage-subscriptions",
    "member-affiliation",
    "meta-data",
    "modify-affiliations",
    "multi-items",
    "multi-subscribe",
    "outcast-affiliation",
    "persistent-items",
    "presence-notifications",
    "publish",
    "publish-node-full",
    "publish-only-affiliation",
    "publish-options",
    "publisher-affiliation",
    "purge-nodes",
    "retract-items",
    "retrieve-affiliations",
    "retrieve-default",
    "retrieve-default-sub",
    "retrieve-items",
    "retrieve-subscriptions",
    "rsm",
    "subscribe",
    "subscription-notifications",
    "subscription-options",
)
"""At the domain and at accounts."""

COLLECTIONS = ("collections", "multi-collections")
"""XEP-0248 §5.1; also at both."""

OF_DOMAIN = ("access-open", "get-pending")
"""Commands (§8.7) are for the service itself: those of an account are its server's."""

OF_ACCOUNTS = (
    "access-presence",
    "auto-create",
    "auto-subscribe",
    "filtered-notifications",
    "presence-subscribe",
)
"""XEP-0163 §6; none of them at the domain, where nobody's presence is looked at."""

HEADERS = ("Collection", "SubID")
"""Headers of XEP-0131 that notifications may have."""


def _full(*names: str) -> frozenset[str]:
    return frozenset({PUBSUB, RESULT_SET, SHIM, *(f"{PUBSUB}#{name}" for name in names)})


AT_DOMAIN = _full(*BOTH, *COLLECTIONS, *OF_DOMAIN)
PERSONAL = _full(*BOTH, *COLLECTIONS, *OF_ACCOUNTS)
"""All that is announced, at either."""
