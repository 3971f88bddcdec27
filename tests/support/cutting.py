"""A proxy of TCP connections that cuts them when a test says so, in the middle of whatever passes.

    with CuttingProxy(port) as proxy:
        connect(proxy.port)
        proxy.cut()

What is under way then is lost: nothing more passes in either direction, and both ends see an RST.
"""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress
from threading import Lock, Thread

_RST = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Listens on `port`, and passes on to `target` at `host`.

    `passed` counts octets, `cuts` connections. `said` is what clients have said, `gone` how many of
    them have gone, and `target` has got either.

    In pieces whose sizes `seed` decides, so that a cut falls anywhere in a stanza.
    """

    def __init__(self, target: int, seed: int = 0, host: str = "127.0.0.1") -> None:
        self.passed = 0
        self.said = bytearray()
        self.gone = 0
        self.cuts = 0
        self._target = (host, target)
        self._random = random.Random(seed)
        self._lock = Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut all connections that there are."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
            for pair in pairs:
                self.cuts += 1
                for end in pair:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RD)  # who reads from it wakes up
                    end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((near, far))
            Thread(target=self._listen, args=(near, far), daemon=True).start()
            Thread(target=self._pass, args=(far, near, bytearray()), daemon=True).start()

    def _listen(self, near: socket.socket, far: socket.socket) -> None:
        self._pass(near, far, self.said)
        self.gone += 1

    def _pass(self, source: socket.socket, sink: socket.socket, said: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(self._random.randint(1, 4096)):
                sink.sendall(data)
                said += data
                self.passed += len(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
