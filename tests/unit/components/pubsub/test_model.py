"""A node is what XEP-0060 says, whatever six people do with it in whatever order.

A play that goes wrong is shown line by line, as short as Hypothesis can make it.
"""

from __future__ import annotations

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.pubsub_play import ACCOUNTS, SESSIONS, Stage
from tests.support.pubsub_values import ACCESS_MODELS, AFFILIATIONS, PUBLISH_MODELS
from tests.support.steps import Step

sessions = st.sampled_from(SESSIONS)
people = st.one_of(st.just("subscriber"), sessions, sessions)
"""Anybody, and who is subscribed a little more often."""
rulers = st.one_of(*map(st.just, ("owner", "owner", "owner")), people)
"""Anybody, but mostly who has a say."""
writers = st.one_of(*map(st.just, ("owner", "publisher", "publish-only", "subscriber")), sessions)
ids = st.sampled_from(["1", "2", "3", ""])
own = st.sampled_from(["bare", "bare", "full"])
subscriptions = st.sampled_from(["0", "1", "2", "3", "nurse"])
some = st.sampled_from(["", "0", "1", "unheard-of"])


def doing(
    verb: str, *what: st.SearchStrategy[object], by: st.SearchStrategy[str] = people
) -> st.SearchStrategy[Step]:
    """Somebody does something."""
    return st.builds(Step, by, st.just(verb), *what)


changes = st.fixed_dictionaries(
    {},
    optional={
        "access_model": st.sampled_from(ACCESS_MODELS),
        "roster_groups_allowed": st.sampled_from([(), ("House",), ("Lovers", "Friends")]),
        "publish_model": st.sampled_from(PUBLISH_MODELS),
        "subscribe": st.booleans(),
        "persist_items": st.sampled_from([True, True, False]),
        "max_items": st.integers(1, 3),
        "publish_node_full": st.sampled_from(["retract-oldest", "discard-oldest", "reject"]),
        "deliver_notifications": st.sampled_from([True, True, False]),
        "deliver_payloads": st.booleans(),
        "notify_config": st.booleans(),
        "notify_delete": st.booleans(),
        "notify_retract": st.booleans(),
        "send_last_published_item": st.sampled_from(["never", "on_sub", "on_sub_and_presence"]),
        "itemreply": st.sampled_from(["none", "publisher"]),
    },
)

beginnings = st.one_of(
    changes.map(lambda change: Step("juliet/balcony", "create", **change)),
    st.just(Step("juliet/balcony", "create")),
)
coming = st.one_of(
    doing("subscribe", own, by=sessions),
    doing("subscribe", own, by=sessions),
    doing("subscribe", st.sampled_from(["romeo", "nurse/house"]), by=sessions),
)
going = st.one_of(
    doing("unsubscribe", own, some, by=people),
    doing("unsubscribe", subscriptions, some, by=people),
)
writing = st.one_of(
    doing("publish", ids, st.just(True), by=writers),
    doing("publish", ids, st.just(True), by=writers),
    doing("publish", st.sampled_from(["1", "", "none"]), st.booleans(), by=writers),
    doing("retract", ids.filter(bool), st.booleans(), by=writers),
    doing("retrieve", by=sessions),
)
ruling = st.one_of(
    doing("affiliate", st.sampled_from(ACCOUNTS), st.sampled_from(AFFILIATIONS), by=rulers),
    doing("affiliate", st.sampled_from(ACCOUNTS), st.sampled_from(AFFILIATIONS), by=rulers),
    doing("approve", subscriptions, st.booleans(), by=rulers),
    doing("resubscribe", subscriptions, st.sampled_from(["none", "subscribed", "pending"]), some),
    st.builds(lambda who, change: Step(who, "configure", **change), rulers, changes),
    doing("purge", by=rulers),
)
ends = st.one_of(doing("delete", by=rulers), doing("create", by=sessions))
steps = st.one_of(*[coming] * 3, going, *[writing] * 4, *[ruling] * 3, ends)
# Lists of lists are longer than lists, and shrink as well.
scenes = st.lists(st.lists(steps)).map(lambda found: [step for each in found for step in each])


class House:
    """A stage for each play; the same one as long as it is not worn."""

    LASTS = 50
    """Plays."""

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
@given(beginnings, scenes, st.booleans())
def test_everybody_may_and_is_told_what_he_should(
    beginning: Step, scenes: list[Step], again: bool
) -> None:
    there = HOUSE.begin()
    for step in (beginning, *scenes):
        there.play(step)
    if again:
        there.again()
    there.check()
