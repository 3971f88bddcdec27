"""Components of an XMPP server, each a process of its own (XEP-0114)."""
