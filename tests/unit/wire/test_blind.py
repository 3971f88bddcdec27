"""Headers of blind copies, remembered: what is left out of the reading is no hole in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import HEADER, shape
from xmppd import ns
from xmppd.jid import JIDError
from xmppd.wire import blind
from xmppd.wire.blind import BlindHeader, Headers
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers
from xmppd.wire.stanza import Stanza

STREAM = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())
OPEN, CLOSE = f"<addresses xmlns='{ns.ADDRESS}'>".encode(), b"</addresses>"
GUESTS = ("juliet@capulet.lit/balcony", "romeo@montague.lit/orchard", "nurse@capulet.lit/gate")


def address(jid: str) -> bytes:
    return f"<address type='bcc' jid='{jid}'/>".encode()


def header(*jids: str) -> bytes:
    return OPEN + b"".join(map(address, jids)) + CLOSE


def message(*content: bytes, kind: str = "message") -> bytes:
    name = kind.encode()
    return b"<%b to='capulet.lit' id='m'>%b</%b>" % (name, b"".join(content), name)


def framer(limits: Limits = Limits(), parsers: Parsers | None = None) -> Framer:  # noqa: B008
    made = Framer(limits, content=ns.COMPONENT, parsers=parsers)
    made.feed(STREAM)
    return made


def headers(frames: list[Frame]) -> list[BlindHeader | None]:
    return [frame.blind for frame in frames if isinstance(frame, Stanza)]


REPLY = b"<address type='replyto' jid='juliet@capulet.lit/chamber'/>"
KNOWN = message(header(*GUESTS[:2]), b"<body>A guest is stay'd for here</body>")


def with_known(*pieces: bytes) -> list[tuple[object, ...]]:
    """The frames of what comes behind messages whose headers are remembered."""
    reading = framer()
    reading.feed(KNOWN)
    reading.feed(KNOWN.replace(b"'><", b"'>" + REPLY + b"<", 1))
    return [shape(frame) for piece in pieces for frame in reading.feed(piece)]


def the_long_way(data: bytes) -> list[tuple[object, ...]]:
    """What a scanner makes of it, which reads every element."""
    reading = framer()
    return [shape(frame) for piece in (data[:1], data[1:]) for frame in reading.feed(piece)]


# ------------------------------------------------------------------ what is remembered


@pytest.mark.parametrize("kind", ["message", "presence"])
def test_the_same_header_is_read_once(kind: str) -> None:
    data = message(header(*GUESTS), b"<x/>", kind=kind)
    first, second = headers([*(reading := framer()).feed(data), *reading.feed(data)])
    assert first is not None and first is second
    assert first.recipients.jids == GUESTS
    assert first.number == 3


def test_one_that_has_grown_is_another_and_names_them_all() -> None:
    reading = framer()
    lists = [GUESTS[:2], GUESTS, (*GUESTS, "tybalt@capulet.lit"), GUESTS[:2]]
    found = headers([f for each in lists for f in reading.feed(message(header(*each)))])
    for each, one in zip(lists, found, strict=True):
        assert one is not None
        assert one.recipients.jids == each
        assert one.recipients.accounts == {jid.partition("/")[0] for jid in each}
        begun = [f"<message to='{jid}'".encode() for jid in each]
        assert one.recipients.begun("message") == begun
    assert found[0] is found[3]


def test_4_6_4_where_replies_go_is_shown_and_is_none_of_those_it_is_for() -> None:
    """Another one makes another header."""
    reading, lists = framer(), [GUESTS[:2], GUESTS, GUESTS]
    for name in (b"chamber", b"balcony"):
        reply = b"<address type='replyto' jid=\"juliet@capulet.lit/%b\"/>" % name
        data = [header(*each).replace(b"'>", b"'>" + reply, 1) for each in lists]
        found = headers([f for each in data for f in reading.feed(message(each, b"<x/>"))])
        assert found[1] is found[2] is not None
        for each, one in zip(lists, found, strict=True):
            assert one is not None
            assert (one.recipients.jids, one.number) == (each, len(each) + 1)
            assert one.shown == OPEN + reply + CLOSE


def test_who_is_named_twice_is_a_recipient_once() -> None:
    reading = framer()
    found = headers([f for n in (2, 3) for f in reading.feed(message(header(*GUESTS[:1] * n)))])
    assert [one and (one.recipients.jids, one.number) for one in found] == [
        (GUESTS[:1], 2),
        (GUESTS[:1], 3),
    ]


def test_what_is_no_address_is_told_to_who_asks() -> None:
    reading = framer()
    for jids in (GUESTS, (*GUESTS, "@"), (*GUESTS, "@", "nurse@capulet.lit")):
        (one,) = headers(list(reading.feed(message(header(*jids)))))
        assert one is not None
        if "@" in jids:
            with pytest.raises(JIDError):
                _ = one.recipients


def remembered(known: Headers, data: bytes) -> bool:
    """Whether a header is known; it is from then on, if there is room for it."""
    found = known.find(data, 0)
    assert found is not None
    known.keep(found.header)
    return found.known != (0, 0)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header that was used longest ago makes room."""
    first, second, third = header(*GUESTS), header(*GUESTS[::-1]), header(*GUESTS[1:])
    monkeypatch.setattr(blind, "MOST_OCTETS", len(first + second))
    known = Headers()
    assert [remembered(known, each) for each in (first, second, first)] == [False, False, True]
    assert [remembered(known, each) for each in (third, first, second)] == [False, True, False]
    long = header(*GUESTS[::2] * 6)
    assert [remembered(known, each) for each in (long, long)] == [False, False]
    monkeypatch.setattr(blind, "MOST_OCTETS", 10_000)
    monkeypatch.setattr(blind, "MOST_HEADERS", 1)
    assert not remembered(known, third)
    assert not remembered(known, first)
    assert remembered(known, first)


