"""What a room is, as values and in memory: no stanza, no store, no clock."""
