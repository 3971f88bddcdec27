"""The web client's transports, request by request and frame by frame; the test is the server."""

from __future__ import annotations

import pytest

from tests.browser.core import load


@pytest.fixture
def play(page):
    load(page)

    def run(script, argument=None):
        return page.evaluate(
            """async ([script, a]) => {
              const w = await import("/pages/wires.js");
              return new Function("w", "a", `return (async () => { ${script} })()`)(w, a);
            }""",
            [script, argument],
        )

    return run


SESSION = "const { transport, requests, told } = await w.session(a ?? undefined);"


def test_how_a_session_is_asked_for_xep0124_7_1(play):
    script = (
        "const b = w.bosh(); b.transport.open().catch(() => {}); return b.requests[0].attributes"
    )
    asked = play(script)
    rid = int(asked.pop("rid"))
    assert 0 < rid <= 2**48
    assert asked == {
        "xmlns": "http://jabber.org/protocol/httpbind",
        "xmlns:xmpp": "urn:xmpp:xbosh",
        "content": "text/xml; charset=utf-8",
        "hold": "1",
        "wait": "60",
        "to": "verona.lit",
        "ver": "1.11",
        "xml:lang": "en",
        "xmpp:version": "1.0",
    }


def test_one_request_waits_and_one_more_carries_xep0124_11(play):
    script = f"""{SESSION}
    for (const text of ["<a/>", "<b/>"]) transport.send(text);
    await w.tick();
    transport.send("<c/>");
    await w.tick();
    const open = requests.length - 1;
    const rids = requests.map((r) => Number(r.attributes.rid));
    requests[1].answer();
    await w.tick();
    const payloads = requests.map((r) => r.body.replace(/^<body[^>]*>/, "").replace("</body>", ""));
    return [open, rids.map((rid) => rid - rids[0]), payloads]"""
    open_, rids, payloads = play(script)
    assert open_ == 2 and rids == [0, 1, 2]
    # What is sent in one go goes in one request; what is too much waits until one is answered.
    assert payloads == ["", "", "<a/><b/>", "<c/>"]


def test_answers_are_taken_in_the_order_of_requests_xep0124_14_2(play):
    script = f"""{SESSION}
    transport.send("<a/>");
    await w.tick();
    requests[2].answer("<second xmlns='urn:x'/>");
    await w.tick();
    const before = [...told.elements];
    requests[1].answer("<first xmlns='urn:x'/>");
    await w.tick();
    return [before, told.elements]"""
    assert play(script) == [[], ["first", "second"]]


def test_a_request_that_failed_is_sent_again_as_it_was_xep0124_14_3(play):
    script = f"""{SESSION}
    transport.send("<a/>");
    await w.tick();
    requests[2].fail();
    await w.tick();
    transport.nudge();
    await w.tick();
    const again = requests.length === 4 && requests[3].body === requests[2].body;
    requests[3].answer("", "", 503);
    await w.tick();
    transport.nudge();
    await w.tick();
    return [again, requests.length === 5 && requests[4].body === requests[2].body, told.ends]"""
    assert play(script) == [True, True, []]


def test_a_recoverable_error_repeats_those_before_it_as_well_xep0124_17_3(play):
    script = f"""{SESSION}
    transport.send("<a/>");
    await w.tick();
    requests[2].answer("", "type='error'");
    await w.tick();
    transport.nudge();
    await w.tick();
    const bodies = requests.map(({{ body }}) => body);
    return [bodies.slice(3), bodies.slice(1, 3), told.ends]"""
    again, before, ends = play(script)
    assert again == before and ends == []


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        ("answer('', '', 404)", "connection-lost"),
        ("answer('', '', 403)", "policy-violation"),
        ("answer('', '', 400)", "bad-request"),
        ("answer('', 'type=\"terminate\"')", "connection-lost"),
        ("answer('', 'type=\"terminate\" condition=\"policy-violation\"')", "policy-violation"),
        (
            'answer(\'<e:error xmlns:e="http://etherx.jabber.org/streams"><conflict xmlns='
            '"urn:ietf:params:xml:ns:xmpp-streams"/></e:error>\', \'type="terminate"\')',
            "conflict",
        ),
        ("answer('<unclosed>')", "bad-xml"),
    ],
)
def test_what_ends_a_session_xep0124_17_1_and_17_2(play, answer, condition):
    script = f"{SESSION} requests[1].{answer}; await w.tick(); return [told.ends, requests.length]"
    assert play(script) == [[condition], 2]


def test_a_session_is_ended_with_what_waits_xep0124_13(play):
    script = f"""{SESSION}
    transport.send("<a/>");
    transport.close();
    const last = requests.at(-1);
    const said = [last.attributes.type, last.body.includes("<a/>")];
    requests[1].answer();
    last.answer("", "type='terminate'");
    await w.tick();
    return [said, told.ends]"""
    assert play(script) == [["terminate", True], [None]]


def test_a_restart_is_a_request_of_its_own_xep0206_5(play):
    script = f"""{SESSION}
    requests[1].answer("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    transport.onelement = () => transport.restart();
    await w.tick();
    const {{ attributes, body }} = requests[2];
    return [requests.length, attributes["xmpp:restart"], attributes.to, body.endsWith("/>")]"""
    assert play(script) == [3, "true", "verona.lit", True]


