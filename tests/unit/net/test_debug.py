"""What `[log] level = "debug"` tells of a connection, and that nothing is made of it otherwise."""

import pytest

from tests.support.logs import logged
from tests.support.server import PASSWORD, STRANGER
from tests.support.tcp import Port

JULIET = "juliet@capulet.lit/balcony"


def told(certificates, level):
    port = Port(certificates, log={"level": level})
    with logged("debug") as messages:
        port.secured(STRANGER).log_in("juliet", "balcony").send("</stream:stream>")
        port.connect(STRANGER).socket.hang_up()
    return messages


def test_debug_tells_of_each_stream_where_it_comes_from_and_how_it_logged_in(certificates):
    messages = told(certificates, "debug")
    assert messages == [
        f"stream from {STRANGER} opened",
        f"{JULIET} bound from {STRANGER}: TLSv1.3, PLAIN",
        f"stream of {JULIET} from {STRANGER} closed",
        f"stream from {STRANGER} opened",
        f"stream of capulet.lit from {STRANGER} closed",
    ]
    assert PASSWORD not in " ".join(messages)


@pytest.mark.parametrize("level", ["info", "error"])
def test_other_levels_make_no_such_events(certificates, level):
    assert told(certificates, level) == []


def test_debug_tells_what_openssl_says_of_a_handshake_that_fails(certificates):
    port = Port(certificates, log={"level": "debug"})
    with logged("debug") as messages:
        port.connect(STRANGER, direct=True).send(b"GET / HTTP/1.1\r\n\r\n")
    (line,) = [text for text in messages if "handshake" in text]
    assert line.startswith(f"TLS handshake with {STRANGER} failed: ")
    assert "http request" in line
