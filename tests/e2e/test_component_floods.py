"""Components that send or are sent more than can be taken, and those that die of it.

What the core remembers of them is bounded, and who has nothing to do with it is served as ever.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.peers import PATIENCE, Ended, Peer
from tests.support.process import ROOT, RunningProcess
from tests.support.raw_components import (
    RawComponent,
    forget_peak,
    lines_with,
    memory,
    port,
    tables,
    why,
)
from tests.support.server import PASSWORD, condition
from xmppd import ns

MIB = 1024
"""In the unit of /proc, KiB."""
FLOOD = 100_000
QUEUE = 1_048_576
"""Octets that may wait for a component here."""
DEAF = f"deaf.{VERONA}"
LOUD = f"loud.{VERONA}"
MUTE = f"mute.{VERONA}"
POTION = "urn:example:potion"
PING = f"<ping xmlns='{ns.PING}'/>"
BODY = "<body>" + "a" * 10_000 + "</body>"
SAYS = f"<message to='{DEAF}'>{BODY}</message>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    components = tables(
        deaf={"queue_octets": QUEUE},
        loud={"queue_octets": QUEUE},
        mute={"delegation": {POTION: []}},
    )
    limits = {"dead_seconds": 6}
    with running(tmp_path_factory.mktemp("flood"), {"limits": limits, **components}) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def waiting(server: Server) -> Iterator[tuple[Peer, RawComponent]]:
    """Who has asked, before all else, what is delegated to one that never answers, and that one."""
    with RawComponent(port(server), MUTE) as mute, Peer(server.c2s, VERONA) as tybalt:
        mute.enter()
        tybalt.log_in("tybalt", PASSWORD, "street")
        tybalt.send(
            f"<iq type='get' id='potion' to='romeo@{VERONA}'><potion xmlns='{POTION}'/></iq>"
        )
        yield tybalt, mute


class Watcher:
    """A user who asks all the time, and how long she waits for each answer."""

    def __init__(self, server: Server) -> None:
        self.longest = 0.0
        self.answers = 0
        self._stop = Event()
        self._peer = Peer(server.c2s, VERONA).log_in("nurse", PASSWORD, "hall")
        self._thread = Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._stop.wait(0.002):
            asked = time.monotonic()
            self._peer.ping()
            self.longest = max(self.longest, time.monotonic() - asked)
            self.answers += 1

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._peer.__exit__()


@contextmanager
def bounded(server: Server, mib: int) -> Iterator[None]:
    """Meanwhile users are served, and the server grows by no more than so many MiB."""
    forget_peak(server)
    before = memory(server)
    with Watcher(server) as nurse:
        yield
        grown = memory(server, "VmHWM") - before
    assert nurse.answers > 3 and nurse.longest < 5.0
    assert grown < mib * MIB


class Reader:
    """Reads all that comes to somebody, and counts the conditions of the errors in it."""

    def __init__(self, peer: Peer) -> None:
        self.conditions: Counter[str] = Counter()
        self._peer = peer
        self._thread = Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            while (element := self._peer.element()).get("id") != "last":
                if element.get("type") == "error":
                    self.conditions[condition(element)] += 1
        except Ended:
            pass

    def finish(self) -> None:
        """Ask once more, and wait for the answer: all that was sent before has been taken."""
        peer = self._peer
        sender = f"from='{peer.domain}'" if isinstance(peer, RawComponent) else ""
        peer.send(f"<iq type='get' id='last' to='{VERONA}' {sender}>{PING}</iq>")
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


FLOODS = {
    "requests": f"<iq type='get' id='1' to='{VERONA}'>{PING}</iq>",
    "messages to nobody": f"<message to='nobody@{VERONA}' type='chat'><body>hi</body></message>",
    "presence": f"<presence to='romeo@{VERONA}'/>",
}


@pytest.mark.parametrize("kind", FLOODS)
def test_flood_of_a_component_holds_up_nobody(server: Server, kind: str) -> None:
    with RawComponent(port(server), LOUD) as loud, bounded(server, 20):
        reader = Reader(loud.enter())
        # What has to be looked up in the store takes ten times as long.
        for _ in range(30 if "nobody" in kind else FLOOD // 1_000):
            loud.send(FLOODS[kind] * 1_000)
        reader.finish()


def test_flood_of_one_that_reads_no_answer_fills_no_memory(server: Server) -> None:
    """What it is answered is bounded; it is cut off once it has taken nothing for a while."""
    log = len(server.process.lines)
    with RawComponent(port(server), LOUD, receive_buffer=4096) as loud, bounded(server, 10):
        loud.enter()
        with suppress(Ended):  # where it is cut off before it has sent all
            for _ in range(FLOOD // 1_000):
                loud.send(FLOODS["requests"] * 1_000)
        assert len(lines_with(server, log, "is cut off: limit.stalled", LOUD)) == 1
    assert "component.queue" in why(server, LOUD)
    assert why(server, LOUD)[-1] == "limit.stalled"


@pytest.mark.parametrize("who", ["a user", "a component"])
def test_one_that_never_reads_is_cut_off_and_fills_no_memory(server: Server, who: str) -> None:
    """A user who writes to it is read more slowly until then, a component is refused."""
    log = len(server.process.lines)
    with (
        Peer(server.c2s, VERONA) as romeo,
        RawComponent(port(server), LOUD) as loud,
        bounded(server, 10),
        RawComponent(port(server), DEAF, receive_buffer=4096) as deaf,
    ):
        deaf.enter()
        writer = romeo.log_in("romeo", PASSWORD, "orchard") if who == "a user" else loud.enter()
        reader = Reader(writer)
        writing = Thread(target=writer.send, args=(SAYS * 600,))
        writing.start()
        assert len(lines_with(server, log, "is cut off: limit.stalled", DEAF)) == 1
        writing.join(PATIENCE)
        reader.finish()
    refused, late = (
        reader.conditions[condition] for condition in ("resource-constraint", "service-unavailable")
    )
    assert late > refused if who == "a user" else refused > 100
    assert "limit.stalled" in why(server, DEAF)


def test_one_that_acknowledges_nothing_is_sent_no_more_than_its_queue_holds(
    server: Server,
) -> None:
    """One who fills it leaves room for another."""
    with (
        Peer(server.c2s, VERONA) as romeo,
        Peer(server.c2s, VERONA) as juliet,
        bounded(server, 10),
        RawComponent(port(server), DEAF) as deaf,
    ):
        deaf.greet("version='1.0'").prove()
        deaf.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>")
        while deaf.element().tag != f"{{{ns.STREAM_MANAGEMENT}}}enabled":
            pass
        counting = Reader(deaf)
        reader = Reader(romeo.log_in("romeo", PASSWORD, "orchard"))
        romeo.send(SAYS * 600)
        reader.finish()
        other = Reader(juliet.log_in("juliet", PASSWORD, "balcony"))
        juliet.send(SAYS)
        other.finish()
        counting.finish()
        assert 600 - QUEUE // len(BODY) < reader.conditions["resource-constraint"] < 600
        assert not other.conditions
    assert "component.share" in why(server, DEAF)


SILENT = """\
import sys
from tests.support.raw_components import RawComponent
peer = RawComponent(int(sys.argv[1]), sys.argv[2]).enter()
print("entered", flush=True)
for _ in range(50):
    peer.element()
