"""A room is what XEP-0045 says, whatever ten people do to it in whatever order.

A play that goes wrong is shown line by line, as short as Hypothesis can make it.
"""

from __future__ import annotations

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.muc_play import ACCOUNTS, SESSIONS, Stage
from tests.support.muc_values import AFFILIATIONS, ROLES, account_of
from tests.support.steps import Step

CREATED = Step("juliet/balcony", "enter", "Juliet")
INSTANT = Step("juliet/balcony", "unlock")
NICKS = (*(name.capitalize() for name in ACCOUNTS), "juliet", "ROMEO", "Montague", "")
SHOWS = ("", "away", "dnd")

sessions = st.sampled_from(SESSIONS)
nicks = st.sampled_from(NICKS)
numbers = st.integers(0, 11).map(str)
occupants = st.one_of(numbers, numbers, numbers, sessions)
"""Anybody, but mostly who is in the room."""
targets = st.one_of(numbers, numbers, numbers, nicks.filter(bool))
rulers = st.one_of(*map(st.just, ("owner", "owner", "admin", "moderator")), occupants)
"""Anybody, but mostly who has a say."""


def entering(who: str) -> st.SearchStrategy[Step]:
    """Somebody enters, mostly by his own name."""
    own = st.just(account_of(who).capitalize())
    passwords = st.sampled_from(["", "rosemary"])
    return st.builds(Step, st.just(who), st.just("enter"), st.one_of(own, own, nicks), passwords)


def doing(
    verb: str, *what: st.SearchStrategy[object], by: st.SearchStrategy[str] = occupants
) -> st.SearchStrategy[Step]:
    """Somebody does something."""
    return st.builds(Step, by, st.just(verb), *what)


changes = st.fixed_dictionaries(
    {},
    optional={
        "members_only": st.booleans(),
        "moderated": st.booleans(),
        "anonymous": st.booleans(),
        "persistent": st.booleans(),
        "change_subject": st.booleans(),
        "password": st.sampled_from(["", "rosemary"]),
        "private_messages": st.sampled_from(["anyone", "participants", "moderators", "none"]),
        "broadcast": st.sets(st.sampled_from(ROLES[1:])).map(frozenset),
    },
)

entrances = sessions.flatmap(entering)
in_the_room = st.one_of(
    doing("say"),
    doing("show", st.just(""), st.sampled_from(SHOWS)),
    doing("show", nicks, st.sampled_from(SHOWS)),
    doing("subject", by=rulers),
    doing("whisper", targets),
)
roles = doing("give_role", targets, st.sampled_from(ROLES), by=rulers)
affiliations = doing(
    "affiliate", st.sampled_from(ACCOUNTS), st.sampled_from(AFFILIATIONS), by=rulers
)
configurations = st.builds(
    lambda who, change: Step(who, "configure", **change),
    st.one_of(st.just("owner"), rulers),
    changes,
)
ends = st.one_of(
    *(doing("leave"), doing("vanish"), doing("unlock", by=rulers), doing("destroy", by=rulers))
)
steps = st.one_of(
    *(entrances, in_the_room, in_the_room, roles, roles, affiliations, affiliations),
    *(configurations, ends),
)

reserved = changes.map(lambda change: Step("juliet/balcony", "configure", **change))
opening = st.one_of(st.just(INSTANT), reserved)
cast = st.lists(sessions, unique=True).map(
    lambda people: [Step(who, "enter", account_of(who).capitalize()) for who in people]
)
# Lists of lists are longer than lists, and shrink as well.
scenes = st.lists(st.lists(steps)).map(lambda found: [step for each in found for step in each])


class House:
    """A stage for each play; the same one as long as it is not worn."""

    LASTS = 50
    """Plays. The server remembers to where people have sent presence, in rooms that are no more."""

    def __init__(self) -> None:
        self._plays = 0

    def begin(self) -> Stage:
        if self._plays % self.LASTS == 0:
            self._stage = Stage(note)
        self._plays += 1
        self._stage.begin()
        return self._stage


HOUSE = House()


@settings(max_examples=300)
@given(opening, cast, scenes)
def test_everybody_sees_and_hears_what_he_should(
    opening: Step, cast: list[Step], scenes: list[Step]
) -> None:
    there = HOUSE.begin()
    for step in (CREATED, opening, *cast, *scenes):
        there.play(step)
