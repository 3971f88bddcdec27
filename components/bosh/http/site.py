"""What all connections share: who may connect, how each behaves, and who answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from components.bosh.http.admission import Admission, Entry
from components.bosh.http.connection import Connection, Terms
from components.bosh.http.proxies import Proxies
from components.bosh.http.refusing import Refused, uncounted
from components.bosh.http.request import Exchange, Handler, Peer


class Site(Factory):
    """Makes a `Connection` for each who connects (`connection.Owner`)."""

    noisy = False

    def __init__(
        self,
        handler: Handler,
        clock: IReactorTime,
        terms: Terms,
        proxies: Proxies,
        admission: Admission,
        refused: Refused = uncounted,
    ) -> None:
        self.clock = clock
        self.terms = terms
        self.handler: Handler = self._counted
        self._answering = handler
        self._proxies = proxies
        self._admission = admission
        self._refused = refused
        self._connections: dict[Connection, Entry] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def buildProtocol(self, addr: Any) -> Connection:
        """A connection; one too many is told so, whatever it asks (`IProtocolFactory`)."""
        address = getattr(addr, "host", "")  # who comes by a UNIX socket has none
        connection = Connection(self, address)
        entered = self._admission.enter(address, speaks_for_many=self._proxies.trusts(address))
        if isinstance(entered, Entry):
            self._connections[connection] = entered
        else:
            connection.refusal = entered
        return connection

    def seen(self, connection: Connection, headers: Mapping[bytes, bytes], version: str) -> Peer:
        """Who sends a request (`connection.Owner`)."""
        return self._proxies.seen(connection.address, connection.tls, headers, version)

    def left(self, connection: Connection) -> None:
        """A connection is gone (`connection.Owner`)."""
        entry = self._connections.pop(connection, None)
        if entry is not None:
            entry.left()

    def refused(self, connection: Connection, reason: str) -> None:
        """What came is no request (`connection.Owner`): whose, a proxy has had no way to say."""
        address = connection.address
        self._refused(reason, "" if self._proxies.trusts(address) else address)

    def close(self) -> None:
        """End all connections, once what was written is out."""
        for connection in list(self._connections):
            connection.finish()

    def _counted(self, exchange: Exchange) -> None:
        refusal = self._admission.request(exchange.request.peer.address)
        if refusal is not None:
            exchange.answer(refusal)
        else:
            self._answering(exchange)
