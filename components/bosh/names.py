"""The XML namespaces that the gateway speaks besides those of the server."""

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"  # RFC 7395
HTTPBIND = "http://jabber.org/protocol/httpbind"  # XEP-0124
XBOSH = "urn:xmpp:xbosh"  # XEP-0206
