"""The XML namespaces that the core speaks, one constant each, with the text that defines it."""

XML = "http://www.w3.org/XML/1998/namespace"

# RFC 6120
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CLIENT = "jabber:client"
SERVER = "jabber:server"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"  # RFC 3921 §3

# RFC 6121
ROSTER = "jabber:iq:roster"
ROSTER_VERSIONING = "urn:xmpp:features:rosterver"
PRE_APPROVAL = "urn:xmpp:features:pre-approval"

# Extensions
DATA_FORM = "jabber:x:data"  # XEP-0004
LAST = "jabber:iq:last"  # XEP-0012
PRIVACY = "jabber:iq:privacy"  # XEP-0016
COMMANDS = "http://jabber.org/protocol/commands"  # XEP-0050
DISCO_INFO = "http://jabber.org/protocol/disco#info"  # XEP-0030
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"  # XEP-0030
ADDRESS = "http://jabber.org/protocol/address"  # XEP-0033
PRIVATE = "jabber:iq:private"  # XEP-0049
VCARD = "vcard-temp"  # XEP-0054
REGISTER = "jabber:iq:register"  # XEP-0077
REGISTER_FEATURE = "http://jabber.org/features/iq-register"  # XEP-0077
AUTH = "jabber:iq:auth"  # XEP-0078
AUTH_FEATURE = "http://jabber.org/features/iq-auth"  # XEP-0078
VERSION = "jabber:iq:version"  # XEP-0092
COMPONENT = "jabber:component:accept"  # XEP-0114
CAPS = "http://jabber.org/protocol/caps"  # XEP-0115
CHAT_STATES = "http://jabber.org/protocol/chatstates"  # XEP-0085
OLD_DELAY = "jabber:x:delay"  # XEP-0091
MUC_USER = "http://jabber.org/protocol/muc#user"  # XEP-0045
AVATAR_UPDATE = "vcard-temp:x:update"  # XEP-0153
RECEIPTS = "urn:xmpp:receipts"  # XEP-0184
CONFERENCE = "jabber:x:conference"  # XEP-0249
CHAT_MARKERS = "urn:xmpp:chat-markers:0"  # XEP-0333
COMPRESS = "http://jabber.org/protocol/compress"  # XEP-0138
COMPRESS_FEATURE = "http://jabber.org/features/compress"  # XEP-0138
BLOCKING = "urn:xmpp:blocking"  # XEP-0191
BLOCKING_ERRORS = "urn:xmpp:blocking:errors"  # XEP-0191
PING = "urn:xmpp:ping"  # XEP-0199
OFFLINE = "msgoffline"  # XEP-0160
TIME = "urn:xmpp:time"  # XEP-0202
DIALBACK = "jabber:server:dialback"  # XEP-0220
DIALBACK_FEATURE = "urn:xmpp:features:dialback"
BIDI = "urn:xmpp:bidi"  # XEP-0288
BIDI_FEATURE = "urn:xmpp:features:bidi"
STREAM_MANAGEMENT = "urn:xmpp:sm:3"  # XEP-0198
DELAY = "urn:xmpp:delay"  # XEP-0203
PUBSUB = "http://jabber.org/protocol/pubsub"  # XEP-0060
PUBSUB_OWNER = "http://jabber.org/protocol/pubsub#owner"
CARBONS = "urn:xmpp:carbons:2"  # XEP-0280
CARBONS_RULES = "urn:xmpp:carbons:rules:0"
FORWARD = "urn:xmpp:forward:0"  # XEP-0297
HINTS = "urn:xmpp:hints"  # XEP-0334
CLIENT_STATE = "urn:xmpp:csi:0"  # XEP-0352
DELEGATION = "urn:xmpp:delegation:2"  # XEP-0355
PRIVILEGE = "urn:xmpp:privilege:2"  # XEP-0356
STANZA_ID = "urn:xmpp:sid:0"  # XEP-0359
SASL_CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"  # XEP-0440

# Between the server and its components; docs/writing-a-component.md
ACCOUNTS = "urn:xmppd:accounts:0"
INSTANCES = "urn:xmppd:instances:0"
INTERESTS = "urn:xmppd:interests:0"
TUNNEL = "urn:xmppd:session-tunnel:0"  # docs/session-tunnel.md

CONTENT = frozenset({CLIENT, SERVER, COMPONENT})
"""The namespaces that qualify stanzas (RFC 6120 §4.8.2, XEP-0114 §3)."""
