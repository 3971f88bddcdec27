"""The XML namespaces of vCards, avatars and user search, one constant each."""

VCARD_TEMP = "vcard-temp"  # XEP-0054
AVATAR_UPDATE = "vcard-temp:x:update"  # XEP-0153
VCARD4 = "urn:ietf:params:xml:ns:vcard-4.0"  # XEP-0292, RFC 6351
VCARD4_NODE = "urn:xmpp:vcard4"  # XEP-0292
AVATAR_DATA = "urn:xmpp:avatar:data"  # XEP-0084
AVATAR_METADATA = "urn:xmpp:avatar:metadata"  # XEP-0084
AVATAR_CONVERSION = "urn:xmpp:pep-vcard-conversion:0"  # XEP-0398
PUBSUB = "http://jabber.org/protocol/pubsub"  # XEP-0060
PUBSUB_EVENT = "http://jabber.org/protocol/pubsub#event"  # XEP-0060
SEARCH = "jabber:iq:search"  # XEP-0055
