"""The sessions of a gateway's clients (docs/session-tunnel.md), in memory."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.bosh.tunnel.tunnel import EARLY_OCTETS, Tunnel
from components.common.connection import Pace
from tests.support.kit import DOMAIN, JULIET, SERVER, Server, asked
from xmppd import ns

T = f"{{{ns.TUNNEL}}}"
HEADER = {"to": SERVER, "version": "1.0"}


class Told:
    """A client that keeps what it is told."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *given: self.told.append((name, *given))

    def take(self):
        """All since the last call."""
        told, self.told = self.told, []
        return told


class Gateway:
    """A tunnel, and its server."""

    def __init__(self, pace=None):
        self.server = Server()
        self.component = self.server.component(pace=pace)
        self.tunnel = Tunnel(self.component)
        self.server.let_in()

    def stream(self, to=SERVER, **where):
        """A client and its stream."""
        client = Told()
        where = {"secure": True, **where}
        stream = self.tunnel.stream(client, where.pop("address", "192.0.2.7"), to=to, **where)
        return client, stream

    def opened(self):
        """The same, agreed to by the server."""
        client, stream = self.stream()
        stream.open(HEADER)
        self.agree(stream)
        self.server.take()
        return client, stream

    def agree(self, stream):
        """Answer the request to open a session."""
        self.answer(stream, "result", "", asked(self.server.take()))

    def answer(self, stream, type_, payload, id_):
        to = f"to='{stream.name}' id='{id_}'"
        self.server.send(f"<iq type='{type_}' from='{SERVER}' {to}>{payload}</iq>")

    def tell(self, stream, inner, shown="", sender=SERVER):
        """Have the server say something in a session."""
        declared = f"xmlns:t='{ns.TUNNEL}' xmlns:f='{ns.FORWARD}' xmlns='{ns.CLIENT}'"
        self.server.send(
            f"<message from='{sender}' to='{stream.name}'>"
            f"<t:session {declared}{shown}>{inner}</t:session></message>"
        )

    def sent(self):
        """The stanzas that the server was sent when the turn had ended."""
        self.server.clock.advance(0)
        return list(
            fromstring(b"<x xmlns='%b'>%b</x>" % (ns.COMPONENT.encode(), self.server.take()))
        )

    def said(self):
        """What was said in sessions: names, texts for what the client said."""
        found = []
        for stanza in self.sent():
            (session,) = stanza
            if "taken" in session.attrib:
                found.append(f"taken {session.get('taken')}")
            for child in session:
                name = child.tag.removeprefix(T)
                found.append(child.text or "" if name == "text" else name)
        return found


@pytest.fixture
def gateway():
    return Gateway()


# ---------------------------------------------------------------------- open


def test_a_session_is_asked_for(gateway):
    _, stream = gateway.stream(address="2001:db8::7", secure=False)
    stream.open({"to": SERVER, "from": "j@e", "version": "1.0", "xml:lang": "it", "other": "x"})
    (iq,) = gateway.sent()
    (opened,) = iq
    assert (iq.get("from"), iq.get("to"), iq.get("type")) == (stream.name, SERVER, "set")
    assert opened.tag == f"{T}open"
    assert opened.attrib == {
        "address": "2001:db8::7",
        "secure": "false",
        "to": SERVER,
        "from": "j@e",
        "version": "1.0",
        "{http://www.w3.org/XML/1998/namespace}lang": "it",
    }


def test_a_client_means_a_domain_of_the_server_rfc6120_4_9_1_3(gateway):
    said = ("", SERVER, SERVER.upper(), "elsewhere.example")
    assert [gateway.tunnel.domain(to) for to in said] == [SERVER] * 4


def test_names_of_sessions_are_unguessable(gateway):
    names = {gateway.stream()[1].name for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 32 + 1 + len(DOMAIN) for name in names)


@pytest.mark.parametrize("hostile", ["'><a/>", '"', "&", "<", "\n\t", "]]>"])
def test_attributes_stay_attributes(gateway, hostile):
    _, stream = gateway.stream()
    stream.open({"to": hostile, "from": hostile})
    (iq,) = gateway.sent()
    assert iq[0].get("to") == hostile
    assert len(iq[0]) == 0