print("asked", flush=True)
peer.hears_nothing_more()
"""


def test_requests_are_answered_when_its_process_is_killed(server: Server) -> None:
    arguments = [sys.executable, "-c", SILENT, str(port(server)), DEAF]
    with Peer(server.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "cell")
        silent = RunningProcess(arguments, ROOT)
        silent.wait_for("entered")
        for number in range(50):
            romeo.send(f"<iq type='get' id='{number}' to='{DEAF}'>{PING}</iq>")
        silent.wait_for("asked")
        killed = time.monotonic()
        silent.kill()
        answers = [romeo.element() for _ in range(50)]
        assert time.monotonic() - killed < 5
        assert {condition(answer) for answer in answers} == {"service-unavailable"}
        assert sorted(int(answer.attrib["id"]) for answer in answers) == list(range(50))
    assert why(server, DEAF)[-1] == "component.gone"


ANSWER = (
    f"<iq type='result' id='{{}}' to='{VERONA}'><delegation xmlns='{ns.DELEGATION}'>"
    f"<forwarded xmlns='{ns.FORWARD}'><iq xmlns='{ns.CLIENT}' type='result' id='potion'"
    f" from='romeo@{VERONA}' to='{{}}'/></forwarded></delegation></iq>"
)


def test_who_asks_one_that_never_answers_is_told(
    server: Server, waiting: tuple[Peer, RawComponent]
) -> None:
    """XEP-0355 §4.3, N.B.1; what comes later is nobody's. All the time others were served."""
    tybalt, mute = waiting
    try:
        told = tybalt.element()
    except TimeoutError:  # where this test runs alone
        told = tybalt.element()
    assert (told.get("id"), told.get("from")) == ("potion", f"romeo@{VERONA}")
    assert condition(told) == "service-unavailable"
    assert why(server, tybalt.jid)[-1] == "delegation.failed"
    while (envelope := mute.element()).get("type") != "set":
        pass
    mute.send(ANSWER.format(envelope.get("id"), tybalt.jid))
    mute.serves()
    tybalt.send(f"<iq type='get' id='last'>{PING}</iq>")
    assert tybalt.element().get("id") == "last"
