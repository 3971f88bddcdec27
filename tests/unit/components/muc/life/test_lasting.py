"""Which messages are kept (XEP-0045 §7.2.13, XEP-0313 §6.1.2, XEP-0334)."""

from __future__ import annotations

import pytest

from components.common.stanza import Stanza
from components.muc.life.lasting import ARCHIVE, BOTH, NEITHER, historic, lasting
from components.muc.model.history import Said
from xmppd import ns
from xmppd.jid import JID

BODY = f"{ns.COMPONENT} body"
STORE, NO_STORE = f"{ns.HINTS} store", f"{ns.HINTS} no-store"
NO_PERMANENT_STORE = f"{ns.HINTS} no-permanent-store"
ACTIVE = f"{ns.CHAT_STATES} active"
REACTIONS = "urn:xmpp:reactions:0 reactions"
RETRACT = "urn:xmpp:message-retract:1 retract"


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ([BODY], BOTH),
        ([BODY, ACTIVE], BOTH),
        ([BODY, f"{ns.COMPONENT} subject"], BOTH),
        ([BODY, NO_STORE], NEITHER),
        ([BODY, NO_PERMANENT_STORE], NEITHER),
        ([STORE], ARCHIVE),
        ([REACTIONS], ARCHIVE),
        ([REACTIONS, STORE], ARCHIVE),
        ([REACTIONS, NO_STORE], NEITHER),
        ([ACTIVE], NEITHER),
        ([f"{ns.CHAT_MARKERS} displayed", f"{ns.STANZA_ID} origin-id"], NEITHER),
        ([f"{ns.COMPONENT} thread", ACTIVE], NEITHER),
        ([], NEITHER),
        # XEP-0424 §5: the archive has to have it.
        ([RETRACT], ARCHIVE),
        ([RETRACT, NO_STORE], ARCHIVE),
        ([BODY, RETRACT], BOTH),
    ],
)
def test_what_is_kept(children, expected):
    assert lasting(Stanza("message", {}, children, b"")) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (b"<body>O</body>", True),
        (b"<b:body xmlns:b='jabber:component:accept'>O</b:body>", True),
        (b"<retracted xmlns='urn:xmpp:message-retract:1' id='1'/>", True),
        (b"<subject>The balcony</subject>", False),
        (b"<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", False),
        (b"<x xmlns='urn:x'><body xmlns='jabber:component:accept'>O</body></x>", False),
    ],
)
def test_what_newcomers_get_of_an_archive(inner, expected):
    said = Said(1, "1", "m1", "", "Juliet", JID.parse("juliet@capulet.lit/x"), "o", inner)
    assert historic(said) is expected
