"""Copies of messages, and the messages that they hold (XEP-0280, XEP-0297)."""

from __future__ import annotations

import pytest

from tests.support.sessions import read
from xmppd import ns
from xmppd.core import carbon
from xmppd.jid import JID
from xmppd.wire.stanza import Stanza

JULIET = JID.parse("juliet@capulet.lit")
ROMEO = JID.parse("romeo@montague.lit/orchard")
BODY = "<body>But soft!</body>"
SENT = f"<sent xmlns='{ns.CARBONS}'/>"
RECEIVED = f"<received xmlns='{ns.CARBONS}'/>"


def message(inner: str, attrs: str = "type='chat'") -> Stanza:
    stanza = read(f"<message {attrs}>{inner}</message>")
    stanza.sender, stanza.to = ROMEO, JULIET.with_resource("balcony")
    return stanza


@pytest.mark.parametrize(
    ("inner", "copy"),
    [
        (SENT, True),
        (RECEIVED, True),
        (BODY + SENT, True),
        (BODY, False),
        (f"<private xmlns='{ns.CARBONS}'/>", False),
        ("<sent/>", False),
        ("<sent xmlns='urn:xmpp:carbons:1'/>", False),
        (f"<x xmlns='urn:example:x'>{SENT}</x>", False),
        ("<body>urn:xmpp:carbons:2 sent</body>", False),
        # However its namespace is spelled:
        (f"<c:sent xmlns:c='{ns.CARBONS}'/>", True),
        ("<sent xmlns='urn:xmpp:carbon&#115;:2'/>", True),
        ("<sent xmlns='urn:xmpp:&#x63;arbons:2'/>", True),
        ("<body>&#99;</body>", False),
    ],
)
def test_0280_6_7_a_copy_is_told_by_its_child_and_its_sender(inner: str, copy: bool) -> None:
    stanza = message(inner)
    assert carbon.claims_to_be_copy(stanza) is copy
    for sender, by_server in ((JULIET, copy), (JULIET.with_resource("balcony"), False)):
        stanza.sender = sender
        assert carbon.is_copy(stanza, JULIET) is by_server
        assert not carbon.is_copy(stanza, ROMEO.bare)


@pytest.mark.parametrize(
    "inner", [BODY, "", f"<composing xmlns='{ns.CHAT_STATES}'/>", "<encrypted xmlns='urn:x'/>"]
)
def test_nobody_reads_the_children_of_a_message_that_can_be_no_copy(inner: str) -> None:
    stanza = Stanza("message", {}, None, inner.encode())
    assert not carbon.claims_to_be_copy(stanza)
    assert stanza._children is None


@pytest.mark.parametrize("name", [carbon.RECEIVED, carbon.SENT])
@pytest.mark.parametrize("type_", ["chat", "normal", ""])
def test_0280_7_8_it_holds_the_message_and_comes_from_the_own_account(
    name: str, type_: str
) -> None:
    made = carbon.copy(name, message(BODY, f"type='{type_}'" if type_ else ""), JULIET)
    assert carbon.is_copy(made, JULIET)
    element = read(made.render().decode()).element
    assert (element.get("from"), element.get("type", "")) == (JULIET, type_)
    (original,) = element.iterfind(f"{{{ns.CARBONS}}}{name}/{{{ns.FORWARD}}}forwarded/*")
    assert original.tag == f"{{{ns.CLIENT}}}message"
    assert (original.get("from"), original.get("to")) == (ROMEO, f"{JULIET}/balcony")
    assert original.findtext(f"{{{ns.CLIENT}}}body") == "But soft!"


@pytest.mark.parametrize(
    ("inner", "attrs"),
    [
        (BODY, "type='chat' id='1' xml:lang='en'"),
        (f"{BODY}<x xmlns='urn:example:x' a='&lt;&apos;'>&amp;</x>", ""),
        ("<body>&lt;/forwarded>&lt;/received></body>", "id='&gt;'"),
        (f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='{ns.CLIENT}'/></forwarded>", "id='2'"),
        ("", "type='normal'"),
    ],
)
def test_the_message_of_a_copy_is_the_one_that_was_copied(inner: str, attrs: str) -> None:
    stanza = message(inner, attrs)
    found = carbon.received(carbon.copy(carbon.RECEIVED, stanza, JULIET))
    assert (found.kind, found.sender, found.to) == ("message", stanza.sender, stanza.to)
    assert found.children == stanza.children
    assert found.render() == stanza.render()


def test_a_copy_of_what_was_sent_holds_nothing_that_came() -> None:
    with pytest.raises(ValueError, match="not a copy"):
        carbon.received(carbon.copy(carbon.SENT, message(BODY), JULIET))
