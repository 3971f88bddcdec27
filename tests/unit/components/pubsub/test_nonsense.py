"""Whatever somebody asks for has one answer; what is refused has changed nothing (XEP-0060 §12)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.logs import logged
from tests.support.people import C
from tests.support.pubsub import NS, PUBSUB, Globe, Person, error
from tests.support.pubsub_nonsense import forms, requests
from tests.support.server import DOMAIN

SERVICES = (PUBSUB, PUBSUB, f"juliet@{DOMAIN}", f"romeo@{DOMAIN}")
WHILE = 3.0
"""Seconds between two requests."""


class Scene:
    """Juliet, who owns a node at the domain and one at her account, and Romeo."""

    LASTS = 40
    """Plays."""

    def __init__(self) -> None:
        self._plays = 0

    def begin(self) -> Scene:
        if self._plays % self.LASTS == 0:
            self.globe = Globe(nodes=0).start()
            self.people = {name: self.globe.person(name) for name in ("juliet", "romeo")}
        self._plays += 1
        juliet = self.people["juliet"]
        for to in (PUBSUB, f"juliet@{DOMAIN}"):
            juliet.pubsub("<delete node='play'/>", to=to, owner=True)
            assert juliet.create("play", to=to).get("type") == "result"
            assert juliet.publish("play", id_="1", to=to).get("type") == "result"
        return self

    def known(self) -> list[str]:
        """All that Juliet, and Romeo, are told of the nodes."""
        juliet, romeo = self.people["juliet"], self.people["romeo"]
        found = []
        for to in (PUBSUB, f"juliet@{DOMAIN}"):
            found.append(juliet.items("play", to))
            for inner in ("configure", "affiliations", "subscriptions"):
                found.append(juliet.pubsub(f"<{inner} node='play'/>", "get", to, owner=True))
            for inner in ("affiliations", "subscriptions"):
                found.append(romeo.pubsub(f"<{inner}/>", "get", to))
        return [_content(each) for each in found]


def _content(answer: Element) -> str:
    answer.attrib.pop("id")
    return tostring(answer, "unicode")


SCENE = Scene()


@settings(max_examples=400)
@given(
    st.sampled_from(["juliet", "romeo"]),
    st.sampled_from(SERVICES),
    requests(),
)
def test_a_request_has_one_answer_and_what_is_refused_changes_nothing(
    who: str, to: str, request: tuple[str, str]
) -> None:
    there = SCENE.begin()
    asker = there.people[who]
    before = there.known()
    there.globe.pass_time(WHILE)
    with logged("critical") as failures:
        answer = asker.ask(request[1], request[0], to)
    assert not failures
    if answer.get("type") == "error":
        assert error(answer)[0] != "internal-server-error"
        assert there.known() == before
    elif who == "romeo":
        assert _of_owners(there.known()) == _of_owners(before)


def _of_owners(known: list[str]) -> list[str]:
    """What only Juliet may change: items, configuration and affiliations of her nodes."""
    return [*known[0:3], *known[6:9]]


@settings(max_examples=100)
@given(st.sampled_from(SERVICES[1:]), forms)
def test_a_message_with_any_form_does_no_harm(to: str, form: str) -> None:
    """§8.6: only an owner lets somebody in."""
    there = SCENE.begin()
    romeo = there.people["romeo"]
    before = there.known()
    with logged("critical") as failures:
        romeo.send(f"<message to='{to}' id='m'>{form}</message>")
    assert not failures
    assert there.known() == before


@pytest.mark.parametrize("to", [PUBSUB, f"juliet@{DOMAIN}"])
@pytest.mark.parametrize("deep", [200, 5_000])
def test_what_is_nested_deep_has_an_answer_or_ends_the_stream(to: str, deep: int) -> None:
    scene = Globe().start()
    juliet = scene.person("juliet")
    payload = "<a xmlns='x'>" + "<a>" * deep + "</a>" * deep + "</a>"
    item = f"<item id='1'>{payload}</item>"
    publish = f"<pubsub xmlns='{NS}'><publish node='play'>{item}</publish></pubsub>"
    with logged("critical") as failures:
        juliet.send(f"<iq type='set' id='q' to='{to}'>{publish}</iq>")
    assert not failures
    came = juliet.came()
    assert any(each.tag == f"{C}iq" for each in came) or juliet.client.closed
    other: Person = scene.person("romeo")
    assert other.create("hall").get("type") == "result"
