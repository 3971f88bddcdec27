"""Messages cut by the text of their tags: the same frames as by the long way, whatever comes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.frames import CLOSE, HEADER, Scribe, frames_of, shape
from xmppd import ns
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame
from xmppd.wire.limits import Limits
from xmppd.wire.parsers import Parsers
from xmppd.wire.scanner import Inside
from xmppd.wire.stanza import Stanza
from xmppd.wire.whole import Cutter, may_hold

CHAT = b"<message to='juliet@capulet.lit' type='chat' id='m%d'><body>But soft!</body></message>"


def long_way(data: bytes, limits: Limits) -> list[tuple[object, ...]]:
    """The frames of `data`, of which each piece but the last is no whole message."""
    first, rest = data[:1], data[1:]
    return [shape(f) for f in frames_of(HEADER, first, rest, limits=limits)]


def at_once(data: bytes, limits: Limits) -> list[tuple[object, ...]]:
    return [shape(f) for f in frames_of(HEADER, data, limits=limits)]


SERVERS = (
    f"<stream:stream xmlns='{ns.SERVER}' xmlns:db='{ns.DIALBACK}' xmlns:stream='{ns.STREAM}'"
    " from='capulet.lit' to='montague.lit' version='1.0'{}>"
)
"""The header of another server; behind the prefixes there is room for one more."""


def of_server(*pieces: bytes, more: str = "") -> list[tuple[object, ...]]:
    """The frames of a stream of another server's."""
    header = SERVERS.format(more).encode()
    return [shape(f) for f in frames_of(header, *pieces, content=ns.SERVER)][1:]


def cut(data: bytes, limits: Limits = Limits()) -> tuple[int, list[Frame]]:  # noqa: B008
    """How many bytes a cutter takes of `data`, and what it makes of them."""
    frames: list[Frame] = []
    used = Cutter(limits, ns.CLIENT).cut(data, frames) if may_hold(data) else 0
    return used, frames


