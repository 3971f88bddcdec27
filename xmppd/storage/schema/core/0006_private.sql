-- Private XML (XEP-0049): what a client keeps with the server, by the element's name. Elements of
-- one name that were stored together stand in one row, one behind the other.

CREATE TABLE private_xml (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    namespace $text NOT NULL,
    local $text NOT NULL,
    element $bytes NOT NULL,
    PRIMARY KEY (account, namespace, local)
);
