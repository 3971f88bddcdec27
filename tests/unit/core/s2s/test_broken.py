"""Links that break: what was on its way arrives once, in its order, or its sender is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.federated import Town, Web
from tests.support.server import Client, condition
from xmppd import ns

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@montague.lit"


class Scene:
    """Juliet and romeo at two servers that have met, and how to break the link."""

    def __init__(self, **s2s: Any) -> None:
        self.web = Web()
        self.verona = self.web.town(CAPULET, s2s=s2s)
        self.mantua = self.web.town(MONTAGUE, s2s=s2s)
        self.juliet, self.romeo = self.verona.log_in("juliet"), self.mantua.log_in("romeo")
        self.say("hello")
        self.web.advance(5)
        assert bodies(self.romeo) == ["hello"]

    def say(self, *texts: str) -> None:
        for text in texts:
            self.juliet.send(chat(ROMEO, text))

    def answer(self, *texts: str) -> None:
        for text in texts:
            self.romeo.send(chat(JULIET, text))

    @property
    def wire(self) -> Any:
        (connection,) = self.verona.remotes.connections
        return connection.wire

    def lose(self) -> None:
        """What is on its way is lost, and then the link."""
        wire = self.wire
        self.web.way.clear()
        wire.cut()
        self.web.settle()


def chat(to: str, body: str) -> str:
    return f"<message to='{to}' type='chat'><body>{body}</body></message>"


def bodies(client: Client) -> list[str]:
    return [e.findtext(f"{{{ns.CLIENT}}}body", "") for e in client.elements()]


@pytest.mark.parametrize("resume", [0, 120])
def test_what_was_lost_on_the_way_arrives_once_and_in_order_xep0198_5(resume: int) -> None:
    scene = Scene(resume_seconds=resume)
    scene.say("one", "two", "three")
    scene.lose()
    scene.say("four")
    scene.web.advance(5)
    assert bodies(scene.romeo) == ["one", "two", "three", "four"]
    assert bodies(scene.juliet) == []


def test_what_has_arrived_does_not_arrive_again_xep0198_5() -> None:
    """The link breaks before it was acknowledged, and the peer says how much it has."""
    scene = Scene()
    scene.say("one", "two")
    scene.web.settle()
    scene.say("three")
    scene.lose()
    scene.web.advance(5)
    assert bodies(scene.romeo) == ["one", "two", "three"]


def test_what_was_lost_on_the_way_back_arrives_as_well_xep0288() -> None:
    """Mantua has sent it on the stream that verona had opened."""
    scene = Scene()
    scene.answer("one", "two")
    scene.lose()
    scene.answer("three")
    scene.web.advance(5)
    assert bodies(scene.juliet) == ["one", "two", "three"]
    assert bodies(scene.romeo) == []


@pytest.mark.parametrize("steps", range(40))
def test_wherever_the_first_link_breaks_nothing_comes_twice_xep0198_5(steps: int) -> None:
    """Nothing is sent before the peer has agreed to count: it could not be resumed."""
    web = Web()
    verona, mantua = web.town(CAPULET), web.town(MONTAGUE)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    for text in ("one", "two", "three"):
        juliet.send(chat(ROMEO, text))
    for _ in range(steps):
        if web.way:
            web.way.popleft()()
    web.way.clear()
    for connection in list(verona.remotes.connections):
        wire: Any = connection.wire
        wire.cut()
    web.advance(10)
    juliet.send(chat(ROMEO, "four"))
    web.advance(10)
    came = bodies(romeo)
    assert came[-1] == "four"
    assert came == list(dict.fromkeys(came))


def test_again_and_again() -> None:
    scene = Scene()
    for n in range(10):
        scene.say(f"{n}")
        scene.lose()
    scene.web.advance(5)
    assert bodies(scene.romeo) == [f"{n}" for n in range(10)]


def test_a_peer_that_does_not_come_back_is_not_waited_for_for_ever() -> None:
    scene = Scene(resume_seconds=30, retry_seconds=5)
    scene.say("one")
    scene.web.at.clear()
    scene.lose()
    scene.web.advance(20)
    assert bodies(scene.juliet) == []
    scene.web.advance(60)
    found = scene.juliet.elements()
    assert [condition(each) for each in found] == ["remote-server-timeout"]
    assert at_rest(scene.verona)


def test_a_peer_that_comes_back_in_time_has_it_all() -> None:
    scene = Scene(resume_seconds=60, retry_seconds=5)
    there = dict(scene.web.at)
    scene.web.at.clear()
    scene.say("one")
    scene.lose()
    scene.say("two")
    scene.web.advance(20)
    scene.web.at.update(there)
    scene.web.advance(20)
    assert bodies(scene.romeo) == ["one", "two"]
    assert bodies(scene.juliet) == []


def test_a_request_is_not_done_twice() -> None:
    """Where the stream is not resumed nobody knows whether it was done: who asked is told."""
    scene = Scene(resume_seconds=0)
    scene.juliet.send(f"<iq to='{MONTAGUE}' type='get' id='q'><ping xmlns='{ns.PING}'/></iq>")
    scene.lose()
    scene.web.advance(5)
    (answer,) = scene.juliet.elements()
    assert (answer.get("id"), condition(answer)) == ("q", "remote-server-timeout")


def test_a_server_that_was_started_anew_resumes_nothing_but_gets_it_all() -> None:
    scene = Scene()
    scene.say("one")
    again = scene.web.town(MONTAGUE)
    romeo = again.log_in("romeo")
    scene.lose()
    scene.say("two")
    scene.web.advance(5)
    assert bodies(romeo) == ["one", "two"]


def at_rest(town: Town) -> bool:
    remotes = town.remotes
    pairs = [pair for each in remotes._remotes.values() for pair in each.pairs.values()]
    return not remotes.connections and all(pair.idle for pair in pairs)


def test_after_all_that_nothing_is_left() -> None:
    scene = Scene(resume_seconds=30, idle_seconds=60)
    scene.say("one")
    scene.answer("two")
    scene.lose()
    scene.web.advance(200)
    for town in (scene.verona, scene.mantua):
        assert at_rest(town)
        assert not town.remotes.management._lost
        assert not town.remotes.management._attached
    assert bodies(scene.romeo) == ["one"]
    assert bodies(scene.juliet) == ["two"]
    left = [c for c in scene.web.clock.getDelayedCalls() if "Looping" not in repr(c)]
    assert left == []


def test_a_stream_that_has_owed_nothing_keeps_its_domain_no_longer_than_it_may_be_resumed() -> None:
    """Such domains were never forgotten, until there was no room for any other."""
    scene = Scene(resume_seconds=30)
    scene.web.at.clear()
    scene.lose()
    scene.web.advance(20)
    assert not at_rest(scene.verona)
    scene.web.advance(20)
    assert at_rest(scene.verona)
