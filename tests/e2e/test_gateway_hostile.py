"""Hostile and broken clients of the HTTP gateway, on real sockets: nobody else notices them."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from tests.e2e.test_hostile import XML
from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import PATIENCE, Ended
from tests.support.ports import free_port
from tests.support.process import BIN, RunningProcess, until
from tests.support.server import PASSWORD, condition
from tests.support.web_peers import CLOSE, FRAMING, PING, TEXT, Web, WebSocketPeer
from tests.support.websocketing import frame, handshake
from xmppd import ns

LISTENS = re.compile(r"bosh\.listen listens on \S+:(\d+)")

SETTINGS = {
    "listen": ["tcp:0:interface=127.0.0.1"],
    "request_seconds": 2,
    "idle_seconds": 3,
    "requests_per_second": 5,
    "request_burst": 40,
    "sessions_per_address": 20,
}

STREAM = f"{{{ns.STREAM}}}"


class Gateway(NamedTuple):
    """A server and its gateway, that strangers come to through a proxy which tells who they are."""

    server: Server
    port: int

    @property
    def pid(self) -> int:
        told = self.server.process.ctl("status", "--json")
        (bundled,) = json.loads(told.stdout)["bundled"]
        return int(bundled["pid"])

    @property
    def memory(self) -> int:
        """How many octets the gateway has in memory."""
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def web(self, address: str = "192.0.2.7", **headers: str) -> Web:
        told = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Web(self.port, VERONA, headers={**told, **named})

    def connect(self, data: bytes = b"") -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        sock.sendall(data)
        return sock

    def answer(self, *pieces: bytes) -> bytes:
        """All that comes for what is sent, until the connection is closed."""
        with self.connect() as sock:
            try:
                for piece in pieces:
                    sock.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return rest(sock)


def rest(sock: socket.socket) -> bytes:
    """What comes until the connection is closed."""
    found = b""
    try:
        while data := sock.recv(65_536):
            found += data
    except ConnectionResetError:
        pass
    return found


def statuses(data: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", data)]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    tables = {
        "bundled": {"start": True, "off": ["vcard", "muc", "pubsub"]},
        "bundled.settings.bosh": SETTINGS,
        "limits": {"stanza_bytes": 65_536, "write_buffer_bytes": 262_144, "dead_seconds": 20},
    }
    with running(tmp_path_factory.mktemp("hostile"), tables) as server:
        server.process.wait_for(f"component http.{VERONA} is connected")
        yield Gateway(server, port(server))


def port(server: Server, start: int = 0) -> int:
    """Where a gateway listens that has said so from line `start` on."""
    listens = LISTENS.search(server.process.wait_for("bosh.listen listens on", start))
    assert listens is not None
    return int(listens[1])


@pytest.fixture
def nurse(gateway: Gateway) -> Iterator[WebSocketPeer]:
    """Somebody who has nothing to do with it, and is still served afterwards."""
    with gateway.web(stranger()).websocket() as peer:
        peer.log_in("nurse", PASSWORD, os.urandom(4).hex())
        yield peer
        ping(peer)


def ping(peer: WebSocketPeer) -> None:
    answer = peer.ask("<ping xmlns='urn:xmpp:ping'/>")
    assert answer.get("type") == "result", condition(answer)


STRANGERS = count()


def stranger() -> str:
    """An address that was not there before."""
    return f"198.51.{'.'.join(map(str, divmod(next(STRANGERS), 256)))}"


# ---------------------------------------------------------------------- HTTP

GET = b"GET / HTTP/1.1\r\nHost: capulet.lit\r\n"
POST = b"POST /http-bind HTTP/1.1\r\nHost: capulet.lit\r\n"

REQUESTS = {
    "no HTTP at all": (b"<stream:stream to='capulet.lit'>\r\n\r\n", 400),
    "TLS where there is none": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: mantua.lit\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a folded header": (GET + b"X: a\r\n b\r\n\r\n", 400),
    "an endless header": (GET + b"X: " + b"x" * 1_000_000, 431),
    "endless headers": (GET + b"X: y\r\n" * 100_000, 431),
    "an endless target": (b"GET /" + b"x" * 1_000_000, 431),
    "a giant body that is announced": (POST + b"Content-Length: 9999999999\r\n\r\nx", 413),
    "a giant body": (POST + b"Content-Length: 20000000\r\n\r\n" + b"x" * 20_000_000, 413),
    "a giant body in chunks": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n%b\r\n" % bytes(32_768)) * 100,
        413,
    ),
}


@pytest.mark.parametrize("sent, status", REQUESTS.values(), ids=REQUESTS.keys())
def test_bad_requests_are_told_what_is_wrong(
    gateway: Gateway, nurse: WebSocketPeer, sent: bytes, status: int
) -> None:
    """RFC 9112; the answer gets there though the client is still sending (§9.6)."""
    assert statuses(gateway.answer(sent)) == [status]


SLOW = {
    "a head": [b"GET / HT", b"TP/1.1\r\nHo", b"st: x\r\nX: "],
    "a body": [POST + b"Content-Length: 1000\r\n\r\n", b"<body", b" rid="],
    "chunks": [POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n<\r\n", b"1\r\nb\r\n"],
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW.keys())
def test_slow_requests_are_not_waited_for(
    gateway: Gateway, nurse: WebSocketPeer, pieces: list[bytes]
) -> None:
    began = time.monotonic()
    with gateway.connect() as sock:
        for piece in pieces:
            sock.sendall(piece)
            select.select([sock], [], [], 0.5)
        assert statuses(rest(sock)) == [408]
    assert 1.5 < time.monotonic() - began < 10


def test_who_says_nothing_is_sent_away(gateway: Gateway, nurse: WebSocketPeer) -> None:
    assert gateway.answer() == b""
    assert statuses(gateway.answer(GET + b"\r\n")) == [200]


PATHS = [
    *("/../xmppd.toml", "/../../../../etc/passwd", "/js/../../config.py", "/./index.html"),
    *("/%2e%2e/xmppd.toml", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/%252e%252e/xmppd.toml"),
    *("/..\\xmppd.toml", "/..%5cxmppd.toml", "/..%c0%afetc/passwd", "//etc/passwd", "/etc/passwd"),
    *("/index.html%00.css", "/index.html/", "/js", "/js/", "/.git/config", "/__init__.py"),
    *("http://capulet.lit/../etc/passwd", "file:///etc/passwd", "/;/etc/passwd", "/C:/x", "*"),
]


@pytest.mark.parametrize("path", PATHS)
def test_there_is_no_way_out_of_the_files(gateway: Gateway, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: {VERONA}\r\nConnection: close\r\n\r\n"
    answer = gateway.answer(head.encode())
    assert statuses(answer) in ([404], [400])
    assert b"root:" not in answer
    assert b"secret" not in answer


def test_pages_of_elsewhere_may_not_connect(gateway: Gateway) -> None:
    """RFC 6455 §10.2."""
    for origin in ("https://evil.example", "null", "https://capulet.lit.evil.example", "x"):
        assert WebSocketPeer(gateway.web(stranger(), Origin=origin)).status == 403


def test_who_asks_too_often_is_told_to_wait(gateway: Gateway, nurse: WebSocketPeer) -> None:
    head = GET + b"X-Forwarded-For: 203.0.113.9\r\n"
    found = statuses(gateway.answer((head + b"\r\n") * 100 + head + b"Connection: close\r\n\r\n"))
    assert len(found) == 101
    assert 30 <= found.count(200) <= 60
    assert set(found) == {200, 429}


def test_a_thousand_requests_at_once_cost_what_is_taken(
    gateway: Gateway, nurse: WebSocketPeer
) -> None:
    """From this machine, where no rate holds: some 30 MB, asked in 64 KB and not read."""
    before = gateway.memory
    with ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(gateway.connect())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.sendall(b"GET /style.css HTTP/1.1\r\nHost: a\r\n\r\n" * 1_700)
        for _ in range(100):  # each is answered in a turn of its own, behind some of theirs
            ping(nurse)
        assert gateway.memory - before < 30_000_000


def test_a_thousand_idle_sockets(gateway: Gateway, nurse: WebSocketPeer) -> None:
    """Those that have said nothing, half a head, half a handshake, half a frame."""
    begun = (b"", GET, handshake()[:-2], POST + b"Content-Length: 9\r\n\r\n<bo", handshake())
    with ExitStack() as stack:
        for number in range(1_000):
            stack.enter_context(gateway.connect(begun[number % len(begun)]))
        ping(nurse)  # behind those that came before it: nobody has had to knock again
        began = time.monotonic()
        with gateway.web().websocket() as juliet:
            juliet.log_in("juliet", PASSWORD, "balcony")
            for _ in range(20):
                juliet.send(
                    f"<message xmlns='{ns.CLIENT}' to='{nurse.jid}'><body>Hist!</body></message>"
                )
                assert nurse.element().findtext(f"{{{ns.CLIENT}}}body") == "Hist!"
        assert time.monotonic() - began < 5


# ---------------------------------------------------------------------- WebSocket


def ends(peer: WebSocketPeer) -> tuple[str, int]:
    """The condition of the stream error that a client was told, "" for none, and the code."""
    found = ""
    while True:
        kind, data = peer.heard()
        if kind == CLOSE:
            return found, struct.unpack("!H", data[:2])[0]
        if kind == TEXT and b"stream:error" in data:
            found = data.decode().partition("><")[2].partition(" ")[0]


@pytest.mark.parametrize("sent, expected", XML.values(), ids=XML.keys())
def test_bad_xml_ends_the_stream_of_its_sender(
    gateway: Gateway, nurse: WebSocketPeer, sent: bytes, expected: str
) -> None:
    """RFC 6120 §4.9.3 and §11, RFC 7395 §3.5."""
    with gateway.web(stranger()).websocket() as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        tybalt.frame(TEXT, sent.replace(b"<message>", b"<message xmlns='jabber:client'>"))
        if sent == XML["an oversize stanza"][0] or sent == XML["a deep stanza"][0]:
            tybalt.frame(TEXT, b"<more/>")
        found, code = ends(tybalt)
    assert (found in expected.split(), code) == (True, 1000) or code == 1007, (found, code)


MANY = " ".join(f"a{number}=''" for number in range(6_000))

HOSTILE = {
    "an endless domain": f"<open xmlns='{FRAMING}' to='{'x' * 60_000}'/>",
    "an endless language": f"<open xmlns='{FRAMING}' xml:lang='{'x' * 60_000}'/>",
    "quotation marks": f"<open xmlns='{FRAMING}' to='{'&#34;' * 12_000}'/>",
    "attributes without end": f"<open xmlns='{FRAMING}' {MANY}/>",
    "another domain": f"<open xmlns='{FRAMING}' to='rome.lit'/>",
    "no domain": f"<open xmlns='{FRAMING}'/>",
    "our own address": f"<open xmlns='{FRAMING}' to='http.{VERONA}'/>",
}


@pytest.mark.parametrize("opening", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_bad_beginning_ends_one_stream_only(
    gateway: Gateway, nurse: WebSocketPeer, opening: str
) -> None:
    with gateway.web(stranger()).websocket() as tybalt:
        tybalt.send(opening, "nonsense")
        found, code = ends(tybalt)
    assert found in ("host-unknown", "improper-addressing", "bad-format", "policy-violation"), found
    assert code == 1000


@pytest.mark.parametrize("character", ["<", "&", "\r", "\U0001f600", "x"])
def test_as_much_text_as_a_frame_holds_ends_one_stream_only(
    gateway: Gateway, nurse: WebSocketPeer, character: str
) -> None:
    with gateway.web(stranger()).websocket() as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        octets = character.encode() * (500_000 // len(character.encode()))
        try:
            for _ in range(5):
                tybalt.frame(TEXT, b"<a>" + octets)
            found, _ = ends(tybalt)
        except (Ended, ConnectionError):
            return
    assert found in ("policy-violation", "not-well-formed", "not-authorized"), found


FRAMES = {
    "unmasked": (frame(TEXT, "<a/>", masked=False), 1002),
    "reserved bits": (frame(TEXT, "<a/>", reserved=4), 1002),
    "an unknown kind": (frame(7, "<a/>"), 1002),
    "out of order": (frame(0, "<a/>"), 1002),
    "binary": (frame(2, "<a/>"), 1003),
    "no UTF-8": (frame(TEXT, b"<a>\xff</a>"), 1007),
    "oversize": (frame(TEXT, b"x" * 600_000), 1009),
    "an oversize promise": (frame(TEXT, b"", size=1 << 62), 1009),
    "oversize fragments": (
        frame(TEXT, b"x" * 400_000, fin=False) + frame(0, b"x" * 400_000, fin=False),
        1009,
    ),
    "pings without end": (frame(PING, b"x" * 100) * 5_000, 1008),
    "octets without end": (frame(TEXT, b"<", fin=False) + frame(0, b"x", fin=False) * 5_000, 1008),
}


@pytest.mark.parametrize("octets, code", FRAMES.values(), ids=FRAMES.keys())
def test_bad_frames_end_one_socket_only(
    gateway: Gateway, nurse: WebSocketPeer, octets: bytes, code: int
) -> None:
    """RFC 6455 §5, §7.4.1."""
    with gateway.web(stranger()).websocket() as tybalt:
        tybalt.log_in("tybalt", PASSWORD, "street")
        try:
            tybalt._socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert ends(tybalt) == ("", code)


def test_who_reads_nothing_is_cut_off(gateway: Gateway, nurse: WebSocketPeer) -> None:
    """He has a thousand times what the pipe holds waiting; others chat on meanwhile."""
    with gateway.web().websocket() as romeo, gateway.web(stranger()).websocket() as deaf:
        romeo.log_in("romeo", PASSWORD, "orchard")
        deaf.log_in("tybalt", PASSWORD, "deaf")
        deaf._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        before = gateway.memory
        message = (
            f"<message xmlns='{ns.CLIENT}' to='{deaf.jid}'><body>{'x' * 50_000}</body></message>"
        )
        start = len(gateway.server.process.lines)
        slowest = 0.0
        for number in range(400):
            romeo.send(message)
            if number % 20 == 0:
                began = time.monotonic()
                ping(nurse)
                slowest = max(slowest, time.monotonic() - began)
        gateway.server.process.wait_for("is cut off", start)
        assert slowest < 2
        assert gateway.memory - before < 20_000_000


def test_a_flood_by_one_client_is_no_flood_for_others(
    gateway: Gateway, nurse: WebSocketPeer
) -> None:
    """Who sends as fast as he can, reads nothing, and has not logged in either."""
    slowest = 0.0
    for octets in (frame(TEXT, "<a xmlns='abcdefg'/>") * 3_000, frame(PING) * 10_000, GET * 9_999):
        for _ in range(5):
            with gateway.web(stranger()).websocket() as tybalt:
                tybalt.open()
                tybalt._socket.settimeout(0.5)
                try:
                    tybalt._socket.sendall(octets * 20)
                except (TimeoutError, BrokenPipeError, ConnectionResetError):
                    pass
                began = time.monotonic()
                ping(nurse)
                slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2


# ---------------------------------------------------------------------- the processes end


def test_a_gateway_that_is_killed_is_there_again_and_clients_resume(gateway: Gateway) -> None:
    """XEP-0198 §5: what was sent meanwhile comes when the stream is resumed."""
    server = gateway.server
    with ExitStack() as stack:
        romeo = stack.enter_context(gateway.web("192.0.2.8").websocket())
        juliet = stack.enter_context(gateway.web().websocket())
        romeo.log_in("romeo", PASSWORD, "orchard")
        juliet.log_in("juliet", PASSWORD, "balcony")
        juliet.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        enabled = juliet.element()
        start = len(server.process.lines)
        os.kill(gateway.pid, signal.SIGKILL)
        with pytest.raises((Ended, ConnectionError)):
            juliet.element()
        server.process.wait_for(f"component http.{VERONA} is connected", start)
        again = gateway._replace(port=port(server, start))
        with again.web("192.0.2.8").websocket() as romeo_again:
            romeo_again.log_in("romeo", PASSWORD, "orchard")
            romeo_again.send(
                f"<message xmlns='{ns.CLIENT}' to='{juliet.jid}' type='chat'><body>I am here</body>"
                "</message>"
            )
            ping(romeo_again)
        with again.web("192.0.2.99").websocket() as back:
            back.open()
            login(back, "juliet")
            back.open()
            back.send(f"<resume xmlns='urn:xmpp:sm:3' h='0' previd='{enabled.get('id')}'/>")
            assert back.element().tag == "{urn:xmpp:sm:3}resumed"
            while (element := back.element()).tag != f"{{{ns.CLIENT}}}message":
                pass
            assert element.findtext(f"{{{ns.CLIENT}}}body") == "I am here"


def login(peer: WebSocketPeer, name: str) -> None:
    plain = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
    peer.send(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{plain}</auth>")
    assert peer.element().tag == f"{{{ns.SASL}}}success"


ALONE = """\
[component]
domain = "http.{domain}"
secret = "what's in a name"
data = "data"
[core]
server = "{domain}"
endpoint = "tcp:127.0.0.1:{port}"
[bosh]
listen = ["tcp:0:interface=127.0.0.1"]
"""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Server, RunningProcess]]:
    """A server, and a gateway that is a process of its own."""
    kept = free_port()
    tables = {
        "listen": {
            "c2s": ["tcp:0:interface=127.0.0.1"],
            "c2s_tls": ["tcp:0:interface=127.0.0.1"],
            "component": [f"tcp:{kept}:interface=127.0.0.1"],
        },
        f'components."http.{VERONA}"': {"secret": "what's in a name", "tunnel": True},
    }
    with running(tmp_path, tables) as server:
        path = tmp_path / "bosh.toml"
        path.write_text(ALONE.format(domain=VERONA, port=kept))
        twistd = (str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-bosh", "-c", str(path))
        process = RunningProcess([*twistd], tmp_path)
        try:
            process.wait_for("is connected")
            yield server, process
        finally:
            assert process.stop() == 0, process.output
            assert "Traceback" not in process.output, process.output


def test_a_server_that_is_killed_is_served_again(alone: tuple[Server, RunningProcess]) -> None:
    """The gateway goes on meanwhile: who comes is told that there is no server."""
    server, process = alone
    listens = LISTENS.search(process.wait_for("bosh.listen listens on"))
    assert listens is not None
    gateway = Gateway(server, int(listens[1]))
    with gateway.web().websocket() as juliet:
        juliet.log_in("juliet", PASSWORD, "balcony")
        start = len(process.lines)
        server.process.kill()
        assert ends(juliet) == ("", 1001)
    assert gateway.web().fetch("/").status == 200
    server.start()
    process.wait_for("is connected", start)
    with gateway.web().websocket() as juliet, gateway.web().bosh() as romeo:
        ping(juliet.log_in("juliet", PASSWORD, "balcony"))
        ping(romeo.log_in("romeo", PASSWORD, "orchard"))


def requests(gateway: Gateway) -> int:
    """How many there have been by BOSH: told to who is here, and by no proxy."""
    told: int = json.loads(Web(gateway.port, VERONA).fetch("/metrics").body)["requests"]
    return told


def test_a_gateway_that_is_stopped_lets_its_clients_go(
    alone: tuple[Server, RunningProcess],
) -> None:
    """Who has a WebSocket may resume his stream; BOSH has a condition for it."""
    server, process = alone
    listens = LISTENS.search(process.wait_for("bosh.listen listens on"))
    assert listens is not None
    gateway = Gateway(server, int(listens[1]))
    with gateway.web().websocket() as juliet, gateway.web().bosh() as romeo:
        juliet.log_in("juliet", PASSWORD, "balcony")
        romeo.log_in("romeo", PASSWORD, "orchard")
        told: list[Any] = []
        waiting = Thread(target=lambda: told.append(romeo.post()))
        before = requests(gateway)
        waiting.start()
        until(lambda: requests(gateway) > before)
        os.kill(process.pid, signal.SIGTERM)
        assert ends(juliet) == ("", 1001)
        waiting.join()
        assert (told[0].get("type"), told[0].get("condition")) == ("terminate", "system-shutdown")
