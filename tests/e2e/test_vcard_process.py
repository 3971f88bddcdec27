"""`twistd xmppd-vcard` as two processes of one domain, and one of them killed."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from components.common.instances import Epoch
from tests.e2e.processes import PEOPLE, Company, Program, company, there
from tests.e2e.verona import VERONA
from tests.support.peers import Peer
from tests.support.postgresql import PostgreSQL
from tests.support.process import until
from tests.support.server import condition
from xmppd import ns
from xmppd.bundled import BUNDLED
from xmppd.jid import JID

JULIET, ROMEO, _ = PEOPLE
[GRANTS] = [each.grants for each in BUNDLED if each.name == "vcard"]
VCARDS = Program("vcard", f"vcard.{VERONA}", {**GRANTS, "route_by": "from"})
ASKED = 12
"""Requests that are under way when the process dies that has them."""

_BOTH = Epoch(1, "one", ("one", "two"), "from")
assert [_BOTH.owner(JID.parse(each)) for each in (JULIET, ROMEO)] == ["one", "two"]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Company]:
    """Two instances on one PostgreSQL: Juliet's vCard is one's business, Romeo's is two's."""
    database = PostgreSQL()
    database.start()
    try:
        database.execute("CREATE DATABASE vcards")
        with company(tmp_path, VCARDS, {"url": database.url("vcards")}, 2) as made:
            made.start("one")
            made.start("two")
            yield made
    finally:
        database.remove()


def card(name: str = "") -> str:
    return f"<vCard xmlns='{ns.VCARD}'>{name and f'<FN>{name}</FN>'}</vCard>"


def name_of(peer: Peer, account: str) -> str | None:
    answer = peer.ask(card(), to=account)
    assert answer.get("type") == "result", condition(answer)
    return answer.findtext(f".//{{{ns.VCARD}}}FN")


def owed(desks: Company, instance: str) -> int:
    """How many requests an instance has not answered, as the server counts them."""
    told = json.loads(desks.server.process.ctl("components", "--json").stdout)
    [component] = told["components"]
    return sum(each["pending"] for each in component["instances"] if each["name"] == instance)


def answers(peer: Peer, number: int) -> dict[str, Element]:
    """So many answers, by the ids of what was asked."""
    found: dict[str, Element] = {}
    while len(found) < number:
        answer = peer.element()
        found[answer.get("id", "")] = answer
    return found


def test_nobody_waits_for_an_instance_that_is_killed(desks: Company) -> None:
    """All that it was asked is refused at once; what comes next is the other's, and kept."""
    with there(desks.server, "juliet", "romeo") as (juliet, romeo):
        for peer, name in ((juliet, "Juliet"), (romeo, "Romeo")):
            assert peer.ask(card(name), "set").get("type") == "result"
        assert [name_of(each, JULIET) for each in (juliet, romeo)] == ["Juliet", "Juliet"]
        one = desks.processes["one"]
        one.signal(signal.SIGSTOP)  # it has got them, and answers none
        for number in range(ASKED):
            romeo.send(f"<iq type='get' id='{number}' to='{JULIET}'>{card()}</iq>")
        juliet.send(f"<iq type='set' id='set'>{card('Montague')}</iq>")
        until(lambda: owed(desks, "one") == ASKED + 1)
        assert name_of(juliet, ROMEO) == "Romeo", "nobody waits for the other one"
        one.kill()
        refused = {**answers(romeo, ASKED), **answers(juliet, 1)}
        assert set(refused) == {*map(str, range(ASKED)), "set"}
        assert {condition(each) for each in refused.values()} == {"service-unavailable"}
        assert name_of(romeo, JULIET) == "Juliet"
        assert juliet.ask(card("Juliet Capulet"), "set").get("type") == "result"
        desks.start("one")
        assert name_of(romeo, JULIET) == "Juliet Capulet"
        assert juliet.ask(card("Giulietta"), "set").get("type") == "result"
        desks.processes["one"].kill()
        assert name_of(romeo, JULIET) == "Giulietta", "what the other had in memory is old"
