-- Owners whose vCards have changed and are not in their nodes of PEP yet, as far as is known
-- (XEP-0292): the service that has those may be away.

CREATE TABLE unpublished_vcards (
    owner $text PRIMARY KEY
);
