-- Messages that wait for their account to be there (XEP-0160), as they came, stamped. `number`
-- grows with their arrival.

CREATE TABLE offline_messages (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    stanza $bytes NOT NULL,
    PRIMARY KEY (account, number)
) $clustered;
