"""Power cuts: what the server has confirmed is there after `kill -9`, on each store.

Confirmed is a message by stream management (XEP-0198 §4), a change of the roster or of private XML
by its result. The power is cut in the thread that reads the confirmation, with more under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.peers import PATIENCE, Ended, Peer
from tests.support.server import PASSWORD
from xmppd import ns

JULIET, ROMEO, NURSE = (f"{name}@{VERONA}" for name in ("juliet", "romeo", "nurse"))
WINDOW = 40
"""How much a client has under way."""
R = f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>"
S = f"{{{ns.STREAM_MANAGEMENT}}}"
NOTES = "urn:example:notes"
CONTACTS = 7
ROOMS = ("hall", "garden", "cell")


def message(number: int, to: str = JULIET) -> str:
    return f"<message to='{to}' type='chat'><body>{number}</body></message>"


def change_of_roster(number: int) -> str:
    """Of a few contacts, each is added, changed and removed in turn."""
    jid = f"contact{number % CONTACTS}@{VERONA}"
    if is_removal(number):
        item = f"<item jid='{jid}' subscription='remove'/>"
    else:
        item = f"<item jid='{jid}' name='{number}'><group>{number % 2}</group></item>"
    query = f"<query xmlns='{ns.ROSTER}'>{item}</query>"
    return f"<iq type='set' id='{number}'>{query}</iq>"


def is_removal(number: int) -> bool:
    return number // CONTACTS % 3 == 2


def roster_after(changes: int) -> dict[str, tuple[str, str]]:
    """Name and group of each contact, after so many changes."""
    roster = {}
    for number in range(changes):
        jid = f"contact{number % CONTACTS}@{VERONA}"
        if is_removal(number):
            del roster[jid]
        else:
            roster[jid] = (str(number), str(number % 2))
    return roster


def change_of_notes(number: int) -> str:
    return f"<iq type='set' id='{number}'>{notes_with(number)}</iq>"


def notes_with(number: int) -> str:
    """Two elements, stored together."""
    notes = "".join(f"<{name} xmlns='{NOTES}'>{number}</{name}>" for name in ("one", "other"))
    return f"<query xmlns='{ns.PRIVATE}'>{notes}</query>"


class Work:
    """What one client does over and over: `sent` so often, `confirmed` so often."""

    def __init__(self, write: Callable[[int], str]) -> None:
        self._write = write
        self.sent = self.confirmed = 0

    def _begin(self, peer: Peer) -> None:
        """Whatever comes before, in a new session."""

    def _confirms(self, element: Element) -> int:
        """How many are confirmed, now that an element has come."""
        assert element.get("type") == "result", element.attrib
        assert element.get("id") == str(self.confirmed), "results come in order"
        return self.confirmed + 1

    def run(self, peer: Peer, enough: int, then: Callable[[], None]) -> None:
        """Go on until the server is gone; `then` is called when `enough` are confirmed."""
        self._begin(peer)
        with suppress(Ended):
            while True:
                more = range(self.sent, self.confirmed + WINDOW)
                if more:
                    self.sent = more.stop
                    peer.send("".join(map(self._write, more)))
                before, self.confirmed = self.confirmed, self._confirms(peer.element())
                if before < enough <= self.confirmed:
                    then()

    def known(self, done: int) -> None:
        """After the restart so many are found to be done: those confirmed, and no more than sent.

        Work goes on from there.
        """
        assert self.confirmed <= done <= self.sent
        self.sent = self.confirmed = done


class Messages(Work):
    """Messages on a managed stream, each with a request for acknowledgement."""

    def __init__(self, to: str = JULIET) -> None:
        super().__init__(lambda number: message(number, to) + R)
        self._before = 0

    def _begin(self, peer: Peer) -> None:
        self._before = self.confirmed
        enable(peer)

    def _confirms(self, element: Element) -> int:
        assert element.tag == f"{S}a", element.tag
        return self._before + int(element.get("h", ""))


def enable(peer: Peer, **attrs: str) -> Element:
    """Have the stream managed; the server's answer."""
    shown = "".join(f" {name}='{value}'" for name, value in attrs.items())
    enabled = peer.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'{shown}/>").element()
    assert enabled.tag == f"{S}enabled", enabled.tag
    return enabled


