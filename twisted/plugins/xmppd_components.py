"""`twistd xmppd-NAME`: the components, each a process of its own."""

from twisted.application.service import ServiceMaker

bosh = ServiceMaker(
    "xmppd-bosh",
    "components.bosh.tap",
    "The HTTP gateway: BOSH, WebSocket and a web client",
    "xmppd-bosh",
)
echo = ServiceMaker(
    "xmppd-echo", "components.echo.tap", "A component that sends back what it is sent", "xmppd-echo"
)
muc = ServiceMaker("xmppd-muc", "components.muc.tap", "Chatrooms", "xmppd-muc")
pubsub = ServiceMaker(
    "xmppd-pubsub", "components.pubsub.tap", "Publish-subscribe and PEP", "xmppd-pubsub"
)
vcard = ServiceMaker(
    "xmppd-vcard", "components.vcard.tap", "vCards, avatars and the search for users", "xmppd-vcard"
)
