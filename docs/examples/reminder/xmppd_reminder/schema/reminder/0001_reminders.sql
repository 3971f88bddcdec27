-- Reminders that are still to be sent. An owner is a bare JID.

CREATE TABLE reminders (
    id $id,
    owner $text NOT NULL,
    -- In seconds UTC since 1970.
    due $real NOT NULL,
    content $text NOT NULL,
    -- The message that asked for it: what comes once more is kept once. NULL where it had no id.
    request $text,
    UNIQUE (owner, request)
);

CREATE INDEX reminders_by_due ON reminders (due, id);

CREATE INDEX reminders_by_owner ON reminders (owner, due, id);