def test_what_was_refused_is_not_remembered() -> None:
    """One that expat has not read to its end may be anything, for whichever stream."""
    parsers = Parsers()
    bad = header(*GUESTS).replace(b"balcony", b"balcony\xff")
    for content in ([header(*GUESTS), b"<body>"], [bad], [bad, b"<body/>"]):
        assert shape(framer(parsers=parsers).feed(message(*content))[-1])[0] == "error"
    (one,) = headers(list(framer(parsers=parsers).feed(message(header(*GUESTS)))))
    assert one is not None and one.recipients.jids == GUESTS


# ------------------------------------------------------------------ no hole


@pytest.mark.parametrize(
    "content",
    [
        [header(*GUESTS[:2]), b"<body>Welcome, gentlemen!</body>"],
        [header(*GUESTS)],
        [header(*GUESTS[:2]) * 2],
        [header(*GUESTS[:2]), b"<body>"],
        [header(*GUESTS[:2]), b"</addresses>"],
        [header(*GUESTS[:2]), b"\xff"],
        [header(*GUESTS[:2]), b"<body>\0</body>"],
        [header(*GUESTS[:2]), b"<a:b/>"],
        [header(*GUESTS[:2]), b"&rose;"],
        [header(*GUESTS[:2]), b"<body>&amp;</body> text"],
        [header(*GUESTS[:2]), b"<x a='1' a='2'/>"],
        [header(*GUESTS[:2]), b"<message/>"],
        [header(*GUESTS[:2]), b"<presence xmlns='urn:x'></presence>"],
        [header(*GUESTS[:2]), b"<x>" * 70 + b"</x>" * 70],
        [header(*GUESTS[:2]), b"<x/>" * 1_100],
        [header(*GUESTS[:2]), b"<x a='%b'/>" % (b"x" * 9_000)],
        [header(*GUESTS[:2]), b"<x xmlns='%b'/>" % (b"u" * 600)],
        [header(*GUESTS[:2])[:-1]],
        [header(*GUESTS[:2])[:-12], address("\udcff".encode("utf-8", "surrogatepass")), CLOSE],
        [header(*GUESTS[:2])[:-12], b"<address type='bcc' jid='\xff'/>", CLOSE],
        [header(*GUESTS[:2])[:-12], b"<address type='to' jid='a@b'/>", CLOSE],
        [header(*GUESTS[:2])[:-12], b"text", CLOSE],
        [OPEN, REPLY, header(*GUESTS[:2])[len(OPEN) :], b"<body/>"],
        [OPEN, REPLY, header(*GUESTS)[len(OPEN) :], b"<body>"],
        [OPEN, REPLY.replace(b"t/c", b"t/\xff"), header(*GUESTS[:2])[len(OPEN) :]],
        [OPEN, REPLY, CLOSE],
        [header(*GUESTS[:2])[:-12], b"<address type='bcc' jid='a'>", CLOSE],
        [header(*GUESTS[:2])[:-12], b"<address type='bcc' jid=\"a@b\"/>", CLOSE],
        [header(*GUESTS[:2])[:-12], b"<address type='bcc' jid='a@b/</addresses>'/>", CLOSE],
        [header(*GUESTS[:2])[:-12], b"<!-- --></addresses>"],
        [OPEN, b"<address type='bcc' jid='\xff'/>", CLOSE],
        [b"<x>", header(*GUESTS[:2]), b"</x>"],
        [b"<x a='", header(*GUESTS[:2]), b"'/>"],
        [header(*GUESTS[:2]).replace(b"'", b'"')],
        [header(*GUESTS[:2]).replace(b"addresses", b"a:addresses")],
    ],
)
@pytest.mark.parametrize("kind", ["message", "presence"])
@pytest.mark.parametrize("behind", [b"", KNOWN])
def test_it_is_read_as_by_the_long_way(content: list[bytes], kind: str, behind: bytes) -> None:
    data = message(*content, kind=kind) + behind
    assert with_known(data) == the_long_way(data)