@pytest.fixture
def verona(store: Mapping[str, Any], tmp_path: Path) -> Iterator[Server]:
    tables = {"store": store, "offline": {"messages": 100_000}}
    with running(tmp_path, tables, (JULIET, ROMEO, NURSE)) as server:
        yield server


def at_work(server: Server, works: Mapping[Work, str], until: Work, count: int) -> None:
    """Have users work, all at once, until so much more of one's work is confirmed: power cut."""
    enough = until.confirmed + count
    with ThreadPoolExecutor(len(works)) as pool, ExitStack() as stack:
        peers = [stack.enter_context(Peer(server.c2s, VERONA)) for _ in works]
        for peer, name, resource in zip(peers, works.values(), ROOMS, strict=True):
            peer.log_in(name, PASSWORD, resource)
        runs = [
            pool.submit(work.run, peer, enough if work is until else -1, server.process.kill)
            for peer, work in zip(peers, works, strict=True)
        ]
        for run in runs:
            run.result()


@asynccontextmanager
async def there(server: Server, jid: str = f"{JULIET}/balcony") -> AsyncIterator[Client]:
    async with Client(jid, PASSWORD, server, plugins=("xep_0049", "xep_0199")) as client:
        yield client


async def given(server: Server, juliet: Client) -> list[int]:
    """The numbers of what has waited for juliet, who becomes available.

    What is said then lines up behind that.
    """
    juliet.send_presence()
    await soon(juliet.plugin["xep_0199"].ping(VERONA))
    async with there(server, NURSE) as nurse:
        nurse.say(JULIET, "that is all")
        numbers = []
        while (got := await soon(juliet.messages.get()))["body"] != "that is all":
            assert got["from"].bare == ROMEO
            numbers.append(int(got["body"]))
    return numbers


async def notes_of(juliet: Client) -> set[int]:
    """The numbers that juliet's two notes have; -1 for none, before the first is confirmed."""
    iq = juliet.make_iq_get(queryxmlns=ns.PRIVATE)
    for name in ("one", "other"):
        iq.xml[0].append(Element(f"{{{NOTES}}}{name}"))
    query = (await soon(iq.send())).xml[0]
    assert len(query) == 2
    return {int(each.text or -1) for each in query}


async def roster_of(juliet: Client) -> dict[str, tuple[str, ...]]:
    """Name and groups of each contact."""
    items = (await soon(juliet.get_roster()))["roster"]["items"]
    return {str(jid): (item["name"], *item["groups"]) for jid, item in items.items()}


async def test_whatever_was_confirmed_before_a_power_cut_is_there_after_it(verona: Server) -> None:
    """XEP-0198 §4, XEP-0160, RFC 6121 §2, XEP-0049: all of it, once, in order; and no more."""
    messages, contacts, private = Messages(), Work(change_of_roster), Work(change_of_notes)
    works = {messages: "romeo", contacts: "juliet", private: "juliet"}
    for until in works:
        first = messages.confirmed
        await asyncio.to_thread(at_work, verona, works, until, 80)
        verona.start()
        async with there(verona) as juliet:
            got = await given(verona, juliet)
            assert got == list(range(first, first + len(got)))
            messages.known(first + len(got))
            found = await roster_of(juliet)
            changes = range(contacts.confirmed, contacts.sent + 1)
            contacts.known(next((n for n in changes if roster_after(n) == found), -1))
            (last,) = await notes_of(juliet)
            private.known(last + 1)
        async with there(verona) as juliet:
            assert await given(verona, juliet) == []


