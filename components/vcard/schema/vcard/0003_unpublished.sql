-- Owners whose vCards, or photos in them, have changed and are not in their nodes of PEP yet, as far
-- as is known (XEP-0292, XEP-0398): the service that has those may be away.

CREATE TABLE unpublished (
    owner $text NOT NULL,
    -- The node's name.
    node $text NOT NULL,
    -- 1 where since then the vCard has said something, and then nothing any more.
    cleared BIGINT NOT NULL,
    PRIMARY KEY (node, owner)
) $clustered;

CREATE INDEX unpublished_by_owner ON unpublished (owner);
