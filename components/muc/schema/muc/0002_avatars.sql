-- The vCards of rooms (XEP-0486): the element as it is given to who asks, and the hashes of the
-- images in it, separated by blanks, which service discovery tells.

CREATE TABLE avatars (
    room BIGINT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    hashes $text NOT NULL,
    encoded $bytes NOT NULL
);
