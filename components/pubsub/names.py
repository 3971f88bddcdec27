"""The namespaces of publish-subscribe, with the text that defines each."""

PUBSUB = "http://jabber.org/protocol/pubsub"  # XEP-0060
PUBSUB_OWNER = f"{PUBSUB}#owner"
PUBSUB_EVENT = f"{PUBSUB}#event"
PUBSUB_ERRORS = f"{PUBSUB}#errors"
NODE_CONFIG = f"{PUBSUB}#node_config"
SUBSCRIBE_OPTIONS = f"{PUBSUB}#subscribe_options"
PUBLISH_OPTIONS = f"{PUBSUB}#publish-options"
SUBSCRIBE_AUTHORIZATION = f"{PUBSUB}#subscribe_authorization"
GET_PENDING = f"{PUBSUB}#get-pending"
META_DATA = f"{PUBSUB}#meta-data"
SHIM = "http://jabber.org/protocol/shim"  # XEP-0131

# From one instance of the service to another
GONE = "urn:xmppd:pubsub:gone"  # faces/bounces.py
