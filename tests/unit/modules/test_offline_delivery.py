"""Offline messages on their way to a client: one at a time, in order, none lost (XEP-0160 §2)."""

from __future__ import annotations

import pytest

from tests.support.logs import logged
from tests.support.offline import (
    Slowed,
    backlog,
    bodies,
    chat,
    come,
    messages,
    numbered,
    numbers,
    slow,
    waiting,
)
from tests.support.people import JULIET, ROMEO
from tests.support.privacy import put_list, rule
from tests.support.server import Client, Verona, condition
from xmppd import ns
from xmppd.errors import StoreBusy
from xmppd.modules.offline import LONGEST_PAUSE, PAGE, RETRY, ROOM
from xmppd.storage.offline import Backlog

AVAILABLE = "<presence/>"


# ---------------------------------------------------------------- order


def test_any_number_of_pages_comes_in_order(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 2 * PAGE + 1))
    assert bodies(come(server)) == numbers(1, 2 * PAGE + 1)
    assert backlog(server, JULIET) == Backlog(0, 0)


def test_what_comes_meanwhile_lines_up_behind_it(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 2))
    pages = Slowed(server.host.stores.offline, "page")
    juliet = come(server)
    romeo.send(numbered(3, 3) + chat(f"{JULIET}/gone", "4"))
    assert bodies(juliet) == []
    pages.as_before()
    assert bodies(juliet) == numbers(1, 4)
    romeo.send(numbered(5, 5))
    assert bodies(juliet) == ["5"]
    assert waiting(server, JULIET) == []


def test_what_is_no_message_to_keep_does_not_wait(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 1))
    pages = Slowed(server.host.stores.offline, "page")
    juliet = come(server)
    romeo.send(chat(JULIET, "headline", type_="headline"))
    romeo.send(f"<message to='{JULIET}' type='chat'><gone xmlns='{ns.CHAT_STATES}'/></message>")
    romeo.send(chat(f"{JULIET}/balcony", "direct"))
    romeo.send(chat(JULIET, "transient", f"<no-store xmlns='{ns.HINTS}'/>"))
    assert bodies(juliet) == ["headline", None, "direct", "transient"]
    pages.as_before()
    assert bodies(juliet) == ["1"]


def test_a_message_that_is_still_being_stored_is_waited_for(server: Verona, romeo: Client) -> None:
    writes = Slowed(server.host.stores.offline, "put")
    romeo.send(numbered(1, 2))
    juliet = come(server)
    romeo.send(numbered(3, 3))
    assert bodies(juliet) == []
    writes.go_on()
    writes.go_on()
    assert bodies(juliet) == []
    writes.go_on()
    assert bodies(juliet) == numbers(1, 3)


def test_a_message_that_can_not_be_stored_comes_back(server: Verona, romeo: Client) -> None:
    server.host.stores.offline.put = lambda *args: 1 / 0  # type: ignore[method-assign]
    romeo.send(numbered(1, 1))
    assert condition(romeo.one()) == "internal-server-error"
    assert bodies(come(server)) == []


def test_one_that_is_read_anew_while_a_message_is_stored_gets_it(
    server: Verona, romeo: Client
) -> None:
    writes = Slowed(server.host.stores.offline, "put")
    romeo.send(numbered(1, 1))
    server.host.residents.forget(server.resident(JULIET).jid)
    assert server.resident(JULIET) is not None
    writes.go_on()
    assert bodies(come(server)) == ["1"]
    assert backlog(server, JULIET) == Backlog(0, 0)


def test_it_is_tried_again_where_the_store_could_not_be_read(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 2))
    pages = Slowed(server.host.stores.offline, "page")
    juliet = come(server)
    with logged("critical") as lines:
        pages.fail(StoreBusy("too much waits"))
    assert [line.split(":")[0] for line in lines] != []
    pages.as_before()
    assert bodies(juliet) == []
    server.clock.advance(RETRY)
    assert bodies(juliet) == ["1", "2"]


def test_what_could_not_be_forgotten_comes_no_second_time(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 1))
    forgetting = Slowed(server.host.stores.offline, "forget")
    juliet = come(server)
    server.clock.advance(0)
    with logged("critical") as lines:
        forgetting.fail(StoreBusy("too much waits"))
    assert len(lines) == 1
    assert bodies(juliet) == ["1"]
    juliet.send("<presence type='unavailable'/>")
    romeo.send(numbered(2, 2))
    assert bodies(juliet.send(AVAILABLE)) == ["2"]


def test_a_module_that_is_switched_off_delivers_nothing_more(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 3))
    juliet = slow(server).send(AVAILABLE)
    server.reload(modules={"off": ["offline"]})
    juliet.behind = 0
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(juliet) == []
    server.reload()
    assert bodies(juliet.send("<presence type='unavailable'/>").send(AVAILABLE)) == ["1", "2", "3"]


def test_one_that_can_not_be_read_keeps_no_other_back(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 1))
    resident = server.resident(JULIET)
    server.clock.advance(1)
    number = int(server.clock.seconds() * 1e6)
    server.done(server.host.stores.offline.put(resident.id, number, b"<message"))
    server.clock.advance(1)
    romeo.send(numbered(2, 2))
    with logged("critical") as lines:
        assert bodies(come(server)) == ["1", "2"]
    assert [str(number) in line for line in lines] == [True]
    assert waiting(server, JULIET) == [b"<message"]


