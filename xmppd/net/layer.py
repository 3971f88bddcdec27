"""The TLS layer of a connection: Twisted's, with a short way for what comes in."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

PIECE = 4096
"""Octets given to OpenSSL at once: its memory buffers never shrink again."""

_HEADER = 5
"""Octets of a record's header, of which the last two are its length (RFC 8446 §5.1)."""

_LONGEST = 2**14 + 2**8
"""No record holds more (RFC 8446 §5.2)."""


class TLSLayer(TLSMemoryBIOProtocol):
    """TLS between a TCP connection and a protocol.

    Twisted asks OpenSSL for data until it says, by an exception, that it has no more, and then
    whether it has anything to send. The records in what came tell how often there is something
    to ask for (measured: a fifth of the CPU of a chat message under TLS).
    """

    def makeConnection(self, transport: object) -> None:
        """Begin the handshake over `transport`."""
        self._header = b""
        self._missing = 0
        self._spoken = False
        super().makeConnection(transport)

    def _checkHandshakeStatus(self) -> None:
        # Twisted tries at once; a server has nothing to try before the client has spoken.
        if self._spoken:
            super()._checkHandshakeStatus()

    def dataReceived(self, data: bytes) -> None:
        """Octets from the network."""
        self._spoken = True
        if len(data) <= PIECE:
            self._piece(data)
            return
        for start in range(0, len(data), PIECE):
            self._piece(data[start : start + PIECE])

    def _piece(self, data: bytes) -> None:
        if self._lostTLSConnection:
            return
        records = self._count(data)
        if not self._handshakeDone or self._appSendBuffer:
            super().dataReceived(data)
            return
        self._tlsConnection.bio_write(data)
        for _ in range(records):
            try:
                plain = self._tlsConnection.recv(_LONGEST)
            except SSL.Error:
                # No data after all: an alert, a new key. Twisted's own way knows them all.
                self._flushReceiveBIO()
                return
            if not self._aborted:
                ProtocolWrapper.dataReceived(self, plain)
            if self._closed():
                return  # by whoever got the data

    def write(self, data: bytes) -> None:
        """Send octets; what is small, and not held up, in one record."""
        if (
            len(data) > PIECE
            or not self._handshakeDone
            or self._appSendBuffer
            or self.disconnecting
            or self._lostTLSConnection
        ):
            super().write(data)
            return
        try:
            self._tlsConnection.send(data)
        except SSL.Error:
            super().write(data)  # it fails there as it did here, and is dealt with
            return
        transport: Any = self.transport
        transport.write(self._tlsConnection.bio_read(2 * PIECE))

    def _closed(self) -> bool:
        return bool(self._lostTLSConnection)

    def _count(self, data: bytes) -> int:
        """How many records end in `data`; remembers where in a record it ends."""
        if not self._missing and not self._header:
            size = len(data)
            if size > _HEADER and _HEADER + (data[3] << 8 | data[4]) == size:
                return 1
        position, count = 0, 0
        while True:
            if self._missing:
                taken = min(self._missing, len(data) - position)
                self._missing -= taken
                position += taken
                if self._missing:
                    return count
                count += 1
            part = data[position : position + _HEADER - len(self._header)]
            self._header += part
            position += len(part)
            if len(self._header) < _HEADER:
                return count
            self._missing = self._header[3] << 8 | self._header[4]
            self._header = b""

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        # The failure that Twisted makes stands in a frame that the failure holds, and with it
        # the whole connection until the collector comes round.
        super()._tlsShutdownFinished(reason)
        if reason is not None:
            reason.cleanFailure()
