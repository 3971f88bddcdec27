-- vCards (XEP-0054) by owner, a bare JID. `encoded` comes last: it may be long, and who looks for
-- the others need not read it.

CREATE TABLE vcards (
    id $id,
    owner $text NOT NULL UNIQUE,
    domain $text NOT NULL,
    -- SHA-1 of the photo in hexadecimal digits, '' where there is none (XEP-0153).
    photo $text NOT NULL,
    -- In seconds UTC since 1970.
    updated $real NOT NULL,
    encoded $bytes NOT NULL
);

-- The users that a search may find (XEP-0055): who is in the directory, and what it shows of them.
CREATE TABLE listings (
    vcard BIGINT PRIMARY KEY REFERENCES vcards (id) ON DELETE CASCADE,
    -- A JSON object of fields.
    shown $text NOT NULL
);

-- What they are found by; a key is a value in the form in which it is compared.
CREATE TABLE listing_keys (
    vcard BIGINT NOT NULL REFERENCES listings (vcard) ON DELETE CASCADE,
    field $text NOT NULL,
    key $text NOT NULL,
    PRIMARY KEY (vcard, field, key)
) $clustered;

CREATE INDEX listing_keys_by_key ON listing_keys (field, key, vcard);
