"""Writing straight to the socket: no byte is lost, and what waits is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from tests.support.tcp import UNLIMITED, Socket
from xmppd.net.transport import DirectTransport, IndirectTransport, straight


@given(
    writes=st.lists(st.binary(min_size=1, max_size=40), max_size=20),
    rooms=st.lists(st.integers(0, 60), max_size=20),
)
def test_no_byte_is_lost_doubled_or_moved_whatever_the_kernel_takes(
    writes: list[bytes], rooms: list[int]
) -> None:
    """And so the names of Twisted's buffers that `DirectTransport` relies on are right."""
    socket = Socket(Clock(), "192.0.2.1")
    socket.connected = 1
    transport = straight(socket)
    assert isinstance(transport, DirectTransport)
    written = 0
    for number, data in enumerate(writes):
        socket.room = rooms[number % len(rooms)] if rooms else UNLIMITED
        transport.write(data)
        written += len(data)
        if number % 3 == 2:
            socket.flush()
        assert transport.unsent == written - len(socket.sent) == socket.buffered
        assert transport.taken <= len(socket.sent)
    socket.room = UNLIMITED
    socket.flush()
    assert socket.sent == b"".join(writes)
    assert transport.unsent == 0
    assert socket.buffered == 0


def test_what_had_to_wait_and_was_taken_is_counted() -> None:
    socket = Socket(Clock(), "192.0.2.1")
    socket.connected = 1
    transport = straight(socket)
    transport.write(b"x" * 100)
    assert transport.taken == 0, "it did not wait"
    socket.room = 10
    transport.write(b"y" * 100)
    assert (transport.unsent, transport.taken) == (90, 0)
    for expected in (1, 2, 3):
        socket.room = 1
        socket.flush()
        assert (transport.unsent, transport.taken) == (90 - expected, expected)


def test_what_stands_before_the_connection_is_not_passed_by() -> None:
    """As an endpoint's own TLS, or a proxy's first line, stands there."""
    socket = Socket(Clock(), "192.0.2.1")
    wrapper = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
    socket.connect(wrapper)
    transport = straight(wrapper)
    assert isinstance(transport, IndirectTransport)
    socket.room = 30
    transport.write(b"x" * 100)
    assert (transport.unsent, transport.taken) == (100, 0)
    socket.flush()
    assert (transport.unsent, transport.taken) == (70, 30)
    assert straight(transport) is transport


def test_a_transport_that_tells_nothing_of_its_buffers_holds_nothing() -> None:
    inner = StringTransport()
    transport = straight(inner)
    transport.write(b"x")
    assert transport.unsent == 0
    assert inner.value() == b"x"
