"""Hostile and broken clients on real sockets: they lose their stream, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import Ended, Peer
from tests.support.server import PASSWORD, condition
from xmppd import ns

STRANGERS = 20
"""How many connections that have not logged in this server bears."""
BIG = "<body>" + "a" * 60_000 + "</body>"


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits."""
    limits = {
        "negotiation_seconds": 3,
        "unauthenticated": STRANGERS,
        "write_buffer_bytes": 65_536,
        "stanza_bytes": 65_536,
    }
    with running(tmp_path_factory.mktemp("tight"), {"limits": limits}) as server:
        yield server


@pytest.fixture
def nurse(tight: Server) -> Iterator[Peer]:
    """Somebody who has nothing to do with it, and is still served afterwards."""
    with Peer(tight.c2s, VERONA) as peer:
        peer.log_in("nurse", PASSWORD, "hall")
        yield peer
        peer.ping()


XML = {
    "mismatched tags": (b"<message><body>ay me</message>", "not-well-formed"),
    "not UTF-8": (b"<message><body>\xc3\x28</body></message>", "unsupported-encoding"),
    "overlong UTF-8": (b"<message><body>\xc0\xaf</body></message>", "unsupported-encoding"),
    "a control character": (b"<message><body>&#1;</body></message>", "not-well-formed"),
    "a DTD": (b"<!DOCTYPE lol [<!ENTITY l 'lol'>]>", "restricted-xml not-well-formed"),
    "an entity": (b"<message><body>&rosaline;</body></message>", "restricted-xml not-well-formed"),
    "a comment": (b"<!-- a plague o' both your houses -->", "restricted-xml"),
    "a processing instruction": (b"<?queen mab?>", "restricted-xml"),
    "text between stanzas": (b"ay me<presence/>", "bad-format not-well-formed"),
    "an unknown element": (b"<soliloquy xmlns='jabber:client'/>", "unsupported-stanza-type"),
    "an oversize stanza": (b"<message>" + b"<a/>" * 20_000, "policy-violation"),
    "a deep stanza": (b"<message>" + b"<a>" * 2_000, "policy-violation"),
    "a wide stanza": (
        b"<message %b/>" % b" ".join(b"a%d=''" % n for n in range(500)),
        "policy-violation",
    ),
    "a forged sender": (b"<message from='romeo@capulet.lit'/>", "invalid-from"),
}
"""What a client with a session sends, and the stream errors that will do for it."""


@pytest.mark.parametrize("sent, expected", XML.values(), ids=XML.keys())
def test_bad_xml_ends_the_stream_of_its_sender(
    tight: Server, nurse: Peer, sent: bytes, expected: str
) -> None:
    """RFC 6120 §4.9.3 and §11."""
    with Peer(tight.c2s, VERONA) as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        assert tybalt.send(sent).ending() in expected.split()


HEADERS = {
    "no XML at all": ("GET / HTTP/1.1\r\nHost: capulet.lit\r\n\r\n", "not-well-formed"),
    "another root": ("<html>", "bad-format invalid-namespace invalid-xml"),
    "another domain": (
        f"<stream:stream to='rome.lit' version='1.0' xmlns='{ns.CLIENT}'"
        f" xmlns:stream='{ns.STREAM}'>",
        "host-unknown",
    ),
    "another namespace": (
        f"<stream:stream to='{VERONA}' version='1.0' xmlns='jabber:server'"
        f" xmlns:stream='{ns.STREAM}'>",
        "invalid-namespace",
    ),
    "billion laughs": (
        "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'>]>",
        "restricted-xml not-well-formed",
    ),
    "an endless header": ("<stream:stream a='" + "x" * 100_000, "policy-violation"),
    "a stanza before login": (
        f"<stream:stream to='{VERONA}' version='1.0' xmlns='{ns.CLIENT}'"
        f" xmlns:stream='{ns.STREAM}'><message to='romeo@{VERONA}'><body/></message>",
        "not-authorized",
    ),
}
"""What a stranger begins with, and the stream errors that will do for it."""


