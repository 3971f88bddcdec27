"""NodeIDs of all characters that one may have (XEP-0060 §4.6), and all others refused alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from components.pubsub.model import nodeid
from tests.support.pubsub import PUBSUB, Globe, Person, error
from xmppd import ns

LIST = f"{{{ns.DISCO_ITEMS}}}"
CHARACTERS = 250
"""Of one name: with all of four octets it may still be one."""


def characters() -> Iterator[str]:
    """All that XML has of the first plane, and some of the others."""
    for code in (*range(0x20, 0x10000), *range(0x10000, 0x110000, 97)):
        if not (0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE):
            yield chr(code)


def possible(name: str) -> bool:
    try:
        nodeid.check(name)
    except ValueError:
        return False
    return True


def names(alone: list[str]) -> Iterable[str]:
    """Names that have all of these in them; some do not go together."""
    if possible(name := "".join(alone)):
        return [name]
    half = len(alone) // 2
    return [*names(alone[:half]), *names(alone[half:])] if half else []


def test_4_6_every_character_that_there_may_be_comes_back_as_it_was() -> None:
    """By the name a node is created, found, published to, read, and told of."""
    globe = Globe(nodes=0, own_subscriptions=0).start()
    juliet, romeo = globe.person("juliet"), globe.person("romeo")
    alone = [each for each in characters() if possible(each)]
    starts = range(0, len(alone), CHARACTERS)
    made = {name for at in starts for name in names(alone[at : at + CHARACTERS])}
    assert set("".join(made)) == set(alone)
    for name in sorted(made):
        assert juliet.create(name).get("type") == "result", ascii(name)
    for name in sorted(made)[:: max(1, len(made) // 100)]:
        assert romeo.subscribe(name).get("type") == "result"
        assert juliet.publish(name, id_="1").get("type") == "result"
        (items,) = romeo.event()
        assert items.get("node") == name
        assert romeo.ids(name) == ["1"]
    assert listed(romeo) == sorted(made)


def listed(person: Person) -> list[str]:
    """The nodes at the domain, from page to page."""
    found: list[str] = []
    while True:
        after = f"<after>{quoteattr(found[-1])[1:-1]}</after>" if found else ""
        page = f"<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>{after}</set>"
        answer = person.ask(f"<query xmlns='{ns.DISCO_ITEMS}'>{page}</query>", to=PUBSUB)
        more = [each.get("node", "") for each in answer.iter(f"{LIST}item")]
        if not more:
            return found
        found += more


def test_4_6_2_all_others_are_refused_alike() -> None:
    """And are no node for whatever else is asked for by them."""
    globe = Globe(nodes=0).start()
    juliet = globe.person("juliet")
    refused = [each for each in characters() if not possible(f"a{each}b")]
    for each in refused[:: len(refused) // 200]:
        name = f"a{each}b"
        assert error(juliet.create(name)) == ("not-acceptable",), ascii(name)
        for answer in (juliet.items(name), juliet.publish(name), juliet.subscribe(name)):
            assert error(answer) == ("item-not-found",), ascii(name)
