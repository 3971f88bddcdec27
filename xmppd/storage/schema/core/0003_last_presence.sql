-- When the last available resource of an account left, in seconds UTC since 1970, and the status
-- it left with (XEP-0012 §3, RFC 6121 §4.3.2).

CREATE TABLE last_presence (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    at $real NOT NULL,
    status $text NOT NULL
);
