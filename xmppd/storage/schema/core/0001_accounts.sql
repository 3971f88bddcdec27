-- Accounts and what checks their passwords. Whatever else is kept of an account refers to
-- accounts (id) with ON DELETE CASCADE, so that removing the one row removes the rest.

CREATE TABLE accounts (
    id $id,
    domain $text NOT NULL,
    local $text NOT NULL,
    created $real NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    -- The password encrypted under a key outside the store; NULL unless digest logins are on.
    sealed $bytes,
    UNIQUE (domain, local)
);

CREATE TABLE credentials (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash $text NOT NULL,
    salt $bytes NOT NULL,
    iterations BIGINT NOT NULL,
    stored_key $bytes NOT NULL,
    server_key $bytes NOT NULL,
    PRIMARY KEY (account, hash)
) $clustered;
