"""The streams of clients, carried to the server and back (docs/session-tunnel.md)."""
