"""Bytes of XMPP streams: framing, stanzas, building. Knows no Twisted and no session."""
