"""The address header (XEP-0033 §4): how it is read, and that all else keeps its bytes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.test_stanza import received
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID
from xmppd.wire import addresses
from xmppd.wire.stanza import Stanza

OPEN = f"<addresses xmlns='{ns.ADDRESS}'>"
CLOSE = "</addresses>"
TO = "<address type='to' jid='romeo@montague.lit'/>"
CC = "<address type='cc' jid='nurse@capulet.lit'/>"
BCC = "<address type='bcc' jid='tybalt@capulet.lit'/>"
MARKED = "<address delivered='true' type='to' jid='romeo@montague.lit'/>"


def message(inner: str) -> Stanza:
    return received(f"<message to='capulet.lit'>{inner}</message>".encode())


def sent(inner: str, most: int = 50) -> str:
    """What everybody is sent for this content."""
    return addresses.read(message(inner), most).content().decode()


def refusal(inner: str, most: int = 50) -> tuple[str, str]:
    with pytest.raises(StanzaError) as refused:
        addresses.read(message(inner), most)
    return refused.value.condition, refused.value.reason


# ------------------------------------------------------------------ read


def test_4_each_address_has_its_type_and_jid_in_order() -> None:
    header = addresses.read(message(OPEN + TO + CC + BCC + CLOSE), 50)
    assert [(each.type, each.to) for each in header.addresses] == [
        ("to", JID("romeo@montague.lit")),
        ("cc", JID("nurse@capulet.lit")),
        ("bcc", JID("tybalt@capulet.lit")),
    ]
    assert header.open


@pytest.mark.parametrize(
    ("address", "type_"),
    [
        ("<address type='replyto' jid='friar@verona.lit'/>", "replyto"),
        ("<address type='replyto' uri='im:friar@verona.lit'/>", "replyto"),
        ("<address type='replyroom' jid='cell@rooms.verona.lit'/>", "replyroom"),
        ("<address type='noreply'/>", "noreply"),
        ("<address type='noreply' desc='no answer, please'/>", "noreply"),
        ("<address type='ofrom' jid='friar@verona.lit'/>", "ofrom"),
        ("<address type='to' jid='friar@verona.lit' delivered='true'/>", "to"),
        ("<herald xmlns='urn:verona' type='to' jid='friar@verona.lit'/>", ""),
        ("<herald type='to' jid='friar@verona.lit'/>", ""),
    ],
    ids=lambda text: text if text.startswith("<") else "",
)
def test_4_5_4_6_to_these_nothing_is_sent_and_all_are_shown(address: str, type_: str) -> None:
    (read,) = addresses.read(message(OPEN + address + CLOSE), 50).addresses
    assert (read.type, read.to) == (type_, None)
    assert sent(OPEN + TO + address + CLOSE) == OPEN + MARKED + address + CLOSE


@pytest.mark.parametrize(
    ("inner", "condition", "reason"),
    [
        (OPEN + "<address jid='romeo@montague.lit'/>" + CLOSE, "bad-request", "malformed"),
        (OPEN + "<address type='from' jid='a@b.lit'/>" + CLOSE, "bad-request", "malformed"),
        (OPEN + "<address type='to'/>" + CLOSE, "bad-request", "malformed"),
        (OPEN + "<address type='to' desc='him'/>" + CLOSE, "bad-request", "malformed"),
        (OPEN + "<address type='replyto' desc='him'/>" + CLOSE, "bad-request", "malformed"),
        (OPEN + "<address type='to' node='x'/>" + CLOSE, "bad-request", "malformed"),
        (
            OPEN + "<address type='to' jid='a@b.lit' uri='im:a@b.lit'/>" + CLOSE,
            "bad-request",
            "malformed",
        ),
        (
            OPEN + "<address type='replyto' node='x' uri='im:a@b.lit'/>" + CLOSE,
            "bad-request",
            "malformed",
        ),
        (
            OPEN + "<address type='to' jid='a@b.lit' delivered='false'/>" + CLOSE,
            "bad-request",
            "malformed",
        ),
        (OPEN + "<address type='to' uri='im:a@b.lit'/>" + CLOSE, "jid-malformed", "uri"),
        (OPEN + "<address type='to' jid='@b.lit'/>" + CLOSE, "jid-malformed", "malformed"),
        (OPEN + "<address type='bcc' jid=''/>" + CLOSE, "jid-malformed", "malformed"),
        (OPEN + TO + CLOSE + OPEN + CC + CLOSE, "bad-request", "malformed"),
    ],
)
def test_4_9_what_is_no_address(inner: str, condition: str, reason: str) -> None:
    assert refusal(inner) == (condition, f"multicast.{reason}")


def test_9_there_may_be_so_many_addresses_and_not_one_more() -> None:
    inner = OPEN + TO + CC + BCC + CLOSE
    assert len(addresses.read(message(inner), 3).addresses) == 3
    assert refusal(inner, 2) == ("not-acceptable", "limit.addresses")


def test_a_header_deeper_in_the_stanza_is_somebody_elses() -> None:
    forwarded = f"<forwarded xmlns='urn:xmpp:forward:0'>{OPEN}{CC}{CLOSE}</forwarded>"
    header = addresses.read(message(forwarded + OPEN + TO + CLOSE), 50)
    assert [each.type for each in header.addresses] == ["to"]
    assert header.content().decode() == forwarded + OPEN + MARKED + CLOSE


# ------------------------------------------------------------------ written


@pytest.mark.parametrize(
    "address",
    [
        "<address type='to' jid='romeo@montague.lit'/>",
        "<address type='to' jid='romeo@montague.lit'></address>",
        "<address type='to' jid='romeo@montague.lit'></address >",
        "<address type='to' jid='romeo@montague.lit'><q><r/></q></address>",
        "<address desc='1 > 2 /> &lt;' type='to' jid='romeo@montague.lit'/>",
        "<address\n type = 'to'\n jid='romeo@montague.lit' />",
        f"<v:address xmlns:v='{ns.ADDRESS}' type='to' jid='romeo@montague.lit'/>",
    ],
)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (OPEN, CLOSE),
        (f"<addresses xmlns='{ns.ADDRESS}' note='a>b/>'>", "</addresses >"),
        (f"<body>é\U0001d11e</body><a><b/></a>{OPEN}", f"{CLOSE}<c><d/>e</c>"),
    ],
)
def test_4_5_an_address_is_marked_and_nothing_else_changed(
    address: str, start: str, end: str
) -> None:
    name, space, rest = re.split(r"(\s)", address, maxsplit=1)
    assert sent(start + address + end) == f"{start}{name} delivered='true'{space}{rest}{end}"


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (OPEN + TO + BCC + CLOSE, OPEN + MARKED + CLOSE),
        (OPEN + BCC.replace("/>", "><q/>q</address>") + TO + CLOSE, OPEN + MARKED + CLOSE),
        (f"{OPEN}\n  {TO}\n  {BCC}\n  {BCC}\n{CLOSE}", OPEN + MARKED + CLOSE),
        (f"<body>O</body>{OPEN}{BCC}{CLOSE}<x/>", "<body>O</body><x/>"),
        (OPEN + BCC.replace("type", "delivered='true' type") + TO + CLOSE, OPEN + MARKED + CLOSE),
    ],
)
def test_4_6_3_blind_addresses_are_left_out(inner: str, outer: str) -> None:
    assert sent(inner) == outer


def test_4_6_3_a_blind_recipient_sees_his_own_address_and_no_other_blind_one() -> None:
    other = BCC.replace("tybalt", "paris")
    header = addresses.read(message(OPEN + TO + BCC + other + CLOSE), 50)
    own, others = header.addresses[1:]
    assert header.content(own).decode() == OPEN + MARKED + BCC + CLOSE
    assert header.content(others).decode() == OPEN + MARKED + other + CLOSE
    alone = addresses.read(message(OPEN + BCC + CLOSE), 50)
    assert not alone.open
    assert alone.content(alone.addresses[0]).decode() == OPEN + BCC + CLOSE


def test_4_6_3_nothing_tells_how_many_blind_copies_there_are() -> None:
    """Not the white space around them, either."""
    few, many = (OPEN + "\n  " + TO + ("\n  " + BCC) * count + "\n" + CLOSE for count in (0, 7))
    assert sent(few) == sent(many)


def test_an_empty_header_names_nobody() -> None:
    for inner in (OPEN + CLOSE, f"<addresses xmlns='{ns.ADDRESS}'/>"):
        header = addresses.read(message(f"<body>O</body>{inner}"), 50)
        assert header.addresses == []
        assert header.content() == b"<body>O</body>"


OTHERS = st.sampled_from(
    [
        "<body>Wherefore &amp; art</body>",
        "<q/>",
        "<q><r/></q>",
        "<q a='>'/>",
        "<q></q>",
        "<q>]]&gt;</q>",
        "<v:q xmlns:v='urn:verona'><v:address type='to'/></v:q>",
        "<body>\U0001f339é</body>",
        " ",
        "text",
    ]
)
ADDRESSES = st.sampled_from(
    [TO, CC, BCC, "<address type='noreply'/>", BCC.replace("/>", "><q/></address>"), "<q/>", " "]
)


@given(st.lists(OTHERS), st.lists(ADDRESSES), st.lists(OTHERS))
def test_all_but_the_header_keeps_its_bytes(
    before: list[str], within: list[str], behind: list[str]
) -> None:
    head, tail = "".join(before), "".join(behind)
    content = sent(head + OPEN + "".join(within) + CLOSE + tail)
    shown = [
        each.replace("<address ", "<address delivered='true' ") if each in (TO, CC) else each
        for each in within
        if "bcc" not in each and each.strip()
    ]
    header = OPEN + "".join(shown) + CLOSE if shown else ""
    assert content == head + header + tail


# Blind copies alone, as components write them

JIDS = ("juliet@capulet.lit/balcony", "romeo@montague.lit")


def blind(content: str, most: int = 10) -> Any:
    stanza = Stanza("message", {}, None, content.encode())
    return addresses.read_blind(stanza, most)


def header_of(*jids: str, quote: str = "'") -> str:
    each = "".join(f"<address type='bcc' jid={quote}{jid}{quote}/>" for jid in jids)
    return f"<addresses xmlns='{ns.ADDRESS}'>{each}</addresses>"


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("layout", ["{h}<body>hi</body>", "<body>hi</body>{h}", "{h}"])
def test_blind_copies_are_read_by_their_text(layout: str, quote: str) -> None:
    found = blind(layout.format(h=header_of(*JIDS, quote=quote)))
    assert found.to.jids == JIDS
    assert found.content.decode() == layout.format(h="")


REPLY = "<address type='replyto' jid='juliet@capulet.lit/chamber'/>"


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("reply", [REPLY, REPLY.replace("'", '"')])
@pytest.mark.parametrize("layout", ["{h}<body>hi</body>", "<body>hi</body>{h}", "{h}"])
def test_4_6_4_where_replies_go_is_left_as_by_who_reads_any_header(
    layout: str, reply: str, quote: str
) -> None:
    content = layout.format(h=header_of(*JIDS, quote=quote).replace("'>", "'>" + reply, 1))
    found = blind(content, most=3)
    assert found.to.jids == JIDS
    assert found.content.decode() == sent(content) == layout.format(h=OPEN + reply + CLOSE)
    with pytest.raises(StanzaError, match="not-acceptable"):
        blind(content, most=2)


@pytest.mark.parametrize(
    "content",
    [
        "<body>hi</body>",
        OPEN + REPLY + CLOSE,
        header_of(*JIDS).replace("'>", "'>" + REPLY * 2, 1),
        header_of(*JIDS).replace("</", REPLY + "</", 1),
        header_of(*JIDS).replace("'>", "'>" + REPLY.replace("replyto", "to"), 1),
        header_of(*JIDS).replace("'>", "'>" + REPLY.replace("jid=", "uri="), 1),
        header_of(*JIDS).replace("bcc", "to"),
        header_of(*JIDS).replace("/>", " delivered='true'/>"),
        header_of("a@b&amp;c"),
        header_of(*JIDS).replace("><", "> <"),
        f"<x xmlns='urn:x'>{header_of(*JIDS)}</x>",
        f"<a/>{header_of(*JIDS)}<b/>",
        header_of(*JIDS) * 2,
        f"<x:addresses xmlns:x='{ns.ADDRESS}'/>{header_of(*JIDS)}",
        f"<addresses xmlns='{ns.ADDRESS}'></addresses>",
        header_of(*JIDS).replace(ns.ADDRESS, "urn:other"),
    ],
)
def test_whatever_else_is_left_to_who_reads_any_header(content: str) -> None:
    assert blind(content) is None


def test_of_blind_copies_there_are_so_many_at_most_and_each_is_an_address() -> None:
    with pytest.raises(StanzaError, match="not-acceptable"):
        blind(header_of(*JIDS), most=1)
    with pytest.raises(StanzaError, match="jid-malformed"):
        blind(header_of("@"))


# ------------------------------------------------------------------ where replies go


HERE = "<address type='replyto' jid='juliet@capulet.lit/balcony'/>"
THERE = "<address jid='nurse@capulet.lit' type='replyto'/>"


@pytest.mark.parametrize(
    ("inner", "left"),
    [
        (OPEN + HERE + CLOSE + "<b/>", "<b/>"),
        ("<b/>" + OPEN + " " + HERE + " " + CLOSE + "x", "<b/>x"),
        (OPEN + HERE + TO + HERE + THERE + CLOSE, OPEN + TO + THERE + CLOSE),
        (OPEN + HERE.replace("replyto", "cc") + CLOSE, None),
        (OPEN + THERE + CLOSE + f"<b>{OPEN}{HERE}{CLOSE}</b>", None),
        (f"<b>{OPEN}{HERE}{CLOSE}</b>", None),
    ],
)
def test_4_6_4_hidden_addresses_are_told_to_nobody(inner: str, left: str | None) -> None:
    stanza = message(inner)
    told = addresses.without_replies(stanza, lambda jid: "juliet" in jid)
    assert told.inner.decode() == (inner if left is None else left)
    assert (told is stanza) is (left is None)
