"""A server process in memory: on a reactor that only pretends, in a directory of its own."""

from __future__ import annotations

import socket

from twisted.internet.testing import MemoryReactorClock

from xmppd.server import Server

BASE = """
[server]
domains = {domains}
data = "data"
[listen]
c2s = ["tcp:0:interface=127.0.0.1"]
c2s_tls = ["tcp:0:interface=127.0.0.1"]
[bundled]
start = false
[s2s]
enabled = false
[store]
url = "sqlite::memory:"
"""


class Pool:
    """A thread pool of no threads."""

    def callInThreadWithCallback(self, on_result, function, *args):
        on_result(True, function(*args))

    def start(self):
        """Nothing has to be started."""

    def stop(self):
        """Nothing has to be stopped."""


class Reactor(MemoryReactorClock):
    """Runs what is to run in threads at once, and is told when it runs."""

    stops = 0

    def callFromThread(self, function, *args):
        function(*args)

    def stop(self):
        self.stops += 1

    def listenUNIX(self, path, factory, mode=0o666):
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path)
        return super().listenUNIX(path, factory)


class Playhouse:
    """A server in a directory, its reactor, and why it could not start."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "xmppd.toml"
        self.reactor = Reactor()
        self.failures = []
        self.server = None

    def write(self, text="", domains='["capulet.lit"]', base=BASE):
        self.file.write_text(base.format(domains=domains) + text)

    def start(self, **twistd):
        self.server = Server(self.file, self.reactor, twistd, self.failures.append)
        self.server.startService()
        self.reactor.run()
        self.reactor.stops = 0  # in memory, a reactor stops when its hooks have run
        return self.server