def test_whole_messages_are_cut_and_what_follows_is_left() -> None:
    data = CHAT % 1 + CHAT % 2 + b"<presence/>"
    used, frames = cut(data)
    assert data[used:] == b"<presence/>"
    assert [f.attrs["id"] for f in frames if isinstance(f, Stanza)] == ["m1", "m2"]
    assert isinstance(frames[0], Stanza)
    assert frames[0].inner == b"<body>But soft!</body>"
    assert frames[0].children == ["jabber:client body"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<message><body>a message</body></message>", id="the word"),
        pytest.param(b'<message to="a@b" id="it\'s"><body/></message>', id="an apostrophe"),
        pytest.param(b"<message id='a>b'><body/></message>", id="a bracket in a value"),
        pytest.param(b"<message xmlns='jabber:client'><body/></message>", id="its namespace"),
        pytest.param(b"<message xmlns='urn:rose'><body/></message>", id="another namespace"),
        pytest.param(b"<messages><message/></messages>", id="another name"),
        pytest.param(b"<message-x></message-x><message></message>", id="a longer name"),
        pytest.param(b"<message></message >", id="space in the end tag"),
        pytest.param(b"<message\n id='1'\n><body/></message>", id="line breaks"),
        pytest.param(b"<message/><message></message>", id="an empty one first"),
        pytest.param(b"<message /><message></message>", id="an empty one with a space"),
        pytest.param(b"<message><message xmlns='urn:x'/></message>", id="one inside"),
        pytest.param(
            b"<message><f xmlns='urn:f'><message><body/></message></f></message>", id="forwarded"
        ),
        pytest.param(b"<message><x><![CDATA[</message>]]></x></message>", id="CDATA"),
        pytest.param(b"<message><![CDATA[<message>]]></message>", id="CDATA begins"),
        pytest.param(b"<message><!-- </message> --></message>", id="comment"),
        pytest.param(b"<message><?x </message> ?></message>", id="instruction"),
        pytest.param(b"<message><!-- </message>", id="comment without end"),
        pytest.param(b"<message><?x </message>", id="instruction without end"),
        pytest.param(b"<message><x a='</message>'/></message>", id="in a value"),
        pytest.param(b"<message a='</message>'></message>", id="in its own value"),
        pytest.param(b"<message a='<message>'></message>", id="a tag in its own value"),
        pytest.param(b"<message xmlns:a='urn:a'><a:x/></message>", id="a prefix of its own"),
        pytest.param(b"<message><a:x xmlns:a='urn:a'/></message>", id="a prefix inside"),
        pytest.param(b"<message><b:x/></message>", id="a prefix of nobody"),
        pytest.param(b"<message><stream:error/></message>", id="the stream's prefix"),
        pytest.param(
            b"<message><x xmlns='http://etherx.jabber.org/streams'/></message>", id="stream"
        ),
        pytest.param(
            b"<message><x xmlns='http://etherx.jabber.org/&#115;treams'/></message>", id="spelled"
        ),
        pytest.param(b"<message><body>&lt;&amp;&gt;</body></message>", id="entities"),
        pytest.param(b"<message><body>&rose;</body></message>", id="an unknown entity"),
        pytest.param(b"<message><a></b></message>", id="crossed tags"),
        pytest.param(b"<message><a></message>", id="an open tag"),
        pytest.param(b"<message id='1' id='2'></message>", id="an attribute twice"),
        pytest.param(b"<message id=1></message>", id="no quotes"),
        pytest.param(b"<message id='1'id2='2'></message>", id="no space"),
        pytest.param(b"<message><body>\xff</body></message>", id="no UTF-8"),
        pytest.param(b"<message><body>\0</body></message>", id="NUL"),
        pytest.param(b"<message></message>\n <message></message>", id="space between"),
        pytest.param(b"<message></message>x<message></message>", id="text between"),
        pytest.param(b"<message></message></stream:stream>", id="the end"),
        pytest.param(b"<message><body>x</body></message><message><body", id="half of one"),
        pytest.param(b"<message>" + b"<x/>" * 70 + b"</message>", id="many children"),
        pytest.param(b"<message>" + b"<x>" * 70 + b"</x>" * 70 + b"</message>", id="deep"),
        pytest.param(b"<message><x" + b" a='1'" * 2 + b"/></message>", id="twice inside"),
        pytest.param(
            b"<message><x%b/></message>" % b"".join(b" a%d='1'" % i for i in range(70)), id="wide"
        ),
        pytest.param(b"<message><x xmlns='%b'/></message>" % (b"u" * 600), id="long namespace"),
        pytest.param(b"<message><body>%b</body></message>" % (b"x" * 9000), id="a long one"),
        pytest.param(b"<message><x a='%b'/></message>" % (b"x" * 9000), id="a long tag"),
    ],
)
@pytest.mark.parametrize("before", [b"", CHAT % 1])
@pytest.mark.parametrize("after", [b"", CHAT % 2])
def test_it_is_read_as_by_the_long_way(before: bytes, data: bytes, after: bytes) -> None:
    everything = before + data + after
    whole, other = at_once(everything, Limits()), long_way(everything, Limits())
    if other[-1][0] == "error":  # it may be found later, with fewer frames before it
        assert whole[-1][0] == "error"
        assert whole[-1] == other[-1]
    assert whole == other


@pytest.mark.parametrize(
    "limits",
    [
        Limits(stanza=2000, tag=500, depth=5, attributes=4, children=6),
        Limits(stanza=120, tag=80, depth=64, attributes=64, children=1024),
    ],
)
@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("piece", [b"<x/>", b"<x>%b</x>", b"<x a%d='1'/>", b"<x y='1' z='2'/>"])
def test_limits_hold_as_by_the_long_way(limits: Limits, count: int, piece: bytes) -> None:
    inner = b""
    for number in range(count):
        inner = piece % inner if b"%b" in piece else inner + piece.replace(b"%d", b"%d" % number)
    attributes = b"".join(b" a%d=''" % n for n in range(count))
    for data in (b"<message>%b</message>" % inner, b"<message%b></message>" % attributes):
        assert at_once(data, limits) == long_way(data, limits)