def test_forged_addresses_do_not_come_back_from_the_store(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "1").replace("<message", f"<message from='{ROMEO}/orchard'"))
    (message,) = messages(come(server))
    assert (message.get("from"), message.get("to")) == (f"{ROMEO}/orchard", JULIET)


# ---------------------------------------------------------------- to whom


def test_of_two_that_come_at_once_one_gets_them(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 3))
    pages = Slowed(server.host.stores.offline, "page")
    clients = come(server), come(server, "chamber")
    pages.as_before()
    assert sorted(map(bodies, clients)) == [[], numbers(1, 3)]
    assert waiting(server, JULIET) == []


def test_who_leaves_before_it_has_them_leaves_them_to_who_is_there(
    server: Verona, romeo: Client
) -> None:
    romeo.send(numbered(1, PAGE + 5))
    juliet = slow(server)
    assert bodies(juliet.send(AVAILABLE)) == []
    other = come(server, "chamber")
    assert bodies(other) == [], "the first is being given them"
    juliet.hang_up()
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(other) == numbers(1, PAGE + 5)
    assert waiting(server, JULIET) == []


@pytest.mark.parametrize("farewell", ["<presence type='unavailable'/>", "</stream:stream>"])
def test_who_leaves_while_the_store_is_asked_gets_none(
    server: Verona, romeo: Client, farewell: str
) -> None:
    romeo.send(numbered(1, 2))
    pages = Slowed(server.host.stores.offline, "page")
    juliet = come(server)
    juliet.send(farewell)
    pages.as_before()
    assert b"<message" not in juliet.log
    assert bodies(come(server, "chamber")) == numbers(1, 2)


def test_who_becomes_negative_meanwhile_gets_no_more(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, PAGE + 5))
    juliet = slow(server)
    juliet.send(AVAILABLE).send("<presence><priority>-1</priority></presence>")
    juliet.behind = 0
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(juliet) == []
    assert bodies(juliet.send(AVAILABLE)) == numbers(1, PAGE + 5)


def test_a_slow_client_is_given_no_more_than_it_can_take(server: Verona) -> None:
    """Who has more than `write_buffer_bytes` before it is cut off, and has lost it all."""
    filling = f"<x xmlns='urn:example:x'>{'x' * 10_000}</x>"
    for number in range(1, 2 * PAGE + 1):
        server.log_in("romeo").send(chat(JULIET, str(number), filling)).hang_up()
    juliet = server.connect()
    taken = 0
    juliet.unsent = lambda: len(juliet.log) - taken  # type: ignore[method-assign]
    juliet.log_in("juliet")
    taken = len(juliet.log)
    juliet.send(AVAILABLE)
    got: list[str | None] = []
    while len(got) < 2 * PAGE:
        behind = len(juliet.log) - taken
        assert ROOM < behind < ROOM + 12_000 or len(got) > 2 * PAGE - 10
        server.clock.pump([LONGEST_PAUSE] * 10)
        assert len(juliet.log) - taken == behind
        taken = len(juliet.log)
        server.clock.advance(LONGEST_PAUSE)
        new = bodies(juliet)
        assert new
        got += new
    assert got == numbers(1, 2 * PAGE)
    assert waiting(server, JULIET) == []


def test_a_client_that_reads_is_not_kept_waiting(server: Verona, romeo: Client) -> None:
    romeo.send(numbered(1, 3))
    juliet = slow(server)
    assert bodies(juliet.send(AVAILABLE)) == []
    juliet.behind = 0  # once the turn is over
    server.clock.advance(0)
    assert bodies(juliet) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("priority", "to_slow"),
    [(5, []), (0, ["new"]), (-1, ["new"])],
)
def test_who_gets_what_waits_keeps_nothing_from_the_others(
    server: Verona, romeo: Client, priority: int, to_slow: list[str]
) -> None:
    romeo.send(numbered(1, PAGE + 1))
    juliet = slow(server).send(AVAILABLE)
    other = come(server, "chamber", priority)
    romeo.send(chat(JULIET, "new"))
    assert bodies(other) == (["new"] if priority >= 0 else []), "it need not wait"
    juliet.behind = 0
    server.clock.advance(LONGEST_PAUSE)
    assert bodies(juliet) == [*numbers(1, PAGE + 1), *to_slow]
    assert romeo.elements() == []


def test_another_that_refuses_it_takes_nothing_from_who_gets_what_waits(
    server: Verona, romeo: Client
) -> None:
    romeo.send(numbered(1, 1))
    deaf = server.log_in("juliet", "deaf")
    put_list(deaf, "silence", rule(1, "deny", "message"), apply="active")
    pages = Slowed(server.host.stores.offline, "page")
    juliet = come(server)
    deaf.send(AVAILABLE)
    romeo.send(numbered(2, 2))
    pages.as_before()
    assert bodies(juliet) == numbers(1, 2)
    assert bodies(deaf) == []
    assert romeo.elements() == []
