"""A component of the kit whose connection to the core is cut again and again (XEP-0198).

Real processes: the core, `xmppd-echo` behind a proxy that cuts, and a user who writes all the time.
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.cutting import CuttingProxy
from tests.support.peers import PATIENCE, Peer
from tests.support.process import BIN, RunningProcess
from tests.support.raw_components import SECRET, port, tables
from tests.support.server import PASSWORD, condition
from xmppd import ns

ECHO = f"echo.{VERONA}"
SM = f"xmlns='{ns.STREAM_MANAGEMENT}'"
CUTS = 6
PING = f"<ping xmlns='{ns.PING}'/>"
CONFIG = """\
[component]
domain = "{domain}"
secret = "{secret}"
[core]
endpoint = "tcp:127.0.0.1:{port}"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    roomy = {"stream_management": {"queue": 20_000, "octets": 67_108_864}}
    with running(tmp_path_factory.mktemp("cuts"), {**roomy, **tables(echo={})}) as server:
        yield server


class Writer:
    """Romeo's client: what he sends, in order, and what comes back.

    `sent` counts messages; behind every tenth goes a request.
    """

    def __init__(self, server: Server) -> None:
        self.peer = Peer(server.c2s, VERONA).log_in("romeo", PASSWORD, "orchard")
        self.peer.send(f"<enable {SM}/>").element()
        self.sent = 0
        self.echoed: list[int] = []
        self.answers: defaultdict[str, list[str]] = defaultdict(list)
        self.acknowledged = 0
        self._taken = 0
        self._finished = False
        self._reading = Thread(target=self._read)
        self._reading.start()

    def send(self) -> None:
        text = f"<message to='{ECHO}' id='m'><body>{self.sent}</body></message>"
        if self.sent % 10 == 0:
            text += f"<iq type='get' id='{self.sent}' to='{ECHO}'>{PING}</iq>"
        self.sent += 1
        self.peer.send(text)

    @property
    def stanzas(self) -> int:
        """All that was sent."""
        return self.sent + self.requests

    @property
    def requests(self) -> int:
        return (self.sent + 9) // 10

    def _read(self) -> None:
        while not (
            self._finished
            and self.acknowledged == self.stanzas
            and len(self.echoed) == self.sent
            and len(self.answers) == self.requests
        ):
            self._take(self.peer.element())

    def _take(self, element: Element) -> None:
        name = element.tag.rpartition("}")[2]
        if name == "message":
            assert element.get("type") != "error", condition(element)
            self.echoed.append(int(element.findtext("{*}body") or ""))
        elif name == "iq":
            told = "result" if element.get("type") == "result" else condition(element)
            self.answers[element.attrib["id"]].append(told)
        elif name == "a":
            self.acknowledged = int(element.attrib["h"])
        elif name == "r":
            self.peer.send(f"<a {SM} h='{self._taken}'/>")
        self._taken += name in ("message", "iq")

    def finish(self) -> None:
        """Wait until all has been acknowledged, echoed and answered."""
        self._finished = True
        self.peer.send(f"<r {SM}/>")
        self._reading.join(PATIENCE)
        assert not self._reading.is_alive(), (self.sent, len(self.echoed), self.acknowledged)
        self.peer.__exit__()


@pytest.mark.parametrize("seed", range(2))
def test_no_message_is_lost_or_doubled_and_order_is_kept(
    server: Server, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with CuttingProxy(port(server), seed) as proxy:
        path = tmp_path / "echo.toml"
        path.write_text(CONFIG.format(domain=ECHO, secret=SECRET, port=proxy.port))
        command = [str(BIN / "twistd"), "-n", "--pidfile=", "xmppd-echo", "-c", str(path)]
        echo = RunningProcess([sys.executable, *command], tmp_path)
        try:
            echo.wait_for(f"{ECHO} is connected")
            romeo = Writer(server)
            known = 0
            while proxy.cuts < CUTS:
                # Some in the middle of the negotiation, most of them later.
                enough = proxy.passed + chance.choice((100, 300, 600, 5_000, 20_000, 60_000))
                while proxy.passed < enough:
                    for _ in range(chance.randrange(8)):
                        romeo.send()
                    time.sleep(0.005)
                known = len(echo.lines)
                proxy.cut()
            echo.wait_for(f"{ECHO} is connected again", known)
            for _ in range(20):
                romeo.send()
            romeo.finish()
        finally:
            status = echo.stop()
    assert (status, echo.errors) == (0, [])
    assert romeo.echoed == list(range(romeo.sent))
    assert {len(answers) for answers in romeo.answers.values()} == {1}
    told = {answer for answers in romeo.answers.values() for answer in answers}
    assert told == {"result", "service-unavailable"}
