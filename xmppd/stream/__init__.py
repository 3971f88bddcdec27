"""XMPP streams as pure state: bytes and answers in, events and bytes out, no Twisted."""