@pytest.mark.parametrize("count", range(38, 48))
def test_the_limit_of_children_holds_where_it_is_the_lowest(count: int) -> None:
    limits = Limits(depth=64, attributes=64, children=40)
    data = b"<message>%b</message>" % (b"<x/>" * count)
    whole = at_once(data, limits)
    assert whole == long_way(data, limits)
    assert (whole[-1][0] == "error") is (count > 40)


@given(st.randoms(use_true_random=True))
@settings(max_examples=150)
def test_documents_at_random_are_read_as_by_the_long_way(random: Random) -> None:
    document = Scribe(random).document()
    header, body = document[: document.index(b"<", 60)], document
    assert header
    bytewise = [bytes([byte]) for byte in body]
    assert [shape(f) for f in frames_of(body)] == [shape(f) for f in frames_of(*bytewise)]


def test_a_stream_that_errs_leaves_the_next_one_a_sound_parser() -> None:
    parsers = Parsers()
    romeo, tybalt = (Framer(Limits(), parsers=parsers) for _ in range(2))
    for framer in (romeo, tybalt):
        framer.feed(HEADER)
    for wrong in (
        b"<message><a></message>",
        b"<message><?x </message>",
        b"<message><b>",
        b"<iq><a><b></iq>",
        b"<iq><!--",
        b"</stream:stream>",
    ):
        tybalt.feed(CHAT % 1 + wrong + b">")
        tybalt = Framer(Limits(), parsers=parsers)
        tybalt.feed(HEADER)
        for data in (CHAT % 7, b"<iq id='8'><x xmlns='urn:x'/></iq>", CHAT % 9 + b"<presence/>"):
            assert [shape(f) for f in romeo.feed(data)] == at_once(data, Limits())[1:]


def test_two_unfinished_frames_do_not_meet() -> None:
    """Each stream in the midst of a frame has a parser to itself."""
    parsers = Parsers()
    framers = [Framer(Limits(), parsers=parsers) for _ in range(30)]
    stanza = b"<iq id='%d'><a xmlns='urn:a'><b/></a></iq>"
    for framer in framers:
        framer.feed(HEADER)
    got: list[list[Frame]] = [[] for _ in framers]
    for at in range(len(stanza % 10)):
        for number, framer in enumerate(framers):
            got[number] += framer.feed((stanza % (10 + number))[at : at + 1])
    for number, frames in enumerate(got):
        assert [shape(f) for f in frames] == at_once(stanza % (10 + number), Limits())[1:]
        assert framers[number].feed(CLOSE)


def test_streams_that_may_send_different_things_share_nothing() -> None:
    parsers = Parsers()
    small, large = (Framer(Limits(stanza=n), parsers=parsers) for n in (100, 10_000))
    data = b"<message><body>%b</body></message>" % (b"x" * 500)
    for framer in (small, large, small):
        framer.restart()
        framer.feed(HEADER)
        assert shape(framer.feed(data)[0])[0] == ("stanza" if framer is large else "error")


def test_new_limits_hold_for_the_frames_that_follow() -> None:
    framer = Framer(Limits(stanza=100))
    framer.feed(HEADER)
    framer.limits = Limits(stanza=10_000)
    data = b"<message><body>%b</body></message>" % (b"x" * 500)
    assert isinstance(framer.feed(data)[0], Stanza)


# Large ones, of components