def test_a_server_that_holds_nothing_is_asked_at_its_own_pace_xep0124_12(play):
    script = f"""{SESSION}
    requests[1].answer();
    await w.tick(300);
    const before = requests.length;
    transport.send("<a/>");
    await w.tick();
    return [before, requests.length]"""
    assert play(script, 'requests="1" hold="0" polling="5"') == [2, 3]


SOCKET = "const { transport, sockets, told, opened, result } = w.websocket();"
OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='verona.lit' version='1.0'/>"
CLOSE = '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'
OPENED = f'{SOCKET} sockets[0].open(); sockets[0].say("{OPEN}"); await opened;'


def test_how_a_socket_is_opened_rfc7395_3_1_and_3_4(play):
    script = f"{OPENED} return [sockets[0].protocol, sockets[0].sent, result.state]"
    assert play(script) == [
        "xmpp",
        [
            '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="verona.lit" version="1.0" '
            'xml:lang="en"/>'
        ],
        "open",
    ]


def test_who_does_not_agree_to_xmpp_is_told_nothing_rfc7395_3_1(play):
    script = f"""{SOCKET} sockets[0].protocol = ""; sockets[0].open(); await opened;
    return [sockets[0].closed, sockets[0].sent, result.state]"""
    assert play(script) == [True, [], "connection-failed"]


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        ("'<a>'", "bad-xml"),
        ("' <!DOCTYPE a><a/>'", "bad-xml"),
        ("new ArrayBuffer(3)", "bad-xml"),
        (
            '\'<e:error xmlns:e="http://etherx.jabber.org/streams"><conflict xmlns='
            '"urn:ietf:params:xml:ns:xmpp-streams"/></e:error>\'',
            "conflict",
        ),
    ],
)
def test_what_ends_a_stream_rfc7395_3_3(play, data, condition):
    script = f"""{OPENED} sockets[0].say({data});
    return [told.ends, sockets[0].closed, sockets[0].sent.slice(1)]"""
    assert play(script) == [[condition], True, [CLOSE]]  # RFC 6120 4.9.1.1


def test_a_socket_that_goes_is_told_once(play):
    script = f"{OPENED} sockets[0].drop(); sockets[0].drop(); return told.ends"
    assert play(script) == ["connection-lost"]


def test_closing_in_order_rfc7395_3_6(play):
    script = f"""{OPENED} transport.close();
    const before = [...told.ends];
    sockets[0].say("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
    return [before, told.ends, sockets[0].sent.at(-1), sockets[0].closed]"""
    assert play(script) == [[], [None], CLOSE, True]


@pytest.mark.parametrize(
    ("here", "elsewhere", "followed"),
    [
        ("wss://verona.lit/ws", "wss://mantua.lit/ws", True),
        ("wss://verona.lit/ws", "ws://mantua.lit/ws", False),
        ("wss://verona.lit/ws", "https://x/", False),
        ("ws://localhost/ws", "ws://mantua.lit/ws", False),
        ("ws://localhost/ws", "wss://mantua.lit/ws", True),
        ("ws://verona.lit/ws", "ws://mantua.lit/ws", True),
    ],
)
def test_another_address_and_never_an_unencrypted_one_rfc7395_3_6_1(
    play, here, elsewhere, followed
):
    script = f"""{SOCKET.replace("()", f"('{here}')")} sockets[0].open();
    sockets[0].say(`<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='${{a}}'/>`);
    if (sockets[1]) {{ sockets[1].open(); sockets[1].say("{OPEN}"); }}
    await opened;
    const first = [sockets[0].closed, sockets[0].sent.at(-1)];
    return [result.state, first, sockets.map((socket) => socket.url)]"""
    state, first, urls = play(script, elsewhere)
    assert first == [True, CLOSE]
    assert urls[1:] == ([elsewhere] if followed else [])
    assert state == ("open" if followed else "connection-lost")


def test_nobody_is_sent_on_for_ever(play):
    script = f"""{SOCKET}
    for (let i = 0; i < 20 && sockets[i]; i += 1) {{
      sockets[i].open();
      sockets[i].say(`<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'
        see-other-uri='wss://verona.lit/${{i}}'/>`);
    }}
    await opened;
    return [result.state, sockets.length]"""
    assert play(script) == ["connection-lost", 4]


FALLBACK = """const { openTransport } = await import("/js/xmpp/transport.js");
const told = [];
const { sockets } = w.websocket();
const b = w.bosh();
const options = { websocket: "/ws", bosh: "/http-bind", domain: "verona.lit" };
const opening = openTransport(options, () => {}).then((t) => t.kind, (error) => error.condition);
const socket = sockets.at(-1);
"""


def test_bosh_where_no_socket_can_be_opened(play):
    script = f"""{FALLBACK} socket.drop();
    await w.tick();
    b.requests[0].answer("", "sid='some'");
    return opening"""
    assert play(script) == "bosh"


def test_neither(play):
    script = f"{FALLBACK} socket.drop(); await w.tick(); b.requests[0].fail(); return opening"
    assert play(script) == "connection-failed"


def test_a_server_that_refuses_by_a_socket_is_not_asked_by_bosh(play):
    script = f"""{FALLBACK} socket.open();
    socket.say('<e:error xmlns:e="http://etherx.jabber.org/streams"><host-unknown xmlns='
      + '"urn:ietf:params:xml:ns:xmpp-streams"/></e:error>');
    return [await opening, b.requests.length]"""
    assert play(script) == ["host-unknown", 0]
