"""What clients send, without what only the room may say (XEP-0045 §17.3, XEP-0359, XEP-0421)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.reader import Reader
from components.common.stanza import Stanza
from components.muc.faces.content import brief, cleaned
from components.muc.model.history import identified
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

ROOM = JID.parse("hall@rooms.capulet.lit")
OCCUPANT_ID = "urn:xmpp:occupant-id:0"
MUC_USER = "http://jabber.org/protocol/muc#user"

FORGED = [
    f"<occupant-id xmlns='{OCCUPANT_ID}' id='juliet'/>",
    f"<o:occupant-id xmlns:o='{OCCUPANT_ID}' id='juliet'/>",
    f"<occupant-id xmlns='{OCCUPANT_ID}' id='juliet'><![CDATA[x]]></occupant-id>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' by='{ROOM}' id='1'/>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' by='HALL@Rooms.Capulet.lit' id='1'/>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' by=' {ROOM}&#10;' id='1'/>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' by='{ROOM}/Juliet' id='1'/>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' id='1'/>",
    f"<s:stanza-id xmlns:s='{ns.STANZA_ID}' by='&#104;all@rooms.capulet.lit' id='1'/>",
    f"<x xmlns='{MUC_USER}'><item affiliation='owner' role='moderator'/></x>",
    f"<u:x xmlns:u='{MUC_USER}'><u:status code='301'/></u:x>",
    f"<delay xmlns='{ns.DELAY}' from='{ROOM}' stamp='1597-01-01T00:00:00Z'/>",
    f"<x xmlns='{ns.OLD_DELAY}' from='{ROOM}' stamp='15970101T00:00:00'/>",
    f"<addresses xmlns='{ns.ADDRESS}'><address type='bcc' jid='nurse@capulet.lit'/></addresses>",
    "<retracted xmlns='urn:xmpp:message-retract:1' id='1'/>",
    "<moderated xmlns='urn:xmpp:message-moderate:0'/>",
    f"<result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='{ns.FORWARD}'/></result>",
    f"<received xmlns='{ns.CARBONS}'><forwarded xmlns='{ns.FORWARD}'/></received>",
    f"<c:sent xmlns:c='{ns.CARBONS}'><forwarded xmlns='{ns.FORWARD}'/></c:sent>",
    "<hats xmlns='urn:xmpp:hats:0'><hat uri='prince' title='Prince'/></hats>",
]
HONEST = [
    "<body>But, soft!</body>",
    "<body xml:lang='it'>Ma, piano!</body>",
    f"<stanza-id xmlns='{ns.STANZA_ID}' by='romeo@montague.lit' id='2'/>",
    f"<origin-id xmlns='{ns.STANZA_ID}' id='3'/>",
    f"<delay xmlns='{ns.DELAY}' from='romeo@montague.lit' stamp='1597-01-01T00:00:00Z'/>",
    "<a:b xmlns:a='urn:a' xmlns:c='urn:c' c:d='e'>f<a:g/>h</a:b>",
    f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='jabber:client'><occupant-id"
    f" xmlns='{OCCUPANT_ID}' id='x'/></message></forwarded>",
    "<q xmlns='urn:q'><![CDATA[<body>&amp;]]></q>",
]
TEXTS = ["", " ", "\n  ", "soft &amp; low", "<![CDATA[<]]>"]


def read(content: str) -> Stanza:
    """A message as a component gets it."""
    reader = Reader()
    reader.feed(f"<stream:stream xmlns:stream='{ns.STREAM}' xmlns='{ns.COMPONENT}'>".encode())
    [stanza] = reader.feed(f"<message type='groupchat'>{content}</message>".encode())
    assert isinstance(stanza, Stanza)
    return stanza


def infoset(content: bytes | str) -> object:
    text = content if isinstance(content, str) else content.decode()
    return _shape(fromstring(f"<message xmlns='{ns.COMPONENT}'>{text}</message>"))


def _shape(element: Element) -> object:
    parts: list[object] = [element.text or ""]
    for child in element:
        tail = child.tail or ""
        parts.append(_shape(child))
        parts.append(tail)
    joined: list[object] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return (element.tag, sorted(element.attrib.items()), joined)


piece = st.one_of(
    *(st.tuples(st.just(kind), st.sampled_from(some)) for kind, some in (
        ("forged", FORGED), ("honest", HONEST), ("text", TEXTS)
    ))
)  # fmt: skip


@given(st.lists(piece, max_size=12))
def test_whatever_a_client_sends_there_is_one_id_of_each_kind_and_all_else_is_as_it_was(pieces):
    """XEP-0359 §3, XEP-0421 §4: at most one by the room; XEP-0045 §17.2: the rest is unchanged."""
    stanza = read("".join(text for _, text in pieces))
    inner = cleaned(stanza, ROOM)
    honest = "".join(text for kind, text in pieces if kind != "forged")
    assert infoset(inner) == infoset(honest)
    message = fromstring(
        b"<message xmlns='%b'>%b</message>"
        % (ns.COMPONENT.encode(), identified(inner, ROOM, "own", "his"))
    )
    assert [each.get("id") for each in message.iterfind(f"{{{OCCUPANT_ID}}}occupant-id")] == ["his"]
    ids = message.iterfind(f"{{{ns.STANZA_ID}}}stanza-id")
    assert [each.get("id") for each in ids if each.get("by") == ROOM] == ["own"]


@pytest.mark.parametrize("forged", FORGED)
def test_17_3_what_only_the_room_may_say_is_taken_away(forged):
    assert cleaned(read(f"<body>O</body>{forged}"), ROOM) == b"<body>O</body>"


def test_what_has_nothing_to_take_away_passes_byte_for_byte():
    content = '<body  xml:lang="it"><![CDATA[O]]></body>'
    assert cleaned(read(content), ROOM) == content.encode()


def test_what_would_grow_beyond_all_bounds_as_it_is_written_anew_is_refused():
    """Each use of a prefix becomes a declaration of its own."""
    long = "urn:" + "x" * 2_000
    content = f"{FORGED[0]}<p xmlns:l='{long}'>{'<l:a/>' * 900}</p>"
    with pytest.raises(StanzaError) as refused:
        cleaned(read(content), ROOM, 65_536)
    assert (refused.value.condition, refused.value.reason) == (
        "policy-violation",
        "muc.large-message",
    )


def test_no_more_children_than_others_take_with_those_that_the_room_adds():
    """A server that gets one too many ends the stream by which it comes, for all who use it."""
    assert cleaned(read("<a/>" * 500), ROOM)
    with pytest.raises(StanzaError) as refused:
        cleaned(read("<a/>" * 501), ROOM)
    assert (refused.value.condition, refused.value.reason) == (
        "policy-violation",
        "muc.many-children",
    )


@pytest.mark.parametrize("each", ["<a/>", "<a></a>", "<a b='&lt;'>c &lt; d</a>"])
def test_no_more_elements_in_all_than_newcomers_can_be_told_of(each):
    """Each of them is sent by the room time and again."""
    content = f"<x xmlns='urn:x'>{each * 999}</x>"
    assert cleaned(read(content), ROOM) == content.encode()
    with pytest.raises(StanzaError) as refused:
        cleaned(read(f"<x xmlns='urn:x'>{each * 1_000}</x>"), ROOM)
    assert (refused.value.condition, refused.value.reason) == (
        "policy-violation",
        "muc.many-children",
    )


def test_a_reason_is_brief():
    assert brief(None) == ""
    assert brief("x" * 1_000) == "x" * 1_000
    with pytest.raises(StanzaError) as refused:
        brief("x" * 1_001)
    assert refused.value.condition == "not-acceptable"
