"""Presence follows the lists (XEP-0016 §2.10, §2.11, notes; XEP-0191 §3.3, §3.4).

Who may no longer see a user is told that he is gone, who may see him again where he is, and so
is the user of those whom he may no longer, or again, see: but nobody of whom he never saw.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.people import JULIET, put, told
from tests.support.privacy import block, do, listed, named, put_list, rule, unblock
from tests.support.server import DOMAIN, Client, Verona
from xmppd.jid import JID
from xmppd.subscription import BOTH, FROM, LISTED, TO
from xmppd.wire.stanza import Stanza

ROMEO = f"romeo@{DOMAIN}"
CONTACTS = {"both": BOTH, "to": TO, "from": FROM, "none": 0}
"""What juliet's contacts in mantua.lit are called, and the state they are in."""

Change = Callable[[Client], None]


def deny(kinds: str = "") -> str:
    return rule(1, "deny", kinds, jid="mantua.lit")


def do_block(juliet: Client) -> None:
    assert not do(juliet, block("mantua.lit"))


def do_unblock(juliet: Client) -> None:
    assert not do(juliet, unblock("mantua.lit"))


def default(kinds: str) -> Change:
    return lambda juliet: put_list(juliet, "public", deny(kinds), apply="default")


def active(kinds: str) -> Change:
    return lambda juliet: put_list(juliet, "private", deny(kinds), apply="active")


def edited(kinds: str) -> Change:
    """A list that applies already comes to deny them."""

    def change(juliet: Client) -> None:
        put_list(juliet, "public", rule(9, "allow"), apply="default")
        put_list(juliet, "public", deny(kinds))

    return change


def decline(verb: str) -> Change:
    def change(juliet: Client) -> None:
        assert not do(juliet, named(verb))

    return change


def remove(juliet: Client) -> None:
    assert not do(juliet, listed("public"))


WAYS = {
    "blocking": (lambda kinds: do_block, do_unblock),
    "default": (default, decline("default")),
    "active": (active, decline("active")),
    "edited": (edited, remove),
}


class Scene:
    """Juliet is available, once or not at all; her contacts are on another server."""

    def __init__(self, presence: str = "<presence/>") -> None:
        self.server = Verona()
        self.out: list[Stanza] = []
        self.server.host.router.routes["mantua.lit"] = self.out.append
        for name, state in CONTACTS.items():
            put(self.server, JULIET, f"{name}@mantua.lit", state | LISTED)
        self.juliet = self.server.log_in("juliet", "balcony").send(presence)
        self.after(lambda juliet: None)

    def after(self, change: Change) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """Whom what is told once juliet has changed something, and what she is told of whom."""
        self.out.clear()
        self.juliet.take()
        log = len(self.juliet.log)
        change(self.juliet)
        self.juliet._read = log
        seen = {(e[0], JID.parse(e[-1]).local) for e in told(self.juliet) if "mantua" in e[-1]}
        return {(s.type, s.to.local if s.to else "") for s in self.out}, seen


@pytest.mark.parametrize("way", WAYS)
def test_2_10_2_11_both_sides_lose_sight_of_each_other_and_find_it_again(way: str) -> None:
    scene = Scene()
    begin, end = WAYS[way]
    said, seen = scene.after(begin(""))
    assert said == {("unavailable", "both"), ("unavailable", "from")}, "who may see her, no others"
    assert seen == {("unavailable", "both"), ("unavailable", "to")}, "whom she may see"
    said, _ = scene.after(end)
    shown = {("", "both"), ("", "from")}
    assert said == shown | {("probe", "both"), ("probe", "to")}


@pytest.mark.parametrize("way", [w for w in WAYS if w != "blocking"])
@pytest.mark.parametrize("kinds", ["presence-in", "presence-out", "message iq"])
def test_2_10_2_11_each_direction_by_itself(way: str, kinds: str) -> None:
    scene = Scene()
    begin, end = WAYS[way]
    said, seen = scene.after(begin(kinds))
    assert bool(said) == (kinds == "presence-out")
    assert bool(seen) == (kinds == "presence-in")
    said, _ = scene.after(end)
    assert {type_ for type_, _ in said} == {"presence-out": {""}, "presence-in": {"probe"}}.get(
        kinds, set()
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("presence", ["", "<presence/><presence type='unavailable'/>"])
def test_who_is_not_available_tells_nothing(way: str, presence: str) -> None:
    scene = Scene(presence)
    for change in (WAYS[way][0](""), WAYS[way][1]):
        assert scene.after(change) == (set(), set())


def test_a_list_for_one_session_hides_that_one_only() -> None:
    scene = Scene()
    garden = scene.server.log_in("juliet", "garden").send("<presence/>")
    garden.take(), scene.out.clear()
    active("")(garden)
    assert {str(s.sender) for s in scene.out} == {f"{JULIET}/garden"}
    assert [each for each in told(scene.juliet) if "mantua" in each[-1]] == []


def test_what_two_lists_agree_on_is_not_told_again() -> None:
    scene = Scene()
    scene.after(default(""))
    assert scene.after(active("")) == (set(), set())
    assert scene.after(decline("active")) == (set(), set())


def test_a_local_contact_who_is_there_goes_and_comes_with_each_resource() -> None:
    """He is told as if he were elsewhere; she of the resources that she has seen."""
    server = Verona()
    put(server, JULIET, ROMEO)
    put(server, ROMEO, JULIET)
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    hidden = server.log_in("romeo", "street")
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    romeo.take(), juliet.take()
    juliet.send(f"<iq type='set' id='b'>{block(ROMEO)}</iq>")
    assert ("unavailable", f"{ROMEO}/orchard") in (seen := told(juliet))
    assert not [each for each in seen if hidden.jid in each]
    assert told(romeo) == [("unavailable", f"{JULIET}/balcony")]
    juliet.send(f"<iq type='set' id='u'>{unblock(ROMEO)}</iq>")
    assert ("available", f"{ROMEO}/orchard") in told(juliet)
    assert told(romeo) == [("available", f"{JULIET}/balcony")]


def test_of_who_hides_from_her_she_is_told_nothing() -> None:
    """Else her own block would show her that he is there."""
    server = Verona()
    put(server, JULIET, ROMEO)
    put(server, ROMEO, JULIET)
    romeo = server.log_in("romeo", "orchard").send("<presence/>")
    assert not do(romeo, block(JULIET))
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    juliet.take()
    for payload in (block(ROMEO), unblock(ROMEO)):
        juliet.send(f"<iq type='set' id='b'>{payload}</iq>")
        assert [each for each in told(juliet) if "romeo" in each[-1]] == []
