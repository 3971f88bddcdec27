"""The heart of the server: sessions, hooks, routing, and what a module may touch."""
