-- The avatars of accounts, as presence names them (XEP-0153).

CREATE TABLE avatars (
    account BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- SHA-1 of the image in hexadecimal digits, '' for who has none any more.
    hash $text NOT NULL
);
