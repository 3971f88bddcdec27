-- What waits for components that are away: messages as they stand on a component's stream, and
-- accounts that were removed and that a component has yet to forget. `number` grows with their
-- arrival, `at` is in seconds UTC since 1970.

CREATE TABLE component_spool (
    component $text NOT NULL,
    number BIGINT NOT NULL,
    at $real NOT NULL,
    stanza $bytes NOT NULL,
    PRIMARY KEY (component, number)
) $clustered;

CREATE TABLE component_erasures (
    component $text NOT NULL,
    account $text NOT NULL,
    PRIMARY KEY (component, account)
);
