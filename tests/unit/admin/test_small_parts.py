"""The pump, the kept secret, signals: each does its one thing."""

import os
import re
import signal
import socket
import stat
from threading import Thread

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater

from xmppd.admin.hold import check_unheld, hold
from xmppd.admin.pump import Pump
from xmppd.admin.secret import NAME, kept_secret
from xmppd.errors import ConfigError
from xmppd.process.signals import Signals


def test_pump_gives_what_a_thread_hands_over():
    pump, waited = Pump(), Deferred()
    Thread(target=pump.callFromThread, args=(waited.callback, "dawn")).start()
    assert pump.wait(waited) == "dawn"


def test_pump_runs_timers_while_it_waits():
    pump = Pump()
    assert pump.wait(deferLater(pump, 0.01, lambda: "lark")) == "lark"


class Ear:
    """One end of a pair of sockets, heard of by the pump."""

    def __init__(self, pump):
        self.pump, self.heard = pump, Deferred()
        self.socket, self.other = socket.socketpair()
        self.written = 0

    def fileno(self):
        return self.socket.fileno()

    def doRead(self):
        self.pump.removeReader(self)
        self.heard.callback(self.socket.recv(100))

    def doWrite(self):
        self.written += 1
        self.pump.removeWriter(self)
        self.other.sendall(b"it was the nightingale")


def test_pump_serves_sockets_while_it_waits():
    ear = Ear(pump := Pump())
    with ear.socket, ear.other:
        pump.addReader(ear)
        pump.addWriter(ear)
        assert pump.wait(ear.heard) == b"it was the nightingale"
        ear.other.sendall(b"and not the lark")
        pump.wait(deferLater(pump, 0.01, lambda: None))
    assert ear.written == 1


def test_pump_raises_what_the_deferred_fails_with():
    with pytest.raises(KeyError):
        Pump().wait(fail(KeyError("nightingale")))
    assert Pump().wait(succeed(3)) == 3


def test_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    secret = kept_secret(tmp_path)
    assert len(secret) == 32
    assert kept_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [NAME]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_damaged_secret_is_named_and_kept(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{NAME}: damaged: it has {len(content)} octets"):
        kept_secret(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_secret_that_cannot_be_written_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        kept_secret(tmp_path / "missing")


def test_data_directory_is_held_by_one_at_a_time(tmp_path):
    check_unheld(tmp_path, "x.toml")
    held = hold(tmp_path, "x.toml")
    told = f"x.toml: server.data: process {os.getpid()} uses {tmp_path} already. Stop it"
    for attempt in (hold, check_unheld):
        with pytest.raises(ConfigError, match=re.escape(told)):
            attempt(tmp_path, "x.toml")
    held.release()
    check_unheld(tmp_path, "x.toml")
    again = hold(tmp_path, "x.toml")
    held.release()
    with pytest.raises(ConfigError, match="uses"):
        hold(tmp_path, "x.toml")
    again.release()


def test_data_directory_that_cannot_be_locked_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match=r"can't lock .*xmppd\.lock"):
        hold(tmp_path / "missing", "x.toml")


def test_signal_calls_its_function_by_way_of_the_reactor_and_is_given_back():
    calls, queued = [], []

    class Reactor:
        def callFromThread(self, function):
            queued.append(function)

    before = signal.getsignal(signal.SIGUSR2)
    signals = Signals(Reactor(), {signal.SIGUSR2: lambda: calls.append("called")})
    signals.install()
    try:
        signal.raise_signal(signal.SIGUSR2)
        assert calls == []
        queued.pop()()
        assert calls == ["called"]
    finally:
        signals.restore()
    assert signal.getsignal(signal.SIGUSR2) is before
