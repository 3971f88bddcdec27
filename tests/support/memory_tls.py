"""Both ends of a TLS connection in memory: no sockets, every octet moved by hand."""

from collections.abc import Callable

from OpenSSL import SSL

CLIENT_VERSIONS = {
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}


def client(
    *,
    server_name: str = "",
    alpn: list[bytes] | None = None,
    version: str = "",
    configure: Callable[[SSL.Context], None] = lambda context: None,
) -> SSL.Connection:
    """A client that verifies nothing: the tests look at what it was shown."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if version:
        context.set_min_proto_version(CLIENT_VERSIONS[version])
        context.set_max_proto_version(CLIENT_VERSIONS[version])
    if alpn:
        context.set_alpn_protos(alpn)
    configure(context)
    connection = SSL.Connection(context, None)
    if server_name:
        connection.set_tlsext_host_name(server_name.encode("ascii"))
    connection.set_connect_state()
    return connection


def move(source: SSL.Connection, target: SSL.Connection) -> int:
    """Carry what one end has to send to the other; how many octets that was."""
    try:
        data = source.bio_read(65536)
    except SSL.WantReadError:
        return 0
    target.bio_write(data)
    return len(data)


def advance(connection: SSL.Connection) -> bool:
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return False
    return True


def handshake(server: SSL.Connection, peer: SSL.Connection) -> None:
    """Shake hands; the client has read the server's session tickets too. Raises `SSL.Error`."""
    server.set_accept_state()
    while not (advance(peer) & (move(peer, server) >= 0) & advance(server)):
        move(server, peer)
    while move(server, peer) or move(peer, server):
        drain(peer)


def drain(connection: SSL.Connection) -> bytes:
    """What has arrived for the application."""
    try:
        return connection.recv(65536)
    except SSL.WantReadError:
        return b""
