"""Stream compression on the wire (XEP-0138)."""

from tests.e2e.verona import VERONA, Server
from tests.support.peers import Peer
from tests.support.server import PASSWORD, condition
from xmppd import ns


def authenticated(peer: Peer, name: str) -> Peer:
    peer.open()
    peer.authenticate(name, PASSWORD)
    methods = [method.text for method in peer.open().iter(f"{{{ns.COMPRESS_FEATURE}}}method")]
    assert methods == ["zlib"]
    return peer


def test_compressed_and_plain_streams_exchange_messages(verona: Server) -> None:
    with Peer(verona.c2s, VERONA) as juliet, Peer(verona.c2s, VERONA) as romeo:
        authenticated(juliet, "juliet").compress().bind("balcony")
        romeo.log_in("romeo", PASSWORD, "orchard")
        for line in ("Good night, good night!", "parting " * 2000):
            juliet.send(f"<message to='{romeo.jid}'><body>{line}</body></message>")
            assert romeo.element().findtext("{*}body") == line
            romeo.send(f"<message to='{juliet.jid}'><body>{line}</body></message>")
            assert juliet.element().findtext("{*}body") == line


def test_compression_inside_tls(verona: Server) -> None:
    with Peer(verona.c2s, VERONA) as juliet:
        juliet.open()
        authenticated(juliet.start_tls(verona.authority), "juliet").compress().bind("balcony")
        juliet.ping()


def test_unknown_method_is_refused_and_the_stream_goes_on(verona: Server) -> None:
    """XEP-0138 §3."""
    with Peer(verona.c2s, VERONA) as juliet:
        authenticated(juliet, "juliet")
        asked = f"<compress xmlns='{ns.COMPRESS}'><method>lzw</method></compress>"
        assert condition(juliet.send(asked).element()) == "unsupported-method"
        juliet.bind("balcony").ping()


def test_bomb_ends_its_own_stream_and_no_other(verona: Server) -> None:
    """20 MB in some 20 KB, of keep-alive whitespace, which no limit on stanzas looks at."""
    with Peer(verona.c2s, VERONA) as tybalt, Peer(verona.c2s, VERONA) as nurse:
        authenticated(tybalt, "tybalt").compress().bind("street")
        nurse.log_in("nurse", PASSWORD, "hall")
        tybalt.send(b" " * 20_000_000)
        assert tybalt.ending() == "policy-violation"
        nurse.ping()


def test_what_is_not_zlib_ends_the_stream(verona: Server) -> None:
    with Peer(verona.c2s, VERONA) as tybalt:
        authenticated(tybalt, "tybalt").compress().bind("street")
        tybalt.transport.sendall(b"\xff\xfe this is no deflate block")
        assert tybalt.ending() == "undefined-condition"