def test_an_attribute_without_end_is_cut(gateway):
    """The server bounds the tags of all that comes in the stream which all clients share."""
    _, stream = gateway.stream()
    stream.open(dict.fromkeys(("to", "from", "version", "xml:lang"), "'" * 500000))
    assert len(gateway.server.take()) < 4 * 6 * 3_072 + 1_000


@pytest.mark.parametrize(
    ("error", "text"), [("resource-constraint", "too many"), ("forbidden", "")]
)
def test_the_server_refuses(gateway, error, text):
    client, stream = gateway.stream()
    stream.open(HEADER)
    id_ = asked(gateway.server.take())
    told = f"<text xmlns='{ns.STANZA_ERRORS}'>{text}</text>" if text else ""
    gateway.answer(
        stream,
        "error",
        f"<error type='wait'><{error} xmlns='{ns.STANZA_ERRORS}'/>{told}</error>",
        id_,
    )
    assert client.take() == [("refused", error, text)]
    assert len(gateway.tunnel) == 0
    stream.say("<a/>")
    stream.close()
    assert gateway.sent() == []


def test_nobody_answers(gateway):
    client, stream = gateway.stream()
    stream.open(HEADER)
    gateway.server.pass_time(31)
    assert client.take()[0][:2] == ("refused", "remote-server-timeout")


def test_what_is_said_before_the_server_agrees_waits(gateway):
    client, stream = gateway.stream()
    stream.open(HEADER)
    id_ = asked(gateway.server.take())
    stream.say("<a/>")
    stream.open(HEADER)
    stream.say("<b/>")
    assert gateway.sent() == []
    gateway.answer(stream, "result", "", id_)
    assert gateway.said() == ["<a/>", "open", "<b/>"]
    assert client.take() == []


def test_who_says_too_much_before_that_is_paused(gateway):
    client, stream = gateway.stream()
    stream.open(HEADER)
    id_ = asked(gateway.server.take())
    stream.say("x" * EARLY_OCTETS)
    stream.say("x")
    assert client.take() == [("pause",)]
    gateway.answer(stream, "result", "", id_)
    assert client.take() == [("resume",)]
    assert "".join(gateway.said()) == "x" * (EARLY_OCTETS + 1)


# ---------------------------------------------------------------------- what the client says


@pytest.mark.parametrize(
    "text",
    [
        "<a>]]></a>",
        "&amp; & &#13;",
        "a\rb\r\nc\n",
        "</text></session>",
        "\t \u2028\x85\x7f",
        "<é>\U0001f600",
    ],
)
def test_text_comes_as_it_went(gateway, text):
    _, stream = gateway.opened()
    stream.say(text)
    assert gateway.said() == [text]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_as_it_went_or_not_at_all(text):
    gateway = Gateway()
    _, stream = gateway.opened()
    try:
        stream.say(text)
    except ValueError:
        assert gateway.server.take() == b""
    else:
        assert "".join(gateway.said()) == text


