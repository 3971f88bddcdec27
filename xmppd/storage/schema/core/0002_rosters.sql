-- Rosters (RFC 6121 §2). `version` counts the changes of an account's roster; each item carries
-- the one that it was last changed by, so that a client is told only what is newer than its copy.

CREATE TABLE rosters (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    version BIGINT NOT NULL
);

CREATE TABLE roster_items (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain $text NOT NULL,
    local $text NOT NULL,
    -- The bits of xmppd/subscription.py.
    state BIGINT NOT NULL,
    name $text NOT NULL,
    -- A JSON list.
    in_groups $text NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (account, domain, local)
) $clustered;

CREATE TABLE roster_removals (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain $text NOT NULL,
    local $text NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (account, domain, local)
) $clustered;

-- Requests for a subscription that their account has not answered yet, as they came
-- (RFC 6121 §3.1.3).
CREATE TABLE subscription_requests (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain $text NOT NULL,
    local $text NOT NULL,
    stanza $bytes NOT NULL,
    PRIMARY KEY (account, domain, local)
);
