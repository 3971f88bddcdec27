-- Rooms (XEP-0045): how they are set up, who has what affiliation, what was said, who is there.
-- JIDs are texts in normal form. Moments are in seconds UTC since 1970, where nothing else is said.

CREATE TABLE rooms (
    -- Never given away again, so what is late for a room that is gone gets into no other.
    id $id,
    address $text NOT NULL UNIQUE,
    name $text NOT NULL,
    public BOOLEAN NOT NULL,
    persistent BOOLEAN NOT NULL,
    created $real NOT NULL,
    -- Who has made it, by bare JID: whatever becomes of his affiliation, it counts as his. '' where
    -- his account is gone, or nobody has made it.
    maker $text NOT NULL DEFAULT '',
    -- A JSON object.
    settings $text NOT NULL
);

CREATE INDEX rooms_made ON rooms (maker) WHERE maker <> '';
CREATE INDEX rooms_listed ON rooms (address) WHERE public;
CREATE INDEX rooms_temporary ON rooms (address) WHERE NOT persistent;

-- The subject element or elements, who set it and when (§8.1).
CREATE TABLE room_subjects (
    room BIGINT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    nick $text NOT NULL,
    at $real NOT NULL,
    encoded $bytes NOT NULL
);

-- Affiliations (§5.2) and registered nicknames (§7.10). `jid` is bare, or a domain; `nick` is ''
-- for none. An affiliation of "none" is here only with a nickname.
CREATE TABLE room_affiliations (
    room BIGINT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    jid $text NOT NULL,
    affiliation $text NOT NULL,
    nick $text NOT NULL,
    reason $text NOT NULL,
    PRIMARY KEY (room, jid)
) $clustered;

CREATE UNIQUE INDEX room_affiliations_by_nick ON room_affiliations (room, nick) WHERE nick <> '';
CREATE INDEX room_affiliations_by_jid ON room_affiliations (jid, room);

-- The vCards of rooms (XEP-0486): the element as it is given to who asks, and the hashes of the
-- images in it, separated by blanks, which service discovery tells.

CREATE TABLE room_avatars (
    room BIGINT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    hashes $text NOT NULL,
    encoded $bytes NOT NULL
);

-- Who has asked to become a member and is not answered yet (§7.10, §9.9).
CREATE TABLE room_applications (
    room BIGINT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    jid $text NOT NULL,
    nick $text NOT NULL,
    at $real NOT NULL,
    -- A JSON object of the form's fields.
    form $text NOT NULL,
    PRIMARY KEY (room, jid)
) $clustered;

CREATE INDEX room_applications_by_jid ON room_applications (jid, room);

-- Archives (XEP-0313), one for each room. They refer to no room, and outlive it for a while: a
-- long one is deleted piece by piece.
CREATE TABLE room_archives (
    room BIGINT PRIMARY KEY,
    -- How many messages were ever put in, which is the position of the last one.
    written BIGINT NOT NULL,
    -- The room is gone: nothing more gets in.
    closed BOOLEAN NOT NULL
);

CREATE INDEX room_archives_closed ON room_archives (room) WHERE closed;

-- Of one archive the positions of all messages have no gap, so how many lie between two of them
-- is known without a count. `encoded` comes last: it may be long.
CREATE TABLE room_messages (
    room BIGINT NOT NULL,
    position BIGINT NOT NULL,
    -- When it came, in microseconds UTC since 1970, and no two at once.
    number BIGINT NOT NULL,
    -- By which the world knows it (XEP-0359).
    id $text NOT NULL,
    -- The id that its sender gave it, and the language; '' for none.
    origin $text NOT NULL,
    lang $text NOT NULL,
    nick $text NOT NULL,
    -- The bare JID behind the nickname, and the resource.
    author $text NOT NULL,
    resource $text NOT NULL,
    -- The occupant's id (XEP-0421).
    occupant $text NOT NULL,
    encoded $bytes NOT NULL,
    PRIMARY KEY (room, position)
) $clustered;

CREATE UNIQUE INDEX room_messages_by_id ON room_messages (room, id);
CREATE INDEX room_messages_by_number ON room_messages (room, number);

-- Who is in which room, for the process after one that was killed. `occupant` is a digest of the
-- full JID, which may be too long for an index.
CREATE TABLE room_sessions (
    room BIGINT NOT NULL,
    occupant $bytes NOT NULL,
    jid $text NOT NULL,
    nick $text NOT NULL,
    PRIMARY KEY (room, occupant)
) $clustered;

-- Secrets of the service: made once, known to each of its processes.
CREATE TABLE room_secrets (
    name $text PRIMARY KEY,
    value $bytes NOT NULL
);

-- Accounts that were removed: what tells those from them that are made anew under the same name.
CREATE TABLE room_incarnations (
    jid $text PRIMARY KEY,
    word $text NOT NULL,
    at $real NOT NULL
);
