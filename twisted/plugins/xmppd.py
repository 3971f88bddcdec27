"""`twistd xmppd`."""

from twisted.application.service import ServiceMaker

xmppd = ServiceMaker("xmppd", "xmppd.tap", "An XMPP server", "xmppd")
