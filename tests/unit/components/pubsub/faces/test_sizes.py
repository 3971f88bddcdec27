"""What is listed goes into a stanza, whatever those who are in the lists are called.

Their names are their own, and an octet of them may take six where they are listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

import pytest

from components.pubsub.model.node import Subscription
from components.pubsub.model.parcels import OCTETS
from components.pubsub.model.ranks import Affiliation, State
from tests.support.pubsub import NS, OWNER, P, Person, error
from tests.support.pubsub_items import done, opened
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.jid import JID

R = "{http://jabber.org/protocol/rsm}"
LONG = "'" * 1_000
AROUND = 15_000
"""What stands around a list, as the names that say which page it is."""


def octets(answer: Element) -> int:
    """About what it took on the wire: quotation marks were references."""
    text = tostring(answer).decode()
    return len(text.encode()) + 5 * text.count("'")


def paged(person: Person, request: str, back: str, *, owner: bool = False) -> Iterator[Element]:
    """All pages of a list, one behind the other, or from the end on."""
    way, beside = ("before", "first") if back else ("after", "last")
    page = f"<set xmlns='{R[1:-1]}'><before/></set>" if back else ""
    for _ in range(50):
        answer = person.pubsub(request + page, "get", owner=owner)
        assert answer.get("type") == "result", error(answer)
        assert octets(answer) < OCTETS + AROUND
        told = answer.find(f"*/{R}set")
        if told is None or told.find(f"{R}first") is None:
            return
        yield answer
        key = told.findtext(f"{R}{beside}")
        assert key is not None
        page = f"<set xmlns='{R[1:-1]}'><{way}>{key}</{way}></set>"


def crowd(juliet: Person, name: str = "play", count: int = 60) -> list[JID]:
    """Have a node with subscribers whose resources are as long as may be, and take more."""
    node = opened(juliet, name)
    people = [JID.parse(f"r{n}@montague.lit/{LONG}{n}") for n in range(count)]
    put = [Subscription(jid, f"s{n:03}", State.SUBSCRIBED) for n, jid in enumerate(people)]
    done(juliet, juliet.globe.service.subscribing.change(node, put))
    return people


@pytest.mark.parametrize("back", ["", "back"])
def test_8_8_1_subscriptions_come_in_as_many_pages_as_they_need(juliet: Person, back: str) -> None:
    crowd(juliet)
    seen: list[str | None] = []
    for answer in paged(juliet, "<subscriptions node='play'/>", back, owner=True):
        ids = [each.get("subid") for each in answer.iter(f"{OWNER}subscription")]
        first = answer.find(f".//{R}first")
        assert first is not None
        assert first.get("index") == str((ids[0] or "s")[1:].lstrip("0") or "0")
        seen = ids + seen if back else seen + ids
    assert seen == [f"s{n:03}" for n in range(60)]


def test_8_8_2_4_what_was_wrong_comes_back_as_far_as_it_fits(juliet: Person) -> None:
    """Each entry that can't be so would bring back all that somebody has."""
    node = opened(juliet)
    jid = JID.parse(f"romeo@{DOMAIN}/{LONG}")
    put = [Subscription(jid, f"s{n}", State.SUBSCRIBED) for n in range(20)]
    done(juliet, juliet.globe.service.subscribing.change(node, put))
    entry = f'<subscription jid="{jid}" subscription="unheard-of"/>'
    inner = f"<subscriptions node='play'>{entry * 20}</subscriptions>"
    answer = juliet.pubsub(inner, owner=True)
    assert error(answer) == ("not-acceptable",)
    assert answer.find(f"{OWNER}pubsub/{OWNER}subscriptions/{OWNER}subscription") is not None
    assert octets(answer) < OCTETS + AROUND


def test_8_7_2_nodes_with_requests_are_named_as_far_as_they_fit(juliet: Person) -> None:
    names = [f"{n:02}{LONG}" for n in range(30)]
    for n, name in enumerate(names):
        node = opened(juliet, name)
        pending = Subscription(JID.parse("romeo@capulet.lit"), f"s{n}", State.PENDING)
        done(juliet, juliet.globe.service.subscribing.change(node, [pending]))
    command = f"<command xmlns='{ns.COMMANDS}' node='{NS}#get-pending'/>"
    answer = juliet.ask(command, "set")
    shown = [each.text for each in answer.iter(f"{{{ns.DATA_FORM}}}value") if each.text in names]
    assert shown == names[: len(shown)]
    assert 0 < len(shown) < 30
    assert octets(answer) < OCTETS + AROUND


def test_5_4_people_are_named_as_far_as_they_fit(juliet: Person) -> None:
    node = opened(juliet)
    for n in range(200):
        name = f"{'r' * 1_000}{n}@{DOMAIN}"
        rank = Affiliation.OWNER if n % 2 else Affiliation.PUBLISHER
        node.affiliations[JID.parse(name)] = rank
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}' node='play'/>")
    assert answer.get("type") == "result"
    assert octets(answer) < OCTETS


def test_8_2_2_groups_are_offered_as_far_as_they_fit(juliet: Person) -> None:
    opened(juliet)
    groups = "".join(f"<group>{n}{'g' * 200}</group>" for n in range(20))
    for n in range(10):
        item = f"<item jid='r{n}@montague.lit'>{groups.replace('<group>', f'<group>{n}')}</item>"
        juliet.send(f"<iq type='set' id='r'><query xmlns='{ns.ROSTER}'>{item}</query></iq>").came()
    answer = juliet.pubsub("<configure node='play'/>", "get", owner=True)
    options = list(answer.iter(f"{{{ns.DATA_FORM}}}option"))
    assert any("ggg" in (each[0].text or "") for each in options)
    assert octets(answer) < 40_000


def test_5_7_affiliations_to_nodes_of_long_names(juliet: Person) -> None:
    names = [f"{n:02}{LONG}" for n in range(30)]
    for name in names:
        opened(juliet, name)
    seen: list[str | None] = []
    for answer in paged(juliet, "<affiliations/>", ""):
        seen += [each.get("node") for each in answer.iter(f"{P}affiliation")]
    assert seen == names
