"""A server under measurement: started in a directory of its own, on one core, and stopped again.

The subclasses (`peers`, `subject`) say how each is configured; everything else is here. Only
processes started here are ever signalled, by their process id.
"""

import contextlib
import ctypes
import datetime
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.proc import tree

COMPONENT = "echo.localhost"
"""The domain of the component, where the rows have one."""
SECRET = "a rose by any other name"
"""And its secret."""
ROOMS = "conference.localhost"
"""Where rooms are, in the rows about them."""
NODES = "pubsub.localhost"
"""Where nodes are, in the rows about them."""
REMOTE = "far.example"
"""Below this are the domains of the load generator's, in the rows about other servers."""
SHUT = "shut.example"
"""Below this are domains of servers that are down."""
BOSH = "/http-bind"
"""Where clients come by BOSH, in the rows about that."""
WEBSOCKET = "/xmpp-websocket"
"""Where they come by WebSocket."""
OWNERS = [f"prospero{number}" for number in range(20)]
"""The accounts that make nodes there."""

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Certificate:
    """One self-signed ECDSA P-256 certificate for `localhost`, the same for every server.

    `directory` holds `localhost.crt`, `localhost.key`, and both in one as `localhost.pem`.
    """

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> "Certificate":
        """Make key and certificate, good for a day, and write them to `directory`."""
        directory.mkdir(parents=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(key, hashes.SHA256())
        )
        crt = certificate.public_bytes(serialization.Encoding.PEM)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        for suffix, content in (("crt", crt), ("key", pem), ("pem", pem + crt)):
            path = directory / f"localhost.{suffix}"
            path.touch(mode=0o600)
            path.write_bytes(content)
        return cls(directory)

    def path(self, suffix: str) -> Path:
        """Return the path of `localhost.` + `suffix`: crt, key or pem."""
        return self.directory / f"localhost.{suffix}"


def free_port() -> int:
    """Return a TCP port that nobody on 127.0.0.1 has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """One server: configured once, started and stopped for each measurement.

    `home` is its private directory; accounts in it outlive a restart. A context manager:
    entering starts it (RuntimeError when it does not come up), leaving stops it.

    With the feature "s2s" it finds all domains below `REMOTE` at `remote_port`, and those below
    `SHUT` at `shut_port`, where nobody listens; a server that has to ask asks a name server at
    `names_port`.

    `accounts`, `rosters` and `nodes` name what has been made in it so far. `features` names the
    modules that it loads on top of those of every row.
    """

    name: ClassVar[str]

    def __init__(self, home: Path, certificate: Certificate, core: int | None) -> None:
        home.mkdir(parents=True)
        self.home = home
        self.certificate = certificate
        self.port = free_port()
        self.component_port = free_port()
        self.http_port = free_port()
        self.s2s_port = free_port()
        self.remote_port = free_port()
        self.shut_port = free_port()
        self.names_port = free_port()
        self.accounts: set[str] = set()
        self.rosters: set[str] = set()
        self.nodes: set[str] = set()
        self.features: frozenset[str] = frozenset()
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None
        self.configure()

    @classmethod
    @abstractmethod
    def absence(cls) -> str:
        """Return why the server cannot run on this machine; empty when it can."""

    @abstractmethod
    def configure(self) -> None:
        """Write the configuration below `home`."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return the version that runs here, for the report."""

    def environment(self) -> dict[str, str]:
        """Return what the environment has on top of this process's own."""
        return {}

    @property
    def address(self) -> tuple[str, int]:
        """Where the server's client port listens."""
        return ("127.0.0.1", self.port)

    @property
    def component_address(self) -> tuple[str, int]:
        """Where the server listens for the component, where it has the feature "component"."""
        return ("127.0.0.1", self.component_port)

    @property
    def http_address(self) -> tuple[str, int]:
        """Where it listens for clients by HTTP, where it has the feature "bosh" or "websocket"."""
        return ("127.0.0.1", self.http_port)

    @property
    def s2s_address(self) -> tuple[str, int]:
        """Where the server listens for other servers, where it has the feature "s2s"."""
        return ("127.0.0.1", self.s2s_port)

    def load(self, features: frozenset[str]) -> None:
        """Have the modules for these features loaded, and no others, from the next start on."""
        self.features = features
        self.configure()

    def multiply(self, node: str, stamp: int, count: int) -> bool:
        """Have a node's one item, of number 1 and this time, be there `count` times on the disk.

        For a server on which it would take hours to publish them; False where it need not be done.
        """
        return False

    def processes(self) -> list[int]:
        """Return the ids of all processes that do the server's work."""
        assert self._process is not None
        return tree(self._process.pid)

    def __enter__(self) -> "Server":
        log = (self.home / "output.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.home,
                env=os.environ | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._settle_child,
            )
        try:
            self._await_port()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask the server to end; kill what is left of its tree after a while."""
        process, self._process = self._process, None
        if process is None:
            return
        members = tree(process.pid)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        for pid in members:
            _kill(pid, process.pid)
        process.wait()

    def _settle_child(self) -> None:
        """Pin the child to its core; have it end even when this process is killed."""
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if self._core is not None:
            os.sched_setaffinity(0, {self._core})

    def _await_port(self) -> None:
        assert self._process is not None
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(self.address, timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        tail = (self.home / "output.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.name} did not start:\n{tail}")


def _kill(pid: int, session: int) -> None:
    """Kill `pid` if it still belongs to the session that was started here."""
    try:
        if os.getsid(pid) == session:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
