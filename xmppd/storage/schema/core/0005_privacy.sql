-- Privacy lists (XEP-0016), which hold what is blocked, too (XEP-0191 §5).

CREATE TABLE privacy_lists (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name $text NOT NULL,
    -- A JSON list of xmppd/storage/privacy.py's items. Clients replace a list as a whole.
    items $text NOT NULL,
    PRIMARY KEY (account, name)
);

-- The list that applies to an account as a whole, where it has one (XEP-0016 §2.2, rule 2).
CREATE TABLE privacy_defaults (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    name $text NOT NULL
);
