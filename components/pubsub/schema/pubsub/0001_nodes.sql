-- Nodes (XEP-0060, XEP-0163): how they are set up, who has to do with them, and their items.
-- JIDs are texts in normal form. Moments are in seconds UTC since 1970.

CREATE TABLE pubsub_nodes (
    -- Never given away again, so what is late for a node that is gone gets into no other.
    id $id,
    -- The service's domain, or an account's bare JID; and the NodeID (XEP-0060 §4.6).
    service $text NOT NULL,
    name $text NOT NULL,
    -- Who has made it, by bare JID, and when.
    creator $text NOT NULL,
    created $real NOT NULL,
    -- The position of the item that was published last, and how many items there are.
    written BIGINT NOT NULL DEFAULT 0,
    items BIGINT NOT NULL DEFAULT 0,
    -- What the payloads of all of them take.
    octets BIGINT NOT NULL DEFAULT 0,
    -- Seconds that items are kept, as `settings` has it; 0 for as long as the service lets them be.
    kept BIGINT NOT NULL DEFAULT 0,
    -- Its access model: `settings` has it, too, but lists are to be filtered by it.
    access $text NOT NULL,
    -- A JSON object.
    settings $text NOT NULL,
    UNIQUE (service, name)
);

CREATE INDEX pubsub_nodes_aging ON pubsub_nodes (id) WHERE kept > 0;

CREATE INDEX pubsub_nodes_made ON pubsub_nodes (creator, service);

-- Affiliations (§4.1) other than "none". `jid` is bare.
CREATE TABLE pubsub_affiliations (
    node BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    jid $text NOT NULL,
    affiliation $text NOT NULL,
    PRIMARY KEY (node, jid)
) $clustered;

CREATE INDEX pubsub_affiliations_by_jid ON pubsub_affiliations (jid, node);

-- Subscriptions (§4.2). `jid` is bare or full, `bare` what both have in common. A JID may be three
-- thousand octets long, too many for some indexes: `subid` alone tells subscriptions of a node apart.
CREATE TABLE pubsub_subscriptions (
    node BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    subid $text NOT NULL,
    jid $text NOT NULL,
    bare $text NOT NULL,
    state $text NOT NULL,
    -- When it ends; 0 for never, -1 for when the subscriber goes offline.
    expires $real NOT NULL DEFAULT 0,
    -- A JSON object of what is not as in most.
    options $text NOT NULL DEFAULT '{}',
    PRIMARY KEY (node, subid)
) $clustered;

CREATE INDEX pubsub_subscriptions_by_jid ON pubsub_subscriptions (bare, node);
CREATE INDEX pubsub_subscriptions_expiring ON pubsub_subscriptions (expires) WHERE expires > 0;
CREATE INDEX pubsub_subscriptions_temporary ON pubsub_subscriptions (bare) WHERE expires < 0;
CREATE INDEX pubsub_subscriptions_pending ON pubsub_subscriptions (node) WHERE state = 'pending';

-- Items, in the order of their publication; one that is published again moves to the end (§13.1).
-- `payload` comes last: it may be long.
CREATE TABLE pubsub_items (
    node BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    id $text NOT NULL,
    publisher $text NOT NULL,
    at $real NOT NULL,
    payload $bytes NOT NULL,
    PRIMARY KEY (node, position)
) $clustered;

CREATE UNIQUE INDEX pubsub_items_by_id ON pubsub_items (node, id);

-- Which nodes are in which collections (XEP-0248).
CREATE TABLE pubsub_children (
    collection BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    child BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    PRIMARY KEY (collection, child)
) $clustered;

CREATE INDEX pubsub_children_of ON pubsub_children (child, collection);

-- Nodes that were deleted and have gone elsewhere (XEP-0060 §8.4.1).
CREATE TABLE pubsub_moved (
    service $text NOT NULL,
    name $text NOT NULL,
    uri $text NOT NULL,
    -- Who had made the node, and when it went.
    creator $text NOT NULL,
    at $real NOT NULL,
    PRIMARY KEY (service, name)
) $clustered;

CREATE INDEX pubsub_moved_by ON pubsub_moved (creator, at);