@pytest.mark.parametrize(
    "inner",
    [
        b"<a/>" * 900,
        b"<a b='c'/>" * 900,
        b"<a>" * 30 + b"</a>" * 30 + b"<b/>" * 200,
        b"<a>" * 70 + b"</a>" * 70,
        b"<a/>" * 1_100,
        b"<a " + b"".join(b"x%d='' " % number for number in range(70)) + b"/>" + b"<b/>" * 50,
        b"<a b='" + b"x" * 9_000 + b"'/>",
        b"x" * 20_000,
        b"<a b='c'><d xmlns='urn:d'>e</d></a>" * 100,
        (b"<a>" * 30 + b"</a>" * 30) * 10,
        *((b"<a>" * n + b"</a>" * n) * 9 for n in range(60, 68)),
        *((b"<a><b/>" * n + b"</a>" * n) * 9 for n in range(60, 68)),
        (b"<a b='/>'>" * 40 + b"</a>" * 40) * 9,
        (b"<a b='>' c=\"'/\">" * 40 + b"</a>" * 40) * 9,
        (b"<a b='/' >" * 65 + b"</a >" * 65) * 9,
    ],
)
def test_a_large_message_of_a_component_is_read_as_by_the_long_way(inner: bytes) -> None:
    message = b"<message to='a'>%b</message>" % inner
    header = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())

    def read(*pieces: bytes) -> list[tuple[object, ...]]:
        framer = Framer(Limits(), content=ns.COMPONENT)
        framer.feed(header)
        return [shape(frame) for piece in pieces for frame in framer.feed(piece)]

    assert read(message) == read(message[:1], message[1:])


# Presence, of components


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<presence to='a'><show>away</show></presence>", id="whole"),
        pytest.param(b"<presence to='a'/>", id="empty"),
        pytest.param(b"<presence></presence >", id="space in the end tag"),
        pytest.param(b"<presence xmlns='urn:rose'><x/></presence>", id="another namespace"),
        pytest.param(b"<presences><presence/></presences>", id="another name"),
        pytest.param(b"<presence-x></presence-x>", id="a longer name"),
        pytest.param(b"<pre></pre>", id="a shorter name"),
        pytest.param(b"<presence><status>a presence</status></presence>", id="the word"),
        pytest.param(b"<presence><presence/></presence>", id="one inside"),
        pytest.param(b"<presence><message></message></presence>", id="a message inside"),
        pytest.param(b"<message><presence></presence></message>", id="inside a message"),
        pytest.param(b"<presence><x a='</presence>'/></presence>", id="in a value"),
        pytest.param(b"<presence></message>", id="crossed"),
        pytest.param(b"<presence><x></presence>", id="an open tag"),
        pytest.param(b"<p", id="begun"),
    ],
)
@pytest.mark.parametrize("before", [b"", CHAT % 1, b"<presence to='a'><x/></presence>"])
def test_presence_of_a_component_is_read_as_by_the_long_way(before: bytes, data: bytes) -> None:
    header = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())

    def read(*pieces: bytes) -> list[tuple[object, ...]]:
        framer = Framer(Limits(), content=ns.COMPONENT)
        framer.feed(header)
        return [shape(frame) for piece in pieces for frame in framer.feed(piece)]

    everything = before + data + CHAT % 2
    assert read(everything) == read(everything[:1], everything[1:])


# IQs, of components

