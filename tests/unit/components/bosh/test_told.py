"""What the server says in a session, cut out of its bytes: fast, and with a parser."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.bosh.tunnel import told
from components.bosh.tunnel.told import Told
from tests.support.frames import HEADER, frames_of
from xmppd import ns
from xmppd.jid import JID
from xmppd.wire import tunneled
from xmppd.wire.stanza import Stanza

F, T = f"{{{ns.FORWARD}}}", f"{{{ns.TUNNEL}}}"
JULIET, ROMEO = JID.of("juliet", "capulet.lit"), JID.of("romeo", "montague.lit")


def said(*elements, ask=0):
    """What a message holds in which the server says some elements, as its outlet joins them."""
    pieces = b"".join(tunneled.BEGIN + each + tunneled.END for each in elements)
    return tunneled.message(pieces, ask).inner


def sent(inner):
    """A stanza of a client with `inner` in it, as the server writes it to another; None where it
    is refused.

    The prefix f is what it is in the tunnel, and default and `t` are others.
    """
    frames = frames_of(HEADER, b"<message to='a@b'>" + inner + b"</message>")
    stanza = frames[-1]
    if not isinstance(stanza, Stanza):
        return None
    stanza.sender, stanza.to = JULIET, ROMEO
    return stanza.render()


def shape(element):
    """All that there is to an element, whatever its prefixes."""
    return (
        element.tag,
        sorted(element.items()),
        element.text or "",
        [(shape(child), child.tail or "") for child in element],
    )


def oracle(inner):
    """The elements of a message by another parser."""
    (session,) = fromstring(b"<x xmlns='%b'>%b</x>" % (ns.COMPONENT.encode(), inner))
    return [shape(child[0]) for child in session if child.tag == f"{F}forwarded"]


def cut(message):
    """What was cut out, each element read by itself."""
    return [shape(fromstring(each)) for each in message.items if isinstance(each, bytes)]


HOSTILE = [
    b"<body>f:forwarded></body>",
    b"<body>&lt;/f:forwarded>&lt;f:forwarded></body>",
    b"<body>&lt;/f:forwarded&gt;&lt;f:forwarded&gt;</body>",
    b"<body a='/f:forwarded>' b='f:forwarded>'/>",
    b"<body a='f:forwarded>\"' b=\"f:forwarded>'\"/>",
    b"<f:forwarded xmlns:f='urn:xmpp:forward:0'><message xmlns='jabber:client'/></f:forwarded>",
    b"<f:forwarded xmlns:f='urn:xmpp:forward:0'><f:forwarded/></f:forwarded>",
    b"<f:forwarded xmlns:f='urn:xmpp:forward:0'></f:forwarded>",
    b"<f:forwarded xmlns:f='urn:example'><a/></f:forwarded><f:forwarded xmlns:f='urn:b'>x"
    b"</f:forwarded>",
    b"<a xmlns:f='urn:a'><f:forwarded></f:forwarded><f:forwarded></f:forwarded></a>",
    b"<a xmlns:f='urn:a'><f:forwarded b=''></f:forwarded><f:forwarded></f:forwarded ></a>",
    b"<a xmlns:foo='urn:a'><foo:f/></a>",
    b"<t:session xmlns:t='urn:xmppd:session-tunnel:0' xmlns:f='urn:xmpp:forward:0'><f:forwarded>"
    b"<message/></f:forwarded></t:session>",
    b"<t:close xmlns:t='urn:xmppd:session-tunnel:0'/>",
    b"<close xmlns='urn:xmppd:session-tunnel:0'/>",
    b"<body>]]&gt; ]]]]&gt;</body>",
    b"<![CDATA[</f:forwarded><f:forwarded>]]>",
    b"<body><![CDATA[<f:forwarded>]]></body>",
    b"<a xmlns='urn:x' b=' xmlns='/><a b=\"> xmlns='urn:y'\"/>",
    b"<message/><message xmlns='jabber:client'/><message xmlns='jabber:server'/>",
    b"<iq a='>'/><presence\n/><iq ></iq >",
    b"<a></a><a/><a ></a\n><a />",
    b"<a b='/'></a><a b='/>'/>",
    b"&#x66;:forwarded&#62;",
    "<é b='ü'>\U0001f600</é>".encode(),
]


@pytest.mark.parametrize("inner", HOSTILE)
def test_what_a_stranger_writes_stays_where_it_is(inner):
    stanza = sent(inner)
    if stanza is None:
        return
    written = said(stanza, b"<presence/>", stanza)
    message = told.read(written)
    assert cut(message) == oracle(written)
    assert len(message.items) == 3


def test_most_of_it_gets_there():
    assert sum(sent(inner) is not None for inner in HOSTILE) >= len(HOSTILE) - 3


NAMES = st.sampled_from(["a", "body", "forwarded", "message", "session", "close", "f", "t", "x-1"])
PREFIXES = st.sampled_from(["", "", "f", "t", "foo", "ff", "p"])
SPACES = st.sampled_from(
    [ns.FORWARD, ns.TUNNEL, ns.CLIENT, ns.SERVER, "urn:a", "urn:b", "f:forwarded>"]
)
WORDS = [
    "f:forwarded>",
    "&lt;/f:forwarded>",
    "&lt;f:forwarded>",
    "]]&gt;",
    "&#13;",
    "&amp;lt;",
    "xmlns:f",
    "xmlns=",
    "/>",
    ">",
    "é",
    "x",
    "&apos;",
    "<![CDATA[<f:forwarded>]]>",
]
TEXTS = st.lists(st.sampled_from([*WORDS, " "]), max_size=4).map("".join)
QUOTES = st.sampled_from("'\"")


@st.composite
def elements(draw, depth=0):
    """An element as a stranger may write it."""
    prefix, name = draw(PREFIXES), draw(NAMES)
    shown = ""
    if prefix:
        shown += f" xmlns:{prefix}={draw(QUOTES)}{draw(SPACES)}".replace("{", "")
        shown += shown[shown.index("=") + 1]
    elif draw(st.booleans()):
        quote = draw(QUOTES)
        shown += f" xmlns={quote}{draw(SPACES)}{quote}"
    if draw(st.booleans()):
        quote = draw(QUOTES)
        value = draw(TEXTS).replace("<![CDATA[<f:forwarded>]]>", "").replace(quote, "")
        shown = draw(
            st.sampled_from(
                [f" b={quote}{value}{quote}{shown}", f"{shown} b={quote}{value}{quote}"]
            )
        )
    tag = f"{prefix}:{name}" if prefix else name
    space = draw(st.sampled_from(["", "", " ", "\n"]))
    children = [] if depth > 2 else draw(st.lists(elements(depth + 1), max_size=3))
    inner = draw(TEXTS) + "".join(child + draw(TEXTS) for child in children)
    if not inner and draw(st.booleans()):
        return f"<{tag}{shown}{space}/>"
    return f"<{tag}{shown}{space}>{inner}</{tag}{space}>"


@given(st.lists(elements(), max_size=3), st.integers(0, 3), st.integers(0, 9))
@example(["<f:forwarded xmlns:f='urn:xmpp:forward:0'></f:forwarded>"], 1, 0)
def test_both_ways_give_the_same(inner, beside, ask):
    stanza = sent("".join(inner).encode())
    if stanza is None:
        return
    written = said(stanza, *[b"<r xmlns='urn:xmpp:sm:3'/>"] * beside, ask=ask)
    message = told.read(written)
    assert message == told._parsed(written)
    assert message.ask == ask
    assert cut(message) == oracle(written)


def test_the_generated_are_mostly_taken_and_take_both_ways():
    counts = {"taken": 0, "refused": 0}

    @given(elements())
    def count(element):
        counts["refused" if sent(element.encode()) is None else "taken"] += 1

    count()
    assert counts["taken"] > counts["refused"]


# ---------------------------------------------------------------------- what is the tunnel's own


def session(inner, shown=""):
    return (
        f"<t:session xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'{shown}>"
        f"{inner}</t:session>"
    ).encode()


def test_elements_of_the_tunnel():
    message = told.read(
        session(
            "<t:open from='a' id='b' xml:lang='en'/><t:features></t:features>"
            "<f:forwarded><iq/></f:forwarded>"
            "<t:features><m xmlns='urn:m'>x</m><n xmlns='urn:n'/></t:features><t:close/>",
            " ask='7'",
        )
    )
    opened, none, iq, features, close = message.items
    assert opened == Told("open", {"from": "a", "id": "b", f"{ns.XML} lang": "en"}, b"")
    assert none == Told("features", {}, b"")
    assert iq == b"<iq xmlns='jabber:client'/>"
    assert features == Told("features", {}, b"<m xmlns='urn:m'>x</m><n xmlns='urn:n'/>")
    assert close == Told("close", {}, b"")
    assert message.ask == 7


@pytest.mark.parametrize(
    "inner",
    [
        f"<session xmlns='{ns.TUNNEL}'><forwarded xmlns='{ns.FORWARD}'>"
        "<a xmlns='urn:a'>x</a></forwarded></session>",
        f"<q:session xmlns:q='{ns.TUNNEL}'><w:forwarded xmlns:w='{ns.FORWARD}'>"
        "<a xmlns='urn:a'>x</a></w:forwarded></q:session>",
    ],
)
def test_prefixes_do_not_count(inner):
    assert told.read(inner.encode()).items == [b"<a xmlns='urn:a'>x</a>"]


@pytest.mark.parametrize("inner", ["", "<body/>", "<session xmlns='urn:other'/>", "text"])
def test_no_session_is_none(inner):
    assert told.read(inner.encode()) is None


def test_a_namespace_is_declared_once():
    elements = [b"<message xmlns='jabber:client'/>", b"<iq/>", b"<iqs xmlns='a'/>", b"<iq a=''/>"]
    assert told.read(said(*elements)).items == [
        b"<message xmlns='jabber:client'/>",
        b"<iq xmlns='jabber:client'/>",
        b"<iqs xmlns='a'/>",
        b"<iq xmlns='jabber:client' a=''/>",
    ]


def test_cdata_is_no_markup():
    element = b"<a xmlns='urn:a'><![CDATA[</f:forwarded><f:forwarded>]]></a>"
    assert told.read(said(element)).items == [element]


@pytest.mark.parametrize("number", ["", "-1", "x", "1.0", "\u0661"])
def test_a_question_without_a_number_is_none(number):
    assert told.read(session("<t:close/>", f" ask='{number}'")).ask == 0