@pytest.mark.parametrize("start", [b"<message xmlns='urn:x'>", b"<message xmlns:a='urn:a'>"])
def test_a_start_tag_with_namespaces_is_read_as_by_the_long_way(start: bytes) -> None:
    data = start + header(*GUESTS[:2]) + b"<a:x/></message>"
    assert with_known(data) == the_long_way(data)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["message", "presence"]),
            st.integers(0, 4),
            st.sampled_from([b"", b"<body>Peace</body>", b"<x><y/></x>", b"<x>", b"</y>", b"&#1;"]),
        ),
        max_size=8,
    ),
    st.integers(1, 400),
)
def test_streams_are_read_as_by_the_long_way(
    written: list[tuple[str, int, bytes]], piece: int
) -> None:
    names = (*GUESTS, "tybalt@capulet.lit")
    data = b"".join(
        message(header(*names[:n]) if n else b"", rest, kind=kind) for kind, n, rest in written
    )
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    assert with_known(*pieces) == the_long_way(data)


@pytest.mark.parametrize("kind", ["message", "presence"])
def test_a_long_list_that_comes_in_many_reads_is_read_whole(kind: str) -> None:
    """It waits for its end, rather than each address being told one by one."""
    reading = framer(Limits(stanza=1_000_000))
    reading.patient = True
    data = message(header(*(f"guest{n}@capulet.lit/hall" for n in range(900))), kind=kind)
    frames = [f for at in range(0, len(data), 5_000) for f in reading.feed(data[at : at + 5_000])]
    (one,) = headers(frames)
    assert one is not None and one.number == 900


def test_what_is_too_large_is_refused_whether_or_not_its_header_is_known() -> None:
    reading = framer(Limits(stanza=1_000))
    small, large = (message(header(*GUESTS), b"<body>%b</body>" % (b"x" * n)) for n in (1, 900))
    assert isinstance(reading.feed(small)[0], Stanza)
    assert shape(reading.feed(large)[-1]) == ("error", "policy-violation", "limit.stanza-size")


# ------------------------------------------------------------------ in a user's name (XEP-0356 §5)

_BEFORE = f"<privilege xmlns='{ns.PRIVILEGE}'><forwarded xmlns='{ns.FORWARD}'>".encode()
_TAG = b"<message xmlns='jabber:client' to='capulet.lit'>"
_AFTER = b"</message></forwarded></privilege>"


def privileged(*content: bytes, before: bytes = _BEFORE, tag: bytes = _TAG) -> bytes:
    return message(before, tag, *content, _AFTER)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(privileged(header(*GUESTS), b"<x/>"), id="plain"),
        pytest.param(privileged(header(*GUESTS), b"<x/>").replace(b"'", b'"'), id="quotes"),
        pytest.param(privileged(b"<body>a message</body>"), id="no header"),
        pytest.param(privileged(b""), id="nothing in it"),
        pytest.param(privileged(b"<message/>"), id="a third"),
        pytest.param(privileged(b"</message><message>"), id="two of them"),
        pytest.param(privileged(b"<x></message></x>"), id="crossed"),
        pytest.param(privileged(_AFTER), id="closed twice"),
        pytest.param(privileged(b"<x/>", tag=b"<message xmlns='jabber:client'/>"), id="empty"),
        pytest.param(privileged(b"<x/>", tag=b"<message>"), id="another namespace"),
        pytest.param(privileged(b"<x/>", tag=_TAG[:-1] + b" a='>'>"), id="a bracket"),
        pytest.param(privileged(b"<x/>", before=_BEFORE + b"<y/>"), id="something before"),
        pytest.param(privileged(b"<x/>", before=_BEFORE + b" "), id="space before"),
        pytest.param(message(_BEFORE, _TAG, _AFTER, b"<z/>"), id="beside"),
        pytest.param(
            message(_BEFORE, _TAG, b"</message></forwarded><z/>", _AFTER[-12:]), id="behind"
        ),
        pytest.param(message(_BEFORE, _TAG, b"</message></privilege></forwarded>"), id="mixed"),
        pytest.param(
            message(_BEFORE, _TAG, _AFTER, kind="presence"),
            id="in presence",
        ),
    ],
)
def test_a_message_in_a_message_is_read_as_by_the_long_way(data: bytes) -> None:
    expected = the_long_way(data + KNOWN)
    reading = framer()
    assert [shape(frame) for frame in reading.feed(data + KNOWN)] == expected
    if expected[-1][0] != "error":
        assert [shape(frame) for frame in reading.feed(data + KNOWN)] == expected


def test_the_header_of_a_message_in_a_message_is_read_once() -> None:
    """And is not taken for one that the message itself begins with."""
    data = privileged(header(*GUESTS), b"<x/>")
    reading = framer()
    frames = [*reading.feed(KNOWN), *reading.feed(data), *reading.feed(data)]
    assert [found is None for found in headers(frames)] == [False, True, True]
    last = frames[-1]
    assert isinstance(last, Stanza)
    assert last.inner.startswith(_BEFORE + _TAG + header(*GUESTS))
    assert last.children == [f"{ns.PRIVILEGE} privilege"]


def test_what_comes_in_pieces_waits_to_be_cut_whole() -> None:
    data = privileged(header(*(f"p{n}@capulet.lit/x" for n in range(100))), b"<x/>")
    reading = framer()
    reading.patient = True
    reading.feed(KNOWN)
    assert [shape(f) for piece in (data[:3000], data[3000:]) for f in reading.feed(piece)] == (
        the_long_way(data)
    )
