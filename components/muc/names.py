"""The XML namespaces of multi-user chat and of what today's rooms do besides, one constant each."""

MUC = "http://jabber.org/protocol/muc"  # XEP-0045
MUC_USER = "http://jabber.org/protocol/muc#user"  # XEP-0045
MUC_ADMIN = "http://jabber.org/protocol/muc#admin"  # XEP-0045
MUC_OWNER = "http://jabber.org/protocol/muc#owner"  # XEP-0045
MUC_REGISTER = "http://jabber.org/protocol/muc#register"  # XEP-0045 §7.10
MUC_REQUEST = "http://jabber.org/protocol/muc#request"  # XEP-0045 §7.13
MUC_ROOMCONFIG = "http://jabber.org/protocol/muc#roomconfig"  # XEP-0045 §10.1.3
MUC_ROOMINFO = "http://jabber.org/protocol/muc#roominfo"  # XEP-0045 §6.4
MUC_TRAFFIC = "http://jabber.org/protocol/muc#traffic"  # XEP-0045 §18.1.1
RESERVED_NICK = "x-roomuser-item"  # XEP-0045 §7.12
OWN_FIELDS = "urn:xmppd:muc:0"  # fields of forms that only xmppd has (XEP-0068 §3.4)
STABLE_ID = "http://jabber.org/protocol/muc#stable_id"  # XEP-0045 §7.4
OCCUPANT_ID = "urn:xmpp:occupant-id:0"  # XEP-0421
SELF_PING = "http://jabber.org/protocol/muc#self-ping-optimization"  # XEP-0410
HATS = "urn:xmpp:hats:0"  # XEP-0317
MAM = "urn:xmpp:mam:2"  # XEP-0313
MAM_EXTENDED = "urn:xmpp:mam:2#extended"  # XEP-0313 §7
RETRACT = "urn:xmpp:message-retract:1"  # XEP-0424
TOMBSTONES = "urn:xmpp:message-retract:1#tombstone"  # XEP-0424 §4
MODERATE = "urn:xmpp:message-moderate:1"  # XEP-0425
# Those of XEP-0425 before version 0.3, which some clients still speak.
FASTEN = "urn:xmpp:fasten:0"
OLD_RETRACT = "urn:xmpp:message-retract:0"
OLD_MODERATE = "urn:xmpp:message-moderate:0"
CAPTCHA = "urn:xmpp:captcha"  # XEP-0158
