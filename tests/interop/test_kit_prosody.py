"""A component of the kit, as a process, at a real Prosody: plain XEP-0114, as others speak it."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.process import BIN, PATIENCE, RunningProcess
from tests.support.prosody import SECRET, Prosody, needs_prosody
from xmppd import ns

pytestmark = needs_prosody

COMPONENT = """\
[component]
domain = "echo.verona.lit"
secret = "{secret}"
[core]
endpoint = "tcp:127.0.0.1:{port}"
"""


class Nurse:
    """Another component at the same server, spoken by the test."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._unread = ""
        self._send(
            f"<stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
            " to='nurse.verona.lit'>"
        )
        id_ = self._read(r"<stream:stream [^>]*\bid=['\"]([^'\"]+)[^>]*>")[1]
        digest = hashlib.sha1(f"{id_}{SECRET}".encode()).hexdigest()
        self._send(f"<handshake>{digest}</handshake>")
        self._read(r"<handshake\s*/>")

    def _send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def _read(self, pattern: str) -> re.Match[str]:
        while not (found := re.search(pattern, self._unread)):
            data = self._socket.recv(65_536)
            assert data, f"closed without {pattern}: {self._unread}"
            self._unread += data.decode()
        self._unread = self._unread[found.end() :]
        return found

    def ask(self, payload: str, type_: str = "get") -> str:
        """The answer to an IQ for the echo."""
        self._send(
            f"<iq from='nurse.verona.lit' to='echo.verona.lit' type='{type_}' id='n1'>"
            f"{payload}</iq>"
        )
        return self._read(r"<iq [^>]*?(/>|>.*?</iq>)")[0]

    def say(self, body: str) -> str:
        """The message that comes back."""
        self._send(
            "<message from='angelica@nurse.verona.lit/x' to='deaf@echo.verona.lit' type='chat'>"
            f"<body>{body}</body></message>"
        )
        return self._read(r"<message .*?</message>")[0]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def prosody(tmp_path: Path) -> Iterator[Prosody]:
    home = tmp_path / "prosody"
    home.mkdir()
    server = Prosody(home, "echo.verona.lit", "nurse.verona.lit")
    try:
        yield server
    finally:
        server.process.stop()


def component(directory: Path, port: int, secret: str = SECRET) -> RunningProcess:
    """`twistd xmppd-echo`, started; it connects as soon as there is a server."""
    path = directory / "echo.toml"
    path.write_text(COMPONENT.format(port=port, secret=secret))
    command = [str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-echo", "-c", str(path)]
    return RunningProcess([sys.executable, *command], directory)


CONNECTED = "echo.verona.lit is connected"


def test_it_connects_answers_echoes_and_stops(prosody: Prosody, tmp_path: Path) -> None:
    """XEP-0114 §3 with a server that knows neither version nor features there."""
    echo = component(tmp_path, prosody.port)
    try:
        echo.wait_for(CONNECTED)
        with closing(Nurse(prosody.port)) as nurse:
            assert "<body>Peter!</body>" in nurse.say("Peter!")
            assert "from='angelica" not in nurse.say("a &amp; b")
            assert "type='result'" in nurse.ask(f"<ping xmlns='{ns.PING}'/>")
            info = nurse.ask(f"<query xmlns='{ns.DISCO_INFO}'/>")
            assert "category='client'" in info and ns.VERSION in info
            assert "<service-unavailable " in nurse.ask("<x xmlns='urn:x'/>", "set")
    finally:
        status = echo.stop()
    assert status == 0, echo.output
    assert "stopped; iq 3, message 2" in echo.lines[-1]
    assert echo.errors == []


def test_it_comes_back_when_the_server_does(prosody: Prosody, tmp_path: Path) -> None:
    echo = component(tmp_path, prosody.port)
    try:
        echo.wait_for(CONNECTED)
        known = len(echo.lines)
        prosody.process.kill()
        echo.wait_for("Next attempt in", known)
        prosody.start()
        echo.wait_for(CONNECTED, known)
        with closing(Nurse(prosody.port)) as nurse:
            assert "<body>again</body>" in nurse.say("again")
    finally:
        echo.stop()


def test_a_wrong_secret_is_told_with_the_remedy(prosody: Prosody, tmp_path: Path) -> None:
    echo = component(tmp_path, prosody.port, secret="wherefore art thou")
    try:
        line = echo.wait_for("not-authorized")
        assert "The secrets differ: [component] secret here" in line
    finally:
        assert echo.stop() == 0