class Phone:
    """A client of juliet's that manages its stream; it counts from the first message on."""

    def __init__(self, server: Server) -> None:
        self.peer = Peer(server.c2s, VERONA).log_in("juliet", PASSWORD, "phone")
        self._count = 0
        """Of what has come since the stream is managed."""

    def appear(self) -> None:
        self.peer.send("<presence/>").ping()

    def takes(self, first: int, stop: int) -> None:
        """Get these messages, in order, and acknowledge them when asked, and in the end."""
        for number in range(first, stop):
            while (element := self.peer.element()).tag != f"{{{ns.CLIENT}}}message":
                if element.tag == f"{S}r":
                    self._acknowledge()
                else:
                    self._count += 1
            self._count += 1
            assert element.findtext("{*}body") == str(number)
        self._acknowledge()

    def _acknowledge(self) -> None:
        self.peer.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{self._count}'/>")


async def test_what_slixmpp_knows_to_be_acknowledged_is_there_after_a_power_cut(
    verona: Server,
) -> None:
    """XEP-0198 §4, by the counting of a client that is not ours."""
    async with Client(f"{ROMEO}/work", PASSWORD, verona, plugins=("xep_0198",)) as romeo:
        management = romeo.plugin["xep_0198"]
        management.window = management.window_counter = 1
        acked: list[int] = []

        def on_acked(stanza: Any) -> None:
            acked.append(int(stanza["body"]))
            if len(acked) == 1:
                verona.process.kill()

        romeo.add_event_handler("stanza_acked", on_acked)
        for number in range(200):
            romeo.say(JULIET, str(number))
        await soon(romeo.gone)
    assert acked and acked == list(range(len(acked)))
    verona.start()
    async with there(verona) as juliet:
        got = await given(verona, juliet)
    assert got == list(range(len(got)))
    assert len(acked) <= len(got) <= 200


async def test_what_was_sent_to_a_client_that_is_away_outlives_the_server(verona: Server) -> None:
    """XEP-0198 §4, §5: the session that could be resumed is gone, its messages are not."""
    phone = Phone(verona)
    messages = Messages(phone.peer.jid)
    with ThreadPoolExecutor(1) as pool, Peer(verona.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "work")
        gone = Event()

        def cut() -> None:
            assert gone.wait(PATIENCE)
            verona.process.kill()

        with phone.peer:
            phone.appear()
            enable(phone.peer, resume="true")
            run = pool.submit(messages.run, romeo, 400, cut)
            phone.takes(0, 100)
            phone.peer.ping()  # the server knows; what has come meanwhile is not acknowledged
        gone.set()
        run.result()
    verona.start()
    async with there(verona) as juliet:
        got = await given(verona, juliet)
    assert got == list(range(100, 100 + len(got)))
    messages.known(100 + len(got))
    async with there(verona) as juliet:
        assert await given(verona, juliet) == []


async def test_what_a_client_has_acknowledged_is_not_given_again_and_all_else_is(
    verona: Server,
) -> None:
    """XEP-0160 §2, XEP-0198 §4: a message leaves the store when it is in its client's hands."""
    with Peer(verona.c2s, VERONA) as romeo:
        romeo.log_in("romeo", PASSWORD, "work")
        romeo.send("".join(map(message, range(100))))
        romeo.ping()
    phone = Phone(verona)
    with phone.peer:
        enable(phone.peer)
        phone.peer.send("<presence/>")
        phone.takes(0, 40)
        phone.peer.ping()
        # Written behind what was forgotten.
        assert phone.peer.ask(notes_with(0), "set").get("type") == "result"
        verona.process.kill()
    verona.start()
    async with there(verona) as juliet:
        assert await given(verona, juliet) == list(range(40, 100))
    verona.process.kill()
    verona.start()
    async with there(verona) as juliet:
        assert await given(verona, juliet) == []
