"""Another server on real sockets, as raw as `tests.support.peers`: says what a test says.

with ServerPeer(server.ports["s2s"], "capulet.lit", "montague.lit") as peer:
    peer.through_tls(authority, certificate)
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from xml.etree.ElementTree import Element

from tests.support.certificates import Authority, chain_pem, dns, key_pem
from tests.support.peers import PATIENCE, Peer
from tests.support.server_streams import features, header
from xmppd import ns

DB = f"{{{ns.DIALBACK}}}"


def certificate(issuer: Authority, directory: Path, *names: str) -> Path:
    """A file with a certificate of `names` and its key."""
    pair = issuer.issue(dns(*names))
    path = directory / f"{names[0]}.pem"
    path.write_bytes(chain_pem(pair) + key_pem(pair))
    return path


class ServerPeer(Peer):
    """A server that has connected to ours: `name` is what its header says."""

    def __init__(self, port: int, domain: str, name: str | None) -> None:
        self.name = name
        super().__init__(port, domain)

    def stream_header(self, version: str = "") -> str:
        return header(self.name, self.domain)

    def through_tls(self, authority: Path, shown: Path | None = None) -> Element:
        """STARTTLS, with a certificate from a file if any; the features behind it."""
        self.open()
        self._proceed()
        context = ssl.create_default_context(cafile=str(authority))
        if shown is not None:
            context.load_cert_chain(shown)
        self.transport = context.wrap_socket(self._socket, server_hostname=self.domain)
        return self.open()


class Accepted(ServerPeer):
    """A server that ours has connected to."""

    def __init__(self, sock: socket.socket, domain: str, name: str) -> None:
        self.accepted = sock
        super().__init__(0, domain, name)
        self._socket.close()
        sock.settimeout(PATIENCE)
        self._socket = self.transport = sock

    def connect(self, sock: socket.socket, port: int) -> None:
        """It is connected already."""

    def receive_tls(self, shown: Path, *offers: str) -> Accepted:
        """Take the stream up to its features inside TLS."""
        self._header()
        self.send(header(self.name, self.domain, id="clear") + features("starttls"))
        assert self.element().tag == f"{{{ns.TLS}}}starttls"
        self.send(f"<proceed xmlns='{ns.TLS}'/>")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown)
        self.transport = context.wrap_socket(self._socket, server_side=True)
        self.restart()
        self._header()
        return self.offer("tls", *offers)

    def offer(self, id_: str, *offers: str) -> Accepted:
        """Answer a stream header."""
        self.send(header(self.name, self.domain, id=id_) + features(*offers))
        return self

    def _header(self) -> None:
        self.header = {}
        while not self.header:
            self._read()


class Listener:
    """Where our server finds another one, which answers nothing but what a test says."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)
        self.port: int = self._socket.getsockname()[1]

    def accept(self, domain: str, name: str) -> Accepted:
        """The next connection."""
        return Accepted(self._socket.accept()[0], domain, name)

    def forget(self) -> None:
        """Close what has connected and was not accepted."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.accept()[0].close()
        except BlockingIOError:
            self._socket.settimeout(PATIENCE)

    def close(self) -> None:
        self._socket.close()
