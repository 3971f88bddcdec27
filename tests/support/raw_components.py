"""A component on a real socket that sends exactly what a test says, and reads what it likes.

    with RawComponent(port, "echo.capulet.lit").log_in() as echo:
        echo.send("<message to='romeo@capulet.lit'/>")

Each comes from a loopback address of its own: the server lets an address try so often only.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.e2e.verona import VERONA, Server
from tests.support.peers import PATIENCE, Peer
from xmppd import ns
from xmppd.admin.client import ServerCaller
from xmppd.stream.component import digest

SECRET = "what's in a name"

LISTEN = {
    key: ["tcp:0:interface=127.0.0.1"] for key in ("c2s", "c2s_tls", "component", "component_tls")
}
"""`[listen]` of a server that takes components."""


def tables(**components: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The tables of the configuration for components of these names at Verona.

    What one is granted of namespaces ("delegation", "iq") stands in tables below its own.
    """
    found: dict[str, Mapping[str, Any]] = {"listen": LISTEN}
    for name, keys in components.items():
        table = f'components."{name}.{VERONA}"'
        found[table] = {"secret": SECRET}
        for key, value in keys.items():
            if isinstance(value, Mapping):
                found[f"{table}.{key}"] = {json.dumps(each): value[each] for each in value}
            else:
                found[table] = {**found[table], key: value}
    return found


class RawComponent(Peer):
    """One connection to the port of components."""

    _numbers = itertools.count(2)

    def __init__(
        self, port: int, domain: str, *, secret: str = SECRET, receive_buffer: int = 0
    ) -> None:
        self.secret = secret
        super().__init__(port, domain, receive_buffer=receive_buffer)

    def connect(self, sock: socket.socket, port: int) -> None:
        number = next(self._numbers)
        sock.bind((f"127.{number // 250}.0.{1 + number % 250}", 0))
        super().connect(sock, port)

    def stream_header(self, version: str = "") -> str:
        return (
            f"<stream:stream xmlns='{ns.COMPONENT}' xmlns:stream='{ns.STREAM}'"
            f" to='{self.domain}' {version}>"
        )

    def greet(self, version: str = "") -> Self:
        """Send our header, and read the server's."""
        self.send(self.stream_header(version))
        while not self.header:
            self._read()
        return self

    def prove(self) -> Self:
        """Send the handshake."""
        self.send(f"<handshake>{digest(self.header['id'], self.secret)}</handshake>")
        return self

    def enter(self) -> Self:
        """Go all the way to a stream that stanzas may be sent on."""
        answer = self.greet().prove().element()
        assert answer.tag == f"{{{ns.COMPONENT}}}handshake", answer.tag
        return self

    def rest(self, seconds: float) -> None:
        """Do nothing for a while, or until the server says something; raises `Ended` at the end."""
        if select.select([self._socket], [], [], seconds)[0]:
            self._read()

    def reset(self) -> None:
        """Lose the connection by RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def serves(self) -> None:
        """See the server answer: it has read all that was sent before."""
        answer = self.ask(f"<ping xmlns='{ns.PING}'/>", to=VERONA, **{"from": self.domain})
        assert answer.get("type") == "result"


def port(server: Server) -> int:
    """Where a server listens for components."""
    return server.process.ports["component"]


def why(server: Server, subject: str) -> list[str]:
    """The reason codes that `xmppctl why` tells of somebody, the latest last."""
    caller = ServerCaller(str(server.directory / "data" / "control.sock"))
    try:
        refusals = caller.call("why", subject=subject)["refusals"]
    finally:
        caller.close()
    return [each["reason"] for each in refusals]


def lines_with(server: Server, start: int, *texts: str, least: int = 1) -> list[str]:
    """The lines of the log, from index `start` on, that have all of these texts.

    It waits until there are `least` of them, or fails.
    """
    end = time.monotonic() + PATIENCE
    while True:
        lines = server.process.lines[start:]
        found = [line for line in lines if all(text in line for text in texts)]
        if len(found) >= least:
            return found
        assert time.monotonic() < end, "\n".join(lines)
        time.sleep(0.01)


def memory(server: Server, what: str = "VmRSS") -> int:
    """The memory of the process that is in use now, or was at most ("VmHWM"), in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0])


def forget_peak(server: Server) -> None:
    """Have the most memory that the process ever had count from now on."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
