"""The TLS layer of a connection: Twisted's, with a short way for what comes in."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from xmppd.net.certificates import PIECE

_HEADER = 5
"""Octets of a record's header, of which the last two are its length (RFC 8446 §5.1)."""

_LONGEST = 2**14 + 2**8
"""No record holds more (RFC 8446 §5.2)."""

_DRAUGHT = 2**14
"""Octets taken from OpenSSL at once; when there are fewer, there is nothing left."""


EMPTY_RECORDS = 1_000
"""Records without data that a peer may send behind its handshake: OpenSSL may answer each of them
(a renegotiation that is refused, a new key), and nobody above counts those answers."""


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
        self._empty = 0
        self._spoken = False
        self._only_tickets = False
        super().makeConnection(transport)

    def _checkHandshakeStatus(self) -> None:
        # Twisted tries at once; a server has nothing to try before the client has spoken.
        connection = self._tlsConnection
        if self._spoken or connection.speaks_first:
            super()._checkHandshakeStatus()
            if self._handshakeDone and not connection.speaks_first:
                # All that is left to send is tickets (RFC 8446 §4.6.1), which nobody waits for;
                # a client's last word is still to be sent, and the server waits for it.
                self._only_tickets = connection.get_protocol_version() == SSL.TLS1_3_VERSION

    def _flushSendBIO(self) -> None:
        # Twisted reads once, and leaves what is longer to the next occasion.
        if self._only_tickets:
            self._only_tickets = False  # they go with the first words of whoever is inside
            return
        transport: Any = self.transport
        try:
            while True:
                data = self._tlsConnection.bio_read(_DRAUGHT)
                transport.write(data)
                if len(data) < _DRAUGHT:
                    return
        except SSL.WantReadError:
            pass  # there is nothing to send

    def dataReceived(self, data: bytes) -> None:
        """Octets from the network; what they hold is handed on in one piece."""
        self._spoken = True
        plain: list[bytes] = []
        if len(data) <= PIECE:
            self._piece(data, plain)
        else:
            for start in range(0, len(data), PIECE):
                self._piece(data[start : start + PIECE], plain)
        if plain:
            self._deliver(plain)

    def _piece(self, data: bytes, plain: list[bytes]) -> None:
        """Decrypt, adding to `plain` what is ready; in odd moments leave it to Twisted."""
        if self._lostTLSConnection:
            return
        records = self._count(data)
        if not self._handshakeDone or self._appSendBuffer:
            self._deliver(plain)
            if not self._closed():
                super().dataReceived(data)
            return
        self._tlsConnection.bio_write(data)
        for number in range(records):
            try:
                plain.append(self._tlsConnection.recv(_LONGEST))
            except SSL.Error as error:
                # No data after all: an alert, a new key. Twisted's own way knows them all.
                self._deliver(plain)
                self._empty += records - number
                if self._empty > EMPTY_RECORDS:
                    self.abortConnection()
                elif not self._closed():
                    self._go_on_from(error)
                return

    def _go_on_from(self, error: SSL.Error) -> None:
        if isinstance(error, SSL.WantReadError | SSL.ZeroReturnError):
            self._flushReceiveBIO()
        else:  # which OpenSSL would not say a second time
            self._tlsShutdownFinished(Failure(error))

    def _deliver(self, plain: list[bytes]) -> None:
        if plain and not self._aborted and not self._lostTLSConnection:
            data = plain[0] if len(plain) == 1 else b"".join(plain)
            plain.clear()
            ProtocolWrapper.dataReceived(self, data)

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
            sent = self._tlsConnection.send(data)
        except SSL.Error:
            super().write(data)  # it fails there as it did here, and is dealt with
            return
        encrypted = self._tlsConnection.bio_read(_DRAUGHT)
        transport: Any = self.transport
        transport.write(encrypted)
        if len(encrypted) == _DRAUGHT:
            self._flushSendBIO()
        if sent < len(data):
            super().write(data[sent:])

    @property
    def unsent(self) -> int:
        """Octets that wait in memory for the peer, encrypted or not yet."""
        transport: Any = self.transport
        return sum(map(len, self._appSendBuffer)) + int(transport.unsent)

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
