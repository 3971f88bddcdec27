"""The scene of the end-to-end tests: a running server, its domains, certificates and people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from tests.support.certificates import Authority, dns, write_pair
from tests.support.process import READY, RunningServer, write_config
from tests.support.server import PASSWORD

VERONA = "capulet.lit"
MANTUA = "mantua.lit"
MASKS = "masks.capulet.lit"
"""Where anybody may come in, masked: the domain of SASL ANONYMOUS."""
PEOPLE = tuple(f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse", "tybalt"))
"""Who has an account, under `PASSWORD`."""

Tables = Mapping[str, Mapping[str, Any]]


class Server:
    """A server process with a certificate authority of its own; `Reachable` by clients."""

    def __init__(self, directory: Path, tables: Tables) -> None:
        self.directory = directory
        self.issuer = Authority()
        self.authority = self.issuer.write(directory / "authority.pem")
        self.config = write_config(directory, _toml(tables))
        for domain in (VERONA, MANTUA, MASKS):
            self.certify(domain)
        self.start()

    def start(self) -> None:
        """Start the process; what an earlier one has stored is still there."""
        self.process = RunningServer(self.directory, self.config)
        self.process.wait_for(READY)
        self.c2s = self.process.ports["c2s"]
        self.c2s_tls = self.process.ports["c2s_tls"]

    def certify(self, domain: str) -> None:
        """Put a fresh certificate where the server looks for it."""
        pair = self.issuer.issue(dns(domain))
        directory = self.directory / "certs"
        write_pair(pair, directory / f"{domain}.crt", directory / f"{domain}.key")

    def add(self, jids: Iterable[str]) -> None:
        """Make accounts."""
        self.process.add(*jids, password=PASSWORD)


def _toml(tables: Tables) -> str:
    defaults: dict[str, Mapping[str, Any]] = {
        "server": {"domains": [VERONA, MANTUA, MASKS], "data": "data"},
        "tls": {"certificates": "certs", "client_ca": "authority.pem"},
    }
    lines = []
    for table, content in {**defaults, **tables}.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in content.items())]
    return "\n".join([*lines, ""])


@contextmanager
def running(directory: Path, tables: Tables, people: Iterable[str] = PEOPLE) -> Iterator[Server]:
    """A server with these people, stopped at the end; `tables` go over the scene's own."""
    server = Server(directory, tables)
    try:
        server.add(people)
        yield server
    finally:
        try:
            server.process.stop()
        except TimeoutExpired:
            server.process.kill()
            raise