_CLIENTS = b"<iq xmlns='jabber:client' type='result' id='1'"
_AROUND = (
    b"<iq type='result' id='d1' to='a'><delegation xmlns='urn:xmpp:delegation:2'>"
    b"<forwarded xmlns='urn:xmpp:forward:0'>%b</forwarded></delegation></iq>"
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<iq type='result' id='1'><q xmlns='urn:q'>text</q></iq>", id="whole"),
        pytest.param(b"<iq type='result' id='1'/>", id="empty"),
        pytest.param(b"<iq type='result' id='1' />", id="empty, with a space"),
        pytest.param(b'<iq type="result" id="1"/>', id="empty, double quotes"),
        pytest.param(b"<iq type='result' id='/>'/>", id="empty, a bracket in a value"),
        pytest.param(b"<iq type='result' id='1'></iq>", id="no content"),
        pytest.param(b"<iq/>", id="no attributes"),
        pytest.param(b"<iq id='1'></iq >", id="space in the end tag"),
        pytest.param(b"<iq xmlns='urn:rose'><x/></iq>", id="another namespace"),
        pytest.param(b"<iq xmlns='urn:rose'/>", id="another namespace, empty"),
        pytest.param(b"<iq xmlns:a='urn:a'/>", id="a prefix of its own"),
        pytest.param(b"<iqs><iq/></iqs>", id="another name"),
        pytest.param(b"<iq-x></iq-x>", id="a longer name"),
        pytest.param(b"<iq ></iqs>", id="crossed with a longer name"),
        pytest.param(b"<iq id='1'><x>iq liqueur &lt;/iq></x></iq>", id="the word"),
        pytest.param(b"<iq id='1'><iq/></iq>", id="one inside"),
        pytest.param(b"<iq id='1'><x a='</iq>'/></iq>", id="in a value"),
        pytest.param(b"<iq id='1'></message>", id="crossed"),
        pytest.param(b"<iq id='1'><x></iq>", id="an open tag"),
        pytest.param(b"<iq id='1' id='2'/>", id="an attribute twice"),
        pytest.param(b"<i", id="begun"),
        pytest.param(b"<iq id='1'><x", id="half of one"),
        pytest.param(b"<iq id='1'>" + b"<x><y/>z</x>" * 90 + b"</iq>", id="a long one"),
        pytest.param(_AROUND % (_CLIENTS + b"><q xmlns='urn:q'/></iq>"), id="delegated"),
        pytest.param(_AROUND % (_CLIENTS + b"/>"), id="delegated, empty"),
        pytest.param(_AROUND % (_CLIENTS + b"></iq>"), id="delegated, no content"),
        pytest.param(_AROUND % (_CLIENTS + b"/>" + _CLIENTS + b"/>"), id="two delegated"),
        pytest.param(_AROUND % (_CLIENTS + b"/><x/>"), id="delegated, and something else"),
        pytest.param(_AROUND % (_CLIENTS + b"></iq><x/>"), id="something behind it"),
        pytest.param(_AROUND % b"<iq/>", id="delegated, of no namespace"),
        pytest.param(_AROUND % b"", id="nothing delegated"),
        pytest.param(_AROUND % (_CLIENTS + b"><iq/></iq>"), id="one more inside"),
        pytest.param(
            _AROUND[:-5] % (_CLIENTS + b"/>") + b"<x/></iq>", id="something beside the delegation"
        ),
        pytest.param(
            _AROUND.replace(b"'", b'"') % (_CLIENTS.replace(b"'", b'"') + b"/>"),
            id="delegated, double quotes",
        ),
        pytest.param(
            b"<iq id='1'><addresses xmlns='http://jabber.org/protocol/address'>"
            b"<address type='bcc' jid='a'/></addresses></iq>",
            id="an address header",
        ),
    ],
)
@pytest.mark.parametrize("before", [b"", CHAT % 1, b"<iq type='result' id='0'/>"])
def test_an_iq_of_a_component_is_read_as_by_the_long_way(before: bytes, data: bytes) -> None:
    header = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())

    def read(*pieces: bytes) -> list[tuple[object, ...]]:
        framer = Framer(Limits(), content=ns.COMPONENT)
        framer.feed(header)
        return [shape(frame) for piece in pieces for frame in framer.feed(piece)]

    everything = before + data + CHAT % 2
    assert read(everything) == read(everything[:1], everything[1:])


