"""The control socket: one JSON object a line, and a path that only one server holds."""

import json
import os
import socket
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from tests.support.deferred import result
from tests.support.server import DOMAIN, Verona
from xmppd.admin import control
from xmppd.admin.control import REQUEST_MAX, ControlFactory, answers, check_free
from xmppd.admin.operated import Operated
from xmppd.errors import ConfigError
from xmppd.jid import JID


class Operator:
    """The far end of a control connection."""

    def __init__(self, verona):
        self.protocol = ControlFactory(Operated(verona.host)).buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes):
        self.protocol.dataReceived(data)
        answers_ = [json.loads(line) for line in self.transport.value().splitlines()]
        self.transport.clear()
        return answers_


@pytest.fixture
def verona():
    return Verona()


@pytest.fixture
def operator(verona):
    return Operator(verona)


def request(command, **args):
    return json.dumps({"command": command, "args": args}).encode() + b"\n"


def test_request_gets_one_line_back(operator):
    (answer,) = operator.send(request("users"))
    assert answer["ok"]
    assert [u["jid"] for u in answer["result"]["users"]] == [f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"]


def test_refusal_has_problem_and_remedy(operator):
    (answer,) = operator.send(request("deluser", jid="paris@mantua.lit"))
    assert not answer["ok"]
    assert "mantua.lit is no domain of this server" in answer["problem"]
    assert answer["remedy"]


def test_requests_are_answered_in_order_however_they_are_split(operator):
    data = request("users") + request("nonsense") + request("reload")
    whole = Operator(Verona()).send(data)
    assert [answer["ok"] for answer in whole] == [True, False, False]
    pieces = [answer for i in range(len(data)) for answer in operator.send(data[i : i + 1])]
    assert pieces == whole


def test_next_request_waits_until_the_one_before_is_answered(verona, operator):
    waiting = Deferred()

    class Slow:
        def remove(self, jid):
            return waiting

    verona.host.administrator = Slow()
    slow = request("deluser", jid=f"juliet@{DOMAIN}")
    assert operator.send(slow + request("reload")) == []
    assert operator.transport.producerState == "paused"
    waiting.callback(True)
    assert operator.transport.producerState == "producing"
    assert [answer["ok"] for answer in operator.send(b"")] == [True, False]


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"7", b"users", b"\xff\xfe", b"[" * 15_000, b'{"args": {}}', b"{}"]
)
def test_what_is_no_request_is_refused_and_the_next_one_heard(operator, line):
    refused, heard = operator.send(line + b"\n" + request("users"))
    assert (refused["ok"], heard["ok"]) == (False, True)


@given(st.binary(max_size=200))
def test_any_bytes_leave_the_socket_usable(data):
    operator = Operator(Verona(accounts=()))
    *_, last = operator.send(data + b"\n" + request("users"))
    assert last["ok"]


def test_line_over_the_limit_ends_the_connection(operator):
    (answer,) = operator.send(b"x" * (REQUEST_MAX + 1))
    assert not answer["ok"]
    assert operator.transport.disconnecting


def test_line_at_the_limit_is_still_read(operator):
    padded = request("users")[:-2] + b" " * REQUEST_MAX
    padded = padded[: REQUEST_MAX - 1] + b"}"
    (answer,) = operator.send(padded + b"\n")
    assert answer["ok"]


# ---------------------------------------------------------------------- the path


class Listener:
    """Binds as a reactor does, and notes the mode that the file has from its first moment."""

    def listenUNIX(self, path, factory, mode):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.mode = stat.S_IMODE(os.stat(path).st_mode)
        self.asked = mode
        self.socket.listen()
        return self


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return "control.sock"  # a path relative to a directory is never too long


def test_socket_is_never_open_to_others(path, verona):
    before = os.umask(0o022)
    try:
        port = control.listen(Listener(), path, ControlFactory(Operated(verona.host)), "x.toml")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert (port.mode, port.asked) == (0o600, 0o600)
    port.socket.close()


def test_socket_that_nobody_serves_is_replaced(path, verona):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    assert not answers(path)
    assert check_free(path, "x.toml")
    port = control.listen(Listener(), path, ControlFactory(Operated(verona.host)), "x.toml")
    assert answers(path)
    port.socket.close()


def test_socket_that_somebody_serves_is_left_alone(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with pytest.raises(ConfigError, match=r"x.toml: listen.control: a server runs already"):
            check_free(path, "x.toml")
    assert os.path.exists(path)


def test_file_that_is_no_socket_is_left_alone(path):
    with open(path, "w") as file:
        file.write("my love is thine to teach")
    with pytest.raises(ConfigError, match="is no socket"):
        check_free(path, "x.toml")
    assert os.path.getsize(path)


def test_nothing_there_is_free(path):
    assert not check_free(path, "x.toml")
    assert not answers(path)


def test_perform_is_never_given_more_than_an_object(operator, verona):
    operator.send(b'{"command": "deluser", "args": ["juliet@capulet.lit"]}\n')
    assert result(verona.host.stores.accounts.exists(JID.of("juliet", DOMAIN)))
