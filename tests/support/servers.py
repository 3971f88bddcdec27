"""Two xmppd processes that talk to each other over loopback, with routes in place of DNS.

    with two_servers(directory) as (verona, mantua):
        async with Person(f"juliet@{verona.domain}/balcony", verona) as juliet:
            ...

Each has one authority's certificate for its domain, and trusts that authority.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.certificates import Authority, dns, write_pair
from tests.support.ports import free_port
from tests.support.process import READY, RunningServer, write_config
from tests.support.server import PASSWORD

HOSTS = ("127.0.0.2", "127.0.0.3")
DOMAINS = ("verona.lit", "mantua.lit")


class Linked:
    """A server in a directory of its own; other servers reach it at `address`.

    `tables` are added to its configuration; `configure` writes it anew, for a reload.
    """

    process: RunningServer
    c2s: int
    c2s_tls: int

    def __init__(self, directory: Path, domain: str, host: str, authority: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.domain = domain
        self.authority = authority
        self.routes: dict[str, list[str]] = {}
        self._host, self._port = host, free_port(host)
        self.address = f"tcp:{host}:{self._port}"

    def configure(self, **s2s: Any) -> Path:
        """Write the configuration, with these keys in `[s2s]`."""
        tables = {
            "server": {"domains": [self.domain], "data": "data"},
            "tls": {"certificates": "certs"},
            "listen": {
                "c2s": ["tcp:0:interface=127.0.0.1"],
                "c2s_tls": ["tcp:0:interface=127.0.0.1"],
                "s2s": [f"tcp:{self._port}:interface={self._host}"],
                "s2s_tls": [],
            },
            "s2s": {"ca": str(self.authority), **s2s},
            "s2s.routes": {json.dumps(domain): way for domain, way in self.routes.items()},
        }
        return write_config(self.directory, "".join(map(_table, tables, tables.values())))

    def start(self, *people: str, **s2s: Any) -> None:
        """Start the process; it is ready, and these have accounts, when this returns."""
        self.process = RunningServer(self.directory, self.configure(**s2s))
        self.process.wait_for(READY)
        self.c2s, self.c2s_tls = (self.process.ports[key] for key in ("c2s", "c2s_tls"))
        self.process.add(*(f"{name}@{self.domain}" for name in people), password=PASSWORD)

    def stop(self) -> None:
        """Stop the process, which may be another one than at first."""
        self.process.stop()

    def ctl(self, *arguments: str, stdin: str = "", status: int = 0) -> str:
        """What xmppctl tells, once it has ended with such a status."""
        done = self.process.ctl(*arguments, stdin=stdin)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout

    def told(self, *arguments: str) -> Any:
        """The same as JSON."""
        return json.loads(self.ctl(*arguments, "--json"))


def _table(name: str, content: dict[str, Any]) -> str:
    lines = (f"{key} = {json.dumps(value)}\n" for key, value in content.items())
    return f"[{name}]\n{''.join(lines)}"


@contextmanager
def two_servers(directory: Path, **s2s: Any) -> Iterator[tuple[Linked, Linked]]:
    """Two servers that know the way to each other; juliet is at the first, romeo at the second.

    `s2s` are keys of `[s2s]` for both.
    """
    authority = Authority()
    trusted = authority.write(directory / "ca.pem")
    first, second = (
        _papers(Linked(directory / domain, domain, host, trusted), authority)
        for domain, host in zip(DOMAINS, HOSTS, strict=True)
    )
    with ExitStack() as running:
        for each, other, name in ((first, second, "juliet"), (second, first, "romeo")):
            each.routes[other.domain] = [other.address]
            each.start(name, **s2s)
            running.callback(each.stop)
        yield first, second


def _papers(server: Linked, authority: Authority) -> Linked:
    name, certs = server.domain, server.directory / "certs"
    write_pair(authority.issue(dns(name)), certs / f"{name}.crt", certs / f"{name}.key")
    return server
