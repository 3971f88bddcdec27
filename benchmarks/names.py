"""A name server for the domains that a `remote.Remote` serves: SRV records, over UDP.

It answers what ejabberd asks, which looks hosts up by the C library: so all of them are at
`localhost`. The other servers are told where those domains are.
"""

import socket
import struct

_SRV = 33
_NAME_ERROR = 3
_SERVICE = "_xmpp-server._tcp."
_HOST = b"\x09localhost\0"
_HEAD = struct.Struct("!HHHHH")
_RECORD = struct.Struct("!HHHIH")
_TARGET = struct.Struct("!HHH")
_FLAGS = 0x8580
"""An answer, authoritative, by a server that would ask others."""
_SAME_NAME = 0xC00C
_A_DAY = 86400


class NameServer:
    """Answers for every name below some domains; `ports` has the port for each of these."""

    def __init__(self, address: tuple[str, int], ports: dict[str, int]) -> None:
        self._ports = ports
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address)
        self.fd = self._socket.fileno()

    def turn(self, events: int) -> None:
        """Answer whatever has been asked."""
        while True:
            try:
                question, asker = self._socket.recvfrom(512)
            except BlockingIOError:
                return
            self._socket.sendto(self._answer(question), asker)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode().lower())
            at += 1 + length
        asked = question[12 : at + 5]
        kind = int.from_bytes(question[at + 1 : at + 3])
        name = ".".join(labels)
        port = next((port for end, port in self._ports.items() if name.endswith(end)), None)
        data = b""
        if port is not None and kind == _SRV and name.startswith(_SERVICE):
            target = _TARGET.pack(0, 0, port) + _HOST
            data = _RECORD.pack(_SAME_NAME, kind, 1, _A_DAY, len(target)) + target
        flags = _FLAGS | (_NAME_ERROR if port is None else 0)
        return question[:2] + _HEAD.pack(flags, 1, bool(data), 0, 0) + asked + data