@pytest.mark.parametrize("character", ["\0", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_is_no_xml_never_gets_to_the_stream_of_all(gateway, character):
    _, stream = gateway.opened()
    with pytest.raises(ValueError, match="no XML"):
        stream.say(f"<a>{character}</a>")
    with pytest.raises(ValueError, match="no XML"):
        stream.say("x" * 100_000 + character)
    assert gateway.server.take() == b""


def test_much_text_goes_in_pieces(gateway):
    """The server's [limits] may be a fiftieth of ours."""
    _, stream = gateway.opened()
    text = "<&\r\U0001f600" * 100_000
    stream.say(text)
    gateway.server.clock.advance(0)
    data = gateway.server.take()
    assert max(map(len, data.split(b"</message>"))) < 100_000
    gateway.server.line.written = data
    assert "".join(gateway.said()) == text


def test_elements_are_said_as_such(gateway):
    _, stream = gateway.opened()
    stream.say_each(["<a/>", "<b>&amp;</b>"])
    gateway.server.clock.advance(0)
    data = gateway.server.take()
    assert data.count(b"<session ") == 1
    assert data.count(b"<text end='true'>") == 2
    gateway.server.line.written = data
    assert gateway.said() == ["<a/>", "<b>&amp;</b>"]


def test_large_elements_go_in_pieces_of_which_the_last_says_so(gateway):
    _, stream = gateway.opened()
    large = "<&\U0001f600" * 20_000
    stream.say_each(["<a/>", large, "<b/>"])
    gateway.server.clock.advance(0)
    data = gateway.server.take()
    assert max(map(len, data.split(b"</message>"))) < 100_000
    ends = [each.partition(b">")[0] for each in data.split(b"<text")[1:]]
    assert ends == [b" end='true'", *[b" end='false'"] * 3, b" end='true'", b" end='true'"]
    gateway.server.line.written = data
    assert "".join(gateway.said()) == f"<a/>{large}<b/>"


def test_one_element_that_can_not_be_said_and_none_is(gateway):
    _, stream = gateway.opened()
    with pytest.raises(ValueError, match="no XML"):
        stream.say_each(["<a/>", "<b>\0</b>"])
    assert gateway.server.take() == b""


def test_a_question_is_answered(gateway):
    client, stream = gateway.opened()
    gateway.tell(stream, "<f:forwarded><iq/></f:forwarded>", " ask='7'")
    assert client.take() == [("elements", [b"<iq xmlns='jabber:client'/>"]), ("asked", 7)]
    stream.taken(7)
    assert gateway.said() == ["taken 7"]


@pytest.mark.parametrize("last", ["close", "lost"])
def test_the_last_word_is_the_last(gateway, last):
    client, stream = gateway.opened()
    getattr(stream, last)()
    stream.say("<a/>")
    stream.taken(1)
    stream.close()
    stream.lost()
    assert gateway.said() == [last]
    assert len(gateway.tunnel) == 0
    gateway.tell(stream, "<t:close/>")
    assert client.take() == []
    assert gateway.server.take() == b"", "the server has said it before it heard of the end"


@pytest.mark.parametrize("last", ["close", "lost"])
def test_who_closes_a_stream_hears_the_rest_rfc6120_4_4(gateway, last):
    client, stream = gateway.opened()
    stream.end()
    stream.say("<a/>")
    assert gateway.said() == ["close"]
    gateway.tell(stream, "<f:forwarded><a xmlns='urn:xmpp:sm:3'/></f:forwarded>")
    assert client.take() == [("elements", [b"<a xmlns='urn:xmpp:sm:3'/>"])]
    if last == "close":
        gateway.tell(stream, "<t:close/>")
        assert client.take() == [("closed",)]
    stream.lost()
    assert gateway.said() == []
    assert len(gateway.tunnel) == 0


def test_who_goes_before_the_server_agrees_leaves_no_session(gateway):
    client, stream = gateway.stream()
    stream.open(HEADER)
    id_ = asked(gateway.server.take())
    stream.lost()
    gateway.answer(stream, "result", "", id_)
    gateway.tell(stream, "<t:open from='a' id='b'/>")
    assert b"type='error'" in gateway.server.take()
    assert client.take() == []


def test_who_goes_before_he_has_opened_is_nobodys(gateway):
    _, stream = gateway.stream()
    stream.lost()
    assert gateway.sent() == []
    assert len(gateway.tunnel) == 0


# ---------------------------------------------------------------------- what the server says


def test_what_the_server_says_comes_in_its_order(gateway):
    client, stream = gateway.opened()
    gateway.tell(
        stream,
        "<t:open from='a' id='b' xml:lang='en'/><t:features><m xmlns='u'/></t:features>"
        "<f:forwarded><iq/></f:forwarded><f:forwarded><r xmlns='u'/></f:forwarded>"
        "<t:pause/><f:forwarded><iq/></f:forwarded><t:resume/><t:error><e xmlns='u'/></t:error>"
        "<t:close/>",
    )
    assert client.take() == [
        ("opened", {"from": "a", "id": "b", "xml:lang": "en"}),
        ("features", b"<m xmlns='u'/>"),
        ("elements", [b"<iq xmlns='jabber:client'/>", b"<r xmlns='u'/>"]),
        ("pause",),
        ("elements", [b"<iq xmlns='jabber:client'/>"]),
        ("resume",),
        ("failed", b"<e xmlns='u'/>"),
        ("closed",),
    ]
    assert len(gateway.tunnel) == 0


@pytest.mark.parametrize("word", ["close", "lost"])
def test_nothing_is_told_behind_the_end(gateway, word):
    client, stream = gateway.opened()
    gateway.tell(stream, f"<t:{word}/><f:forwarded><iq/></f:forwarded><t:close/>", " ask='1'")
    assert client.take() == [("closed" if word == "close" else "lost",)]


@pytest.mark.parametrize("sender", [JULIET, "juliet@example.org", "other.example", DOMAIN])
def test_a_session_is_told_by_its_own_server_only(gateway, sender):
    client, stream = gateway.opened()
    gateway.tell(stream, "<f:forwarded><iq/></f:forwarded><t:close/>", sender=sender)
    gateway.server.send(
        f"<message type='error' from='{sender}' to='{stream.name}'><error type='cancel'>"
        f"<item-not-found xmlns='{ns.STANZA_ERRORS}'/></error></message>"
    )
    assert client.take() == []
    assert len(gateway.tunnel) == 1
    assert b"<item-not-found " in gateway.server.take()


@pytest.mark.parametrize("condition", ["item-not-found", "bad-request", "internal-server-error"])
def test_an_error_ends_a_session(gateway, condition):
    client, stream = gateway.opened()
    gateway.server.send(
        f"<message type='error' from='{SERVER}' to='{stream.name}'><error type='cancel'>"
        f"<{condition} xmlns='{ns.STANZA_ERRORS}'/></error></message>"
    )
    assert client.take() == [("lost",)]
    assert len(gateway.tunnel) == 0


def test_what_is_unknown_in_a_session_is_passed_over(gateway):
    client, stream = gateway.opened()
    gateway.tell(
        stream, "<t:news/><other xmlns='u'/><f:forwarded/><f:forwarded><a xmlns='u'/></f:forwarded>"
    )
    assert client.take() == [("elements", [b"<a xmlns='u'/>"])]


# ---------------------------------------------------------------------- the server is gone


@pytest.mark.parametrize("managed", [False, True])
def test_sessions_end_with_the_stream_of_the_component(managed):
    gateway = Gateway()
    if managed:
        gateway.server.line.cut()
        gateway.server.wait()
        gateway.server.let_in(managed=True)
    (juliet, _), (romeo, early) = gateway.opened(), gateway.stream()
    early.open(HEADER)
    gateway.server.line.cut()
    assert juliet.take() == [("lost",)]
    assert [each[0] for each in romeo.take()] == (["lost"] if managed else ["refused"])
    assert len(gateway.tunnel) == 0
    gateway.server.pass_time(31)
    assert romeo.take() == []


def test_there_is_a_server_again():
    gateway = Gateway()
    gateway.server.line.cut()
    gateway.server.wait()
    gateway.server.let_in()
    client, stream = gateway.opened()
    stream.say("<a/>")
    assert gateway.said() == ["<a/>"]
    assert client.take() == []


def test_the_gateway_ends(gateway):
    client, _ = gateway.opened()
    gateway.tunnel.close()
    assert gateway.said() == ["lost"]
    assert client.take() == [("lost",)]
    assert len(gateway.tunnel) == 0


# ---------------------------------------------------------------------- pace


def test_clients_wait_while_the_server_takes_nothing():
    gateway = Gateway(Pace(octets=10_000))
    (juliet, stream), (romeo, other) = gateway.opened(), gateway.opened()
    gateway.server.up = False
    gateway.server.line.producer.pauseProducing()
    for _ in range(20):
        stream.say("<a>%s</a>" % ("x" * 1_000))
    other.say("<b/>")
    gateway.server.clock.advance(0)
    assert (juliet.take(), romeo.take()) == ([("pause",)], [("pause",)])
    gateway.server.line.producer.resumeProducing()
    gateway.tell(stream, "<t:pause/><t:resume/>")
    assert juliet.take() == [("pause",)]
    gateway.tell(other, "<t:pause/>")
    romeo.take()
    gateway.server.pass_time(2, 0.25)
    assert juliet.take() == [("resume",)]
    assert romeo.take() == []
    gateway.tell(other, "<t:resume/>")
    assert romeo.take() == [("resume",)]
