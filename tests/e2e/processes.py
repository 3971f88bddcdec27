"""A server and beside it processes of one of its components, which tests start, stop and kill."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import Peer
from tests.support.ports import free_port
from tests.support.process import BIN, RunningProcess, until
from tests.support.server import PASSWORD

SECRET = "what's in a name"
PEOPLE = tuple(f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
LISTEN = {key: ["tcp:0:interface=127.0.0.1"] for key in ("c2s", "c2s_tls", "component")}
FILE = """\
[component]
domain = "{service}"
secret = "{secret}"
instance = "{instance}"
data = "data"
[core]
server = "{server}"
endpoint = "tcp:127.0.0.1:{port}"
[store]
url = "{url}"
{more}
"""


class Program(NamedTuple):
    """A component: its name, where it is, what it is granted, and more tables of its own."""

    name: str
    service: str
    grants: Mapping[str, Any]
    more: str = ""

    def tables(self, instances: int) -> Mapping[str, Mapping[str, Any]]:
        """Those of the server's configuration."""
        name = f'components."{self.service}"'
        table: dict[str, Any] = {"secret": SECRET, "instances": instances}
        inner: dict[str, Mapping[str, Any]] = {}
        for key, value in self.grants.items():
            if isinstance(value, Mapping):
                inner[f"{name}.{key}"] = {f'"{each}"': value[each] for each in value}
            else:
                table[key] = value
        return {name: table, **inner}


class Company:
    """A server, and processes of the component by the names of their instances."""

    def __init__(self, directory: Path, server: Server, program: Program, url: str) -> None:
        self.directory = directory
        self.server = server
        self.program = program
        self.url = url
        self.port = server.process.ports["component"]
        self.processes: dict[str, RunningProcess] = {}

    def start(self, instance: str = "") -> None:
        """Start a process, on what an earlier one of that name has left."""
        path = self.directory / f"{self.program.name}-{instance}.toml"
        path.write_text(
            FILE.format(
                service=self.program.service,
                secret=SECRET,
                instance=instance,
                server=VERONA,
                port=self.port,
                url=self.url,
                more=self.program.more,
            )
        )
        twistd = (str(BIN / "twistd"), "-n", "--pidfile=", f"xmppd-{self.program.name}")
        process = RunningProcess([*twistd, "-c", str(path)], self.directory)
        self.processes[instance] = process
        process.wait_for(f"{self.program.service} is connected")

    def settle(self) -> None:
        """Wait until all that the processes have got is handled, and stored."""

        def waiting() -> int:
            told = json.loads(self.server.process.ctl("components", "--json").stdout)
            return sum(
                instance["waiting"] for each in told["components"] for instance in each["instances"]
            )

        until(lambda: not waiting())

    def stop(self) -> None:
        """Stop all of them; each ends as it should."""
        for process in self.processes.values():
            assert process.stop() in (0, -signal.SIGKILL), process.output
            assert "Traceback" not in process.output, process.output


@contextmanager
def company(
    directory: Path, program: Program, store: Mapping[str, Any], instances: int = 1
) -> Iterator[Company]:
    """A server for this component, of which no process runs yet."""
    own = directory / program.name
    own.mkdir()
    # The port is kept, so that components find a server that is started again.
    component = {"component": [f"tcp:{free_port()}:interface=127.0.0.1"]}
    tables = {"listen": {**LISTEN, **component}, **program.tables(instances)}
    with running(directory, tables, PEOPLE) as server:
        made = Company(own, server, program, store["url"])
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def there(server: Server, *names: str, resource: str = "street") -> Iterator[list[Peer]]:
    """These have logged in."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(server.c2s, VERONA)) for _ in names]
        for peer, name in zip(peers, names, strict=True):
            peer.open()
            peer.start_tls(server.authority)
            peer.log_in(name, PASSWORD, resource)
        yield peers