@pytest.mark.parametrize("answer", [b"<iq id='1'/>", b"<iq id='1'><x/></iq>", b"<a/>"])
def test_what_stands_behind_one_for_many_is_whole(answer: bytes) -> None:
    """Though the addresses are known already."""
    header = HEADER.replace(ns.CLIENT.encode(), ns.COMPONENT.encode())
    to_many = (
        b"<message to='capulet.lit'><addresses xmlns='http://jabber.org/protocol/address'>"
        b"<address type='bcc' jid='juliet@capulet.lit'/></addresses><body>Hark</body></message>"
    )
    framer = Framer(Limits(), content=ns.COMPONENT)
    framer.feed(header)
    first, second = ([shape(frame) for frame in framer.feed(to_many + answer)] for _ in range(2))
    assert first == second
    assert len(first) == 2


def test_iqs_of_a_component_are_cut_whole() -> None:
    data = _AROUND % (_CLIENTS + b"><q xmlns='urn:q'/></iq>") + b"<iq type='result' id='1'/>"
    frames: list[Frame] = []
    assert may_hold(data, ns.COMPONENT)
    assert Cutter(Limits(), ns.COMPONENT).cut(data, frames) == len(data)
    assert [frame.children for frame in frames if isinstance(frame, Stanza)] == [
        [f"{ns.DELEGATION} delegation"],
        [],
    ]


FROM_SERVER = b"<message from='a@capulet.lit' to='b@montague.lit'>%b</message>"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FROM_SERVER % b"<body>But soft!</body>", id="a message"),
        pytest.param(FROM_SERVER % b"<db:result>key</db:result>", id="dialback inside"),
        pytest.param(FROM_SERVER % b"<x db:a='1'/>", id="an attribute of dialback"),
        pytest.param(FROM_SERVER % b"<body>db:</body>", id="a text like a prefix"),
        pytest.param(
            FROM_SERVER % b"<db:x xmlns:db='urn:rose'/>", id="the prefix means something else"
        ),
        pytest.param(FROM_SERVER % b"<stream:error/>", id="the stream's prefix"),
        pytest.param(FROM_SERVER % b"<body xmlns='jabber:client'>x</body>", id="of a client's"),
        pytest.param(b"<message xmlns='jabber:client'></message>", id="a client's message"),
        pytest.param(b"<message db:a='1'><body/></message>", id="its own tag has the prefix"),
        pytest.param(b"<db:result from='a' to='b'>key</db:result>", id="dialback"),
        pytest.param(b"<db:verify from='a' to='b' id='1' type='valid'/>", id="its answer"),
        pytest.param(b"<presence from='a@b' to='c@d'/>", id="presence"),
    ],
)
@pytest.mark.parametrize("before", [b"", FROM_SERVER % b"<body/>"])
@pytest.mark.parametrize("after", [b"", FROM_SERVER % b"<db:x/>"])
def test_what_a_server_sends_is_read_as_by_the_long_way(
    before: bytes, data: bytes, after: bytes
) -> None:
    """XEP-0220 §2.1: its header declares a prefix more than a client's."""
    data = before + data + after
    frames = of_server(data)
    assert frames == of_server(data[:1], data[1:])
    # Where a header declares yet another one, nothing is cut whole, and no parser is shared.
    assert frames == of_server(data, more=" xmlns:rose='urn:rose'")


def test_messages_of_a_server_are_cut_whole() -> None:
    parsers, limits = Parsers(), Limits()
    scope = {"": ns.SERVER, "stream": ns.STREAM, "db": ns.DIALBACK}
    inside = Inside(f"{ns.STREAM} stream", SERVERS.format("").encode(), scope)
    cutter = parsers.inside(inside, limits, ns.SERVER).cutter
    assert cutter is not None
    frames: list[Frame] = []
    data = FROM_SERVER % b"<body>x</body>"
    assert may_hold(data, ns.SERVER)
    assert cutter.cut(data, frames) == len(data)
    assert [shape(f) for f in frames] == of_server(data[:1], data[1:])
    assert not may_hold(FROM_SERVER % b"<db:x/>", ns.SERVER)
