"""Why the service refuses something: each reason code with its meaning and its remedy.

The component counts them, and tells how many there were when it stops. Once published a code keeps
its meaning.
"""

REASONS: dict[str, tuple[str, str]] = {
    "pubsub.access-model": ("an access model that there is not", "see the node's configuration"),
    "pubsub.affiliations": (
        "affiliations for a node that has as many as it may",
        "affiliations in [pubsub]",
    ),
    "pubsub.batch": ("more items in one request than there may be", "send several requests"),
    "pubsub.body": (
        "a payload that nothing could be made of for people to read",
        "the log says why, and by which transformation",
    ),
    "pubsub.bookmark": ("a bookmark that is too large", "item_octets, item_elements in [pubsub]"),
    "pubsub.children": (
        "a collection with too many nodes, or a node in too many",
        "see children_max",
    ),
    "pubsub.closed-node": ("somebody who is not on a node's whitelist", "an owner may add him"),
    "pubsub.configuration": ("a configuration that is too large", "shorten its texts and lists"),
    "pubsub.cycle": ("a collection that would be in itself", "take it out of the other first"),
    "pubsub.exists": ("a node that is there already", "choose another name"),
    "pubsub.forbidden": ("something that somebody may not do", "an owner may let him"),
    "pubsub.form": ("a form that nobody waits for", "answer the message it came in"),
    "pubsub.full": ("an item for a node that is full, and rejects more", "retract some"),
    "pubsub.invalid-jid": ("a subscription in somebody else's name", "subscribe your own JID"),
    "pubsub.invalid-options": ("options that a subscription can not have", "change them"),
    "pubsub.invalid-subid": ("a subscription that is not there", "name one of those there are"),
    "pubsub.item-forbidden": ("an item for a node that takes none", "publish without an item"),
    "pubsub.item-id": ("an item with too long an id", "choose a shorter one"),
    "pubsub.item-required": ("a request that names no item", "name it"),
    "pubsub.jid-required": ("a request without the JID of a subscription", "name the JID"),
    "pubsub.kept-octets": (
        "an item for a node of somebody who has as much as he may",
        "kept_octets in [pubsub]",
    ),
    "pubsub.leaf": ("a leaf with nodes in it", "have a collection instead"),
    "pubsub.looks": ("who looks for nodes too often, where rosters decide", "wait"),
    "pubsub.moved": ("a node that has moved", "the error says where"),
    "pubsub.no-item": ("an item that is not there", "see which there are"),
    "pubsub.no-node": ("a node that is not there", "create it"),
    "pubsub.no-page": ("a page of a list beside what is not in it", "begin at its start"),
    "pubsub.node-type": ("a type of nodes that there is not", "leaf, or collection"),
    "pubsub.nodeid": ("a node by a name that none can have", "choose another name"),
    "pubsub.nodeid-required": ("a request without a node", "name the node"),
    "pubsub.nodes": ("a node by somebody who has as many as he may", "nodes in [pubsub]"),
    "pubsub.not-applicable": (
        "an affiliation or a subscription that can not be so",
        "see the list that is returned",
    ),
    "pubsub.not-associated": ("a node that is to go from where it is not", "see its configuration"),
    "pubsub.not-in-roster-group": ("somebody outside the groups that may read", "put him in one"),
    "pubsub.not-subscribed": ("who is not subscribed, and would have to be", "subscribe first"),
    "pubsub.payload": ("an item without one payload", "put one element into each item"),
    "pubsub.payload-elements": (
        "a payload with too many elements and attributes",
        "item_elements in [pubsub]",
    ),
    "pubsub.payload-required": ("an item without a payload", "put an element into it"),
    "pubsub.payload-too-big": ("too large a payload", "item_octets in [pubsub]"),
    "pubsub.pending-subscription": ("who has asked already, and waits for an owner", "wait"),
    "pubsub.precondition": (
        "an item for a node that is not as its publisher wants it",
        "configure the node, or publish without that option",
    ),
    "pubsub.presence-subscription-required": (
        "somebody who does not see the owner's presence",
        "subscribe to the owner's presence",
    ),
    "pubsub.private": ("what the server's private storage refuses", "see the error's text"),
    "pubsub.private-elements": (
        "private XML of too many elements and attributes at once",
        "elements in [pubsub]",
    ),
    "pubsub.root": ("that the root be deleted", "name the node"),
    "pubsub.subid-required": (
        "a request that does not say which of several subscriptions",
        "name its SubID",
    ),
    "pubsub.too-many-subscriptions": (
        "who has subscribed too much, or too often",
        "own_subscriptions in [pubsub], or wait",
    ),
    "pubsub.unsupported": ("what the service, or the node, does not do", "see disco#info"),
    "pubsub.uri": ("a URI that is too long", "choose a shorter one"),
}
