"""The scene of the end-to-end tests: a running server, its domains, certificates and people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
        import socket as _s
        a,b=_s.socket(),_s.socket(); a.bind(("127.0.0.1",0)); b.bind(("127.0.0.1",0)); self.c2s=a.getsockname()[1]; self.c2s_tls=b.getsockname()[1]; a.close(); b.close()
        tables={**tables,"listen":{"c2s":[f"tcp:{self.c2s}:interface=127.0.0.1"],"c2s_tls":[f"tcp:{self.c2s_tls}:interface=127.0.0.1"]}}
        self.config = write_config(directory, _toml(tables))
        import subprocess,sys
        (directory/"data").mkdir()
        subprocess.run([sys.executable,"-c",MAKE,str(directory/"data"),PASSWORD,*PEOPLE],check=True)
        for domain in (VERONA, MANTUA, MASKS):
            self.certify(domain)
        self.start()

    def start(self) -> None:
        """Start the process; what an earlier one has stored is still there."""
        self.process = RunningServer(self.directory, self.config)
        self.process.wait_for("listen.c2s_tls listens")

    def certify(self, domain: str) -> None:
        """Put a fresh certificate where the server looks for it."""
        pair = self.issuer.issue(dns(domain))
        directory = self.directory / "certs"
        write_pair(pair, directory / f"{domain}.crt", directory / f"{domain}.key")

    def add(self, jids: Iterable[str]) -> None:
        """Make accounts, as an operator does."""
        with ThreadPoolExecutor(2) as pool:
            for made in pool.map(self._add, jids):
                assert made.returncode == 0, made.stderr

    def _add(self, jid: str) -> Any:
        return self.process.ctl("adduser", jid, stdin=f"{PASSWORD}\n{PASSWORD}\n")


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
        yield server
    finally:
        try:
            server.process.stop()
        except TimeoutExpired:
            server.process.kill()
            raise

MAKE = """
import sys
from pathlib import Path
from twisted.internet import reactor, defer
from xmppd.auth.seal import load_seal
from xmppd.credentials import make_credentials
from xmppd.storage.url import open_stores
data = Path(sys.argv[1])
made = make_credentials(sys.argv[2], seal=load_seal(data / "legacy.key").seal)
async def go():
    stores = await open_stores("sqlite:xmppd.db", reactor, data)
    for jid in sys.argv[3:]:
        await stores.accounts.create(*jid.split("@"), made, now=0.0)
    await stores.database.close()
    reactor.stop()
reactor.callWhenRunning(lambda: defer.ensureDeferred(go()).addErrback(lambda f: f.printTraceback()))
reactor.run()
"""
