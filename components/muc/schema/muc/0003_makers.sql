-- Who has made a room, by bare JID: whatever becomes of his affiliation, it counts as his. '' where
-- his account is gone, or nobody has made it. Of rooms that are older, an owner has.

ALTER TABLE rooms ADD COLUMN maker $text NOT NULL DEFAULT '';

UPDATE rooms SET maker = COALESCE(
    (SELECT min(jid) FROM affiliations WHERE room = rooms.id AND affiliation = 'owner'), ''
);

CREATE INDEX rooms_made ON rooms (maker) WHERE maker <> '';
