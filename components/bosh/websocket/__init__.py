"""XMPP over WebSocket (RFC 7395): a frame is an element."""
