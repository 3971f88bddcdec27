"""`twistd xmppd-vcard` at `twistd xmppd`, and slixmpp's clients of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.process import BIN, RunningProcess
from tests.support.server import PASSWORD

JULIET, ROMEO = (f"{name}@{VERONA}" for name in ("juliet", "romeo"))
SERVICE = f"vcard.{VERONA}"
SECRET = "what's in a name"
TABLE = f'components."{SERVICE}"'
TABLES = {
    "listen": {
        "c2s": ["tcp:0:interface=127.0.0.1"],
        "c2s_tls": ["tcp:0:interface=127.0.0.1"],
        "component": ["tcp:0:interface=127.0.0.1"],
    },
    TABLE: {"secret": SECRET},
    f"{TABLE}.delegation": {"vcard-temp": [], '"urn:ietf:params:xml:ns:vcard-4.0"': []},
}
FILE = """\
[component]
domain = "{domain}"
secret = "{secret}"
[core]
endpoint = "{endpoint}"
server = "{server}"
"""


class Verona(Server):
    """A server, and the component that has its vCards."""


@contextmanager
def vcards(server: Server, endpoint: str) -> Iterator[RunningProcess]:
    """The component, connected."""
    path = server.directory / "vcard.toml"
    path.write_text(FILE.format(domain=SERVICE, secret=SECRET, endpoint=endpoint, server=VERONA))
    command = [str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-vcard", "-c", str(path)]
    process = RunningProcess(command, server.directory)
    try:
        process.wait_for(f"{SERVICE} is connected")
        yield process
    finally:
        assert process.stop() == 0, process.output


@pytest.fixture(scope="module")
def verona(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ExitStack() as stack:
        server = stack.enter_context(
            running(tmp_path_factory.mktemp("vcards"), TABLES, (JULIET, ROMEO))
        )
        stack.enter_context(vcards(server, f"tcp:127.0.0.1:{server.process.ports['component']}"))
        yield server


async def test_what_one_sets_the_other_gets(verona: Server) -> None:
    plugins = ("xep_0054",)
    async with (
        Client(JULIET, PASSWORD, verona, plugins=plugins) as juliet,
        Client(ROMEO, PASSWORD, verona, plugins=plugins) as romeo,
    ):
        vcard = juliet.plugin["xep_0054"].make_vcard()
        vcard["FN"] = "Juliet Capulet"
        await soon(juliet.plugin["xep_0054"].publish_vcard(vcard))
        got = await soon(romeo.plugin["xep_0054"].get_vcard(JULIET, cached=False))
        assert got["vcard_temp"]["FN"] == "Juliet Capulet"