@pytest.mark.parametrize("sent, expected", HEADERS.values(), ids=HEADERS.keys())
def test_bad_beginning_ends_the_stream(
    tight: Server, nurse: Peer, sent: str, expected: str
) -> None:
    """RFC 6120 §4.7 and §4.9.3."""
    with Peer(tight.c2s, VERONA) as tybalt:
        assert tybalt.send(sent).ending() in expected.split()


def test_who_falls_silent_before_binding_is_sent_away(tight: Server, nurse: Peer) -> None:
    """Silent at once, in the header, before login, after it, inside TLS, in the handshake."""
    with (
        Peer(tight.c2s, VERONA) as shaking,
        Peer(tight.c2s_tls, VERONA) as stuck,
        Peer(tight.c2s, VERONA) as mute,
        Peer(tight.c2s, VERONA) as halting,
        Peer(tight.c2s, VERONA) as undecided,
        Peer(tight.c2s, VERONA) as unbound,
        Peer(tight.c2s_tls, VERONA) as hidden,
    ):
        halting.send("<?xml version='1.0'?><stream:stream to='capu")
        undecided.open()
        unbound.open()
        unbound.authenticate("tybalt", PASSWORD)
        unbound.open()
        hidden.wrap(tight.authority).open()
        shaking.open()
        shaking.send(f"<starttls xmlns='{ns.TLS}'/>").element()
        for handshake in (shaking, stuck):
            handshake.transport.sendall(b"\x16\x03\x01")
        silent = (mute, halting, undecided, unbound, hidden)
        assert [one.ending() for one in silent] == ["connection-timeout"] * 5
        shaking.hears_nothing_more()
        stuck.hears_nothing_more()


def test_what_follows_starttls_in_the_clear_is_never_acted_on(tight: Server, nurse: Peer) -> None:
    """RFC 6120 §5.4.3.3: a request injected into the segment of `<starttls/>`."""
    with Peer(tight.c2s, VERONA) as romeo:
        romeo.open()
        injected = (
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"
        )
        romeo.send(f"<starttls xmlns='{ns.TLS}'/>{injected}")
        answers = []
        try:
            while True:
                answers.append(romeo.element())
        except Ended:
            pass
        assert [answer.tag for answer in answers] == [f"{{{ns.STREAM}}}error"]
        assert condition(answers[0]) == "policy-violation"


def test_flood_of_strangers_is_held_at_the_limit_and_locks_nobody_out(
    tight: Server, nurse: Peer
) -> None:
    """Whoever was a stranger for the longest time makes room."""
    crowd = [Peer(tight.c2s, VERONA) for _ in range(STRANGERS)]
    try:
        for one in crowd:
            one.open()
        with Peer(tight.c2s, VERONA) as late:
            late.open()
            crowd.pop(0).hears_nothing_more()
            nurse.ping()
            assert late.authenticate("nurse", PASSWORD).tag == f"{{{ns.SASL}}}success"
            with Peer(tight.c2s, VERONA) as next_one:
                next_one.open()
            nurse.ping()
    finally:
        for one in crowd:
            one.__exit__()


def test_slow_reader_is_cut_off_while_others_chat_on(tight: Server, nurse: Peer) -> None:
    with (
        Peer(tight.c2s, VERONA, receive_buffer=4096) as tybalt,
        Peer(tight.c2s, VERONA) as romeo,
    ):
        tybalt.log_in("tybalt", PASSWORD, "street")
        romeo.log_in("romeo", PASSWORD, "orchard")
        for _ in range(200):
            romeo.send(f"<message type='headline' to='{tybalt.jid}'>{BIG}</message>")
            romeo.send(f"<message to='{nurse.jid}'><body>Out upon you!</body></message>")
            assert nurse.element().findtext("{*}body") == "Out upon you!"
        answer = romeo.ask("<ping xmlns='urn:xmpp:ping'/>", to=tybalt.jid)
        assert condition(answer) == "service-unavailable"
        with pytest.raises(Ended):
            while True:
                tybalt.element()


def test_reader_who_is_only_busy_loses_nothing(tight: Server, nurse: Peer) -> None:
    with Peer(tight.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "orchard")
        for n in range(20):
            nurse.send(f"<message id='{n}' to='{romeo.jid}'>{BIG[:20_000]}</body></message>")
        nurse.ping()
        assert [romeo.element().get("id") for _ in range(20)] == [str(n) for n in range(20)]
