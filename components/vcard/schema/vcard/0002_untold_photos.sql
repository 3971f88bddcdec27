-- Photos that the server has not been told of yet, as far as is known (XEP-0153): it may be away
-- when they change. `photo` is the hash, '' for none any more.

CREATE TABLE untold_photos (
    owner $text PRIMARY KEY,
    photo $text NOT NULL
);
