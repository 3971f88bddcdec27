-- Items that go as their publishers go offline (XEP-0060 §17.4.4, `pubsub#purge_offline`): found by
-- their publishers, whose resources have a column of their own from now on.

-- Whether a node's items do: 1, as `settings` has it, or 0.
ALTER TABLE pubsub_nodes ADD COLUMN fleeting BIGINT NOT NULL DEFAULT 0;

-- As it was, but for the two columns: `payload` is to come last.
CREATE TABLE pubsub_items_anew (
    node BIGINT NOT NULL REFERENCES pubsub_nodes (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    id $text NOT NULL,
    -- Who has published it, by bare JID, and his resource with "/" in front, or "".
    publisher $text NOT NULL,
    resource $text NOT NULL,
    at $real NOT NULL,
    -- Whether it goes as its publisher goes offline: NULL for no, 1 once he was seen to be there
    -- since it was published, 0 before that.
    fleeting BIGINT,
    payload $bytes NOT NULL,
    PRIMARY KEY (node, position)
) $clustered;

-- A resource begins at the first "/": what stands before that has no other character than these.
INSERT INTO pubsub_items_anew (node, position, id, publisher, resource, at, payload)
SELECT node, position, id, substr(publisher, 1, length(publisher) - length(resource)), resource,
    at, payload
FROM (SELECT *, ltrim(publisher, replace(publisher, '/', '')) AS resource FROM pubsub_items) AS i;

DROP TABLE pubsub_items;
ALTER TABLE pubsub_items_anew RENAME TO pubsub_items;

CREATE UNIQUE INDEX pubsub_items_by_id ON pubsub_items (node, id);
CREATE INDEX pubsub_items_fleeting ON pubsub_items (publisher, fleeting, node, position, at)
    WHERE fleeting IS NOT NULL;
