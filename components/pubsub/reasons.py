"""Why the service refuses something: each reason code with its meaning and its remedy.

The component counts them, and tells how many there were when it stops. Once published a code keeps
its meaning.
"""

REASONS: dict[str, tuple[str, str]] = {
    "pubsub.access-model": ("an access model that there is not", "see the node's configuration"),
    "pubsub.closed-node": ("somebody who is not on a node's whitelist", "an owner may add him"),
    "pubsub.exists": ("a node that is there already", "choose another name"),
    "pubsub.forbidden": ("something that somebody may not do", "an owner may let him"),
    "pubsub.full": ("an item for a node that is full, and rejects more", "retract some"),
    "pubsub.invalid-jid": ("a subscription in somebody else's name", "subscribe your own JID"),
    "pubsub.no-node": ("a node that is not there", "create it"),
    "pubsub.nodeid-required": ("a request without a node", "name the node"),
    "pubsub.nodes": ("a node by somebody who has as many as he may", "nodes in [pubsub]"),
    "pubsub.not-in-roster-group": ("somebody outside the groups that may read", "put him in one"),
    "pubsub.not-subscribed": ("who is not subscribed, and would have to be", "subscribe first"),
    "pubsub.payload": ("an item without one payload", "put one element into each item"),
    "pubsub.presence-subscription-required": (
        "somebody who does not see the owner's presence",
        "subscribe to the owner's presence",
    ),
    "pubsub.unsupported": ("what the service, or the node, does not do", "see disco#info"),
}
