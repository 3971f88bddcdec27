"""A node is what XEP-0060 says, whatever six people do with it in whatever order.

A play that goes wrong is shown line by line, as short as Hypothesis can make it.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.pubsub_account import AccountStage
from tests.support.pubsub_play import ACCOUNTS, SESSIONS, Stage
from tests.support.pubsub_values import ACCESS_MODELS, AFFILIATIONS, PUBLISH_MODELS, SHOWS
from tests.support.steps import Step

sessions = st.sampled_from(SESSIONS)
people = st.sampled_from([*["subscriber"] * 4, *SESSIONS])
"""Anybody, and who is subscribed a little more often."""
rulers = st.sampled_from([*["owner"] * 9, *SESSIONS])
"""Anybody, but mostly who has a say."""
writers = st.sampled_from([*["owner", "publisher", "publish-only", "subscriber"] * 3, *SESSIONS])
subscribers = st.sampled_from([*["subscriber"] * 12, *SESSIONS])
ids = st.sampled_from(["1", "2", "3", ""])
own = st.sampled_from(["bare", "bare", "full"])
subscribed = st.sampled_from([*["subscribed"] * 9, "bare", "full", "nurse"])
"""The JID of a subscription of one's own, or another."""
subscriptions = st.sampled_from(["0", "1", "2", "3", "0", "1", "2", "3", "nurse"])
some = st.sampled_from([*["", "0", "1"] * 3, "unheard-of"])


def mixed(*some: tuple[int, st.SearchStrategy[Step]]) -> st.SearchStrategy[Step]:
    """One of some, each so often; `one_of` would take each of them for as often as the others."""
    return st.sampled_from([each for often, each in some for _ in range(often)]).flatmap(
        lambda found: found
    )


def doing(
    verb: str,
    *what: st.SearchStrategy[object],
    by: st.SearchStrategy[str] = people,
    how: st.SearchStrategy[dict[str, object]] | None = None,
) -> st.SearchStrategy[Step]:
    """Somebody does something."""
    if how is None:
        return st.builds(Step, by, st.just(verb), *what)
    return st.builds(lambda who, how, *what: Step(who, verb, *what, **how), by, how, *what)


groups = st.sampled_from([(), ("House",), ("Lovers", "House"), ("Lovers", "Friends")])
accounts = st.sampled_from([*["subscriber"] * 5, *ACCOUNTS])
options = st.fixed_dictionaries(
    {"deliver": st.sampled_from([True, True, True, False])},
    optional={
        "shows": st.sampled_from([SHOWS, ("online",), ("away", "dnd")]),
    },
)


changes = st.fixed_dictionaries(
    {},
    optional={
        "access_model": st.sampled_from(ACCESS_MODELS),
        "roster_groups_allowed": groups,
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
        "notify_sub": st.booleans(),
        "presence_based_delivery": st.booleans(),
        "tempsub": st.booleans(),
        "purge_offline": st.sampled_from([True, True, False]),
        "send_last_published_item": st.sampled_from(["never", "on_sub", "on_sub_and_presence"]),
        "itemreply": st.sampled_from(["none", "publisher", "owner"]),
    },
)

beginnings = mixed(
    (1, st.just(Step("juliet/balcony", "create"))),
    (1, doing("create", by=st.just("juliet/balcony"), how=changes)),
    (
        4,
        st.builds(
            lambda model, how: Step("juliet/balcony", "create", **{**how, "access_model": model}),
            st.sampled_from(ACCESS_MODELS),
            changes,
        ),
    ),
)
friends = st.sampled_from([*["romeo/street", "nurse/house"] * 3, *SESSIONS])
"""Anybody, but mostly those whom the owner of the beginning knows."""
coming = mixed(
    (3, doing("subscribe", own, by=friends)),
    (4, doing("subscribe", own, by=friends, how=options)),
    (2, doing("subscribe", subscribed, by=subscribers, how=options)),
    (1, doing("subscribe", st.sampled_from(["romeo", "nurse/house"]), by=sessions)),
)
going = mixed(
    (2, doing("unsubscribe", subscribed, some, by=subscribers)),
    (3, doing("options", subscribed, some, by=subscribers, how=options)),
)
writing = mixed(
    (6, doing("publish", ids, st.just(True), by=writers)),
    (1, doing("publish", st.sampled_from(["1", "", "none"]), st.booleans(), by=writers)),
    (2, doing("retract", st.sampled_from(["last", "1"]), st.booleans(), by=writers)),
    (1, doing("retrieve", by=sessions)),
)
states = st.sampled_from(["none", "subscribed", "pending"])
ruling = mixed(
    (3, doing("affiliate", accounts, st.sampled_from(AFFILIATIONS), by=rulers)),
    (2, doing("approve", subscriptions, st.booleans(), by=rulers)),
    (1, doing("resubscribe", subscriptions, states, some, by=rulers)),
    (3, doing("configure", by=rulers, how=changes)),
)
around = mixed(
    (4, doing("show", st.sampled_from([*SHOWS, *["unavailable"] * 3]), by=subscribers)),
    (1, doing("show", st.just("online"), by=sessions)),
    (4, doing("show", st.just("unavailable"), by=st.just("author"))),
    (2, doing("share", by=st.sampled_from(SESSIONS))),
    (1, doing("withhold", by=st.sampled_from(SESSIONS))),
    (1, doing("meet", accounts, by=rulers)),
    (2, doing("part", accounts, by=rulers)),
    (2, doing("group", accounts, groups, by=rulers)),
)
rare = mixed(
    (1, doing("purge", by=rulers)),
    (1, doing("delete", by=rulers)),
    (3, doing("create", by=st.sampled_from(["juliet/balcony", *SESSIONS]))),
    (1, st.just(Step("", "again"))),
)
steps = mixed((6, coming), (3, going), (7, writing), (6, ruling), (4, around), (1, rare))
# Lists of lists are longer than lists, and shrink as well.
scenes = st.lists(st.lists(steps, min_size=3), min_size=2).map(
    lambda found: [step for each in found for step in each]
)


class House:
    """A stage for each play; the same one as long as it is not worn."""

    LASTS = 50
    """Plays."""

    def __init__(self, stage: Callable[[Callable[[str], object]], Stage]) -> None:
        self._build = stage
        self._plays = 0

    def play(self, *steps: Step) -> None:
        """Have a play played from the beginning to the end."""
        if self._plays % self.LASTS == 0:
            self._stage = self._build(note)
        self._plays += 1
        try:
            self._stage.begin()
            for step in steps:
                self._stage.play(step)
            self._stage.check()
        except BaseException:
            self._plays = 0  # whatever is wrong, it is not the next play's
            raise


GLOBE, HOUSE = House(Stage), House(AccountStage)


@settings(max_examples=100)
@given(beginnings, scenes)
def test_everybody_may_and_is_told_what_he_should(beginning: Step, scenes: list[Step]) -> None:
    GLOBE.play(beginning, *scenes)


@settings(max_examples=50)
@given(beginnings, scenes)
def test_xep_0163_so_it_is_at_an_account(beginning: Step, scenes: list[Step]) -> None:
    HOUSE.play(beginning, *scenes)
